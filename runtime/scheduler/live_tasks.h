// LiveTasks: the tasks of a scheduler that have not completed: how many they
// are, and lists by which a shutdown finds those that wait.
//
// A task that is queued or being polled is not lost: whoever holds its queue
// entry sees is_closed(). Only a task that waits can be reached by its wakers
// alone, so a task enters a list when it is about to wait for the first time.
// One that never waits enters none.
//
//   is in      by                   to            the list's reference goes to
//   ---------  -------------------  ------------  ----------------------------
//   no list    enlist()             my list       the list (before that,
//                                                 whoever runs the task has it)
//   no list    dismiss()            no list       the caller
//   my list    dismiss()            no list       the caller
//   another's  dismiss()            the same, as  the list, until its owner
//              list                 a remnant     sweeps it
//   a list     take()               no list       the caller
//   no list    dismiss(), after     no list       -
//              take()
//
// Each worker has a list that only it links to and unlinks from, with no lock
// and no locked operation; it sweeps remnants, two at each enlist(). One more
// list, with a lock, is for all other threads. After close() all lists have
// locks.
//
// [close]  The owner of a list sets `busy`, fences (light) and looks at
//          `closed`; close() sets `closed`, fences (heavy) and waits until no
//          list is busy. One of them sees the other.
// [owner]  The owner clears `busy` with a release, which close() acquires.
// [ended]  A task's end releases, alive() acquires, and reads what was admitted
//          after what has ended: a task that is alive is never missed.
//
// Threads: any; a worker's list as `mine` by that worker only.
// Owner:   holds one reference of each task in a list.
#ifndef EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_
#define EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/base/asymmetric_fence.h"
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
  ~LiveTasks();

  // A task begins: false once closed.
  bool admit(uint32_t mine) {
    if (is_closed()) [[unlikely]]
      return false;
    bump(mine, lists_[mine].admitted);
    return true;
  }
  // It is about to wait, and is in no list: false once closed.
  bool enlist(task::Header& task, uint32_t mine) {
    List& list = lists_[mine];
    Use use(*this, list, mine);
    if (use.is_closed()) [[unlikely]]
      return false;
    task.live_list = static_cast<uint16_t>(mine);
    link(list, task);
    if (list.remnants.load(std::memory_order_relaxed) > 0) [[unlikely]]
      sweep(list);
    return true;
  }
  // It is about to complete. True: the list's reference is the caller's.
  bool dismiss(task::Header& task, uint32_t mine) {
    const bool is_mine =
        task.live_list == task::Header::kUnlisted || delist(task, mine);
    bump(mine, lists_[mine].ended);
    return is_mine;
  }

  // A part of a task, which is in no list, counts as alive.
  void begin_part(uint32_t mine) { bump(mine, lists_[mine].admitted); }
  void end_part(uint32_t mine) { bump(mine, lists_[mine].ended); }

  // From now on admit() and enlist() refuse.
  void close();
  // relaxed: it carries no data. Who must not miss it asks enlist().
  bool is_closed() const { return closed_.load(std::memory_order_relaxed); }
  // After close(): takes some task out of the lists, with the list's reference;
  // null if there is none. Unless it is a remnant it still counts as alive,
  // until dismiss().
  task::Header* take();

  // Tasks admitted and not yet dismissed, and parts that have not ended; exact
  // when none comes or goes.
  std::size_t alive() const;

 private:
  struct alignas(base::kCacheLine) List {
    std::atomic<uint64_t> admitted{0}, ended{0};
    // The owner's, and once closed of whoever holds the mutex.
    std::atomic<bool> busy{false};
    task::Header* head = nullptr;
    task::Header* swept = nullptr;  // where the next sweep goes on
    base::Mutex mutex;
    // Tasks that have ended elsewhere, and may not be swept yet.
    alignas(base::kCacheLine) std::atomic<int64_t> remnants{0};
  };

  // The right to change a list, of its owner or of who has its lock.
  class Use {
   public:
    Use(LiveTasks& live, List& list, uint32_t index) : list_(list) {
      if (live.is_workers(index)) [[likely]] {
        list.busy.store(true, std::memory_order_relaxed);
        base::light_fence();  // [close]
        if (!live.is_closed()) [[likely]]
          return;
        list.busy.store(false, std::memory_order_release);  // [owner]
      }
      lock(live);
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
      if (!is_locked_) [[likely]] {
        list_.busy.store(false, std::memory_order_release);  // [owner]
      } else {
        unlock();
      }
    }

    bool is_closed() const { return is_closed_; }

   private:
    void lock(LiveTasks& live) ABSL_NO_THREAD_SAFETY_ANALYSIS;
    void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS;

    List& list_;
    bool is_locked_ = false;
    bool is_closed_ = false;  // then it is locked
  };

  bool is_workers(uint32_t list) const { return list < workers_; }
  // A worker's counters have one writer: no locked operation.
  void bump(uint32_t list, std::atomic<uint64_t>& counter) {
    if (is_workers(list)) {
      counter.store(counter.load(std::memory_order_relaxed) + 1,
                    std::memory_order_release);  // [ended]
    } else {
      counter.fetch_add(1, std::memory_order_release);  // [ended]
    }
  }
  static void link(List& list, task::Header& task) {
    task.live_next = list.head;
    if (list.head != nullptr) list.head->live_prev = &task;
    list.head = &task;
  }
  static void unlink(List& list, task::Header& task);
  bool delist(task::Header& task, uint32_t mine);
  static void sweep(List& list);

  std::atomic<bool> closed_{false};
  const uint32_t workers_;
  std::vector<List> lists_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_LIVE_TASKS_H_
