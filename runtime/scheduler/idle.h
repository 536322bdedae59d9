// Idle: which workers sleep, how many look for work, and who is woken when
// there is some.
//
//   state_, 64 bits:   epoch (32) | searching (16) | parked (16)
//
//   by                effect                   when
//   ----------------  -----------------------  -----------------------------
//   notify_one()      parked-1, searching+1 e  nobody searches, one sleeps
//   try_search()      searching+1              fewer than half search
//   stop_searching()  searching-1              a searcher has found work, or
//                                              gives up
//   count_as_parked() parked+1                 the worker has nothing
//   unpark_self(w)    parked-1 e               it has to stop, or goes on
//   search_self(w)    parked-1, searching+1 e  it looked again, and has work
//   e: raises the epoch
//
// A push wakes nobody while somebody searches, since a searcher looks at every
// queue after it has announced that it stops. Who stops as the last searcher
// because it *found* work looks once more, and wakes one if there is more.
//
// Who looks again before it sleeps leaves it at that while somebody searches:
// the last one who does will look, or see that it is woken. Therefore a worker
// that does not go to sleep, since it saw work, searches again.
//
// A look may be owed. The heavy fence costs tens of microseconds where others
// compute, so while a holder of a reactor's role is at tasks, who has changed
// state_ may go without the fence and the look after it: the holder makes up
// for both before it waits for events.
//   [owed] Worker: sets look_owed_, then loads the roles: one runs tasks.
//          Holder: changes its role to POLL, then loads look_owed_. All four
//          are seq_cst: the worker sees no such role, and looks, or the holder
//          sees what is owed.
//
// No wake is lost:
//   [sleep] a pusher makes its task visible, fences (light) and loads state_. A
//   worker that goes to sleep, or stops as the last searcher, changes state_,
//   fences (heavy) and looks at all queues again. One of them sees the other.
//   tests/runtime/scheduler/sleep_model_test.cc goes through all the orders.
//
// Where nobody sleeps, a push wakes nobody, and what it pushed waits for those
// who are awake. They may be blocked, so whoever holds a reactor's role watches
// them meanwhile: it does not wait for events without looking at them now and
// then.
//
//   is_watched()  by             to   when
//   ------------  -------------  ---  ------------------------------------------
//   no            begin_watch()  yes  who has left the list sees nobody in it; he
//                                     must tell the holders
//   yes           end_watch()    no   a holder sees somebody in the list
//
// [watch] Who is out of the list and then loads is_watched(), and the holder who
//         ends the watch, do so in the order of mutex_: either the holder finds
//         him gone, or he finds the watch ended, and begins it again.
//
// One of those that sleep, the first in the list, is the standby (standby.h).
// [standby] Who becomes it and then loads the role's word, and who changes the
//           word and then looks for the standby, do so in the order of mutex_:
//           one of them sees the other.
//
// Threads: any; count_as_parked() and unpark_self() by the worker itself, and
//          begin_watch() by one that has called unpark_self(), or search_self();
//          end_watch() by who holds a role.
#ifndef EDDY_RUNTIME_SCHEDULER_IDLE_H_
#define EDDY_RUNTIME_SCHEDULER_IDLE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/base/asymmetric_fence.h"
#include "runtime/base/bits.h"
#include "runtime/base/mutex.h"

namespace eddy::scheduler {

class Idle {
 public:
  static constexpr uint32_t kMaxWorkers = 4096;

  // All workers start awake.
  explicit Idle(uint32_t workers);
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  // A task was pushed: the worker that the caller must unpark, if any. It
  // counts as searching already.
  std::optional<uint32_t> notify_one() {
    if (!may_notify()) return std::nullopt;
    return choose_sleeper();
  }
  // Whether notify_one() would wake a worker, it seems: after the push, and
  // before what else decides about it, since all are awake as a rule.
  bool may_notify() const {
    base::light_fence();  // [sleep] pairs with the one in Worker::park()
    // relaxed: the fence orders it, and it carries no data.
    const uint64_t state = state_.load(std::memory_order_relaxed);
    // Nobody searches, which is above, and somebody is parked.
    return static_cast<uint32_t>(state) - 1 < kSearching - 1;
  }

  // At most half of the workers may search at once.
  bool try_search();
  // True: it was the last one. If it has found work it fences (heavy), looks at
  // all queues again, and calls notify_one() if there is more.
  bool stop_searching();
  // A hint, but exact about who slept before the stop_searching() just now.
  bool has_sleepers() const { return sleepers() > 0; }
  uint32_t sleepers() const;
  // Exact about who still searched after the count_as_parked() just now.
  bool has_searchers() const;

  // The worker is about to sleep: it fences (heavy), and must look at all
  // queues again.
  void count_as_parked(uint32_t worker);
  // The worker won't sleep. False if somebody has chosen it to be woken: then
  // it counts as searching, and its token is on the way.
  // `heir`: the next standby, where the worker was it.
  bool unpark_self(uint32_t worker, std::optional<uint32_t>* heir = nullptr) {
    return leave_sleepers(worker, heir, 0);
  }
  // The same, and it counts as searching in any case.
  bool search_self(uint32_t worker, std::optional<uint32_t>* heir = nullptr) {
    return leave_sleepers(worker, heir, kSearching);
  }

  // Whether the holders watch: from the beginning, since all are awake.
  bool is_watched() const {
    // relaxed: [watch] is by mutex_, and a holder that was told by the wake-up.
    return watched_.load(std::memory_order_relaxed);
  }
  // True: the caller must wake the holders, so that they watch.
  [[nodiscard]] bool begin_watch();
  // False: nobody sleeps.
  [[nodiscard]] bool end_watch();

  // The standby is the one that has slept longest. It is woken last.
  enum class Place : uint8_t { kAwake, kSleeper, kStandby };
  Place place_of(uint32_t worker) const;
  std::optional<uint32_t> standby() const;

  // For the clock of tests: all workers sleep, and nobody was woken since the
  // call that gave the same epoch.
  struct Snapshot {
    bool all_parked;
    uint32_t epoch;
  };
  Snapshot snapshot() const;

 private:
  static constexpr uint64_t kParked = 1;
  static constexpr uint64_t kSearching = uint64_t{1} << 16;
  static constexpr uint64_t kEpoch = uint64_t{1} << 32;
  static uint32_t parked(uint64_t state) { return state & 0xffff; }
  static uint32_t searching(uint64_t state) { return state >> 16 & 0xffff; }

  std::optional<uint32_t> choose_sleeper();
  bool leave_sleepers(uint32_t worker, std::optional<uint32_t>* heir,
                      uint64_t and_add);

  const uint32_t workers_;
  std::atomic<bool> watched_{true};  // read often, and hardly ever written
  alignas(base::kCacheLine) std::atomic<uint64_t> state_{0};
  mutable base::Mutex mutex_;
  // Last in, first out: the worker whose caches are warmest. In it if and only
  // if counted as parked; both change under the lock.
  std::vector<uint32_t> sleepers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_IDLE_H_
