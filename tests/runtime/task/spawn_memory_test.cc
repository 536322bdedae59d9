// D1: memory runs out at each allocation of a spawn in turn. The builds with
// AddressSanitizer run this without the frame pool (EDDY_FRAME_POOL=0).
#include <gtest/gtest.h>

#include <exception>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/task/cell.h"
#include "runtime/task/task.h"
#include "sync/notify.h"
#include "tests/runtime/task/leaves.h"
#include "tests/support/allocations.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Event;
using testing::FailAllocation;
using testing::Live;
using testing::WakeCounter;
using testing::Yields;

// A task that gives nothing takes one cache line, beside its frame; and one
// that waits for a Notify, without a coroutine around it, 112 bytes in all.
static_assert(sizeof(task::Cell<Task<void>>) == 64);
static_assert(sizeof(task::Cell<sync::Notify::Notified>) <= 112);

Task<int> child(Live) {
  co_await Yields(1);
  co_return 1;
}
Task<int> parent(Live live) {
  int sum = 0;
  for (int i = 0; i < 3; ++i) sum += co_await child(live);
  co_return sum;
}

// A run queue that needs no memory.
class SmallScheduler final : public task::Scheduler {
 public:
  ~SmallScheduler() { EXPECT_EQ(live, 0); }

  void run() {
    while (count_ > 0) queue_[--count_]->run();
  }

  int live = 0;

 private:
  void schedule(task::Header& task) noexcept override {
    queue_[count_++] = &task;
  }
  void reschedule(task::Header& task) noexcept override { schedule(task); }
  bool admit(task::Header&) noexcept override {
    ++live;
    return true;
  }
  bool enlist(task::Header&) noexcept override { return true; }
  bool dismiss(task::Header&) noexcept override {
    --live;
    return true;
  }
  void unhandled(std::exception_ptr) noexcept override {}

  task::Header* queue_[8];
  int count_ = 0;
};

// On a fresh thread, whose lists of frames are empty.
template <class Body>
void on_fresh_thread(Body body) {
  std::thread(body).join();
}

TEST(SpawnMemory, SpawnThrowsToTheCallerAndLeavesNothing) {
  int failures = 0;
  for (uint64_t nth = 1, more = 1; more != 0; ++nth) {
    on_fresh_thread([&failures, &more, nth] {
      int live = 0;
      SmallScheduler scheduler;
      std::optional<JoinHandle<int>> handle;
      FailAllocation fault(nth);
      try {
        handle.emplace(task::launch_named(
            scheduler, "a name that is too long for the small string",
            parent(Live(live))));
      } catch (const std::bad_alloc&) {
      }
      fault.stop();
      more = fault.happened();
      failures += !handle.has_value();
      // Where the pool finds no memory for its lists it does without.
      EXPECT_TRUE(handle.has_value() || fault.happened());
      EXPECT_EQ(scheduler.live, handle.has_value() ? 1 : 0);
      scheduler.run();
      EXPECT_EQ(live, 0);
      // And all is well afterwards.
      auto next = task::launch(scheduler, parent(Live(live)));
      scheduler.run();
      EXPECT_TRUE(next.is_finished());
    });
  }
  EXPECT_TRUE(failures > 0 || !testing::allocations_are_counted());
}

TEST(SpawnMemory, ATaskSeesTheFailureOfItsCalls) {
  for (uint64_t nth = 1, more = 1; more != 0; ++nth) {
    on_fresh_thread([&more, nth] {
      int live = 0;
      SmallScheduler scheduler;
      WakeCounter waker;
      auto handle = task::launch(scheduler, parent(Live(live)));
      FailAllocation fault(nth);
      scheduler.run();
      fault.stop();
      more = fault.happened();
      auto result = handle.poll(waker.context());
      EXPECT_TRUE(result.is_ready());
      if (fault.happened()) {
        EXPECT_THROW((*std::move(result)).value(), std::bad_alloc);
      } else {
        EXPECT_EQ((*std::move(result)).value(), 3);
      }
      EXPECT_EQ(live, 0);
    });
  }
}

Task<int> wait_for(Event& event) {
  co_await event.wait();
  co_return 1;
}

TEST(SpawnMemory, WakePollAbortAndJoinNeedNone) {
  Event event, never;
  SmallScheduler scheduler;
  WakeCounter waker;
  auto handle = task::launch(scheduler, wait_for(event));
  auto aborted = task::launch(scheduler, wait_for(never));
  scheduler.run();
  FailAllocation fault(1);
  EXPECT_TRUE(handle.poll(waker.context()).is_pending());
  event.disturb();
  scheduler.run();
  event.set();
  aborted.abort();
  scheduler.run();
  auto result = handle.poll(waker.context());
  EXPECT_EQ((*std::move(result)).value(), 1);
  fault.stop();
  EXPECT_FALSE(fault.happened());
}

}  // namespace
}  // namespace eddy
