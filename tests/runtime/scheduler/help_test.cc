#include "runtime/scheduler/help.h"

#include <gtest/gtest.h>

#include <vector>

namespace eddy::scheduler {
namespace {

using namespace std::chrono_literals;
using Step = Help::Step;

const Help::TimePoint kStart = Help::TimePoint(1h);

Step next(Help& help, Help::TimePoint now) { return help.next(10, false, now); }
Step next_manned(Help& help, Help::TimePoint now) {
  return help.next(10, true, now);
}
// Ten polls, one after the other.
void run(Help& help, std::chrono::nanoseconds poll) {
  auto now = kStart;
  help.begin_run(now);
  for (int i = 0; i < 10; ++i) help.ran(1, now += poll);
}

TEST(Help, IsLookedForOnceTheWorkHasLasted) {
  Help help;
  EXPECT_EQ(next(help, kStart), Step::kNone);
  EXPECT_EQ(next(help, kStart + 49us), Step::kNone);
  EXPECT_EQ(next(help, kStart + 50us), Step::kLook);
}

TEST(Help, ABacklogThatEndsCountsNoMore) {
  Help help;
  EXPECT_EQ(next(help, kStart), Step::kNone);
  help.end_backlog();
  EXPECT_EQ(next(help, kStart + 50us), Step::kNone);
  EXPECT_EQ(next(help, kStart + 100us), Step::kLook);
}

TEST(Help, AfterACallTheNextIsDueAsLateAsTheFirst) {
  Help help;
  EXPECT_EQ(next(help, kStart), Step::kNone);
  help.asked(Step::kLook, kStart + 50us);
  EXPECT_EQ(next(help, kStart + 99us), Step::kNone);
  EXPECT_EQ(next(help, kStart + 100us), Step::kLook);
}

// Each microsecond of a backlog that does not end, while all CPUs are busy.
TEST(Help, LooksForACpuLessAndLessOftenAndAsksInTheEnd) {
  Help help;
  std::vector<std::chrono::microseconds> looks;
  auto time = 0us;
  for (; time < 1s; time += 1us) {
    const Step step = next(help, kStart + time);
    if (step == Step::kAskAtLast) break;
    if (step == Step::kNone) continue;
    looks.push_back(time);
    help.found_no_cpu(kStart + time);
  }
  EXPECT_EQ(looks, (std::vector<std::chrono::microseconds>{
                       50us, 100us, 200us, 400us, 800us, 1600us, 3200us}));
  EXPECT_EQ(time, 5ms);
}

// When it asks, in a backlog that does not end, while no CPU is idle.
std::vector<std::chrono::milliseconds> asks_at_last(
    Help& help, Help::TimePoint from, std::chrono::milliseconds until) {
  std::vector<std::chrono::milliseconds> asks;
  for (auto time = 0ms; time < until; time += 1ms) {
    const Step step = next(help, from + time);
    if (step == Step::kLook) help.found_no_cpu(from + time);
    if (step != Step::kAskAtLast) continue;
    asks.push_back(time);
    help.asked(step, from + time);
  }
  return asks;
}

TEST(Help, IsAskedForAtLastLessAndLessOften) {
  Help help;
  EXPECT_EQ(asks_at_last(help, kStart, 5s),
            (std::vector{5ms, 15ms, 35ms, 75ms, 155ms, 315ms, 635ms, 1275ms,
                         2555ms, 3835ms}));
}

TEST(Help, IsAskedForAtLastSoonerAfterAnIdleCpu) {
  Help help;
  (void)asks_at_last(help, kStart, 80ms);
  help.asked(Step::kLook, kStart + 80ms);  // 80 ms become 40
  EXPECT_EQ(asks_at_last(help, kStart + 80ms, 100ms), std::vector{40ms});
  for (int i = 0; i < 9; ++i) help.asked(Step::kLook, kStart + 180ms);
  EXPECT_EQ(asks_at_last(help, kStart + 180ms, 10ms), std::vector{5ms});
}

// The next backlog does not begin with a look at once, but the pause ends.
TEST(Help, LongPausesOutliveABacklogButEnd) {
  Help help;
  auto now = kStart;
  for (int i = 0; i < 100; ++i, now += 1ms) {
    help.end_backlog();
    EXPECT_EQ(next(help, now), Step::kNone);
    if (next(help, now + 60us) == Step::kLook) help.found_no_cpu(now + 60us);
  }
  now += Help::kLongestPause;
  help.end_backlog();
  EXPECT_EQ(next(help, now), Step::kNone);
  EXPECT_EQ(next(help, now + 60us), Step::kLook);
  help.asked(Step::kLook, now + 60us);
  EXPECT_EQ(next(help, now + 130us), Step::kLook);
}

TEST(Help, IsAskedForAtOnceWherePollsAreLong) {
  Help help;
  run(help, 30us);
  EXPECT_EQ(next(help, kStart), Step::kAsk);
  run(help, 5us);
  EXPECT_EQ(next(help, kStart), Step::kNone);
}

TEST(Help, IsNotAskedForAtOnceWithLittleThatWaits) {
  Help help;
  run(help, 30us);
  EXPECT_EQ(help.next(1, false, kStart), Step::kNone);
  EXPECT_EQ(help.next(2, false, kStart), Step::kAsk);
}

TEST(Help, TakesTheMeanOfThePollsBetweenTwoLooksAtTheClock) {
  Help help;
  help.begin_run(kStart);
  for (int i = 1; i <= 10; ++i) help.ran(4, kStart + i * 80us);
  EXPECT_EQ(next(help, kStart), Step::kNone);
  for (int i = 1; i <= 10; ++i) help.ran(4, kStart + 800us + i * 120us);
  EXPECT_EQ(next(help, kStart), Step::kAsk);
}

TEST(Help, OneLongPollDoesNotMakeTheNextLong) {
  Help help;
  run(help, 5us);
  help.ran(1, kStart + 1s);
  EXPECT_EQ(next(help, kStart), Step::kNone);
}

TEST(Help, WhereAllAreAtTasksIsAskedForAtLastOnly) {
  Help help;
  run(help, 30us);
  EXPECT_EQ(next_manned(help, kStart), Step::kNone);
  EXPECT_EQ(next_manned(help, kStart + 100us), Step::kNone);
  EXPECT_EQ(next_manned(help, kStart + 5ms - 1us), Step::kNone);
  EXPECT_EQ(next_manned(help, kStart + 5ms), Step::kAsk);
}

// One of them may be blocked, and another one then: no reason to wait longer.
TEST(Help, WhereAllAreAtTasksIsAskedForAsOftenAsAtFirst) {
  Help help;
  auto now = kStart;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(next_manned(help, now), Step::kNone);
    now += 5ms;
    EXPECT_EQ(next_manned(help, now), Step::kAsk);
    help.asked(Step::kAsk, now);
  }
  (void)asks_at_last(help, now, 80ms);
  EXPECT_EQ(next_manned(help, now + 80ms), Step::kAsk);
}

}  // namespace
}  // namespace eddy::scheduler
