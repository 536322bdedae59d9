#include "runtime/base/status.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "runtime/base/check.h"

namespace eddy::base {
namespace {

// The payload is the number in decimal digits: short enough for a Cord to hold
// it without an allocation.
constexpr char kErrnoPayload[] = "eddy/errno";

absl::StatusCode code_of(int err) {
  switch (err) {
    case EAFNOSUPPORT:
    case EBADMSG:
    case EDESTADDRREQ:
    case EDOM:
    case EFAULT:
    case EILSEQ:
    case EINVAL:
    case ELOOP:
    case EMSGSIZE:
    case ENAMETOOLONG:
    case ENOPROTOOPT:
    case ENOSTR:
    case ENOTSOCK:
    case ENOTTY:
    case EPROTOTYPE:
    case ESPIPE:
      return absl::StatusCode::kInvalidArgument;
    case ETIME:
    case ETIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case EADDRNOTAVAIL:
    case ENODEV:
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case ESRCH:
      return absl::StatusCode::kNotFound;
    case EADDRINUSE:
    case EALREADY:
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case EBADF:
    case EBUSY:
    case ECHILD:
    case EINPROGRESS:
    case EISCONN:
    case EISDIR:
    case ENOTBLK:
    case ENOTCONN:
    case ENOTEMPTY:
    case ETXTBSY:
      return absl::StatusCode::kFailedPrecondition;
    case EDQUOT:
    case EMFILE:
    case EMLINK:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case EUSERS:
      return absl::StatusCode::kResourceExhausted;
    case EFBIG:
    case EOVERFLOW:
    case ERANGE:
      return absl::StatusCode::kOutOfRange;
    case ENOSYS:
    case EOPNOTSUPP:
    case EPFNOSUPPORT:
    case EPROTONOSUPPORT:
    case ESOCKTNOSUPPORT:
    case EXDEV:
      return absl::StatusCode::kUnimplemented;
    case EAGAIN:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EINTR:
    case ENETDOWN:
    case ENETRESET:
    case ENETUNREACH:
    case ENOLCK:
    case ENOLINK:
    case ENONET:
    case EPIPE:
    case ESHUTDOWN:
      return absl::StatusCode::kUnavailable;
    case EDEADLK:
    case ESTALE:
      return absl::StatusCode::kAborted;
    case EIO:
      return absl::StatusCode::kDataLoss;
    case ECANCELED:
      return absl::StatusCode::kCancelled;
    default:
      return absl::StatusCode::kUnknown;
  }
}

std::string message_of(int err, std::string_view what) {
  std::string message(what);
  message += ": ";
  const char* name = strerrorname_np(err);
  if (name == nullptr) return message + "errno " + std::to_string(err);
  return message + strerrordesc_np(err) + " (" + name + ")";
}

}  // namespace

absl::Status errno_status(int err, std::string_view what) {
  EDDY_DCHECK(err > 0, "errno is not set: save it before it is overwritten");
  absl::Status status(code_of(err), message_of(err, what));
  // Through a view: clang 19 mangles Cord's template constructor unlike g++ 12,
  // which built the library.
  const std::string digits = std::to_string(err);
  status.SetPayload(kErrnoPayload, absl::Cord(absl::string_view(digits)));
  return status;
}

int errno_of(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrnoPayload);
  if (!payload.has_value()) return 0;
  const std::string digits(*payload);
  int err = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), err);
  return err;
}

}  // namespace eddy::base
