// Futures that a test moves by hand, and that say when they die.
//
//   Script script;                         // of one future
//   auto join = eddy::join(Manual(script), ...);
//   script.finish(42);                     // wakes; the next poll is ready
//   EXPECT_TRUE(script.dead);
#ifndef EDDY_TESTS_RUNTIME_COMBINATORS_MANUAL_FUTURE_H_
#define EDDY_TESTS_RUNTIME_COMBINATORS_MANUAL_FUTURE_H_

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "runtime/task/future.h"
#include "runtime/task/task.h"

namespace eddy::testing {

// What a Manual does, and what was done to it.
struct Script {
  std::optional<int> value;
  bool fails = false;

  Waker waker;
  int polls = 0;
  bool dead = false;
  std::vector<Script*>* deaths = nullptr;  // in their order

  void finish(int with) {
    value = with;
    std::exchange(waker, Waker()).wake();
  }
  void fail() {
    fails = true;
    std::exchange(waker, Waker()).wake();
  }
};

class Manual {
 public:
  using Output = int;

  explicit Manual(Script& script) : script_(&script) {}
  Manual(Manual&& other) noexcept
      : script_(std::exchange(other.script_, nullptr)) {}
  ~Manual() {
    if (script_ == nullptr) return;
    script_->dead = true;
    script_->waker = Waker();
    if (script_->deaths != nullptr) script_->deaths->push_back(script_);
  }

  Poll<int> poll(Context& cx) {
    ++script_->polls;
    if (script_->fails) throw std::runtime_error("scripted");
    if (script_->value.has_value()) return *script_->value;
    script_->waker = cx.waker();
    return kPending;
  }

 private:
  Script* script_;
};

// The same inside of a coroutine, whose locals die with it.
inline Task<int> as_task(Script* script) { co_return co_await Manual(*script); }

}  // namespace eddy::testing

#endif  // EDDY_TESTS_RUNTIME_COMBINATORS_MANUAL_FUTURE_H_
