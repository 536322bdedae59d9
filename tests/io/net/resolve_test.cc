#include "io/net/resolve.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "io/net/sockaddr.h"
#include "runtime/base/status.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::io {
namespace {

using testing::always;
using testing::Call;
using testing::FaultInjector;
using testing::first;
using testing::real_sys;

class Resolve : public testing::FlavorTest {
 protected:
  absl::StatusOr<std::vector<SocketAddr>> lookup(std::string_view host) {
    return runtime().block_on(lookup_host(host, 80));
  }
};
EDDY_FOR_EACH_FLAVOR(Resolve);

TEST_P(Resolve, ANumberIsAnsweredWithoutTheResolver) {
  FaultInjector faults;
  EXPECT_EQ(lookup("10.1.2.3")->at(0).to_string(), "10.1.2.3:80");
  EXPECT_EQ(lookup("fe80::1%3")->at(0).to_string(), "[fe80::1%3]:80");
  EXPECT_EQ(faults.calls(Call::kGetaddrinfo), 0u);
}

TEST_P(Resolve, LocalhostIsLoopback) {
  absl::StatusOr<std::vector<SocketAddr>> found = lookup("localhost");
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_FALSE(found->empty());
  for (const SocketAddr& addr : *found) {
    EXPECT_TRUE(addr.is_loopback()) << addr.to_string();
    EXPECT_EQ(addr.port(), 80);
  }
}

// I1: the resolver's errors, and what they mean to a caller.
TEST_P(Resolve, FailuresSayWhat) {
  struct Case {
    int error;
    absl::StatusCode code;
  };
  for (const Case& c : {Case{EAI_NONAME, absl::StatusCode::kNotFound},
                        Case{EAI_NODATA, absl::StatusCode::kNotFound},
                        Case{EAI_AGAIN, absl::StatusCode::kUnavailable},
                        Case{EAI_FAIL, absl::StatusCode::kUnavailable},
                        Case{EAI_MEMORY, absl::StatusCode::kResourceExhausted},
                        Case{EAI_FAMILY, absl::StatusCode::kInternal}}) {
    FaultInjector faults;
    faults.fail(Call::kGetaddrinfo, always(), c.error);
    const absl::Status status = lookup("host.invalid").status();
    EXPECT_EQ(status.code(), c.code) << ::gai_strerror(c.error);
    EXPECT_NE(std::string(status.message()).find("look up host.invalid"),
              std::string::npos);
  }
}

TEST_P(Resolve, ASystemErrorKeepsItsErrno) {
  FaultInjector faults;
  faults.hook<Call::kGetaddrinfo>(
      [](const char*, const char*, const addrinfo*, addrinfo**) {
        errno = EMFILE;
        return EAI_SYSTEM;
      });
  EXPECT_EQ(errno_of(lookup("host.invalid").status()), EMFILE);
}

// A4
TEST_P(Resolve, AnInterruptedLookupIsRepeated) {
  FaultInjector faults;
  int calls = 0;
  faults.hook<Call::kGetaddrinfo>([&](const char* host, const char* service,
                                      const addrinfo* hints, addrinfo** list) {
    if (++calls <= 2) {
      errno = EINTR;
      return EAI_SYSTEM;
    }
    return real_sys().getaddrinfo(host, service, hints, list);
  });
  EXPECT_TRUE(lookup("localhost").ok());
  EXPECT_EQ(calls, 3);
}

TEST_P(Resolve, WhatIsNoNameIsRefused) {
  using std::string_literals::operator""s;
  for (const std::string& host : {""s, "local\0host"s}) {
    EXPECT_EQ(lookup(host).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(Resolve, WithoutAThreadItFailsWithAReason) {
  (void)runtime();
  FaultInjector faults;
  faults.fail(Call::kPthreadCreate, always(), EAGAIN);
  EXPECT_EQ(lookup("localhost").status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace eddy::io
