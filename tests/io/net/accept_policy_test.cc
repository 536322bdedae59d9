#include "io/net/accept_policy.h"

#include <gtest/gtest.h>

namespace eddy::io {
namespace {

using namespace std::chrono_literals;

// A2, A1, and what is neither.
static_assert(on_accept_error(ECONNABORTED) == OnAcceptError::kNext);
static_assert(on_accept_error(EPROTO) == OnAcceptError::kNext);
static_assert(on_accept_error(ENETDOWN) == OnAcceptError::kNext);
static_assert(on_accept_error(EMFILE) == OnAcceptError::kPause);
static_assert(on_accept_error(ENFILE) == OnAcceptError::kPause);
static_assert(on_accept_error(ENOBUFS) == OnAcceptError::kPause);
static_assert(on_accept_error(EBADF) == OnAcceptError::kFail);
static_assert(on_accept_error(EINVAL) == OnAcceptError::kFail);

TEST(AcceptPause, GrowsToASecondAndBeginsAnew) {
  AcceptPause pause;
  EXPECT_EQ(pause.next(), 10ms);
  EXPECT_EQ(pause.next(), 20ms);
  for (int i = 0; i < 10; ++i) EXPECT_LE(pause.next(), 1000ms);
  EXPECT_EQ(pause.next(), 1000ms);
  pause.reset();
  EXPECT_EQ(pause.next(), 10ms);
}

}  // namespace
}  // namespace eddy::io
