#include "reactor/readiness.h"

#include <gtest/gtest.h>

namespace eddy::reactor {
namespace {

TEST(Readiness, StartsAsAssumed) {
  ReadinessWord word;
  word.reset(/*assume_ready=*/true);
  EXPECT_TRUE(word.load().is_ready());
  word.reset(/*assume_ready=*/false);
  EXPECT_FALSE(word.load().is_ready());
}

TEST(Readiness, ClearForgetsWhatWasSeen) {
  ReadinessWord word;
  word.signal(/*more=*/true);
  const Readiness seen = word.load();
  EXPECT_TRUE(seen.is_ready());
  EXPECT_TRUE(seen.has_more());
  word.clear(seen);
  EXPECT_FALSE(word.load().is_ready());
  EXPECT_FALSE(word.load().has_more());
}

// The tick race: the event came between the system call and clear().
TEST(Readiness, ClearKeepsAnEventThatWasNotSeen) {
  ReadinessWord word;
  word.signal(/*more=*/false);
  const Readiness seen = word.load();
  word.signal(/*more=*/false);
  word.clear(seen);
  EXPECT_TRUE(word.load().is_ready());
}

TEST(Readiness, MoreStaysUntilItIsCleared) {
  ReadinessWord word;
  word.signal(/*more=*/true);
  word.signal(/*more=*/false);
  EXPECT_TRUE(word.load().has_more());
}

TEST(Readiness, ShutdownIsReadyForGood) {
  ReadinessWord word;
  const Readiness before = word.load();
  word.shut_down();
  word.clear(before);
  EXPECT_TRUE(word.load().is_ready());
  word.clear(word.load());
  EXPECT_TRUE(word.load().is_ready());
  EXPECT_TRUE(word.load().is_shutdown());
}

}  // namespace
}  // namespace eddy::reactor
