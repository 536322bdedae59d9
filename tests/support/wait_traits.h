// A kind of wait: a class that says how one is made, and how it ends, for the
// tests that go over all waits there are.
//
//   struct OfSemaphore : testing::WaitTraits {
//     sync::Semaphore semaphore{0};
//     auto wait() { return semaphore.acquire(); }  // pending, until
//     void serve() { semaphore.add(1); }           // one wait ends, or all do
//   };
#ifndef EDDY_TESTS_SUPPORT_WAIT_TRAITS_H_
#define EDDY_TESTS_SUPPORT_WAIT_TRAITS_H_

#include <utility>

#include "runtime/task/cancel_safe.h"
#include "runtime/task/future.h"

namespace eddy::testing {

// What a poll after the value does: it fails loudly, where EDDY_DCHECK is on;
// it is ready again; it waits for the next.
enum class AfterReady { kFails, kIsReady, kBeginsAnew };

// What a poll without budget does, although it could be ready: it asks for
// another poll; it is ready, since it is so once only; the suite does not say.
enum class WithoutBudget { kYields, kIsReady, kOther };

// What most waits are like. A kind of wait hides what is otherwise.
struct WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kFails;
  // What came for a wait that is dropped ends the next one.
  static constexpr bool kHandsOn = true;
  // A dropped wait leaves its waker until the next wait, or what comes for it.
  static constexpr bool kLeavesWaker = false;
  static constexpr WithoutBudget kWithoutBudget = WithoutBudget::kYields;
};

// A future by reference, as select() takes one: for what is a future itself,
// and does not make them.
template <Future F>
class Borrowed {
 public:
  using Output = OutputOf<F>;

  explicit Borrowed(F& future) : future_(&future) {}

  Poll<Output> poll(Context& cx) { return future_->poll(cx); }

 private:
  F* future_;
};

// As a child of select(), which may drop it.
template <Future F>
auto droppable(F future) {
  if constexpr (CancelSafe<F>) {
    return future;
  } else {
    return discard_progress(std::move(future));
  }
}

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_WAIT_TRAITS_H_
