// Wheel: a hierarchical timing wheel (Varghese and Lauck, 1987): any number of
// timers, with insert and remove in constant time.
//
// Time is a number of ticks; a tick of eddy is a millisecond. Each of six
// levels has 64 slots. A tick is read as a number to the base 64, and an entry
// lies on the level of the highest digit in which its deadline differs from the
// present, in the slot of that digit:
//
//   level   a slot is   the level spans
//   -----   ---------   ---------------
//   0       1 ms        64 ms
//   1       64 ms       4 s
//   2       4 s         4 min
//   3       4 min       4.6 h
//   4       4.6 h       12 days
//   5       12 days     2.2 years
//   beyond  one list of what lies further ahead
//
// So the entries of a level have all higher digits in common with the present,
// and every entry of a level is due before every entry of the next one. When
// the present reaches a slot of a higher level, its entries go down to where
// they belong now. An entry is moved at most once per level.
//
// Entries of one tick expire in the order in which they were inserted: at any
// time all of them lie in one list.
//
// Pure: no clock, no lock, no thread. Never early, for it knows nothing of what
// lies between two ticks: callers round deadlines up and the present down.
//
// Threads: one at a time.
// Owner:   entries are the caller's, and leave the wheel before they end.
#ifndef EDDY_RUNTIME_TIME_WHEEL_H_
#define EDDY_RUNTIME_TIME_WHEEL_H_

#include <cstdint>
#include <optional>

#include "runtime/base/check.h"

namespace eddy::time {

using Tick = uint64_t;

// One timer: links, and a deadline. Its address is in the wheel while linked.
class TimerEntry {
 public:
  TimerEntry() {}
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;
  ~TimerEntry() { EDDY_DCHECK(!is_linked()); }

  bool is_linked() const { return next_ != nullptr; }
  // When it is due. Inserted with a deadline that had passed: when that was.
  Tick tick() const { return tick_; }

 private:
  friend class Wheel;

  TimerEntry* next_ = nullptr;  // of a ring; null: not linked
  TimerEntry* prev_ = nullptr;
  Tick tick_ = 0;
};

class Wheel {
 public:
  Wheel() {}
  Wheel(const Wheel&) = delete;
  Wheel& operator=(const Wheel&) = delete;

  // Any deadline will do. One that has passed is due now.
  void insert(TimerEntry& entry, Tick deadline);
  void remove(TimerEntry& entry);

  // Takes out the first entry that is due at `now`, in the order of deadlines;
  // null if there is none. Entries inserted meanwhile count. `now` may go back,
  // which changes nothing.
  TimerEntry* pop_due(Tick now);

  // Nothing is due before; empty if there are no entries. Where an entry was
  // removed it may be too early: at that time look again, after pop_due().
  std::optional<Tick> next_deadline() const;
  // When something is due. Looks at every entry of the earliest slot.
  std::optional<Tick> exact_next_deadline() const;

  bool empty() const { return !first().has_value(); }

 private:
  static constexpr unsigned kDigitBits = 6;
  static constexpr unsigned kSlots = 1 << kDigitBits;
  static constexpr unsigned kLevels = 6;
  static constexpr unsigned kBeyond = kLevels;  // one slot

  struct Slot {
    TimerEntry* head = nullptr;  // of the ring; head->prev_ is its tail
    Tick earliest = 0;  // nothing is due before; valid if head is not null
  };
  struct Place {
    explicit Place(unsigned level, unsigned slot) : level(level), slot(slot) {}
    unsigned level;
    unsigned slot;
  };

  Place place_of(Tick tick) const;
  Slot& at(Place place);
  const Slot& at(Place place) const;
  // Where the earliest entry is.
  std::optional<Place> first() const;
  // When the present reaches a slot.
  Tick start_of(Place place) const;
  void link(TimerEntry& entry);
  void unlink(Place place, TimerEntry& entry);
  // The present is where `place` starts: moves its entries down.
  void cascade(Place place);

  Tick now_ = 0;
  uint64_t occupied_[kLevels + 1] = {};  // a bit per slot
  Slot slots_[kLevels][kSlots];
  Slot beyond_;
};

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_WHEEL_H_
