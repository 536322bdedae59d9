#include "sync/oneshot_core.h"

#include <utility>

namespace eddy::sync::oneshot {

uintptr_t Core::keep_waker(uintptr_t now, const Waker& waker) {
  Waker kept = waker_of(now);
  const bool is_kept = kept.will_wake(waker);
  std::move(kept).leak();  // is the word's
  if (is_kept) return now;
  const uintptr_t latest = word_of(waker);
  for (;;) {
    // [waker] release
    if (word_.compare_exchange_weak(now, latest | (now & kWatched), kAcqRel,
                                    kAcquire)) {
      Waker replaced = waker_of(now);
      return latest;
    }
    if ((now & kEnded) != 0) {  // [sent] acquire
      Waker unused = waker_of(latest);
      return now;
    }
  }
}

Core::Outcome Core::close(Waker* waiting) {
  uintptr_t old = word_.load(kAcquire);
  do {
    if ((old & kEnded) != 0) {
      return (old & kSent) != 0 ? Outcome::kSent : Outcome::kEmpty;
    }
    // [closed] release; [watch] acquire
  } while (!word_.compare_exchange_weak(
      old, kEnded | kClosed | (old & kWatched), kAcqRel, kAcquire));
  Waker taken = waker_of(old);
  if (waiting != nullptr) *waiting = std::move(taken);
  if ((old & kWatched) != 0) watch_->set();
  return Outcome::kEmpty;
}

std::shared_ptr<Event> Core::watch() {
  if (watch_ == nullptr) {
    watch_ = std::make_shared<Event>();
    // [watch] release; [closed] acquire
    if ((word_.fetch_or(kWatched, kAcqRel) & kEnded) != 0) watch_->set();
  }
  return watch_;
}

}  // namespace eddy::sync::oneshot
