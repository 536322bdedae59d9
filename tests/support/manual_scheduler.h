// ManualScheduler: tasks on one thread, each of whose turns the test gives.
//
//   ManualScheduler scheduler;
//   JoinHandle<int> handle = task::launch(scheduler, answer());
//   EXPECT_EQ(scheduler.run(), 1);  // polls until nothing is queued
//
// At its end it checks its oracles: nothing is queued, and every task has
// ended.
//
// Threads: one.
#ifndef EDDY_TESTS_SUPPORT_MANUAL_SCHEDULER_H_
#define EDDY_TESTS_SUPPORT_MANUAL_SCHEDULER_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include "runtime/task/header.h"

namespace eddy::testing {

class ManualScheduler final : public task::Scheduler {
 public:
  ManualScheduler() = default;
  ManualScheduler(const ManualScheduler&) = delete;
  ManualScheduler& operator=(const ManualScheduler&) = delete;
  ~ManualScheduler() {
    EXPECT_EQ(queued(), 0u) << "tasks are left in the queue";
    EXPECT_EQ(live(), 0u) << "tasks have not ended";
    shut_down();
  }

  // Turns, until nothing is queued, or so many. Returns how many there were.
  size_t run(size_t limit = std::numeric_limits<size_t>::max()) {
    size_t turns = 0;
    for (; turns < limit && !queue_.empty(); ++turns) {
      task::Header* task = queue_.front();
      queue_.pop_front();
      task->run(budget);
    }
    return turns;
  }

  // Cancels all tasks, as the end of a runtime does.
  void shut_down() {
    closed = true;
    for (task::Header* task : std::exchange(live_, {})) {
      task->abort_now();
      task->release();  // the list's reference
    }
    run();
  }

  size_t queued() const { return queue_.size(); }
  size_t live() const { return live_.size(); }
  bool is_queued(TaskId id) const {
    return std::any_of(queue_.begin(), queue_.end(),
                       [id](task::Header* task) { return task->id() == id; });
  }

  bool closed = false;  // admits no task
  uint32_t budget = Context::kDefaultBudget;
  std::vector<std::exception_ptr> unhandled_errors;

 private:
  void schedule(task::Header& task) noexcept override {
    EXPECT_FALSE(is_queued(task.id())) << "a task is queued twice";
    queue_.push_back(&task);
  }
  void reschedule(task::Header& task) noexcept override { schedule(task); }
  bool admit(task::Header& task) noexcept override {
    if (closed) return false;
    live_.push_back(&task);
    return true;
  }
  bool enlist(task::Header&) noexcept override { return true; }
  bool dismiss(task::Header& task) noexcept override {
    return std::erase(live_, &task) != 0;
  }
  void unhandled(std::exception_ptr error) noexcept override {
    unhandled_errors.push_back(std::move(error));
  }

  std::deque<task::Header*> queue_;
  std::vector<task::Header*> live_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_MANUAL_SCHEDULER_H_
