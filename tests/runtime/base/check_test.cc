#include "runtime/base/check.h"

#include <gtest/gtest.h>

#include <string>

namespace eddy::base {
namespace {

TEST(Check, PassesAndEvaluatesOnce) {
  int evaluations = 0;
  EDDY_CHECK(++evaluations == 1, "never printed");
  EXPECT_EQ(evaluations, 1);
}

TEST(CheckDeathTest, SaysWhereWhatAndTheRemedy) {
  EXPECT_DEATH(
      EDDY_CHECK(1 + 1 == 3, "use arithmetic"),
      "check_test.cc:[0-9]+: check failed: 1 . 1 == 3: use arithmetic");
}

TEST(CheckDeathTest, MessageMayBeMissingOrMade) {
  const std::string name = "reader";
  EXPECT_DEATH(EDDY_CHECK(name.empty()), "check failed: name.empty");
  EXPECT_DEATH(EDDY_CHECK(name.empty(), "two of " + name), ": two of reader");
}

TEST(CheckDeathTest, DcheckIsForDebugBuilds) {
  [[maybe_unused]] int evaluations = 0;
#ifdef NDEBUG
  EDDY_DCHECK(++evaluations == 2, "not evaluated");
  EXPECT_EQ(evaluations, 0);
#else
  EXPECT_DEATH(EDDY_DCHECK(evaluations == 2, "debug"), ": debug");
#endif
}

}  // namespace
}  // namespace eddy::base
