#include "runtime/time/wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace eddy::time {

Wheel::Place Wheel::place_of(Tick tick) const {
  const Tick differing = tick ^ now_;
  const unsigned level =
      differing == 0 ? 0 : (std::bit_width(differing) - 1) / kDigitBits;
  if (level >= kLevels) return Place(kBeyond, 0);
  return Place(level, tick >> (level * kDigitBits) & (kSlots - 1));
}

Wheel::Slot& Wheel::at(Place place) {
  return place.level == kBeyond ? beyond_ : slots_[place.level][place.slot];
}

const Wheel::Slot& Wheel::at(Place place) const {
  return const_cast<Wheel*>(this)->at(place);
}

std::optional<Wheel::Place> Wheel::first() const {
  for (unsigned level = 0; level <= kBeyond; ++level) {
    if (occupied_[level] != 0) {
      return Place(level, std::countr_zero(occupied_[level]));
    }
  }
  return std::nullopt;
}

Tick Wheel::start_of(Place place) const {
  if (place.level == kBeyond) {
    constexpr unsigned kSpanBits = kLevels * kDigitBits;
    return beyond_.earliest >> kSpanBits << kSpanBits;
  }
  const unsigned shift = place.level * kDigitBits;
  const unsigned above = shift + kDigitBits;
  return (now_ >> above << above) | Tick{place.slot} << shift;
}

void Wheel::insert(TimerEntry& entry, Tick deadline) {
  EDDY_DCHECK(!entry.is_linked());
  entry.tick_ = std::max(deadline, now_);
  link(entry);
}

void Wheel::link(TimerEntry& entry) {
  const Place place = place_of(entry.tick_);
  Slot& slot = at(place);
  if (slot.head == nullptr) {
    entry.next_ = entry.prev_ = &entry;
    slot.head = &entry;
    slot.earliest = entry.tick_;
    occupied_[place.level] |= uint64_t{1} << place.slot;
    return;
  }
  entry.next_ = slot.head;
  entry.prev_ = slot.head->prev_;
  entry.prev_->next_ = &entry;
  slot.head->prev_ = &entry;
  slot.earliest = std::min(slot.earliest, entry.tick_);
}

void Wheel::unlink(Place place, TimerEntry& entry) {
  Slot& slot = at(place);
  if (entry.next_ == &entry) {
    slot.head = nullptr;
    occupied_[place.level] &= ~(uint64_t{1} << place.slot);
  } else {
    entry.prev_->next_ = entry.next_;
    entry.next_->prev_ = entry.prev_;
    if (slot.head == &entry) slot.head = entry.next_;
  }
  entry.next_ = entry.prev_ = nullptr;
}

void Wheel::remove(TimerEntry& entry) {
  EDDY_DCHECK(entry.is_linked());
  // As the present moves on, an entry's place stays the same until cascade().
  unlink(place_of(entry.tick_), entry);
}

void Wheel::cascade(Place place) {
  TimerEntry* entry = std::exchange(at(place).head, nullptr);
  occupied_[place.level] &= ~(uint64_t{1} << place.slot);
  entry->prev_->next_ = nullptr;
  while (entry != nullptr) {
    TimerEntry* next = entry->next_;
    link(*entry);
    entry = next;
  }
}

TimerEntry* Wheel::pop_due(Tick now) {
  while (const std::optional<Place> place = first()) {
    const Tick start = start_of(*place);
    if (start > now) break;
    now_ = start;
    if (place->level > 0) {
      cascade(*place);
      continue;
    }
    TimerEntry* entry = at(*place).head;
    unlink(*place, *entry);
    return entry;
  }
  now_ = std::max(now_, now);
  return nullptr;
}

std::optional<Tick> Wheel::next_deadline() const {
  const std::optional<Place> place = first();
  if (!place.has_value()) return std::nullopt;
  return at(*place).earliest;
}

std::optional<Tick> Wheel::exact_next_deadline() const {
  const std::optional<Place> place = first();
  if (!place.has_value()) return std::nullopt;
  const TimerEntry* const head = at(*place).head;
  Tick earliest = head->tick_;
  for (const TimerEntry* entry = head->next_; entry != head;
       entry = entry->next_) {
    earliest = std::min(earliest, entry->tick_);
  }
  return earliest;
}

}  // namespace eddy::time
