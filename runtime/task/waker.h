// Waker: the handle by which whoever makes an event happen tells the executor
// that a future wants to be polled again.
//
//   waker_ = cx.waker();              // in poll(): keep the latest
//   ...
//   std::move(waker_).wake();         // when the event has come
//
// A Waker is one pointer. A copy is a counted reference. wake() queues its task
// at most once, however often and from however many threads it is called.
//
// Threads: a Waker object belongs to one thread at a time; copies of it may be
//          used anywhere, also on threads that eddy does not know.
// Owner:   a Waker keeps its target's memory alive, and nothing else: it may be
//          used after the task has ended and after the runtime has.
// Errors:  none. Waking what has ended does nothing.
//
// What the caller wrote before wake(), the next poll() sees.
#ifndef EDDY_RUNTIME_TASK_WAKER_H_
#define EDDY_RUNTIME_TASK_WAKER_H_

#include <utility>

namespace eddy {

// What a Waker points at: a task, a parked thread, a test's counter. It counts
// its references; none of these calls may throw or block.
class Wakeable {
 public:
  virtual void wake() noexcept = 0;
  // wake(), and the caller's reference goes to the target.
  virtual void wake_and_release() noexcept = 0;
  virtual void retain() noexcept = 0;
  virtual void release() noexcept = 0;

 protected:
  Wakeable() = default;
  Wakeable(const Wakeable&) = delete;
  Wakeable& operator=(const Wakeable&) = delete;
  ~Wakeable() = default;
};

class Waker {
 public:
  Waker() = default;  // wakes nobody

  // Takes over a reference that the caller holds.
  static Waker adopt(Wakeable* target) { return Waker(target); }

  Waker(const Waker& other) : target_(other.target_) {
    if (target_ != nullptr) target_->retain();
  }
  Waker(Waker&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)) {}
  Waker& operator=(Waker other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }
  ~Waker() {
    if (target_ != nullptr) target_->release();
  }

  void wake() const& {
    if (target_ != nullptr) target_->wake();
  }
  // Saves the reference counting of a wake() and the end of the Waker.
  void wake() && {
    if (target_ != nullptr) {
      std::exchange(target_, nullptr)->wake_and_release();
    }
  }

  // True if both wake the same target: then a stored waker need not be
  // replaced.
  bool will_wake(const Waker& other) const { return target_ == other.target_; }

  explicit operator bool() const { return target_ != nullptr; }

  // Gives up the reference without dropping it: the opposite of adopt().
  Wakeable* leak() && { return std::exchange(target_, nullptr); }

 private:
  explicit Waker(Wakeable* target) : target_(target) {}

  Wakeable* target_ = nullptr;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_WAKER_H_
