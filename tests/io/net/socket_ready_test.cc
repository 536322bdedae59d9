// readable(), writable(), try_read() and try_write() of a TcpStream and of its
// halves, on every flavor.
#include "io/net/socket_ready.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "io/net/tcp_split.h"
#include "io/net/tcp_stream.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "tests/io/net/connected.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::connected;
using testing::FaultInjector;
using testing::value_of;
using testing::WakeCounter;

class SocketReadyTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(SocketReadyTest);

using Buffer = std::array<std::byte, 100>;

// As one does who has no buffer while he waits; 0 at the end of the stream.
template <class Stream>
Task<size_t> read_when_there_is_some(Stream& stream) {
  for (;;) {
    const absl::Status ready = co_await stream.readable();
    EXPECT_TRUE(ready.ok()) << ready;
    Buffer buffer;
    if (auto size = value_of(stream.try_read(buffer))) co_return *size;
  }
}

template <class Stream>
Task<> write_and_wait(Stream& stream, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const absl::Status ready = co_await stream.writable();
    EXPECT_TRUE(ready.ok()) << ready;
    const auto size = value_of(stream.try_write(bytes));
    bytes = bytes.subspan(size.value_or(0));
  }
}

TEST_P(SocketReadyTest, ReadsWhatIsThereAndTheEnd) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    Buffer buffer;
    EXPECT_EQ(value_of(there.try_read(buffer)), std::nullopt);
    EXPECT_TRUE((co_await write_all(here, "hello")).ok());
    EXPECT_EQ(co_await read_when_there_is_some(there), 5u);
    EXPECT_EQ(value_of(there.try_read(buffer)), std::nullopt);
    EXPECT_TRUE((co_await here.shutdown()).ok());
    EXPECT_EQ(co_await read_when_there_is_some(there), 0u);
    EXPECT_EQ(co_await read_when_there_is_some(there), 0u);  // and stays so
    EXPECT_EQ(value_of(there.try_read({})), 0u);
  });
}

TEST_P(SocketReadyTest, WhatIsKnownToBeInVainIsNotTried) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    Buffer buffer;
    FaultInjector calls;
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(value_of(there.try_read(buffer)), std::nullopt);
    }
    EXPECT_EQ(calls.calls(Call::kRecv), 1u);
  });
}

TEST_P(SocketReadyTest, WritesUntilThereIsNoRoomAndAgainWhenThereIs) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    const std::vector<std::byte> block(1 << 16);
    size_t sent = 0;
    for (;;) {
      const auto size = value_of(here.try_write(block));
      if (!size) break;
      sent += *size;
    }
    std::vector<std::byte> received(sent);
    auto reads = spawn([&there = there, &received]() -> Task<> {
      EXPECT_TRUE((co_await read_exact(there, received)).ok());
      Buffer buffer;
      EXPECT_EQ(value_of(co_await there.read(buffer)), 1u);
    });
    EXPECT_EQ(value_of(here.try_write({})), 0u);
    co_await write_and_wait(here, std::span(block).first(1));
    (co_await reads).value();
  });
}

TEST_P(SocketReadyTest, HalvesWaitEachForItsDirection) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    auto [in, out] = std::move(there).into_split();
    auto echo = spawn(
        [in = std::move(in), out = std::move(out)]() mutable -> Task<size_t> {
          size_t echoed = 0;
          while (size_t size = co_await read_when_there_is_some(in)) {
            co_await write_and_wait(out, std::vector<std::byte>(size));
            echoed += size;
          }
          co_return echoed;
        });
    Buffer buffer;
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE((co_await write_all(here, "0123456789")).ok());
      EXPECT_TRUE(
          (co_await read_exact(here, std::span(buffer).first(10))).ok());
    }
    EXPECT_TRUE((co_await here.shutdown()).ok());
    EXPECT_EQ((co_await echo).value(), 1000u);
  });
}

TEST_P(SocketReadyTest, ALostPeerIsAnErrorOfTheTry) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE(here.set_linger(0s).ok());  // a reset
    {
      TcpStream gone = std::move(here);
    }
    Buffer buffer;
    EXPECT_TRUE((co_await there.readable()).ok());
    const absl::Status status = there.try_read(buffer).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(errno_of(status), ECONNRESET);
    const absl::Status late =
        there.try_write(std::as_bytes(std::span("x"))).status();
    EXPECT_EQ(errno_of(late), EPIPE);  // and no SIGPIPE
  });
}

// A4
TEST_P(SocketReadyTest, InterruptedTriesAreRepeated) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    FaultInjector faults;
    faults.fail(Call::kRecv, testing::nth(1), EINTR);
    faults.fail(Call::kSend, testing::nth(1), EINTR);
    EXPECT_EQ(value_of(here.try_write(std::as_bytes(std::span("x", 1)))), 1u);
    EXPECT_EQ(co_await read_when_there_is_some(there), 1u);
    EXPECT_EQ(faults.failures(Call::kRecv), 1u);
  });
}

// A drop has taken nothing; a poll too many keeps the latest waker.
TEST_P(SocketReadyTest, ADroppedWaitIsNotWoken) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    Buffer buffer;
    EXPECT_EQ(value_of(there.try_read(buffer)), std::nullopt);
    WakeCounter dropped, early, late;
    {
      SocketReady wait = there.readable();
      EXPECT_TRUE(wait.poll(dropped.context()).is_pending());
    }
    SocketReady wait = there.readable();
    EXPECT_TRUE(wait.poll(early.context()).is_pending());
    EXPECT_TRUE(wait.poll(late.context()).is_pending());
    EXPECT_TRUE((co_await write_all(here, "x")).ok());
    while (late.wakes() == 0) co_await yield_now();
    EXPECT_EQ(dropped.wakes(), 0);
    EXPECT_EQ(early.wakes(), 0);
    EXPECT_TRUE(wait.poll(late.context()).is_ready());
    EXPECT_EQ(co_await read_when_there_is_some(there), 1u);
  });
}

TEST_P(SocketReadyTest, ALoserOfASelectHasTakenNothing) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    for (int i = 0; i < 50; ++i) {
      auto first = co_await select(yield_now(), there.readable());
      (void)first;
    }
    EXPECT_TRUE((co_await write_all(here, "abc")).ok());
    EXPECT_EQ(co_await read_when_there_is_some(there), 3u);
  });
}

// H1: what is always ready lets the others run.
TEST_P(SocketReadyTest, ItIsPartOfTheBudget) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    WakeCounter waker;
    Context& cx = waker.context();
    EXPECT_TRUE((co_await write_all(here, "x")).ok());
    int ready = 0;
    for (; ready < 100'000; ++ready) {
      SocketReady wait = there.readable();
      if (wait.poll(cx).is_pending()) break;
    }
    EXPECT_GT(ready, 0);
    EXPECT_LT(ready, 1000);
    EXPECT_TRUE(cx.wake_requested());
  });
}

// F1
TEST_P(SocketReadyTest, AfterTheEndOfItsRuntimeItIsCancelled) {
  std::optional<TcpStream> kept;
  runtime().block_on([&]() -> Task<> {
    auto [here, there] = co_await connected();
    kept.emplace(std::move(there));
    spawn([here = std::move(here)]() mutable -> Task<> {
      (void)co_await here.readable();
    }).detach();
    co_await yield_now();
  });
  EXPECT_TRUE(runtime().shutdown_timeout(10s).empty());
  forget(runtime());
  Buffer buffer;
  EXPECT_EQ(kept->try_read(buffer).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(kept->try_write(buffer).status().code(),
            absl::StatusCode::kCancelled);
  WakeCounter waker;
  SocketReady wait = kept->readable();
  Poll<absl::Status> poll = wait.poll(waker.context());
  EXPECT_TRUE(poll.is_ready());
  EXPECT_EQ(poll->code(), absl::StatusCode::kCancelled);
}

TEST(SocketReadyDeathTest, TwoThatWaitToReadAreMisuse) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        auto runtime = *Builder::current_thread().build();
        runtime.block_on([]() -> Task<> {
          auto [here, there] = co_await connected();
          Buffer buffer;
          EXPECT_EQ(value_of(there.try_read(buffer)), std::nullopt);
          auto one = there.readable();
          auto two = there.read(buffer);
          (void)co_await select(std::move(one), std::move(two));
        });
      },
      "let one task read");
}

}  // namespace
}  // namespace eddy::io
