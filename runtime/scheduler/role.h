// Role: which thread of a multi-thread runtime polls for events, and what it
// does just now, in one atomic word.
//
//   bits  0..15   holder: the worker that has the role
//   bit   16      RUN: the holder runs tasks, and nobody polls
//   bit   17      ARMED: the standby looks at this word now and then
//   bits  18..63  sequence: how often the holder began to run tasks
//
// POLL, that is not RUN: the holder waits for events, or fetches them. Then the
// role can't be taken from it, so there is never a second poller.
//
//   from            by                      to                who
//   --------------  ----------------------  ----------------  ---------------
//   POLL h, n       begin_run()             RUN h, n+1 ARMED  h
//   RUN h, n        resume_poll(RUN h, n)   POLL h, n         h
//   RUN h, n        take_over(RUN h, n)     POLL t, n         any other, t
//   POLL, ARMED     disarm()                POLL, ~ARMED      the standby
//
// Whoever tries to change a word that is no longer what it saw fails: a take-
// over only succeeds while the holder is still at the very tasks at which it
// was seen, since n would differ.
//
// begin_run() says whether the word was not ARMED: then the holder wakes the
// standby, which sleeps without a time-out (see standby.h). Bit and edge are in
// one word, so that disarm() comes before begin_run(), which sees it, or fails.
//
// Memory order: every edge is a seq_cst read-modify-write.
//   [role] begin_run() -> take_over(): what the old holder wrote while it
//          polled (the reactor, the timers' plan), the new one sees.
//   [owed] is why they are seq_cst, and load() is: see idle.h.
//
// Threads: as in the table; load() by any.
#ifndef EDDY_RUNTIME_SCHEDULER_ROLE_H_
#define EDDY_RUNTIME_SCHEDULER_ROLE_H_

#include <atomic>
#include <cstdint>

namespace eddy::scheduler {

// What load() saw.
class RoleWord {
 public:
  RoleWord() = default;  // no word that a Role ever has
  explicit RoleWord(uint64_t bits) : bits_(bits) {}

  bool is_running() const { return (bits_ & kRun) != 0; }
  bool is_armed() const { return (bits_ & kArmed) != 0; }
  uint32_t holder() const { return bits_ & kHolder; }
  uint64_t bits() const { return bits_; }
  bool operator==(const RoleWord&) const = default;

  RoleWord running() const {
    return RoleWord((bits_ + kSequence) | kRun | kArmed);
  }
  RoleWord polling(uint32_t holder) const {
    return RoleWord((bits_ & ~(kRun | kHolder)) | holder);
  }
  RoleWord disarmed() const { return RoleWord(bits_ & ~kArmed); }

  static RoleWord first(uint32_t holder) {
    return RoleWord(kSequence | holder);
  }

 private:
  static constexpr uint64_t kHolder = 0xffff;
  static constexpr uint64_t kRun = uint64_t{1} << 16;
  static constexpr uint64_t kArmed = uint64_t{1} << 17;
  static constexpr uint64_t kSequence = uint64_t{1} << 18;

  uint64_t bits_ = 0;
};

// `Word`: a std::atomic<uint64_t>, or what a model puts in its place.
template <class Word>
class BasicRole {
 public:
  explicit BasicRole(uint32_t holder) : word_(RoleWord::first(holder).bits()) {}
  BasicRole(const BasicRole&) = delete;
  BasicRole& operator=(const BasicRole&) = delete;

  RoleWord load() const {
    return RoleWord(word_.load(std::memory_order_seq_cst));
  }

  // By the holder, which is polling.
  struct Run {
    RoleWord word;
    bool must_wake_standby;
  };
  [[nodiscard]] Run begin_run() {
    RoleWord poll = load();
    // It fails only where the standby disarms meanwhile.
    while (!exchange(poll, poll.running())) poll = load();
    return {.word = poll.running(), .must_wake_standby = !poll.is_armed()};
  }
  // False: another thread has taken the role over.
  [[nodiscard]] bool resume_poll(RoleWord run) {
    return exchange(run, run.polling(run.holder()));
  }
  // True: the caller, `me`, is the holder, and polling.
  [[nodiscard]] bool take_over(RoleWord run, uint32_t me) {
    return exchange(run, run.polling(me));
  }
  // True: nobody looks at the word any more, until the holder says so.
  [[nodiscard]] bool disarm(RoleWord poll) {
    return exchange(poll, poll.disarmed());
  }

 private:
  bool exchange(RoleWord from, RoleWord to) {
    uint64_t expected = from.bits();
    return word_.compare_exchange_strong(expected, to.bits(),
                                         std::memory_order_seq_cst,  // [role]
                                         std::memory_order_acquire);
  }

  Word word_;
};

using Role = BasicRole<std::atomic<uint64_t>>;

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_ROLE_H_
