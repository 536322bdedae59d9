#include "runtime/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>

#include "tests/support/fault_injector.h"

namespace eddy::base {
namespace {

constexpr uint64_t second_of(uint64_t seed) {
  Random random(seed);
  random();
  return random();
}
static_assert(second_of(7) == second_of(7));
static_assert(second_of(7) != second_of(8));

TEST(Random, BelowStaysBelowAndIsEven) {
  constexpr uint32_t kSides = 7, kThrows = 70'000;
  Random random(1);
  std::array<uint32_t, kSides> seen{};
  for (uint32_t i = 0; i < kThrows; ++i) ++seen.at(random.below(kSides));
  for (uint32_t count : seen) EXPECT_NEAR(count, kThrows / kSides, 500);
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_EQ(random.below(0), 0u);
}

TEST(Random, BitsAreBalancedFromTheFirstNumberOn) {
  std::array<int, 64> ones{};
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    const uint64_t number = Random(seed)();
    for (int bit = 0; bit < 64; ++bit) ones[bit] += number >> bit & 1;
  }
  for (int count : ones) EXPECT_NEAR(count, 5'000, 300);
}

TEST(Random, WorksWithTheAlgorithmsOfStd) {
  std::array<int, 100> numbers;
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), Random(3));
  EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST(RandomSeed, DiffersFromCallToCall) {
  EXPECT_NE(random_seed(), random_seed());
}

TEST(RandomSeed, DiffersWithoutTheKernelsHelp) {
  testing::FaultInjector faults;
  faults.fail(testing::Call::kGetrandom, testing::always(), EAGAIN);
  EXPECT_NE(random_seed(), random_seed());
  EXPECT_EQ(faults.failures(testing::Call::kGetrandom), 2u);
}

}  // namespace
}  // namespace eddy::base
