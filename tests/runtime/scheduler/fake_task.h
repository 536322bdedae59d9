// FakeTask: something to put into queues and lists. To run it is to end it.
//
// Threads: as what it is put into. Owner: the test.
#ifndef EDDY_TESTS_RUNTIME_SCHEDULER_FAKE_TASK_H_
#define EDDY_TESTS_RUNTIME_SCHEDULER_FAKE_TASK_H_

#include <atomic>
#include <exception>

#include "runtime/task/header.h"

namespace eddy::scheduler {

class NoScheduler final : public task::Scheduler {
 public:
  void schedule(task::Header&) noexcept override {}
  void reschedule(task::Header&) noexcept override {}
  bool admit(task::Header&) noexcept override { return false; }
  bool enlist(task::Header&) noexcept override { return false; }
  bool dismiss(task::Header&) noexcept override { return false; }
  void unhandled(std::exception_ptr) noexcept override {}

  static NoScheduler& instance() {
    static NoScheduler scheduler;
    return scheduler;
  }
};

class FakeTask final : public task::Header {
 public:
  FakeTask() : task::Header(NoScheduler::instance()) {}

  int value = 0;  // a plain one: for ThreadSanitizer to watch
  // How often the last reference was dropped; relaxed, so it adds no order.
  std::atomic<int> destroyed{0};

  void* outcome() noexcept override { return nullptr; }

 private:
  bool poll_future(Context&) noexcept override { return true; }
  void cancel_future() noexcept override {}
  std::exception_ptr destroy_outcome() noexcept override { return nullptr; }
  void destroy() noexcept override {
    destroyed.fetch_add(1, std::memory_order_relaxed);
  }
};

}  // namespace eddy::scheduler

#endif  // EDDY_TESTS_RUNTIME_SCHEDULER_FAKE_TASK_H_
