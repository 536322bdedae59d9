// Leaf futures for tests.
//
// Threads: one, but for Event, whose wakers may be used anywhere.
#ifndef EDDY_TESTS_RUNTIME_TASK_LEAVES_H_
#define EDDY_TESTS_RUNTIME_TASK_LEAVES_H_

#include <exception>
#include <utility>

#include "runtime/task/future.h"

namespace eddy::testing {

// Ready at once.
template <class T>
class ReadyNow {
 public:
  using Output = T;
  explicit ReadyNow(T value) : value_(std::move(value)) {}
  Poll<T> poll(Context&) { return std::move(value_); }

 private:
  T value_;
};
template <>
class ReadyNow<void> {
 public:
  using Output = void;
  ReadyNow() {}
  Poll<void> poll(Context&) { return kReady; }
};

// Asks for so many more polls first.
class Yields {
 public:
  using Output = void;
  explicit Yields(int count) : left_(count) {}
  Poll<void> poll(Context& cx) {
    if (left_-- == 0) return kReady;
    return cx.yield();
  }

 private:
  int left_;
};

// Throws at its poll number `at`, from 0; asks for more polls before.
template <class E>
class Throws {
 public:
  using Output = int;
  explicit Throws(E error, int at = 0) : error_(std::move(error)), left_(at) {}
  Poll<int> poll(Context& cx) {
    if (left_-- == 0) throw error_;
    return cx.yield();
  }

 private:
  E error_;
  int left_;
};

// A condition that one task waits for, and how often it was polled for it.
class Event {
 public:
  class Wait {
   public:
    using Output = void;
    explicit Wait(Event& event) : event_(event) { ++event_.waits_; }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {
      --event_.waits_;
      event_.waker_ = Waker();
    }
    Poll<void> poll(Context& cx) {
      ++event_.polls_;
      if (event_.set_) return kReady;
      event_.waker_ = cx.waker();
      return kPending;
    }

   private:
    Event& event_;
  };

  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  Wait wait() { return Wait(*this); }
  void set() {
    set_ = true;
    std::exchange(waker_, Waker()).wake();
  }
  // Wakes for nothing.
  void disturb() const { waker_.wake(); }

  Waker waker() const { return waker_; }
  int waits() const { return waits_; }  // that exist
  int polls() const { return polls_; }

 private:
  bool set_ = false;
  Waker waker_;
  int waits_ = 0;
  int polls_ = 0;
};

// Counts how many of them live.
class Live {
 public:
  explicit Live(int& count) : count_(&count) { ++*count_; }
  Live(const Live& other) : Live(*other.count_) {}
  Live& operator=(const Live&) = delete;
  ~Live() { --*count_; }

 private:
  int* count_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_RUNTIME_TASK_LEAVES_H_
