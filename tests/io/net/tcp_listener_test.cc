#include "io/net/tcp_listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/sleep.h"
#include "tests/io/net/connected.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using testing::always;
using testing::Call;
using testing::FaultInjector;
using testing::first;
using testing::listen_on_loopback;
using testing::nth;
using testing::value_of;

class TcpListenerTest : public testing::FlavorTest {
 protected:
  // With a clock that moves on by itself when everybody waits.
  Runtime& paused_runtime() { return start(builder().start_paused()); }
};
EDDY_FOR_EACH_FLAVOR(TcpListenerTest);

TEST_P(TcpListenerTest, SaysWhereItListensAndWhoComes) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    EXPECT_NE(listener.local_addr().port(), 0);
    auto [accepted, stream] = co_await join(
        listener.accept(), TcpStream::connect(listener.local_addr()));
    Accepted connection = value_of(std::move(accepted));
    EXPECT_EQ(connection.peer, value_of(stream->local_addr()));
    EXPECT_EQ(connection.stream.peer_addr(), connection.peer);
    EXPECT_EQ(listener.metrics().accepted, 1u);
  });
}

TEST_P(TcpListenerTest, AcceptsWhatCameBeforeAndWhatComes) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    std::vector<TcpStream> streams;
    for (int i = 0; i < 20; ++i) {
      streams.push_back(
          value_of(co_await TcpStream::connect(listener.local_addr())));
    }
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(value_of(co_await listener.accept()).peer,
                value_of(streams[i].local_addr()));
    }
    auto [accepted, stream] = co_await join(
        listener.accept(), TcpStream::connect(listener.local_addr()));
    EXPECT_TRUE(accepted.ok());
  });
}

TEST_P(TcpListenerTest, ADroppedAcceptLosesNoConnection) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    for (int i = 0; i < 5; ++i) {
      auto first = co_await select_biased(listener.accept(), yield_now());
      EXPECT_EQ(first.index(), 1u);
    }
    TcpStream stream =
        value_of(co_await TcpStream::connect(listener.local_addr()));
    EXPECT_TRUE((co_await listener.accept()).ok());
  });
}

TEST_P(TcpListenerTest, APortInUseIsAnError) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    const absl::Status status =
        TcpListener::bind(listener.local_addr()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(std::string(status.message()),
              "bind " + listener.local_addr().to_string() +
                  ": Address already in use (EADDRINUSE)");
    co_return;
  });
}

TEST_P(TcpListenerTest, WhatIsNoAddressIsAnError) {
  runtime().block_on([]() -> Task<> {
    EXPECT_EQ(TcpListener::bind("localhost").status().code(),
              absl::StatusCode::kInvalidArgument);
    co_return;
  });
}

TEST_P(TcpListenerTest, TwoShareAPortIfBothSaySo) {
  runtime().block_on([]() -> Task<> {
    const ListenOptions options = {.reuse_port = true};
    TcpListener one = value_of(TcpListener::bind("127.0.0.1:0", options));
    TcpListener two = value_of(TcpListener::bind(one.local_addr(), options));
    TcpStream stream = value_of(co_await TcpStream::connect(one.local_addr()));
    EXPECT_TRUE((co_await select(one.accept(), two.accept())).index() < 2);
  });
}

TEST_P(TcpListenerTest, V6OnlyLeavesTheV4PortFree) {
  runtime().block_on([]() -> Task<> {
    absl::StatusOr<TcpListener> v6 =
        TcpListener::bind("[::]:0", {.v6_only = true});
    if (!v6.ok()) co_return;  // a machine without IPv6
    const uint16_t port = v6->local_addr().port();
    EXPECT_TRUE(TcpListener::bind(SocketAddr::any_v4(port)).ok());
  });
}

TEST_P(TcpListenerTest, AfterItsEndConnectionsAreRefused) {
  runtime().block_on([]() -> Task<> {
    std::optional<TcpListener> listener = listen_on_loopback();
    const SocketAddr addr = listener->local_addr();
    listener.reset();
    EXPECT_EQ(errno_of((co_await TcpStream::connect(addr)).status()),
              ECONNREFUSED);
  });
}

TEST_P(TcpListenerTest, BindingFailsWithAReasonAndLeavesNothing) {
  (void)runtime();
  for (Call call : {Call::kSocket, Call::kSetsockopt, Call::kBind,
                    Call::kListen, Call::kGetsockname, Call::kEpollCtl}) {
    const auto enter = runtime().enter();
    FaultInjector faults;
    faults.fail(call, nth(1), ENOMEM);
    EXPECT_EQ(errno_of(TcpListener::bind("127.0.0.1:0").status()), ENOMEM)
        << name_of(call);
  }
}

// A2: what is wrong with one connection is not wrong with the listener.
TEST_P(TcpListenerTest, LostConnectionsAreSkipped) {
  runtime().block_on([]() -> Task<> {
    for (int err : {ECONNABORTED, EPROTO, ENETDOWN, ENETUNREACH, EHOSTDOWN,
                    EHOSTUNREACH, ENONET, ENOPROTOOPT, ETIMEDOUT, EPERM}) {
      TcpListener listener = listen_on_loopback();
      TcpStream stream =
          value_of(co_await TcpStream::connect(listener.local_addr()));
      FaultInjector faults;
      faults.fail(Call::kAccept4, first(3), err);
      EXPECT_TRUE((co_await listener.accept()).ok());
      EXPECT_EQ(faults.calls(Call::kAccept4), 4u);
      EXPECT_EQ(listener.metrics().lost, 3u);
    }
  });
}

// A2, A4: a signal is no lost connection.
TEST_P(TcpListenerTest, AnInterruptedAcceptIsRepeated) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    TcpStream stream =
        value_of(co_await TcpStream::connect(listener.local_addr()));
    FaultInjector faults;
    faults.fail(Call::kAccept4, first(3), EINTR);
    EXPECT_TRUE((co_await listener.accept()).ok());
    EXPECT_EQ(listener.metrics().lost, 0u);
  });
}

// A2: however many there are, other tasks have their turns.
TEST_P(TcpListenerTest, AFloodOfLostConnectionsYields) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    TcpStream stream =
        value_of(co_await TcpStream::connect(listener.local_addr()));
    FaultInjector faults;
    faults.fail(Call::kAccept4, always(), ECONNABORTED);
    auto first = co_await select_biased(listener.accept(), time::sleep(1ms));
    EXPECT_EQ(first.index(), 1u);
    faults.clear(Call::kAccept4);
    EXPECT_TRUE((co_await listener.accept()).ok());
  });
}

TEST_P(TcpListenerTest, AFatalErrorIsAnswered) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    TcpStream stream =
        value_of(co_await TcpStream::connect(listener.local_addr()));
    FaultInjector faults;
    faults.fail(Call::kAccept4, nth(1), EINVAL);
    EXPECT_EQ(errno_of((co_await listener.accept()).status()), EINVAL);
  });
}

// A1: no spin, and it goes on when there are fds again.
TEST_P(TcpListenerTest, OutOfFdsItPausesAndRecovers) {
  paused_runtime().block_on([]() -> Task<> {
    for (int err : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
      TcpListener listener = listen_on_loopback();
      TcpStream stream =
          value_of(co_await TcpStream::connect(listener.local_addr()));
      FaultInjector faults;
      faults.fail(Call::kAccept4, first(20), err);
      const time::Instant start = time::now();
      EXPECT_TRUE((co_await listener.accept()).ok());
      const auto took = time::now() - start;
      EXPECT_EQ(faults.calls(Call::kAccept4), 21u);
      EXPECT_EQ(listener.metrics().accept_errors, 20u);
      // 10 + 20 + ... + 640 ms, and then a second each.
      EXPECT_GE(took, 14'270ms);
      EXPECT_LE(took, 15s);
    }
  });
}

// A1: a select() in a loop makes accept() anew each time; the pause is the
// listener's.
TEST_P(TcpListenerTest, ADroppedAcceptDoesNotCutThePauseShort) {
  paused_runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    TcpStream stream =
        value_of(co_await TcpStream::connect(listener.local_addr()));
    FaultInjector faults;
    faults.fail(Call::kAccept4, always(), EMFILE);
    for (int i = 0; i < 1000; ++i) {
      auto first = co_await select(listener.accept(), time::sleep(1ms));
      EXPECT_EQ(first.index(), 1u);
    }
    EXPECT_LT(faults.calls(Call::kAccept4), 10u);
    faults.clear(Call::kAccept4);
    EXPECT_TRUE((co_await listener.accept()).ok());
  });
}

// A1: the connection is there, but epoll has no room for it.
TEST_P(TcpListenerTest, AConnectionThatCannotBeRegisteredIsClosed) {
  paused_runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    TcpStream first_stream =
        value_of(co_await TcpStream::connect(listener.local_addr()));
    TcpStream second_stream =
        value_of(co_await TcpStream::connect(listener.local_addr()));
    FaultInjector faults;
    faults.fail(Call::kEpollCtl, nth(1), ENOSPC);
    EXPECT_EQ(value_of(co_await listener.accept()).peer,
              value_of(second_stream.local_addr()));
    EXPECT_EQ(listener.metrics().accept_errors, 1u);
    std::array<std::byte, 1> buffer;
    EXPECT_EQ(value_of(co_await first_stream.read(buffer)), 0u);
  });
}

// A1, with the process's real limit and 200 connections that are held.
TEST_P(TcpListenerTest, AtTheRealLimitItPausesAndRecovers) {
  static constexpr size_t kConnections = 200;
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  paused_runtime().block_on([&before]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    std::vector<TcpStream> clients;
    for (size_t i = 0; i < kConnections; ++i) {
      clients.push_back(
          value_of(co_await TcpStream::connect(listener.local_addr())));
    }
    rlimit low = before;
    const int next_fd = ::dup(0);
    ::close(next_fd);
    low.rlim_cur = next_fd + 50;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    FaultInjector counter;
    auto raise_limit = [](rlimit limit) -> Task<> {
      co_await time::sleep(10s);
      EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    };
    auto accept_all = [](TcpListener& from) -> Task<size_t> {
      std::vector<Accepted> held;
      while (held.size() < kConnections) {
        held.push_back(value_of(co_await from.accept()));
      }
      co_return held.size();
    };
    auto [accepted, nothing] =
        co_await join(accept_all(listener), raise_limit(before));
    EXPECT_EQ(accepted, kConnections);
    EXPECT_GT(listener.metrics().accept_errors, 0u);
    // Ten seconds at the limit: far fewer than 100 attempts a second.
    EXPECT_LT(counter.calls(Call::kAccept4) - kConnections, 50u);
  });
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

// F1
TEST_P(TcpListenerTest, TheEndOfTheRuntimeEndsAPendingAccept) {
  std::optional<TcpListener> listener =
      runtime().block_on([]() -> Task<std::optional<TcpListener>> {
        co_return listen_on_loopback();
      });
  runtime().shutdown_timeout(10s);
  Runtime& other = start(Builder::current_thread());
  other.block_on([&listener]() -> Task<> {
    EXPECT_EQ((co_await listener->accept()).status().code(),
              absl::StatusCode::kCancelled);
  });
}

}  // namespace
}  // namespace eddy::io
