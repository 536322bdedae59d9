// D4: a task with sockets and a permit, aborted after its k-th poll for every
// k: the sockets are closed (the fixture counts fds), and the permit is back.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "sync/notify.h"
#include "tests/io/net/connected.h"
#include "tests/support/abort_after.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using testing::connected;
using testing::value_of;

// A lock of one permit; the guard gives it back.
class Guard {
 public:
  explicit Guard(sync::Notify& permit) : permit_(&permit) {}
  Guard(Guard&& other) noexcept
      : permit_(std::exchange(other.permit_, nullptr)) {}
  Guard& operator=(Guard&&) = delete;
  ~Guard() {
    if (permit_ != nullptr) permit_->notify_one();
  }

 private:
  sync::Notify* permit_;
};

Task<Guard> lock(sync::Notify& permit) {
  co_await permit.notified();
  co_return Guard(permit);
}

Task<> contend(sync::Notify& permit) {
  Guard guard = co_await lock(permit);
  for (int i = 0; i < 3; ++i) co_await yield_now();
}

Task<> echo(TcpStream peer) {
  std::array<std::byte, 64> bytes;
  for (;;) {
    const std::size_t size = (co_await peer.read(bytes)).value_or(0);
    if (size == 0) co_return;
    co_await yield_now();
    if (!(co_await write_all(peer, std::span(bytes).first(size))).ok()) {
      co_return;
    }
  }
}

Task<> story(sync::Notify& permit, std::atomic<int>& steps) {
  const auto step = [&steps] { steps.fetch_add(1); };
  auto [here, there] = co_await connected();
  step();
  co_await join(contend(permit), contend(permit));
  step();
  {
    Guard guard = co_await lock(permit);
    spawn(echo(std::move(there))).detach();
    std::array<std::byte, 5> answer;
    for (int i = 0; i < 3; ++i) {
      (void)co_await write_all(here, std::string_view("hello"));
      (void)co_await read_exact(here, answer);
    }
  }
  step();
  std::array<std::byte, 5> nothing;
  (void)co_await select(here.read(nothing), time::sleep(1ms));
  step();
}

class TcpAbort : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(TcpAbort);

TEST_P(TcpAbort, AfterEachPollEverythingIsGivenBack) {
  sync::Notify permit;
  permit.notify_one();
  int polls = 1;
  for (std::atomic<int> steps{0}; steps.load() < 4 && polls < 500; ++polls) {
    steps.store(0);
    (void)runtime().block_on(
        runtime().spawn(testing::AbortAfter(story(permit, steps), polls)));
    // Hangs if the permit is lost.
    runtime().block_on(contend(permit));
    // The echo task sees the end of its stream.
    while (runtime().metrics().scheduler.live_tasks > 0) {
      runtime().block_on([]() -> Task<> { co_await yield_now(); });
    }
  }
  EXPECT_GT(polls, 10);
  EXPECT_LT(polls, 500);
}

}  // namespace
}  // namespace eddy::io
