// What streams and connecting do about system calls that fail.
#include <gtest/gtest.h>
#include <netdb.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "io/net/sockaddr.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/combinators/join.h"
#include "tests/io/net/connected.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::connected;
using testing::every;
using testing::fail_each;
using testing::FaultInjector;
using testing::first;
using testing::listen_on_loopback;
using testing::nth;
using testing::value_of;

class TcpFaults : public testing::FlavorTest {
 protected:
  // One round trip. The first thing that fails is the answer.
  static Task<absl::Status> echo_once() {
    EDDY_CO_ASSIGN_OR_RETURN(TcpListener listener,
                             TcpListener::bind("127.0.0.1:0"));
    // No join(): where connect() fails, nobody would be there to accept.
    EDDY_CO_ASSIGN_OR_RETURN(
        TcpStream here, co_await TcpStream::connect(listener.local_addr()));
    EDDY_CO_ASSIGN_OR_RETURN(Accepted accepted, co_await listener.accept());
    EDDY_CO_RETURN_IF_ERROR(here.set_nodelay(true));
    EDDY_CO_RETURN_IF_ERROR(co_await write_all(here, "ping"));
    std::array<std::byte, 4> buffer;
    EDDY_CO_RETURN_IF_ERROR(co_await read_exact(accepted.stream, buffer));
    EDDY_CO_RETURN_IF_ERROR(co_await here.shutdown());
    EDDY_CO_ASSIGN_OR_RETURN(size_t end, co_await accepted.stream.read(buffer));
    co_return end == 0 ? absl::OkStatus() : absl::InternalError("no end");
  }
};
EDDY_FOR_EACH_FLAVOR(TcpFaults);

// A4: signals are invisible, wherever they come.
TEST_P(TcpFaults, InterruptedCallsAreRepeated) {
  (void)runtime();
  FaultInjector faults;
  for (Call call :
       {Call::kSocket, Call::kBind, Call::kListen, Call::kAccept4,
        Call::kConnect, Call::kGetsockopt, Call::kSetsockopt,
        Call::kGetsockname, Call::kShutdown, Call::kRecv, Call::kSend,
        Call::kEpollCtl, Call::kEpollWait, Call::kEpollPwait2, Call::kWrite}) {
    faults.fail(call, every(2), EINTR);
    faults.fail(call, nth(1), EINTR);
  }
  for (int i = 0; i < 10; ++i) {
    const absl::Status status = runtime().block_on(echo_once());
    EXPECT_TRUE(status.ok()) << status;
  }
}

// Each call in turn fails once: an error comes out, or the fault was dealt
// with, and no fd is left (the fixture looks).
TEST_P(TcpFaults, EveryFailureHasAnAnswer) {
  (void)runtime();
  for (Call call : {Call::kSocket, Call::kBind, Call::kListen, Call::kConnect,
                    Call::kGetsockopt, Call::kSetsockopt, Call::kGetsockname,
                    Call::kShutdown, Call::kRecv, Call::kSend}) {
    const uint64_t met = fail_each(call, EBADF, [&] {
      const absl::Status status = runtime().block_on(echo_once());
      EXPECT_TRUE(status.ok() || errno_of(status) == EBADF)
          << name_of(call) << ": " << status;
    });
    EXPECT_GE(met, call == Call::kGetsockopt ? 0u : 1u) << name_of(call);
  }
}

// Registering fails: the connection's error, or for accept() a pause.
TEST_P(TcpFaults, AFailedRegistrationHasAnAnswer) {
  (void)runtime();
  fail_each(Call::kEpollCtl, EBADF, [&] {
    const absl::Status status = runtime().block_on(echo_once());
    EXPECT_TRUE(status.ok() || errno_of(status) == EBADF) << status;
  });
}

// A3: it may work the next time, so nothing is remembered.
TEST_P(TcpFaults, ALackOfBuffersIsToldOnce) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    for (int err : {ENOBUFS, ENOMEM}) {
      FaultInjector faults;
      faults.fail(Call::kSend, nth(1), err);
      const absl::Status status = co_await write_all(here, "x");
      EXPECT_EQ(errno_of(status), err);
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_TRUE((co_await write_all(here, "y")).ok());
    }
    std::array<std::byte, 2> buffer;
    EXPECT_TRUE((co_await read_exact(there, buffer)).ok());
  });
}

// A host with two addresses, and nobody at the first.
TEST_P(TcpFaults, ConnectTriesEachAddress) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    const uint16_t port = listener.local_addr().port();
    Sockaddr raw[] = {to_sockaddr(SocketAddr(SocketAddr::V4{127, 0, 0, 2}, 0)),
                      to_sockaddr(SocketAddr::loopback_v4(0))};
    addrinfo list[2] = {};
    for (int i = 0; i < 2; ++i) {
      list[i].ai_addr = raw[i].get();
      list[i].ai_addrlen = raw[i].length;
    }
    list[0].ai_next = &list[1];
    FaultInjector faults;
    faults.hook<Call::kGetaddrinfo>(
        [&](const char*, const char*, const addrinfo*, addrinfo** result) {
          *result = list;
          return 0;
        });
    faults.hook<Call::kFreeaddrinfo>([](addrinfo*) {});
    TcpStream stream =
        value_of(co_await TcpStream::connect("two.example", port));
    EXPECT_EQ(stream.peer_addr(), listener.local_addr());
    EXPECT_EQ(faults.calls(Call::kConnect), 2u);
    // Nobody at either: the last failure is the answer.
    { TcpListener gone = std::move(listener); }
    const auto refused = co_await TcpStream::connect("two.example", port);
    EXPECT_EQ(errno_of(refused.status()), ECONNREFUSED);
    EXPECT_NE(std::string(refused.status().message()).find("127.0.0.1"),
              std::string::npos);
  });
}

}  // namespace
}  // namespace eddy::io
