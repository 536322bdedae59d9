// UDP over loopback, on every flavor.
#include "io/net/udp_socket.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
using testing::FaultInjector;
using testing::value_of;
using testing::WakeCounter;

class UdpSocketTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(UdpSocketTest);

using Buffer = std::array<std::byte, 100>;

UdpSocket bind_to_loopback() {
  return value_of(UdpSocket::bind("127.0.0.1:0"));
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(const Buffer& buffer, const Datagram& datagram) {
  return {reinterpret_cast<const char*>(buffer.data()), datagram.size};
}

TEST_P(UdpSocketTest, DatagramsGoThereAndBack) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    Buffer buffer;
    for (std::string_view text : {"question", "", "x"}) {
      EXPECT_TRUE(
          (co_await client.send_to(bytes_of(text), server.local_addr())).ok());
      const Datagram asked = value_of(co_await server.recv(buffer));
      EXPECT_EQ(text_of(buffer, asked), text);
      EXPECT_EQ(asked.peer, client.local_addr());
      EXPECT_FALSE(asked.truncated);
      EXPECT_TRUE(
          (co_await server.send_to(bytes_of("answer"), asked.peer)).ok());
      const Datagram answer = value_of(co_await client.recv(buffer));
      EXPECT_EQ(text_of(buffer, answer), "answer");
      EXPECT_EQ(answer.peer, server.local_addr());
    }
  });
}

TEST_P(UdpSocketTest, EachDatagramIsReadWhole) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    EXPECT_TRUE(client.connect(server.local_addr()).ok());
    for (std::string_view text : {"one", "two", "three"}) {
      EXPECT_TRUE((co_await client.send(bytes_of(text))).ok());
    }
    Buffer buffer;
    EXPECT_EQ(text_of(buffer, value_of(co_await server.peek(buffer))), "one");
    EXPECT_EQ(text_of(buffer, value_of(co_await server.recv(buffer))), "one");
    const Datagram cut =
        value_of(co_await server.recv(std::span(buffer).first(2)));
    EXPECT_EQ(text_of(buffer, cut), "tw");
    EXPECT_TRUE(cut.truncated);
    EXPECT_EQ(text_of(buffer, value_of(co_await server.recv(buffer))), "three");
  });
}

TEST_P(UdpSocketTest, AConnectedOneHearsItsPeerAlone) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    UdpSocket other = bind_to_loopback();
    EXPECT_TRUE(client.connect(server.local_addr()).ok());
    EXPECT_TRUE(
        (co_await other.send_to(bytes_of("no"), client.local_addr())).ok());
    EXPECT_TRUE(
        (co_await server.send_to(bytes_of("yes"), client.local_addr())).ok());
    Buffer buffer;
    EXPECT_EQ(text_of(buffer, value_of(co_await client.recv(buffer))), "yes");
  });
}

TEST_P(UdpSocketTest, ATaskReceivesWhileAnotherSends) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    auto echo = spawn([&server]() -> Task<> {
      Buffer buffer;
      for (int i = 0; i < 200; ++i) {
        const Datagram got = value_of(co_await server.recv(buffer));
        const auto bytes = std::span(buffer).first(got.size);
        EXPECT_TRUE((co_await server.send_to(bytes, got.peer)).ok());
      }
    });
    Buffer buffer;
    for (int i = 0; i < 200; ++i) {
      const std::string text = std::to_string(i);
      EXPECT_TRUE(
          (co_await client.send_to(bytes_of(text), server.local_addr())).ok());
      EXPECT_EQ(text_of(buffer, value_of(co_await client.recv(buffer))), text);
    }
    (co_await echo).value();
  });
}

// A3: told once, on whatever comes next, and no wake is lost.
TEST_P(UdpSocketTest, NobodyListensIsToldOnce) {
  runtime().block_on([]() -> Task<> {
    UdpSocket client = bind_to_loopback();
    std::optional<UdpSocket> gone = bind_to_loopback();
    const SocketAddr nobody = gone->local_addr();
    gone.reset();
    EXPECT_TRUE(client.connect(nobody).ok());
    EXPECT_TRUE((co_await client.send(bytes_of("hello"))).ok());
    Buffer buffer;
    const absl::Status status = (co_await client.recv(buffer)).status();
    EXPECT_EQ(errno_of(status), ECONNREFUSED);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    // It waits now, and is woken by what comes.
    UdpSocket server = value_of(UdpSocket::bind(nobody));
    auto answer = spawn([&server, to = client.local_addr()]() -> Task<> {
      co_await yield_now();
      EXPECT_TRUE((co_await server.send_to(bytes_of("here"), to)).ok());
    });
    EXPECT_EQ(text_of(buffer, value_of(co_await client.recv(buffer))), "here");
    (co_await answer).value();
  });
}

// A3
TEST_P(UdpSocketTest, TooLongADatagramIsAnError) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    const std::vector<std::byte> huge(70'000);
    EXPECT_EQ(errno_of(co_await client.send_to(huge, server.local_addr())),
              EMSGSIZE);
    const auto most = std::span(huge).first(65'507);
    EXPECT_TRUE((co_await client.send_to(most, server.local_addr())).ok());
    std::vector<std::byte> buffer(70'000);
    EXPECT_EQ(value_of(co_await server.recv(buffer)).size, most.size());
  });
}

// A3: it may work the next time, so nothing is remembered.
TEST_P(UdpSocketTest, ALackOfBuffersIsToldOnce) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    FaultInjector faults;
    faults.fail(Call::kSendto, testing::nth(1), ENOBUFS);
    faults.fail(Call::kSendto, testing::nth(2), EAGAIN);
    EXPECT_EQ(
        errno_of(co_await client.send_to(bytes_of("x"), server.local_addr())),
        ENOBUFS);
    faults.clear(Call::kSendto);
    EXPECT_TRUE(
        (co_await client.send_to(bytes_of("y"), server.local_addr())).ok());
    Buffer buffer;
    EXPECT_EQ(text_of(buffer, value_of(co_await server.recv(buffer))), "y");
  });
}

// A4
TEST_P(UdpSocketTest, InterruptedCallsAreRepeated) {
  runtime().block_on([]() -> Task<> {
    FaultInjector faults;
    for (Call call : {Call::kSocket, Call::kBind, Call::kGetsockname,
                      Call::kConnect, Call::kSendto, Call::kRecvfrom}) {
      faults.fail(call, testing::nth(1), EINTR);
    }
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    EXPECT_TRUE(client.connect(server.local_addr()).ok());
    EXPECT_TRUE((co_await client.send(bytes_of("x"))).ok());
    Buffer buffer;
    EXPECT_EQ(text_of(buffer, value_of(co_await server.recv(buffer))), "x");
  });
}

// C1
TEST_P(UdpSocketTest, EveryFailureHasAnAnswer) {
  (void)runtime();
  for (Call call : {Call::kSocket, Call::kBind, Call::kGetsockname,
                    Call::kSetsockopt, Call::kEpollCtl}) {
    const uint64_t met = testing::fail_each(call, EBADF, [&] {
      const absl::Status status = runtime().block_on([]()
                                                         -> Task<absl::Status> {
        co_return UdpSocket::bind("127.0.0.1:0", {.reuse_port = true}).status();
      });
      EXPECT_TRUE(status.ok() || errno_of(status) == EBADF) << status;
    });
    EXPECT_GE(met, 1u) << testing::name_of(call);
  }
}

TEST_P(UdpSocketTest, ADroppedReceiveHasTakenNothing) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    Buffer buffer;
    WakeCounter dropped, early, late;
    {
      UdpRecv receive = server.recv(buffer);
      EXPECT_TRUE(receive.poll(dropped.context()).is_pending());
    }
    UdpRecv receive = server.recv(buffer);
    EXPECT_TRUE(receive.poll(early.context()).is_pending());
    EXPECT_TRUE(receive.poll(late.context()).is_pending());
    EXPECT_TRUE(
        (co_await client.send_to(bytes_of("x"), server.local_addr())).ok());
    while (late.wakes() == 0) co_await yield_now();
    EXPECT_EQ(dropped.wakes(), 0);
    EXPECT_EQ(early.wakes(), 0);
    Poll<absl::StatusOr<Datagram>> poll = receive.poll(late.context());
    EXPECT_TRUE(poll.is_ready());
    EXPECT_EQ(text_of(buffer, value_of(*std::move(poll))), "x");
  });
}

TEST_P(UdpSocketTest, AReadinessWaitIsForTheNextDatagram) {
  runtime().block_on([]() -> Task<> {
    UdpSocket server = bind_to_loopback();
    UdpSocket client = bind_to_loopback();
    EXPECT_TRUE((co_await client.writable()).ok());
    EXPECT_TRUE(
        (co_await client.send_to(bytes_of("x"), server.local_addr())).ok());
    EXPECT_TRUE((co_await server.readable()).ok());
    Buffer buffer;
    EXPECT_EQ(text_of(buffer, value_of(co_await server.recv(buffer))), "x");
  });
}

// F1
TEST_P(UdpSocketTest, TheEndOfARuntimeEndsPendingReceives) {
  std::optional<UdpSocket> kept;
  runtime().block_on([&]() -> Task<> {
    kept.emplace(bind_to_loopback());
    spawn([socket = bind_to_loopback()]() mutable -> Task<> {
      Buffer buffer;
      (void)co_await socket.recv(buffer);
    }).detach();
    co_await yield_now();
  });
  EXPECT_TRUE(runtime().shutdown_timeout(10s).empty());
  Buffer buffer;
  WakeCounter waker;
  UdpRecv receive = kept->recv(buffer);
  Poll<absl::StatusOr<Datagram>> poll = receive.poll(waker.context());
  EXPECT_TRUE(poll.is_ready());
  EXPECT_EQ(poll->status().code(), absl::StatusCode::kCancelled);
  forget(runtime());
}

TEST(UdpSocketDeathTest, TwoReceiversAreMisuse) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        auto runtime = *Builder::current_thread().build();
        runtime.block_on([]() -> Task<> {
          UdpSocket socket = bind_to_loopback();
          Buffer buffer;
          auto one = socket.recv(buffer);
          auto two = socket.recv(buffer);
          (void)co_await select(std::move(one), std::move(two));
        });
      },
      "let one task read");
}

}  // namespace
}  // namespace eddy::io
