// timeout(), throttle() and chunks_timeout(): streams and time.
//
//   timeout(d)            absl::StatusOr<Item>: an item that does not come in
//                         d after the one before is reported once, as
//                         kDeadlineExceeded; the stream goes on
//   throttle(d)           at least d passes between one item and the next
//   chunks_timeout(n, d)  std::vectors of n items, or of fewer, d after the
//                         first of them or at the end of the stream
//
//   auto batches = rows | streams::chunks_timeout(1000, 50ms);
//
// Threads: belongs to one task.
// Cancel:  destroys the stream if it is owned, and the items of a chunk; a
//          dropped next() keeps them.
// Errors:  chunks_timeout() of size 0 is misuse.
// Owner:   may be moved until its first poll.
#ifndef EDDY_RUNTIME_STREAMS_TIMED_H_
#define EDDY_RUNTIME_STREAMS_TIMED_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/base/check.h"
#include "runtime/streams/pipe.h"
#include "runtime/streams/stream.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"

namespace eddy::streams {

// A time that runs, or does not.
class Timer {
 public:
  Timer() : sleep_(time::Instant::max()) {}

  bool runs() const { return runs_; }
  void start(time::Duration duration) {
    sleep_.reset(time::saturating_add(time::now(), duration));
    runs_ = true;
  }
  void stop() { runs_ = false; }
  // True once the time has come, which stops it.
  bool poll(Context& cx) {
    if (!runs_ || sleep_.poll(cx).is_pending()) return false;
    runs_ = false;
    return true;
  }

 private:
  time::Sleep sleep_;
  bool runs_ = false;
};

template <class S, class Duration>
class [[nodiscard]] TimedOut : public StreamBase<TimedOut<S, Duration>> {
 public:
  using Item = absl::StatusOr<ItemOf<S>>;

  TimedOut(S&& stream, Duration duration)
      : stream_(std::forward<S>(stream)), duration_(duration) {}

  PollNext<Item> poll_next(Context& cx) {
    if (!is_begun_) timer_.start(duration_);
    is_begun_ = true;
    PollNext<ItemOf<S>> next = stream_.poll_next(cx);
    if (next.is_ready() && !has_item(next)) return std::nullopt;
    if (has_item(next)) {
      timer_.start(duration_);
      return std::optional<Item>(take_item(next));
    }
    if (!timer_.poll(cx)) return kPending;
    return std::optional<Item>(time::timeout_error());
  }

 private:
  S stream_;
  const Duration duration_;
  Timer timer_;
  bool is_begun_ = false;
};

template <class S, class Duration>
class [[nodiscard]] Throttled : public StreamBase<Throttled<S, Duration>> {
 public:
  using Item = ItemOf<S>;

  Throttled(S&& stream, Duration duration)
      : stream_(std::forward<S>(stream)), duration_(duration) {}

  PollNext<Item> poll_next(Context& cx) {
    if (timer_.runs() && !timer_.poll(cx)) return kPending;
    PollNext<Item> next = stream_.poll_next(cx);
    if (has_item(next)) timer_.start(duration_);
    return next;
  }

 private:
  S stream_;
  const Duration duration_;
  Timer timer_;
};

template <class S, class Count, class Duration>
class [[nodiscard]] ChunksTimeout
    : public StreamBase<ChunksTimeout<S, Count, Duration>> {
 public:
  using Item = std::vector<ItemOf<S>>;

  ChunksTimeout(S&& stream, Count size, Duration duration)
      : stream_(std::forward<S>(stream)), size_(size), duration_(duration) {
    EDDY_CHECK(size > 0,
               "chunks_timeout(): the size must be greater than zero");
  }

  PollNext<Item> poll_next(Context& cx) {
    while (!ended_ && chunk_.size() < size_) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) {
        if (!timer_.poll(cx)) return kPending;
        break;
      }
      ended_ = !has_item(next);
      if (ended_) break;
      if (chunk_.empty()) timer_.start(duration_);
      chunk_.push_back(take_item(next));
    }
    timer_.stop();
    if (chunk_.empty()) return std::nullopt;
    return std::optional<Item>(std::exchange(chunk_, Item()));
  }

 private:
  S stream_;
  const Count size_;
  const Duration duration_;
  Timer timer_;
  Item chunk_;
  bool ended_ = false;
};

template <class Rep, class Period>
auto timeout(std::chrono::duration<Rep, Period> duration) {
  return pipe_to<TimedOut>(time::saturating_cast(duration));
}
template <class Rep, class Period>
auto throttle(std::chrono::duration<Rep, Period> duration) {
  return pipe_to<Throttled>(time::saturating_cast(duration));
}
template <class Rep, class Period>
auto chunks_timeout(std::size_t size,
                    std::chrono::duration<Rep, Period> duration) {
  return pipe_to<ChunksTimeout>(size, time::saturating_cast(duration));
}

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_TIMED_H_
