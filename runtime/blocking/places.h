// Places: how many jobs may lie in the queue of a blocking pool, and who waits
// for room.
//
// A place is taken for a job before it is queued, and given back when a thread
// takes the job, or it is cancelled. Places that come free go to those who wait,
// first come, first served.
//
// Threads: any; a Wait belongs to one task.
// Cancel:  dropping a Wait gives up the turn, or the place that it was given.
// Owner:   the pool; outlives the Waits.
#ifndef EDDY_RUNTIME_BLOCKING_PLACES_H_
#define EDDY_RUNTIME_BLOCKING_PLACES_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "runtime/base/mutex.h"
#include "runtime/task/context.h"
#include "runtime/task/poll.h"
#include "runtime/task/waker.h"

namespace eddy::blocking {

class Places {
 public:
  class Wait;

  // `bound`: 0 for no bound.
  explicit Places(std::size_t bound)
      : is_bounded_(bound > 0), free_(static_cast<int64_t>(bound)) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  // Even if there is none free: then as many more have to be given back.
  void take() {
    if (is_bounded_) take_any();
  }
  // False if none is free, or others wait for one.
  [[nodiscard]] bool try_take();
  void give() {
    if (is_bounded_) give_one();
  }
  // From now on nobody waits.
  void close();

 private:
  void take_any();
  void give_one();
  bool poll_wait(Wait& wait, Waker waker);
  void forget(Wait& wait);
  Waker grant(Wait& wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void unlink(Wait& wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const bool is_bounded_;
  base::Mutex mutex_;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t free_ ABSL_GUARDED_BY(mutex_);  // less than 0 after take()
  Wait* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Wait* last_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// The future is a list node and nothing else; Places has the logic. It may be
// moved until the first poll.
class Places::Wait {
 public:
  explicit Wait(Places& places) : places_(&places) {}
  Wait(Wait&& other) noexcept : places_(other.places_) {}
  Wait& operator=(Wait&&) = delete;
  ~Wait() { places_->forget(*this); }

  // True: a place is taken, and the caller's.
  bool poll(Context& cx) { return places_->poll_wait(*this, cx.waker()); }

 private:
  friend class Places;
  enum class State : uint8_t { kIdle, kLinked, kGranted };

  Places* const places_;
  // Guarded by places_->mutex_:
  State state_ = State::kIdle;
  Waker waker_;
  Wait* next_ = nullptr;
  Wait* previous_ = nullptr;
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_PLACES_H_
