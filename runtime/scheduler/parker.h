// Parker: puts its thread to sleep until somebody unparks it.
//
//   state     by        to        then
//   --------  --------  --------  -----------------
//   kEmpty    park()    kParked   sleep
//   kToken    park()    kEmpty    return at once
//   kParked   unpark()  kToken    wake the thread
//   kEmpty    unpark()  kToken    -
//   kToken    unpark()  kToken    -
//   kParked   a time-out  kEmpty    park_until() is over
//
// One unpark() is remembered; more count as one.
//
// Threads: park() by one thread at a time, unpark() by any.
// Owner:   outlives every unpark() in progress.
// Memory order: [unpark] what was written before unpark(), the thread sees
//          after the park() that it ends.
#ifndef EDDY_RUNTIME_SCHEDULER_PARKER_H_
#define EDDY_RUNTIME_SCHEDULER_PARKER_H_

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace eddy::scheduler {

class Parker {
 public:
  Parker() = default;
  Parker(const Parker&) = delete;
  Parker& operator=(const Parker&) = delete;

  void park();
  // False: the time was over first.
  bool park_until(std::chrono::steady_clock::time_point deadline);
  void unpark();

 private:
  bool wait(const timespec* deadline);

  static constexpr uint32_t kEmpty = 0, kParked = 1, kToken = 2;

  std::atomic<uint32_t> state_{kEmpty};
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_PARKER_H_
