// Row D4 for all waits of sync/, in tasks: one that waits is aborted after its
// k-th poll, for every k until it ends by itself, while another task serves.
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "runtime/builder.h"
#include "runtime/combinators/select.h"
#include "runtime/runtime.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/event.h"
#include "tests/support/abort_after.h"
#include "tests/support/runtime_fixture.h"
#include "tests/sync/any_kind.h"

namespace eddy::sync {
namespace {

struct Story {
  explicit Story(const KindName& kind) : of(kind.make()) {}
  std::unique_ptr<AnyKind> of;
  bool has_ended = false;  // the wait has; read when its task is gone
  Event made;              // the wait was
};

Task<> yield_times(int times) {
  for (int i = 0; i < times; ++i) co_await yield_now();
}

// The wait loses a select(), or not.
Task<bool> ends_within(AnyKind& of, int turns) {
  auto first = co_await select_biased(of.wait(), yield_times(turns));
  co_return first.index() == 0;
}

Task<> wait_twice(Story& story) {
  co_await yield_now();
  if (bool ended = co_await ends_within(*story.of, 2); ended) {
    story.has_ended = true;
    co_return;
  }
  AnyKind::Wait wait = story.of->wait();
  story.made.set();
  co_await wait;
  story.has_ended = true;
  co_await yield_now();
}

Task<> serve_after(Story& story, int turns) {
  co_await yield_times(turns);
  // One that has news of what comes while it waits, and not of what came.
  if (!story.of->hands_on) {
    co_await story.made.wait();
    co_await yield_times(turns);
  }
  story.of->serve();
}

// True if the task was not aborted.
Task<bool> tell(const KindName& kind, int polls, int turns) {
  Story story(kind);
  auto waiter = spawn(testing::AbortAfter(wait_twice(story), polls));
  auto server = spawn(serve_after(story, turns));
  JoinResult<void> outcome = co_await waiter;
  story.made.set();  // it will not be
  EXPECT_TRUE((co_await server).has_value());
  if (outcome.has_value()) {
    EXPECT_TRUE(story.has_ended);
    co_return true;
  }
  EXPECT_TRUE(outcome.is_cancelled());
  // What came for it, and what it has not seen, is still there.
  if (story.of->hands_on && !story.has_ended) {
    bool is_there = co_await ends_within(*story.of, 1);
    EXPECT_TRUE(is_there) << polls << " polls, " << turns << " turns";
  }
  co_return false;
}

Task<> tell_all(const KindName& kind) {
  for (int turns : {0, 1, 3, 5, 8}) {
    int k = 1;
    for (bool has_ended = false; !has_ended; ++k) {
      has_ended = co_await tell(kind, k, turns);
    }
    EXPECT_GT(k, 2) << "it was not interrupted";
  }
}

class AbortedWait : public testing::RuntimeTest,
                    public ::testing::WithParamInterface<KindName> {};
INSTANTIATE_TEST_SUITE_P(Every, AbortedWait, ::testing::ValuesIn(all_kinds()),
                         name_of_kind);

TEST_P(AbortedWait, LeavesItsPlaceAndHandsOn) {
  start(Builder::current_thread()).block_on(tell_all(GetParam()));
  start(Builder::multi_thread().worker_threads(2))
      .block_on(tell_all(GetParam()));
}

}  // namespace
}  // namespace eddy::sync
