// Counted<F>: a future that counts how often it is polled, and how often what
// it waits for wakes it.
//
//   Counts counts;
//   auto size = co_await Counted(stream.read(buffer), counts);
//
// Threads: the future belongs to one task; wakes may come from any thread.
// Owner:   borrows the Counts, which wakers that others keep may use later.
#ifndef EDDY_EXAMPLES_TOUR_COUNTED_H_
#define EDDY_EXAMPLES_TOUR_COUNTED_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "runtime/task/future.h"
#include "runtime/task/waker.h"

namespace eddy::examples::tour {

struct Counts {
  std::atomic<uint32_t> polls{0};
  std::atomic<uint32_t> wakes{0};
};

// Counts a wake, and hands it on.
class CountingWakeable final : public Wakeable {
 public:
  static Waker make(Waker next, Counts& counts) {
    return Waker::adopt(new CountingWakeable(std::move(next), counts));
  }

  void wake() noexcept override {
    counts_.wakes.fetch_add(1, std::memory_order_relaxed);
    next_.wake();
  }
  void wake_and_release() noexcept override {
    wake();
    release();
  }
  void retain() noexcept override {
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept override {
    // acq_rel: [last] the last one sees what the others did, and deletes.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  CountingWakeable(Waker next, Counts& counts)
      : next_(std::move(next)), counts_(counts) {}
  ~CountingWakeable() = default;

  const Waker next_;
  Counts& counts_;
  std::atomic<uint32_t> references_{1};
};

template <Future F>
class [[nodiscard]] Counted {
 public:
  using Output = OutputOf<F>;

  Counted(F future, Counts& counts)
      : future_(std::move(future)), counts_(counts) {}

  Poll<Output> poll(Context& cx) {
    counts_.polls.fetch_add(1, std::memory_order_relaxed);
    if (!next_.will_wake(cx.waker())) {
      next_ = cx.waker();
      counting_ = CountingWakeable::make(next_, counts_);
    }
    Context part = cx.with_waker(counting_);
    Poll<Output> result = future_.poll(part);
    cx.merge(part);
    if (part.wake_requested()) cx.request_wake();
    return result;
  }

 private:
  F future_;
  Counts& counts_;
  Waker next_;      // whom counting_ wakes
  Waker counting_;  // what future_ is given
};

}  // namespace eddy::examples::tour

#endif  // EDDY_EXAMPLES_TOUR_COUNTED_H_
