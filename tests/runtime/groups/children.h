// Children for scopes, and for whoever else runs tasks.
#ifndef EDDY_TESTS_RUNTIME_GROUPS_CHILDREN_H_
#define EDDY_TESTS_RUNTIME_GROUPS_CHILDREN_H_

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "runtime/groups/scope.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/event.h"
#include "tests/runtime/groups/alive.h"

namespace eddy::testing {

inline Task<> add_after(int turns, std::atomic<int>& sum, int value) {
  for (int i = 0; i < turns; ++i) co_await yield_now();
  sum += value;
}

inline Task<> wait_for_ever(Alive::Count& count) {
  Alive alive(count);
  sync::Event event;
  co_await event.wait();
}

inline Task<> spin_for_ever(Alive::Count& count) {
  Alive alive(count);
  for (;;) co_await yield_now();
}

inline Task<> fail_after(int turns) {
  for (int i = 0; i < turns; ++i) co_await yield_now();
  throw std::runtime_error("a child failed");
}

inline Task<> nest(std::atomic<int>& sum, int depth) {
  int below = 0;  // of this frame
  co_await scope([&](Scope& scope) {
    if (depth == 0) return;
    scope.spawn([&]() -> Task<> {
      co_await nest(sum, depth - 1);
      below = depth;
    });
    scope.spawn(nest(sum, depth - 1));
  });
  EXPECT_EQ(below, depth);
  ++sum;
}

}  // namespace eddy::testing

#endif  // EDDY_TESTS_RUNTIME_GROUPS_CHILDREN_H_
