// H2, E2. Property: however often, and whenever, the reactor's role changes
// hands, no event and no timer is lost, and two threads never poll at once (the
// reactor checks that itself; ThreadSanitizer sees it as a race).
//
// Every thread takes the role over whenever it sees that it may. Meanwhile
// tasks exchange bytes over loopback, drop pending reads, and sleep. It ends
// when the role has changed often enough, and all tasks have come to their end.
//
// Planted faults (tests/faults.txt), each of which fails this test:
//   a take-over that does not compare the sequence; one of who is polling;
//   a holder that polls again without a look whether it still is the holder;
//   a take-over that acquires nothing (under ThreadSanitizer)

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/write_all.h"
#include "runtime/base/random.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/stress.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::Random;

constexpr uint64_t kTakeOvers = 200'000;  // in all, in every build
constexpr int kPairs = 8;

struct Shared {
  std::atomic<bool> over{false};  // relaxed: it carries no data
  std::atomic<uint64_t> exchanges{0};
  std::atomic<uint64_t> dropped_reads{0};

  bool is_over() const { return over.load(std::memory_order_relaxed); }
};

Task<> echo(io::TcpStream peer) {
  std::array<std::byte, 64> buffer;
  for (;;) {
    const absl::StatusOr<std::size_t> size = co_await peer.read(buffer);
    if (!size.ok() || *size == 0) co_return;
    const auto bytes = std::span(buffer).first(*size);
    if (!(co_await io::write_all(peer, bytes)).ok()) co_return;
  }
}

Task<> serve(io::TcpListener listener) {
  for (int i = 0; i < kPairs; ++i) {
    absl::StatusOr<io::Accepted> accepted = co_await listener.accept();
    EXPECT_TRUE(accepted.ok());
    if (!accepted.ok()) co_return;
    (void)accepted->stream.set_nodelay(true);
    spawn(echo(std::move(accepted->stream))).detach();
  }
}

// Sends `byte` and waits for it to come back, with reads that are dropped.
Task<bool> exchange(io::TcpStream& peer, std::byte byte, Random& random,
                    Shared& shared) {
  if (!(co_await io::write_all(peer, std::span(&byte, 1))).ok())
    co_return false;
  for (;;) {
    std::byte answer{};
    if (random.below(4) == 0) {
      auto read = co_await time::timeout(random.below(100) * 1us,
                                         peer.read(std::span(&answer, 1)));
      if (!read.ok()) {
        shared.dropped_reads.fetch_add(1, std::memory_order_relaxed);
        continue;
      }
      co_return *read == 1 && answer == byte;
    }
    const absl::StatusOr<std::size_t> read =
        co_await peer.read(std::span(&answer, 1));
    co_return read.ok() && *read == 1 && answer == byte;
  }
}

Task<> converse(uint16_t port, uint64_t seed, Shared& shared) {
  Random random(seed);
  auto peer =
      co_await io::TcpStream::connect(io::SocketAddr::loopback_v4(port));
  EXPECT_TRUE(peer.ok());
  if (!peer.ok()) co_return;
  (void)peer->set_nodelay(true);
  while (!shared.is_over()) {
    const auto byte = static_cast<std::byte>(random.below(256));
    const bool good = co_await exchange(*peer, byte, random, shared);
    EXPECT_TRUE(good);
    if (!good) co_return;
    shared.exchanges.fetch_add(1, std::memory_order_relaxed);
    if (random.below(16) == 0) co_await time::sleep(random.below(1000) * 1us);
  }
}

// Keeps the threads awake, so that they look at the role, and lets the next one
// run: on a busy machine they would take turns of milliseconds.
Task<> keep_awake(Shared& shared) {
  while (!shared.is_over()) {
    std::this_thread::yield();
    co_await yield_now();
  }
}

class RoleStress : public testing::RuntimeTest {
 protected:
  void run(std::size_t workers, uint64_t take_overs, std::size_t reactors = 1) {
    const uint64_t seed = testing::stress_seed();
    Runtime& runtime = start(Builder::multi_thread()
                                 .worker_threads(workers)
                                 .reactor_threads(reactors)
                                 .reactor_take_over_after(0ns));
    Shared shared;
    auto& handle = runtime.handle();
    std::vector<JoinHandle<void>> tasks;
    {
      auto inside = runtime.enter();
      auto listener = *io::TcpListener::bind(io::SocketAddr::loopback_v4(0));
      const uint16_t port = listener.local_addr().port();
      tasks.push_back(handle.spawn(serve(std::move(listener))));
      for (int i = 0; i < kPairs; ++i) {
        tasks.push_back(handle.spawn(converse(port, seed + i, shared)));
      }
      for (std::size_t i = 0; i < workers + reactors; ++i) {
        tasks.push_back(handle.spawn(keep_awake(shared)));
      }
    }
    const auto taken_over = [&] {
      return runtime.metrics().scheduler.take_overs;
    };
    while (taken_over() < take_overs && !HasFailure()) {
      const uint64_t before = taken_over();
      EXPECT_TRUE(testing::eventually([&] { return taken_over() > before; }));
    }
    shared.over.store(true, std::memory_order_relaxed);
    for (JoinHandle<void>& task : tasks) {
      runtime.block_on(std::move(task)).value();
    }
    std::cerr << taken_over() << " take-overs, " << shared.exchanges.load()
              << " exchanges, " << shared.dropped_reads.load()
              << " dropped reads\n";
    EXPECT_GT(shared.exchanges.load(), 0u);
    EXPECT_TRUE(testing::eventually(
        [&] { return runtime.metrics().scheduler.live_tasks == 0; }));
    stop(runtime);
  }
};

// Most of them where they are quickest.
TEST_F(RoleStress, TwoThreads) { run(1, kTakeOvers / 40); }
TEST_F(RoleStress, ThreeThreads) { run(2, kTakeOvers / 40 * 24); }
TEST_F(RoleStress, MoreThreadsThanCores) { run(7, kTakeOvers / 40 * 14); }
TEST_F(RoleStress, ThreeReactors) { run(2, kTakeOvers / 40, 3); }

}  // namespace
}  // namespace eddy
