// LiveTasks: every task of a scheduler that has not completed, so that shutting
// down can end them all.
//
// Lists by task id, each with a lock of its own, so that threads which spawn
// and complete at the same time seldom meet.
//
// Threads: any.
// Owner:   holds one reference of each task in a list.
#ifndef EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_
#define EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_

#include <cstddef>
#include <vector>

#include "runtime/base/bits.h"
#include "runtime/base/mutex.h"

namespace eddy::task {
class Header;
}

namespace eddy::scheduler {

class LiveTasks {
 public:
  // `shards`: rounded up to a power of two.
  explicit LiveTasks(std::size_t shards);
  LiveTasks(const LiveTasks&) = delete;
  LiveTasks& operator=(const LiveTasks&) = delete;

  // False once closed: the task is not taken.
  bool add(task::Header& task);
  // The task is about to complete. True if it was in its list: the reference
  // goes to the caller.
  bool remove(task::Header& task);
  // Whether add() took it.
  bool was_added(const task::Header& task) const;

  // From now on add() refuses.
  void close();
  // Takes some task out of the lists, with the list's reference; null if there
  // is none. It still counts as alive until remove().
  task::Header* take();

  // Tasks added and not yet removed; exact when nobody adds or removes.
  std::size_t alive() const;

 private:
  struct alignas(base::kCacheLine) Shard {
    mutable base::Mutex mutex;
    task::Header* head ABSL_GUARDED_BY(mutex) = nullptr;
    std::size_t alive ABSL_GUARDED_BY(mutex) = 0;
    bool closed ABSL_GUARDED_BY(mutex) = false;
  };

  static void unlink(Shard& shard, task::Header& task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  Shard& shard_of(const task::Header& task);
  const Shard& shard_of(const task::Header& task) const;

  std::vector<Shard> shards_;  // a power of two
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_
