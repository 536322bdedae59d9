// DelayQueue<T>: values that come out when their time has come, and a Stream of
// them: for caches, leases, retries; any number of them, for one task.
//
//   eddy::time::DelayQueue<Session> idle;
//   auto key = idle.insert(std::move(session), 30s);
//   ...
//   idle.reset(key, 30s);                     // it was used
//   std::optional<Session> back = idle.remove(key);
//   ...
//   while (auto expired = co_await idle.next()) close(expired->value);
//
// insert(), reset() and remove() take constant time and no lock; all entries
// together have one timer. A value comes never early, and in the order of
// deadlines, by milliseconds.
//
// Threads: belongs to one task.
// Cancel:  a dropped next() loses nothing.
// Errors:  deadlines saturate: a duration::max() is never over. Made outside of
//          a runtime is misuse.
// Owner:   owns its values; may be moved at any time. A key is good until its
//          value is gone, and known to be stale after that. The end says that
//          there are no values: insert more, and it goes on.
#ifndef EDDY_RUNTIME_TIME_DELAY_QUEUE_H_
#define EDDY_RUNTIME_TIME_DELAY_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/streams/stream.h"
#include "runtime/time/clock.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/delay_core.h"

namespace eddy::time {

// Of a value in a DelayQueue.
class DelayKey {
 public:
  DelayKey(uint32_t index, uint32_t generation)
      : index_(index), generation_(generation) {}
  friend bool operator==(const DelayKey&, const DelayKey&) = default;

 private:
  template <class T>
  friend class DelayQueue;
  uint32_t index_;
  uint32_t generation_;
};

template <class T>
class DelayQueue : public StreamBase<DelayQueue<T>> {
 public:
  class Expired {
   public:
    Expired(T value, Instant deadline)
        : value(std::move(value)), deadline(deadline) {}
    T value;
    Instant deadline;
  };
  using Item = Expired;

  DelayQueue() : core_(std::make_unique<DelayCore>()) {}
  DelayQueue(DelayQueue&&) noexcept = default;
  DelayQueue& operator=(DelayQueue&&) = delete;
  ~DelayQueue() { clear(); }

  DelayKey insert_at(T value, Instant deadline) {
    if (free_.empty()) {
      EDDY_CHECK(entries_.size() < UINT32_MAX, "a DelayQueue is full");
      if (free_.capacity() == entries_.size()) {
        free_.reserve(2 * entries_.size() + 16);
      }
      entries_.emplace_back();
      free_.push_back(static_cast<uint32_t>(entries_.size() - 1));
    }
    const uint32_t index = free_.back();
    Entry& entry = entries_[index];
    entry.value.emplace(std::move(value));
    free_.pop_back();
    entry.index = index;
    entry.deadline = deadline;
    core_->insert(entry, deadline);
    return DelayKey(index, entry.generation);
  }
  template <class Rep, class Period>
  DelayKey insert(T value, std::chrono::duration<Rep, Period> delay) {
    return insert_at(std::move(value), from_now(delay));
  }

  // False if the value is gone.
  bool reset_at(DelayKey key, Instant deadline) {
    Entry* entry = find(key);
    if (entry == nullptr) return false;
    core_->remove(*entry);
    entry->deadline = deadline;
    core_->insert(*entry, deadline);
    return true;
  }
  template <class Rep, class Period>
  bool reset(DelayKey key, std::chrono::duration<Rep, Period> delay) {
    return reset_at(key, from_now(delay));
  }

  // Empty if the value is gone.
  std::optional<T> remove(DelayKey key) {
    Entry* entry = find(key);
    if (entry == nullptr) return std::nullopt;
    core_->remove(*entry);
    return take(*entry);
  }
  void clear() {
    for (Entry& entry : entries_) {
      if (!entry.is_linked()) continue;
      core_->remove(entry);
      take(entry);
    }
  }

  // Empty if the value is gone.
  std::optional<Instant> deadline(DelayKey key) {
    Entry* entry = find(key);
    if (entry == nullptr) return std::nullopt;
    return entry->deadline;
  }
  std::size_t size() const { return entries_.size() - free_.size(); }
  bool empty() const { return size() == 0; }

  PollNext<Expired> poll_next(Context& cx) {
    if (empty()) return std::nullopt;
    Poll<TimerEntry&> due = core_->poll(cx);
    if (due.is_pending()) return kPending;
    auto& entry = static_cast<Entry&>(*due);
    const Instant deadline = entry.deadline;
    return std::optional<Expired>(std::in_place, *take(entry), deadline);
  }

 private:
  struct Entry : TimerEntry {
    std::optional<T> value;
    Instant deadline;
    uint32_t index = 0;
    uint32_t generation = 0;
  };

  template <class Rep, class Period>
  static Instant from_now(std::chrono::duration<Rep, Period> delay) {
    return saturating_add(now(), saturating_cast(delay));
  }
  Entry* find(DelayKey key) {
    if (key.index_ >= entries_.size()) return nullptr;
    Entry& entry = entries_[key.index_];
    return entry.is_linked() && entry.generation == key.generation_ ? &entry
                                                                    : nullptr;
  }
  // Of an entry that is not linked any more.
  std::optional<T> take(Entry& entry) {
    ++entry.generation;
    free_.push_back(entry.index);
    return std::exchange(entry.value, std::nullopt);
  }

  std::unique_ptr<DelayCore> core_;
  std::deque<Entry> entries_;   // which stay where they are
  std::vector<uint32_t> free_;  // with room for all
};

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_DELAY_QUEUE_H_
