// The part of a oneshot channel that knows nothing of its value: one atomic
// word, which two sides share.
//
//   bit    0      1        2     3     4       while ENDED
//          ENDED  WATCHED  LAST  SENT  CLOSED
//   bits   2..63  the receiver's waker, or none  while not ENDED
//
// ENDED: nothing more will be sent, and no waker is kept. WATCHED: the sender
// has made a Closed, and `watch_` is there. LAST: one side has gone, so that
// the other is alone, and frees the channel when it goes.
//
// A waker in the word is a counted reference that belongs to the word: whoever
// takes it out by an exchange owns it. So no exchange can be misled by a waker
// that was taken out and put in again in the meantime.
//
//   from     by            to                      the caller must
//   -------  ------------  ----------------------  --------------------------
//   open     poll_end()    open, with its waker    drop the one before
//   open     send()        ENDED SENT LAST         wake the waker
//   open     end_sender()  ENDED LAST              wake the waker
//   open     close()       ENDED CLOSED            take the waker; set `watch_`
//   ENDED    close()       the same                -
//   ENDED    leave()       LAST                    forget the channel
//   LAST     leave()       LAST                    free it
//   any      watch()       WATCHED                 set `watch_` if CLOSED
//
// The value belongs to the sender until send(), which may touch nothing once it
// has succeeded, and to the receiver from then on. Where it fails, since the
// channel is CLOSED, the value stays the sender's. Who finds LAST is alone: a
// load will do.
//
// Memory order: every edge is an acq_rel read-modify-write.
//   [sent]   send(), end_sender() -> poll_end(): what the sender wrote, value
//            included, the receiver sees.
//   [waker]  poll_end() -> send(), end_sender(): the waker may be called.
//   [closed] close() -> is_closed(), send(): as [sent], in the other direction.
//   [watch]  watch() -> close(), leave(): `watch_` is there.
//   [free]   leave(), send() -> leave() of the other side: nobody else uses
//            the channel any more.
#ifndef EDDY_SYNC_ONESHOT_CORE_H_
#define EDDY_SYNC_ONESHOT_CORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "runtime/task/future.h"
#include "sync/event.h"

namespace eddy::sync::oneshot {

class Core {
 public:
  Core() {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // The sender's side. True: the value is the receiver's, and the sender has
  // left. False: the receiver has closed the channel, and nothing has changed.
  [[nodiscard]] bool send() { return end(kEnded | kSent | kLast); }
  // There will be no value. True: the sender has left. False: it must leave().
  [[nodiscard]] bool end_sender() { return end(kEnded | kLast); }
  bool is_closed() const {
    constexpr uintptr_t kBoth = kEnded | kClosed;    // CLOSED alone: of a waker
    return (word_.load(kAcquire) & kBoth) == kBoth;  // [closed] acquire
  }
  // Set when the receiver closes the channel or leaves.
  std::shared_ptr<Event> watch();

  // The receiver's side.
  enum class Outcome : uint8_t { kSent, kEmpty };
  Poll<Outcome> poll_end(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    uintptr_t now = word_.load(kAcquire);  // [sent] acquire
    if ((now & kEnded) == 0) {
      now = keep_waker(now, cx.waker());
      if ((now & kEnded) == 0) return kPending;
    }
    cx.spend();
    return (now & kSent) != 0 ? Outcome::kSent : Outcome::kEmpty;
  }
  // The same without waiting.
  Poll<Outcome> look() const {
    const uintptr_t now = word_.load(kAcquire);  // [sent] acquire
    if ((now & kEnded) == 0) return kPending;
    return (now & kSent) != 0 ? Outcome::kSent : Outcome::kEmpty;
  }
  // Nothing will be sent any more. kSent if something was.
  // `waiting`: gets the waker of a receiver that waits; else it is dropped.
  Outcome close(Waker* waiting = nullptr);
  // leave() by the receiver, once the channel has ended.
  [[nodiscard]] bool leave_receiver() {
    // [watch] [free] acquire
    const uintptr_t now = word_.load(kAcquire);
    if ((now & kWatched) != 0) watch_->set();
    return (now & kLast) != 0 || leave();
  }

  // By a side that goes. True: it was the last, free the channel.
  [[nodiscard]] bool leave() {
    if ((word_.load(kAcquire) & kLast) != 0) return true;  // [free] acquire
    return (word_.fetch_or(kLast, kAcqRel) & kLast) != 0;  // [free]
  }

 private:
  static constexpr uintptr_t kEnded = 1, kWatched = 2, kLast = 4, kSent = 8,
                             kClosed = 16;
  static constexpr uintptr_t kFlags = kEnded | kWatched;  // beside a waker
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;
  static_assert(alignof(Wakeable) > kFlags);

  static uintptr_t word_of(Waker waker) {
    return reinterpret_cast<uintptr_t>(std::move(waker).leak());
  }
  static Waker waker_of(uintptr_t word) {
    return Waker::adopt(reinterpret_cast<Wakeable*>(word & ~kFlags));
  }

  bool end(uintptr_t outcome) {
    uintptr_t old = word_.load(kAcquire);
    for (;;) {
      if ((old & kEnded) != 0) return false;  // [closed] acquire
      // [sent] [free] release; [waker] acquire
      if (word_.compare_exchange_weak(old, outcome | (old & kWatched), kAcqRel,
                                      kAcquire)) {
        break;
      }
    }
    if (Waker waker = waker_of(old)) std::move(waker).wake();
    return true;
  }

  // `now`, which is not ENDED, is what the word was. Gives what it is.
  uintptr_t keep_waker(uintptr_t now, const Waker& waker);

  std::atomic<uintptr_t> word_{0};
  // Written by the sender before WATCHED, then constant.
  std::shared_ptr<Event> watch_;
};

}  // namespace eddy::sync::oneshot

#endif  // EDDY_SYNC_ONESHOT_CORE_H_
