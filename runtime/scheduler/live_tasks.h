// LiveTasks: the tasks of a scheduler that have not completed: how many they
// are, and lists by which a shutdown finds those that wait.
//
// A task that is queued or being polled is not lost: whoever holds its queue
// entry sees is_closed(). Only a task that waits can be reached by its wakers
// alone, so a task enters a list when it is about to wait for the first time,
// and leaves it when it completes. One that never waits enters none.
//
//   is in      by          to         the list's reference goes to
//   ---------  ----------  ---------  -------------------------------------
//   no list    enlist()    a list     the list (before, to who runs the task)
//   a list     take()      no list    the caller of take()
//   a list     dismiss()   no list    the caller of dismiss()
//   no list    dismiss()   no list    the same; after take() nobody
//
// A list for each worker, with a lock of its own that others need only to take
// out what that worker has listed, and one for all other threads.
//
// [close]  close() sets `closed` and then takes the lock of each list; enlist()
//          looks at `closed` under that lock: a task is either found in its
//          list, or refused.
// [ended]  a task's end releases, alive() acquires, and reads what was admitted
//          after what has ended: a task that is alive is never missed.
//
// Threads: any; a worker's list by its worker for admit(), enlist() and as
//          `mine` of dismiss().
// Owner:   holds one reference of each task in a list.
#ifndef EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_
#define EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/base/bits.h"
#include "runtime/base/mutex.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {

class LiveTasks {
 public:
  // Lists 0 to `workers` - 1 belong to one thread each, list `workers` to all
  // others.
  explicit LiveTasks(uint32_t workers);
  LiveTasks(const LiveTasks&) = delete;
  LiveTasks& operator=(const LiveTasks&) = delete;

  // A task begins: false once closed.
  bool admit(uint32_t mine) {
    if (is_closed()) [[unlikely]]
      return false;
    bump(mine, lists_[mine].admitted);
    return true;
  }
  // It is about to wait, and is in no list: false once closed.
  bool enlist(task::Header& task, uint32_t mine);
  // It is about to complete. True: the list's reference is the caller's.
  bool dismiss(task::Header& task, uint32_t mine) {
    const bool is_unlisted =
        task.live_list == task::Header::kUnlisted || delist(task);
    bump(mine, lists_[mine].ended);
    return is_unlisted;
  }

  // From now on admit() and enlist() refuse.
  void close();
  // relaxed: it carries no data. Who must not miss it asks enlist().
  bool is_closed() const { return closed_.load(std::memory_order_relaxed); }
  // Takes some task out of the lists, with the list's reference; null if there
  // is none. It still counts as alive until dismiss().
  task::Header* take();

  // Tasks admitted and not yet dismissed; exact when none comes or goes.
  std::size_t alive() const;

 private:
  struct alignas(base::kCacheLine) List {
    std::atomic<uint64_t> admitted{0}, ended{0};
    base::Mutex mutex;
    task::Header* head ABSL_GUARDED_BY(mutex) = nullptr;
  };

  // A worker's counters have one writer: no locked operation.
  void bump(uint32_t list, std::atomic<uint64_t>& counter) {
    if (list + 1 < lists_.size()) {
      counter.store(counter.load(std::memory_order_relaxed) + 1,
                    std::memory_order_release);  // [ended]
    } else {
      counter.fetch_add(1, std::memory_order_release);  // [ended]
    }
  }
  bool delist(task::Header& task);
  static void unlink(List& list, task::Header& task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(list.mutex);

  std::atomic<bool> closed_{false};
  std::vector<List> lists_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_
