// Seat: a reactor, as the multi-thread scheduler sees it: the word that says
// which thread has its role, its driver, and what only the holder may touch.
//
// There are as many seats as reactors. A worker has one at most, and takes over
// any of them: N workers and R reactors have N + R threads, so that N of these
// may be blocked before a reactor is left alone.
//
// Threads: role and driver by any; the rest by the holder of the role, and
//          before a take-over as role.h says.
// Owner:   MultiThread.
#ifndef EDDY_RUNTIME_SCHEDULER_SEAT_H_
#define EDDY_RUNTIME_SCHEDULER_SEAT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/scheduler/driver.h"
#include "runtime/scheduler/metrics.h"
#include "runtime/scheduler/role.h"

namespace eddy::scheduler {

class Worker;

struct Seat {
  Seat(Driver& driver, uint32_t holder, std::size_t workers)
      : role(holder), driver(driver), polls_seen(workers) {}
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  Role role;
  Driver& driver;

  // The holder's:
  Worker* left_by = nullptr;  // the holder before, if it is stuck
  // Of each worker, at the last look. Atomic, and relaxed, since who has just
  // lost the role may still look.
  std::vector<std::atomic<uint64_t>> polls_seen;
  Counter harvested;  // tasks woken, by a poller that runs none
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_SEAT_H_
