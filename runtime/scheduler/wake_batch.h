// WakeBatch: the tasks that one harvest of events woke, on their way to the
// injection queue in one go, with one look at who sleeps.
//
// Threads: of the thread that harvests, which finds it in its context.
#ifndef EDDY_RUNTIME_SCHEDULER_WAKE_BATCH_H_
#define EDDY_RUNTIME_SCHEDULER_WAKE_BATCH_H_

#include <vector>

namespace eddy::task {
class Header;
}

namespace eddy::scheduler {

class WakeBatch {
 public:
  WakeBatch() = default;

  void add(task::Header& task) { tasks_.push_back(&task); }
  bool empty() const { return tasks_.empty(); }
  std::vector<task::Header*>& tasks() { return tasks_; }

 private:
  std::vector<task::Header*> tasks_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_WAKE_BATCH_H_
