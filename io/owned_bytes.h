// OwnedBytes: what an operation that outlives its future can keep: a container
// of bytes that owns them, such as Buffer, std::string or
// std::vector<std::byte>. It is moved into the operation and comes back with
// the result, whatever that is; its size is not changed.
//
//   auto [count, text] = co_await file.read_at(std::string(100, '\0'), 0);
//
// What is only written may also be shared: by a std::shared_ptr to a const
// container, which many operations may write at once.
//
// Views, such as std::span, are none: nothing would keep their bytes alive.
#ifndef EDDY_IO_OWNED_BYTES_H_
#define EDDY_IO_OWNED_BYTES_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>

#include "absl/status/statusor.h"

namespace eddy::io {

template <class B>
concept OwnedBytes =
    std::movable<B> && std::ranges::contiguous_range<B> &&
    std::ranges::sized_range<B> && !std::ranges::borrowed_range<B> &&
    std::is_trivially_copyable_v<std::ranges::range_value_t<B>> &&
    sizeof(std::ranges::range_value_t<B>) == 1;

// The bytes of a container, to write from and to read into.
template <OwnedBytes B>
std::span<const std::byte> bytes_of(const B& container) {
  return std::as_bytes(
      std::span(std::ranges::data(container), std::ranges::size(container)));
}
template <OwnedBytes B>
std::span<const std::byte> bytes_of(const std::shared_ptr<const B>& shared) {
  return bytes_of(*shared);
}
template <OwnedBytes B>
std::span<std::byte> room_of(B& container) {
  return std::as_writable_bytes(
      std::span(std::ranges::data(container), std::ranges::size(container)));
}

// What can be written.
template <class B>
concept OwnedSource = std::movable<B> && requires(const B& source) {
  { bytes_of(source) } -> std::same_as<std::span<const std::byte>>;
};

// The end of an operation on bytes that were moved into it.
template <class B>
struct Transfer {
  absl::StatusOr<size_t> count;  // bytes read or written
  B bytes;
};

}  // namespace eddy::io

#endif  // EDDY_IO_OWNED_BYTES_H_
