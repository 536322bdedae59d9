#include "runtime/base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

namespace eddy {
namespace {

TEST(ErrnoStatus, KeepsTheErrnoAndNamesIt) {
  const absl::Status status = errno_status(ECONNREFUSED, "connect 10.0.0.1:80");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errno_of(status), ECONNREFUSED);
  EXPECT_EQ(std::string(status.message()),
            "connect 10.0.0.1:80: Connection refused (ECONNREFUSED)");
}

TEST(ErrnoStatus, OtherStatusesHaveNone) {
  EXPECT_EQ(errno_of(absl::OkStatus()), 0);
  EXPECT_EQ(errno_of(absl::InternalError("no errno here")), 0);
}

TEST(ErrnoStatus, EveryErrnoIsAnErrorAndComesBack) {
  for (int err = 1; err < 200; ++err) {
    const absl::Status status = errno_status(err, "call");
    EXPECT_FALSE(status.ok()) << err;
    EXPECT_EQ(errno_of(status), err);
  }
}

TEST(ErrnoStatus, UnknownErrnoIsPrintedAsANumber) {
  const absl::Status status = errno_status(4711, "call");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(std::string(status.message()), "call: errno 4711");
}

TEST(ErrnoStatus, CodesSayWhatToDo) {
  EXPECT_TRUE(absl::IsResourceExhausted(errno_status(EMFILE, "accept")));
  EXPECT_TRUE(absl::IsResourceExhausted(errno_status(ENOMEM, "accept")));
  EXPECT_TRUE(absl::IsUnavailable(errno_status(EPIPE, "write")));
  EXPECT_TRUE(absl::IsUnavailable(errno_status(ECONNRESET, "read")));
  EXPECT_TRUE(absl::IsCancelled(errno_status(ECANCELED, "read")));
  EXPECT_TRUE(absl::IsNotFound(errno_status(ENOENT, "open")));
  EXPECT_TRUE(absl::IsDeadlineExceeded(errno_status(ETIMEDOUT, "connect")));
  EXPECT_TRUE(absl::IsUnimplemented(errno_status(ENOSYS, "io_uring_setup")));
}

absl::StatusOr<std::unique_ptr<int>> boxed(int value) {
  if (value < 0) return errno_status(EINVAL, "boxed");
  return std::make_unique<int>(value);
}

absl::Status check_positive(int value) {
  return value > 0 ? absl::OkStatus() : absl::OutOfRangeError("not positive");
}

absl::StatusOr<int> sum(int a, int b) {
  EDDY_ASSIGN_OR_RETURN(std::unique_ptr<int> total, boxed(a));
  EDDY_ASSIGN_OR_RETURN(const auto more, boxed(b));
  *total += *more;
  EDDY_RETURN_IF_ERROR(check_positive(*total));
  return *total;
}

TEST(StatusMacros, PassValuesAndFailuresOn) {
  EXPECT_EQ(*sum(1, 2), 3);
  EXPECT_EQ(errno_of(sum(-1, 2).status()), EINVAL);
  EXPECT_EQ(errno_of(sum(1, -2).status()), EINVAL);
  EXPECT_TRUE(absl::IsOutOfRange(sum(0, 0).status()));
}

}  // namespace
}  // namespace eddy
