// AsyncRead and AsyncWrite: what can be read from and written to, such as
// TcpStream and its halves. Written against these, a protocol runs over any of
// them.
//
//   template <eddy::io::AsyncWrite Stream>
//   eddy::Task<absl::Status> greet(Stream& stream) {
//     co_return co_await eddy::io::write_all(stream, "hello\n");
//   }
//
// read() gives 1 to as many bytes as there is room for; 0 is the end of the
// stream, or no room. write() takes 1 to as many as there are. Both borrow the
// stream and the buffer until they are ready or dropped, and a dropped one has
// moved no bytes.
#ifndef EDDY_IO_ASYNC_IO_H_
#define EDDY_IO_ASYNC_IO_H_

#include <concepts>
#include <cstddef>
#include <span>

#include "absl/status/statusor.h"
#include "runtime/task/future.h"

namespace eddy::io {

template <class F>
concept TransferFuture =
    Future<F> && std::same_as<OutputOf<F>, absl::StatusOr<size_t>> &&
    std::move_constructible<F>;  // until it is first polled

template <class S>
concept AsyncRead = requires(S& stream, std::span<std::byte> into) {
  { stream.read(into) } -> TransferFuture;
};

template <class S>
concept AsyncWrite = requires(S& stream, std::span<const std::byte> from) {
  { stream.write(from) } -> TransferFuture;
};

}  // namespace eddy::io

#endif  // EDDY_IO_ASYNC_IO_H_
