// LongTasks: the tasks that have kept the holder of the reactor's role from
// polling, so that it does not run them a second time: workers do.
//
// A guess, in a few words: two tasks whose ids fall on one word push each other
// out, and then one of them costs another take-over.
//
// Threads: any. relaxed: ids carry no data.
#ifndef EDDY_RUNTIME_SCHEDULER_LONG_TASKS_H_
#define EDDY_RUNTIME_SCHEDULER_LONG_TASKS_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "runtime/task/id.h"

namespace eddy::scheduler {

class LongTasks {
 public:
  LongTasks() = default;
  LongTasks(const LongTasks&) = delete;
  LongTasks& operator=(const LongTasks&) = delete;

  void add(TaskId id) {
    word_of(id).store(id.value(), kRelaxed);
    is_used_.store(true, kRelaxed);
  }
  void remove(TaskId id) {
    uint64_t expected = id.value();
    word_of(id).compare_exchange_strong(expected, 0, kRelaxed, kRelaxed);
  }

  // Whether any has ever been added.
  bool is_used() const { return is_used_.load(kRelaxed); }
  bool contains(TaskId id) const {
    return words_[index_of(id)].load(kRelaxed) == id.value();
  }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  static constexpr uint32_t kBits = 8;

  static uint64_t index_of(TaskId id) {
    return id.value() * 0x9e3779b97f4a7c15 >> (64 - kBits);
  }
  std::atomic<uint64_t>& word_of(TaskId id) { return words_[index_of(id)]; }

  std::atomic<bool> is_used_{false};
  std::array<std::atomic<uint64_t>, 1 << kBits> words_ = {};
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_LONG_TASKS_H_
