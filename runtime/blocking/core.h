// Core: the blocking pool itself, which its threads share with the Pool and
// keep alive. Jobs see it as their scheduler.
//
// Who brings a thread to a job: schedule() puts the job into the queue and
// then, if `wants_recruit_`, recruits: it wakes the idle thread that is at the
// top of the stack, or starts one. As a rule one recruit is on its way at a
// time: when it arrives it takes a job and, if there are more, recruits the
// next before it runs its own. So a burst of short jobs wakes few threads, and
// of long ones, as many as there are jobs. While nobody is idle and threads
// have to be started, each that arrives starts two, and kMostRecruits may be on
// their way: it is the kernel that takes long, which can do so on each CPU.
//
//   [recruit] No job is forgotten, since of two that pass each other one sees
//   the other: schedule() adds to the queue and then reads wants_recruit_; who
//   sets wants_recruit_ looks at the queue afterwards. Both are seq_cst.
//   [close] Likewise with closed_: a job that shutdown() did not see in the
//   queue is cancelled by the schedule() that put it there.
//
// A thread is in one of these states; only those of the first three count
// against max_threads:
//
//   idle      wait_for_job()             recruited, sent, or leaves
//   at a job  run_job()
//   leaving   end_thread()
//   lent      send()                     runs an errand, then comes back to the
//                                        others, or leaves if they are enough
//
// A guest is a thread of somebody else's that is here for a visit().
//
// Threads: any. Owner: the Pool and each of the threads, until all are gone.
#ifndef EDDY_RUNTIME_BLOCKING_CORE_H_
#define EDDY_RUNTIME_BLOCKING_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/base/thread.h"
#include "runtime/blocking/class_queue.h"
#include "runtime/blocking/job_queue.h"
#include "runtime/blocking/options.h"
#include "runtime/blocking/places.h"
#include "runtime/context/current.h"
#include "runtime/task/header.h"

namespace eddy::blocking {

class Errand;

class Core final : public task::Scheduler,
                   public std::enable_shared_from_this<Core> {
 public:
  explicit Core(Options options);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core();

  void schedule(task::Header& job) noexcept override;
  void reschedule(task::Header& job) noexcept override;
  bool admit(task::Header& job) noexcept override;
  bool enlist(task::Header& job) noexcept override;
  bool dismiss(task::Header& job) noexcept override;
  void unhandled(std::exception_ptr error) noexcept override;

  // See Pool.
  void set_context(const context::Current& current,
                   std::shared_ptr<const void> keep);
  std::vector<StuckJob> shutdown(Clock::time_point deadline);
  void join(Clock::time_point deadline);
  [[nodiscard]] bool send(Errand& errand);
  void visit();
  // The queue of a class, which is made when it is first asked for.
  ClassQueue& class_queue(const BlockingClass& kind) ABSL_LOCKS_EXCLUDED(mu_);
  Places& places() { return places_; }
  // Of a job that no queue has: it ends, cancelled.
  void cancel(task::Header& job) noexcept;
  bool is_closed() const { return closed_.load(std::memory_order_seq_cst); }
  Metrics metrics() const;

 private:
  // Where a thread sits, if it is one of a pool's.
  struct Seat {
    const Core* core = nullptr;
    const void* slot = nullptr;
    bool is_lent = false;
  };
  // This thread's.
  [[gnu::noinline]] static Seat& seat() noexcept;

  // A place for a thread; used again after its thread has ended. The members
  // are guarded by mu_, but for `called` and what comes after `name`.
  struct Slot {
    bool recruited = false;  // what an idle thread waits for
    // To look whether it is, or is wanted otherwise; see linger().
    std::atomic<bool> called{false};
    Slot* above = nullptr;     // in the stack of idle threads
    Slot* below = nullptr;     // in that stack, or in the list of free slots
    base::Thread thread;       // set after the start, by whoever started it
    bool is_guest = false;     // then there is no `thread`
    Errand* errand = nullptr;  // to run next
    std::string name;

    base::CondVar changed;
    base::Mutex job_mutex;
    // With a reference; null between jobs.
    task::Header* job ABSL_GUARDED_BY(job_mutex) = nullptr;
    Clock::time_point job_start ABSL_GUARDED_BY(job_mutex);

    uint32_t vain_lingers = 0;  // the thread's own
    // Of all jobs that were run here; the thread writes, others may read.
    DurationCounters wait_time, run_time;
  };

  struct Queued {
    task::Header* job = nullptr;  // null: there is none
    Clock::time_point since = {};
  };

  // Whom recruit() has chosen, for deliver() to do without the lock.
  struct Recruit {
    Slot* idle = nullptr;
    bool is_fresh = false;  // a new one, that will sit in:
    Slot* fresh = nullptr;  // null: there is no memory for it
  };
  static constexpr size_t kMostRecruits = 4;
  enum class Rest : uint8_t { kRecruited, kSent, kLookAgain, kLeave };

  Queued take_job() noexcept;

  // Recruiting.
  [[nodiscard]] Recruit recruit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void deliver(Recruit chosen) ABSL_LOCKS_EXCLUDED(mu_);
  void recruit_arrived() ABSL_LOCKS_EXCLUDED(mu_);
  void update_wants_recruit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void note_peak() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // An errno, or 0.
  [[nodiscard]] int start_thread(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);
  // `slot`: null if there was none to be had.
  void start_failed(Slot* slot, int error) ABSL_LOCKS_EXCLUDED(mu_);
  std::string next_name();

  // The life of a thread.
  void run_thread(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);
  void serve(Slot& slot, Rest rest) ABSL_LOCKS_EXCLUDED(mu_);
  // `now`: the end of the job before, if there was no pause. Gives its own.
  Clock::time_point run_job(Slot& slot, Queued queued, Clock::time_point now)
      ABSL_LOCKS_EXCLUDED(mu_);
  Rest run_errand(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);
  void settle();
  void run_hook(const std::function<void()>& hook);
  Rest wait_for_job(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);
  void linger(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);
  [[nodiscard]] bool end_thread(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);
  // Frees the slot of a thread that ends. Returns one to join.
  [[nodiscard]] base::Thread retire(Slot& slot)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Null if there is no memory.
  Slot* take_free_slot() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void free_slot(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void push_idle(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void remove_idle(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The end.
  void close() ABSL_LOCKS_EXCLUDED(mu_);
  void close_classes();
  void cancel_queued() noexcept;
  bool is_quiet() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool is_over() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return is_closed() && threads_ == 0 && lent_ == 0;
  }
  std::vector<StuckJob> stuck_jobs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  JobQueue queue_;
  Places places_;

  std::atomic<bool> closed_{false};        // written under mu_
  std::atomic<bool> wants_recruit_{true};  // written under mu_
  std::atomic<uint64_t> admitted_{0};
  std::atomic<uint64_t> finished_{0};
  std::atomic<uint64_t> settled_{0};
  std::atomic<uint64_t> names_{0};
  std::atomic<bool> is_lingering_{false};  // a thread is

  mutable base::Mutex mu_;
  std::map<const void*, std::unique_ptr<ClassQueue>> classes_
      ABSL_GUARDED_BY(mu_);
  base::CondVar thread_ended_;
  // They live as long as the pool: who wakes a thread may come late, and
  // signals the slot of one that is gone.
  std::deque<Slot> slots_ ABSL_GUARDED_BY(mu_);
  Slot* free_ ABSL_GUARDED_BY(mu_) = nullptr;
  Slot* idle_ ABSL_GUARDED_BY(mu_) = nullptr;  // the one that came last
  size_t idle_count_ ABSL_GUARDED_BY(mu_) = 0;
  size_t recruits_ ABSL_GUARDED_BY(mu_) = 0;  // on their way
  size_t takers_ ABSL_GUARDED_BY(mu_) = 0;    // threads that will take a job
  size_t threads_ ABSL_GUARDED_BY(mu_) = 0;   // those, and the ones that leave
  size_t lent_ ABSL_GUARDED_BY(mu_) = 0;      // threads that run errands
  size_t peak_threads_ ABSL_GUARDED_BY(mu_) = 0;
  base::Thread last_ended_ ABSL_GUARDED_BY(mu_);
  bool abandoned_ ABSL_GUARDED_BY(mu_) = false;  // nobody joins the threads
  context::Current context_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const void> keep_ ABSL_GUARDED_BY(mu_);
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_CORE_H_
