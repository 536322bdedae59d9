// TaskId: names a task among all tasks of the process; never used again.
//
// Threads: any. Ids are handed to threads in blocks, so that making one touches
// no shared word; they are unique, not consecutive, and end at 2^48: after nine
// years of a million tasks a second.
#ifndef EDDY_RUNTIME_TASK_ID_H_
#define EDDY_RUNTIME_TASK_ID_H_

#include <compare>
#include <cstdint>

namespace eddy {

class TaskId {
 public:
  TaskId() = default;  // no task
  explicit TaskId(uint64_t value) : value_(value) {}

  uint64_t value() const { return value_; }
  auto operator<=>(const TaskId&) const = default;

  static TaskId next();

 private:
  uint64_t value_ = 0;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_ID_H_
