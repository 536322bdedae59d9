// buffered(n) and buffer_unordered(n): of a stream of futures, n run at once,
// in this task. The outputs come in the order of the stream, or as they are
// ready.
//
//   auto pages = urls | streams::map(&download) | streams::buffered(10);
//
// Threads: belongs to one task; the futures run in it, interleaved.
// Cancel:  destroys the futures, last first, and the outputs of those that are
//          ready; then the stream, if it is owned.
// Errors:  what a future throws goes to whoever awaits; the others go on. A
//          limit of 0 is misuse.
// Owner:   may be moved until its first poll.
#ifndef EDDY_RUNTIME_STREAMS_BUFFERED_H_
#define EDDY_RUNTIME_STREAMS_BUFFERED_H_

#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/streams/futures_unordered.h"
#include "runtime/streams/pipe.h"
#include "runtime/streams/stream.h"

namespace eddy::streams {

template <class S, template <class> class Futures>
class [[nodiscard]] Buffer : public StreamBase<Buffer<S, Futures>> {
 public:
  using Item = ItemOf<Futures<ItemOf<S>>>;

  Buffer(S&& stream, std::size_t limit)
      : stream_(std::forward<S>(stream)), limit_(limit) {
    EDDY_CHECK(limit > 0,
               "buffered(): the limit must be greater than zero, or nothing "
               "would ever run");
  }

  // A coroutine among the futures may look into a callable in stream_.
  Buffer(Buffer&& other)
      : stream_(std::forward<S>(other.stream_)), limit_(other.limit_) {
    EDDY_CHECK(other.futures_.empty(),
               "buffered(): moved after the first poll: move it before, or use "
               "it by reference");
  }

  PollNext<Item> poll_next(Context& cx) {
    while (!ended_ && futures_.size() < limit_) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) break;
      if (has_item(next)) {
        futures_.push(take_item(next));
      } else {
        ended_ = true;
      }
    }
    if (!futures_.empty()) return futures_.poll_next(cx);
    if (ended_) return std::nullopt;
    return kPending;
  }

 private:
  S stream_;
  const std::size_t limit_;
  bool ended_ = false;
  Futures<ItemOf<S>> futures_;  // gone before what made them
};

template <class S, class>
using Buffered = Buffer<S, FuturesOrdered>;
template <class S, class>
using BufferUnordered = Buffer<S, FuturesUnordered>;

inline auto buffered(std::size_t limit) { return pipe_to<Buffered>(limit); }
inline auto buffer_unordered(std::size_t limit) {
  return pipe_to<BufferUnordered>(limit);
}

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_BUFFERED_H_
