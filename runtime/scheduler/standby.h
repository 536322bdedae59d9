// Standby: when the thread that watches the holder of the reactor's role takes
// it over, and how long it sleeps between two looks. Pure: no clock, no thread.
//
// Of the workers that sleep, one is the standby. While the role's word is ARMED
// it looks at it now and then, else it sleeps as the others do:
//
//   it sees                     it                        next look after
//   --------------------------  ------------------------  ---------------
//   RUN, not seen before        makes sure                1 tick
//   RUN, that after making sure goes on                   4 ticks
//   RUN, the same as last time  takes the role over       -
//   POLL, not seen before       goes on                   twice as long, <= 4
//   POLL, the same as last time goes on; the tenth time   4 ticks
//                               it disarms
//
// So a task that runs, or blocks, stops the polling for five ticks at most, and
// a runtime at rest has no ticks. A tick costs 15 to 20 us of CPU, which is why
// they are far between as long as the holder makes progress.
//
// Threads: belongs to one.
#ifndef EDDY_RUNTIME_SCHEDULER_STANDBY_H_
#define EDDY_RUNTIME_SCHEDULER_STANDBY_H_

#include <algorithm>
#include <cstdint>

#include "runtime/scheduler/role.h"

namespace eddy::scheduler {

class Standby {
 public:
  enum class Action : uint8_t { kSleep, kTakeOver, kDisarm };

  Standby() = default;

  Action look(RoleWord word) {
    const bool is_new = word != last_;
    last_ = word;
    if (word.is_running()) {
      if (!is_new) return Action::kTakeOver;
      quiet_looks_ = 0;
      makes_sure_ = !makes_sure_;
      ticks_ = makes_sure_ ? 1 : kMostTicks;
      return Action::kSleep;
    }
    makes_sure_ = false;
    ticks_ = std::min(2 * ticks_, kMostTicks);
    quiet_looks_ = is_new ? 0 : quiet_looks_ + 1;
    if (quiet_looks_ < kQuietLooks) return Action::kSleep;
    quiet_looks_ = 0;
    return Action::kDisarm;
  }

  // Until the next look.
  uint32_t ticks() const { return ticks_; }

 private:
  static constexpr uint32_t kMostTicks = 4;
  static constexpr uint32_t kQuietLooks = 10;

  RoleWord last_;
  uint32_t ticks_ = 1;
  uint32_t quiet_looks_ = 0;
  bool makes_sure_ = false;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_STANDBY_H_
