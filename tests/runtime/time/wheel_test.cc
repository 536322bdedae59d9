#include "runtime/time/wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/base/random.h"
#include "tests/support/stress.h"

namespace eddy::time {
namespace {

constexpr Tick kMax = UINT64_MAX;

std::vector<Tick> pop_all(Wheel& wheel, Tick now) {
  std::vector<Tick> ticks;
  while (TimerEntry* entry = wheel.pop_due(now)) ticks.push_back(entry->tick());
  return ticks;
}

TEST(Wheel, EmptyHasNoDeadline) {
  Wheel wheel;
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.next_deadline(), std::nullopt);
  EXPECT_EQ(wheel.pop_due(kMax), nullptr);
}

TEST(Wheel, ExpiresOnTheTickAndNotBefore) {
  for (Tick deadline : {Tick{1}, Tick{63}, Tick{64}, Tick{65}, Tick{4095},
                        Tick{4096}, Tick{1} << 20, (Tick{1} << 36) - 1,
                        Tick{1} << 36, Tick{1} << 40, Tick{1} << 63, kMax}) {
    SCOPED_TRACE(deadline);
    Wheel wheel;
    TimerEntry entry;
    wheel.insert(entry, deadline);
    EXPECT_EQ(wheel.next_deadline(), deadline);
    EXPECT_EQ(wheel.pop_due(deadline - 1), nullptr);
    EXPECT_EQ(wheel.next_deadline(), deadline);
    EXPECT_EQ(wheel.pop_due(deadline), &entry);
    EXPECT_FALSE(entry.is_linked());
    EXPECT_TRUE(wheel.empty());
  }
}

// G1
TEST(Wheel, ZeroAndPastAreDueNow) {
  Wheel wheel;
  TimerEntry zero, past, present;
  wheel.insert(zero, 0);
  EXPECT_EQ(wheel.next_deadline(), 0u);
  EXPECT_EQ(wheel.pop_due(0), &zero);
  EXPECT_EQ(wheel.pop_due(1000), nullptr);
  wheel.insert(past, 10);
  wheel.insert(present, 1000);
  EXPECT_EQ(wheel.next_deadline(), 1000u);
  EXPECT_EQ(wheel.pop_due(1000), &past);
  EXPECT_EQ(wheel.pop_due(1000), &present);
}

TEST(Wheel, PresentDoesNotGoBack) {
  Wheel wheel;
  TimerEntry entry;
  EXPECT_EQ(wheel.pop_due(500), nullptr);
  EXPECT_EQ(wheel.pop_due(3), nullptr);
  wheel.insert(entry, 400);
  EXPECT_EQ(wheel.pop_due(499), nullptr);
  EXPECT_EQ(wheel.pop_due(500), &entry);
}

TEST(Wheel, ExpiresInOrderOverAllLevels) {
  Wheel wheel;
  std::deque<TimerEntry> entries;
  std::vector<Tick> expected;
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (Tick offset : {0, 1, 2}) {
      const Tick tick = (Tick{1} << bit) + offset;
      wheel.insert(entries.emplace_back(), tick);
      expected.push_back(tick);
    }
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(pop_all(wheel, kMax), expected);
}

TEST(Wheel, OneTickExpiresInTheOrderOfInsertion) {
  Wheel wheel;
  constexpr Tick kDeadline = 5000;
  std::deque<TimerEntry> entries;
  for (Tick now : {0, 1000, 4000, 4095, 4096, 4970, 4999, 5000}) {
    EXPECT_EQ(wheel.pop_due(now == kDeadline ? now - 1 : now), nullptr);
    wheel.insert(entries.emplace_back(), kDeadline);
  }
  for (TimerEntry& entry : entries) {
    EXPECT_EQ(wheel.pop_due(kDeadline), &entry);
  }
}

TEST(Wheel, EntriesInsertedWhileExpiringCount) {
  Wheel wheel;
  TimerEntry first, second;
  wheel.insert(first, 100);
  EXPECT_EQ(wheel.pop_due(300), &first);
  wheel.insert(second, 200);
  EXPECT_EQ(wheel.pop_due(300), &second);
  wheel.insert(first, 50);
  EXPECT_EQ(wheel.pop_due(300), &first);
}

TEST(Wheel, RemovedDoesNotExpire) {
  Wheel wheel;
  std::deque<TimerEntry> entries(5);
  for (TimerEntry& entry : entries) wheel.insert(entry, 70);
  wheel.remove(entries[0]);  // the head
  wheel.remove(entries[2]);  // in the middle
  wheel.remove(entries[4]);  // the tail
  EXPECT_EQ(wheel.pop_due(70), &entries[1]);
  EXPECT_EQ(wheel.pop_due(70), &entries[3]);
  EXPECT_EQ(wheel.pop_due(70), nullptr);
}

TEST(Wheel, RemovedFromEachLevelAfterThePresentMoved) {
  for (unsigned bit = 1; bit < 64; ++bit) {
    Wheel wheel;
    TimerEntry entry, earlier;
    const Tick deadline = (Tick{1} << bit) + 1;
    wheel.insert(earlier, deadline - 1);
    wheel.insert(entry, deadline);
    EXPECT_EQ(wheel.pop_due(deadline - 1), &earlier);
    EXPECT_EQ(wheel.pop_due(deadline - 1), nullptr);
    wheel.remove(entry);
    EXPECT_TRUE(wheel.empty()) << "bit " << bit;
  }
}

TEST(Wheel, AfterRemovalTheNextDeadlineIsNeverTooLate) {
  Wheel wheel;
  TimerEntry first, second;
  wheel.insert(first, 10'000);
  wheel.insert(second, 10'050);
  wheel.remove(first);
  // It may say 10'000; then it knows better.
  const Tick next = *wheel.next_deadline();
  EXPECT_LE(next, 10'050u);
  EXPECT_EQ(wheel.exact_next_deadline(), 10'050u);
  EXPECT_EQ(wheel.pop_due(next), nullptr);
  EXPECT_EQ(wheel.next_deadline(), 10'050u);
  wheel.remove(second);
}

// G1
TEST(Wheel, AMillionTimersOnOneTick) {
  constexpr size_t kTimers = 1'000'000;
  constexpr Tick kDeadline = (Tick{1} << 36) + 12'345'678;
  Wheel wheel;
  auto entries = std::make_unique<TimerEntry[]>(kTimers);
  for (size_t i = 0; i < kTimers; ++i) wheel.insert(entries[i], kDeadline);
  EXPECT_EQ(wheel.pop_due(kDeadline - 1), nullptr);
  size_t in_order = 0;
  while (wheel.pop_due(kDeadline) == &entries[in_order]) ++in_order;
  EXPECT_EQ(in_order, kTimers);
  EXPECT_TRUE(wheel.empty());
}

// G1. As an idle timeout does on each byte that comes.
TEST(Wheel, ResetStormExpiresOnceAtTheLastDeadline) {
  Wheel wheel;
  TimerEntry entry;
  Tick now = 0;
  wheel.insert(entry, now + 30'000);
  for (int i = 0; i < 200'000; ++i) {
    EXPECT_EQ(wheel.pop_due(now += 7), nullptr);
    wheel.remove(entry);
    wheel.insert(entry, now + 30'000);
  }
  EXPECT_EQ(pop_all(wheel, kMax), std::vector<Tick>{now + 30'000});
}

// A wheel, and a sorted container that must do the same.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}
  ~Model() {
    for (auto& [tick, entry] : expected_) wheel_.remove(*entry);
  }

  void step() {
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        return insert();
      case 3:
        return remove();
      case 4:
        return reset();
      default:
        return advance();
    }
  }

  // Lets all that is left expire.
  void finish() {
    while (!expected_.empty() && !::testing::Test::HasFailure()) {
      advance_to(*wheel_.next_deadline());
    }
    EXPECT_TRUE(wheel_.empty());
  }

 private:
  using Expected = std::multimap<Tick, std::unique_ptr<TimerEntry>>;

  // Distances of all magnitudes, the small ones often; sums saturate.
  Tick distance() {
    const Tick distance = random_() >> random_.below(64);
    return random_.below(4) == 0 ? distance : distance & 0xffff;
  }
  Tick deadline() {
    if (random_.below(16) == 0) return now_ - std::min(now_, distance());
    const Tick d = distance();
    return d > kMax - now_ ? kMax : now_ + d;
  }

  void insert_entry(std::unique_ptr<TimerEntry> entry) {
    const Tick tick = deadline();
    wheel_.insert(*entry, tick);
    expected_.emplace(std::max(tick, now_), std::move(entry));
    check_next();
  }
  void insert() { insert_entry(std::make_unique<TimerEntry>()); }

  std::unique_ptr<TimerEntry> take_any() {
    auto it = expected_.begin();
    std::advance(it, random_.below(std::min<size_t>(expected_.size(), 50)));
    std::unique_ptr<TimerEntry> entry = std::move(it->second);
    expected_.erase(it);
    wheel_.remove(*entry);
    check_next();
    return entry;
  }
  void remove() {
    if (!expected_.empty()) take_any();
  }
  void reset() {
    if (!expected_.empty()) insert_entry(take_any());
  }

  void advance() {
    // Mostly to what comes next, or the clock runs away from all timers.
    if (!expected_.empty() && random_.below(2) == 0) {
      return advance_to(*wheel_.next_deadline());
    }
    advance_to(now_ + random_.below(1000));
  }

  void advance_to(Tick now) {
    now_ = std::max(now_, now);
    while (!expected_.empty() && expected_.begin()->first <= now_) {
      TimerEntry* entry = wheel_.pop_due(now_);
      ASSERT_EQ(entry, expected_.begin()->second.get());
      EXPECT_EQ(entry->tick(), expected_.begin()->first);
      expected_.erase(expected_.begin());
    }
    ASSERT_EQ(wheel_.pop_due(now_), nullptr) << "early";
    check_next();
    if (expected_.empty()) return;
    EXPECT_GT(*wheel_.next_deadline(), now_);
  }

  void check_next() {
    ASSERT_EQ(wheel_.empty(), expected_.empty());
    if (expected_.empty()) return;
    EXPECT_LE(*wheel_.next_deadline(), expected_.begin()->first);
    EXPECT_EQ(*wheel_.exact_next_deadline(), expected_.begin()->first);
  }

  base::Random random_;
  Wheel wheel_;
  Expected expected_;  // in the order of deadline, then insertion
  Tick now_ = 0;
};

// E3, G1. Property: a wheel does what a container sorted by deadline and order
// of insertion does, whatever the operations.
TEST(Wheel, DoesWhatASortedContainerDoes) {
  const uint64_t seed = testing::stress_seed();
  const uint64_t stories = testing::number_from_env("EDDY_ROUNDS", 300);
  for (uint64_t story = 0; story < stories && !HasFailure(); ++story) {
    SCOPED_TRACE(story);
    Model model(seed + story);
    for (int i = 0; i < 2'000 && !HasFailure(); ++i) model.step();
    model.finish();
  }
}

}  // namespace
}  // namespace eddy::time
