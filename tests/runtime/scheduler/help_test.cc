#include "runtime/scheduler/help.h"

#include <gtest/gtest.h>

#include <vector>

namespace eddy::scheduler {
namespace {

using namespace std::chrono_literals;
using Step = Help::Step;

const Help::TimePoint kStart = Help::TimePoint(1h);

TEST(Help, IsLookedForOnceTheWorkHasLasted) {
  Help help;
  EXPECT_EQ(help.next(kStart), Step::kNone);
  EXPECT_EQ(help.next(kStart + 49us), Step::kNone);
  EXPECT_EQ(help.next(kStart + 50us), Step::kLook);
}

TEST(Help, ABacklogThatEndsCountsNoMore) {
  Help help;
  EXPECT_EQ(help.next(kStart), Step::kNone);
  help.end_backlog();
  EXPECT_EQ(help.next(kStart + 50us), Step::kNone);
  EXPECT_EQ(help.next(kStart + 100us), Step::kLook);
}

TEST(Help, AfterACallTheNextIsDueAsLateAsTheFirst) {
  Help help;
  EXPECT_EQ(help.next(kStart), Step::kNone);
  help.asked(kStart + 50us);
  EXPECT_EQ(help.next(kStart + 99us), Step::kNone);
  EXPECT_EQ(help.next(kStart + 100us), Step::kLook);
}

// Each microsecond of a backlog that does not end, while all CPUs are busy.
TEST(Help, LooksForACpuLessAndLessOftenAndAsksInTheEnd) {
  Help help;
  std::vector<std::chrono::microseconds> looks;
  auto time = 0us;
  for (; time < 1s; time += 1us) {
    const Step step = help.next(kStart + time);
    if (step == Step::kAsk) break;
    if (step == Step::kNone) continue;
    looks.push_back(time);
    help.found_no_cpu(kStart + time);
  }
  EXPECT_EQ(looks, (std::vector<std::chrono::microseconds>{
                       50us, 100us, 200us, 400us, 800us, 1600us, 3200us}));
  EXPECT_EQ(time, 5ms);
}

// The next backlog does not begin with a look at once, but the pause ends.
TEST(Help, LongPausesOutliveABacklogButEnd) {
  Help help;
  auto now = kStart;
  for (int i = 0; i < 100; ++i, now += 1ms) {
    help.end_backlog();
    EXPECT_EQ(help.next(now), Step::kNone);
    if (help.next(now + 60us) == Step::kLook) help.found_no_cpu(now + 60us);
  }
  now += Help::kLongestPause;
  help.end_backlog();
  EXPECT_EQ(help.next(now), Step::kNone);
  EXPECT_EQ(help.next(now + 60us), Step::kLook);
  help.asked(now + 60us);
  EXPECT_EQ(help.next(now + 120us), Step::kLook);
}

}  // namespace
}  // namespace eddy::scheduler
