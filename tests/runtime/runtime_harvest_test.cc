// The holder of a reactor's role fetches no more events than its queue has room
// for: who is ready and was not fetched waits in the kernel, in its turn. In the
// injection queue he would wait for the other workers, however often the holder
// serves the rest.
//
// Planted faults (tests/faults.txt): a holder that fetches whatever there is.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <semaphore>
#include <utility>

#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/owned_fd.h"
#include "runtime/base/check.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "tests/support/eventually.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using io::OwnedFd;

constexpr uint32_t kConnections = 350;  // the queue has room for 256
constexpr uint32_t kRounds = 100;

OwnedFd connect_to(uint16_t port) {
  OwnedFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = {.sin_family = AF_INET,
                               .sin_port = htons(port),
                               .sin_addr = {htonl(INADDR_LOOPBACK)},
                               .sin_zero = {}};
  EDDY_CHECK(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                       sizeof(address)) == 0);
  return fd;
}

void send_byte(const OwnedFd& fd) {
  EDDY_CHECK(::send(fd.get(), "x", 1, MSG_NOSIGNAL) == 1);
}

// How often each connection had its turn since all of them were ready.
class Rounds {
 public:
  void begin() { ++begun_; }
  // False: one of them had its last.
  bool count(uint32_t connection) {
    if (counts_ && ++rounds_[connection] == kRounds) over_ = true;
    return !over_;
  }
  void end() { ++ended_; }
  void all_are_ready() { counts_ = true; }

  bool have_all_begun() const { return begun_ == kConnections; }
  bool have_all_ended() const { return ended_ == kConnections; }
  // Connections that had less than half of their turns.
  auto starved() const {
    return std::count_if(rounds_.begin(), rounds_.end(),
                         [](uint32_t rounds) { return rounds < kRounds / 2; });
  }

 private:
  std::array<std::atomic<uint32_t>, kConnections> rounds_ = {};
  std::atomic<bool> counts_{false}, over_{false};
  std::atomic<uint32_t> begun_{0};
  std::atomic<uint32_t> ended_{0};
};

// With each byte that it reads it sends the next one to itself: it is ready
// again at once, though it has to wait for the event: a read that is short says
// that there is no more.
Task<> take_turns(io::TcpStream near, const OwnedFd& far, uint32_t number,
                  Rounds& rounds) {
  rounds.begin();
  for (;;) {
    std::array<std::byte, 2> buffer;
    const absl::StatusOr<std::size_t> size = co_await near.read(buffer);
    EXPECT_TRUE(size.ok() && *size == 1);
    if (!rounds.count(number)) break;
    send_byte(far);
  }
  rounds.end();
}

using Ends = std::array<OwnedFd, kConnections>;

Task<> serve(io::TcpListener listener, const Ends& ends, Rounds& rounds) {
  for (uint32_t i = 0; i < kConnections; ++i) {
    absl::StatusOr<io::Accepted> accepted = co_await listener.accept();
    EXPECT_TRUE(accepted.ok());
    if (!accepted.ok()) co_return;
    spawn(take_turns(std::move(accepted->stream), ends[i], i, rounds)).detach();
  }
}

class Harvest : public testing::RuntimeTest {};

TEST_F(Harvest, MoreReadyConnectionsThanTheQueueHoldsTakeTurns) {
  Runtime& runtime = start(Builder::multi_thread().worker_threads(1));
  Ends ends;
  Rounds rounds;
  {
    auto inside = runtime.enter();
    auto listener = *io::TcpListener::bind(io::SocketAddr::loopback_v4(0));
    const uint16_t port = listener.local_addr().port();
    auto served = runtime.spawn(serve(std::move(listener), ends, rounds));
    for (OwnedFd& end : ends) end = connect_to(port);
    runtime.block_on(std::move(served)).value();
  }
  EXPECT_TRUE(testing::eventually([&] { return rounds.have_all_begun(); }));
  // From now on there is but one thread, which has the role.
  std::binary_semaphore is_blocked(0), go_on(0);
  auto blocker = runtime.spawn([&]() -> Task<> {
    is_blocked.release();
    go_on.acquire();
    co_return;
  });
  is_blocked.acquire();
  for (const OwnedFd& end : ends) send_byte(end);
  rounds.all_are_ready();
  EXPECT_TRUE(testing::eventually([&] { return rounds.have_all_ended(); }));
  // The system may have stopped the holder for a while, at one of the tasks:
  // then that one is left to the worker.
  EXPECT_LT(rounds.starved(), 10);
  go_on.release();
  runtime.block_on(std::move(blocker)).value();
}

}  // namespace
}  // namespace eddy
