// A waker that is made when it is asked for, as that of a fork_join's child: to
// make it allocates, which may be the user's operator new and takes its time.
// So nobody asks while it holds a lock that others spin on.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/task/context.h"
#include "tests/support/any_kind.h"
#include "tests/support/wake_counter.h"
#include "tests/sync/any_kind.h"
#include "tests/sync/waits.h"

namespace eddy {

// In place of the one that is not linked here: a WakerSource has no other.
class forks::Caller final : public WakerSource {
 public:
  explicit Caller(const Waker& waker) : waker_(waker) {}

  const Waker& waker() noexcept override {
    if (on_asked) std::exchange(on_asked, nullptr)();
    return waker_;
  }

  std::function<void()> on_asked;

 private:
  const Waker& waker_;
};

namespace sync {
namespace {

using testing::WakeCounter;

class LazyWaker : public ::testing::TestWithParam<KindName> {};

INSTANTIATE_TEST_SUITE_P(InOrder, LazyWaker,
                         ::testing::ValuesIn(testing::kinds_of(WaitsInOrder())),
                         name_of_kind);
INSTANTIATE_TEST_SUITE_P(
    Together, LazyWaker,
    ::testing::ValuesIn(testing::kinds_of(WaitsTogether())), name_of_kind);

// To drop a wait takes the lock: where it is held already, this test hangs.
TEST_P(LazyWaker, IsMadeUnderNoLock) {
  std::unique_ptr<AnyKind> kind = GetParam().make();
  WakeCounter first, second;
  std::optional<AnyKind::Wait> other(kind->wait());
  EXPECT_TRUE(other->poll(first.context()).is_pending());
  AnyKind::Wait wait = kind->wait();
  forks::Caller caller(second.context().waker());
  caller.on_asked = [&] { other.reset(); };
  Context cx(caller, Context::default_stack_limit());
  EXPECT_TRUE(wait.poll(cx).is_pending());
  EXPECT_FALSE(other.has_value());
  kind->serve();
  EXPECT_TRUE(wait.poll(cx).is_ready());
}

}  // namespace
}  // namespace sync
}  // namespace eddy
