// E2, H2. A model of how threads of the multi-thread scheduler fall asleep, are
// woken, and hand on the reactor's role, gone through exhaustively: every order
// of the steps of three threads, one that pushes from outside, and the kernel.
//
// What is shown, from every state that can be reached:
//   - there are never two pollers;
//   - a state of rest can be reached: nothing goes round for ever;
//   - at rest there is a poller, no event is left, and no work, if any thread
//     is left that is not blocked by its task.
// A task may block for ever wherever it runs, so the second and third say that
// no wake gets lost, and that a poller comes back in a bounded number of steps.
//
// How true it is. The role's edges are the product's code (BasicRole over a
// word of the model's). The rest repeats Worker, Idle and Parker step by step:
// one step is one access to what is shared; what a mutex protects is one step.
// A push stays in a store buffer until it drains, as on x86: by itself at any
// time, by a locked instruction of its thread, or by the membarrier(2) of a
// heavy fence, which drains all. Left out: the next-task slot, which is its
// owner's, and the times, in place of which a time-out may come at any moment;
// but for those of a holder that watches and would see nothing.
//
// A look that is owed is paid with one by a holder that has nothing to do; that
// it is paid to the stuck after a time as well is left out with the times.
//
// EDDY_MODEL_TRACE=1 prints the way to what is wrong.
//
// The faults below are planted in the model, and each must be found; some of
// them are a matter of a few nanoseconds, which a stress test never meets.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/scheduler/role.h"

namespace eddy::scheduler {
namespace {

enum class Fault {
  kNone,
  kParkWithoutFence,        // Idle::park()
  kParkWithoutSecondLook,   // Worker::park()
  kBatchKeptSilent,         // Worker::take_injected()
  kSearchEndsWithoutLook,   // Worker::stop_searching()
  kSearchEndsWithoutFence,  // the same
  kAwakeWithoutSearch,      // Worker::park()
  kResumeWithoutLook,       // Role::resume_poll() by a store
  kTakeOverOfPoller,        // Role::take_over() of POLL
  kTakeOverLate,            // Role::take_over() by a store
  kDisarmLate,              // Role::disarm() by a store
  kStandbyNotWoken,         // Worker::run_harvest()
  kHeirNotTold,             // Worker::leave_sleepers()
  kNobodyStandsBy,          // Worker::sleep() without time-outs
  kBusyHolderForgotten,     // Worker::rescue() left out
  kHelpByBelief,            // Worker::ask_for_help() without a look at the role
  kTakeOverWithoutFence,    // Worker::try_take_over()
  kOwedByBelief,            // MultiThread::may_owe_look(), one look at the role
  kOwedForEver,             // Worker::harvest() does not pay
  kPaidWithoutFence,        // MultiThread::pay_look()
  kWatchLeftOut,            // Worker::must_watch()
  kHoldersNotTold,          // Worker::tell_holders()
  kWatchEndedLate,          // Idle::end_watch() without a look at the list
};

constexpr int kThreads = 3;

// How much happens in one story.
struct Story {
  bool assists;
  uint8_t events;               // that the kernel reports
  uint8_t pushes;               // of a thread outside of the runtime
  uint8_t spawns;               // by tasks
  uint8_t blocks;               // tasks that never end
  bool one_is_blocked = false;  // from the start: then two threads are left
};

// Where a thread is in the code.
enum Pc : uint8_t {
  // Worker::run(), next_task(), search()
  kNext,
  kInjected,
  kTrySearch,
  kScan,
  kScanInjected,
  kRun,
  kAfterTask,
  kTakeOverBusy,
  // Worker::stop_searching()
  kStopSearching,
  kStopManned,
  kStopOwe,
  kStopOwed,
  kStopFence,
  kStopLook,
  // Worker::ask_for_help(), MultiThread::notify_one()
  kAskForHelp,
  kNotify,
  kNotifyLocked,
  kNotifyToken,
  // Worker::park(), sleep(), leave_sleepers()
  kPark,
  kParkListed,
  kParkSearchers,
  kParkOwe,
  kParkOwed,
  kParkFence,
  kParkSearchersAgain,
  kParkLook,
  kLeave,
  kHeir,
  kHeirToken,
  kPlace,
  kLookAtRole,
  kTakeOverStandby,
  kDisarm,
  kSleepTimed,
  kSleepUntimed,
  kAsleepTimed,
  kAsleepUntimed,
  kWoken,
  // Worker::tell_holders()
  kTellHolders,
  kWakeHolders,
  // worker_role.cc, with the role
  kHold,
  kHarvest,
  kOwedFetch,
  kOwedSteal,
  kBeginStolen,
  kPay,
  kPayLook,
  kHarvestIdle,
  kFetch,
  kWait,
  kBrief,
  kEndWatch,
  kWatch,
  kBeginRun,
  kArm,
  kArmToken,
  kTakeOwn,
  kRunOwn,
  kCheck,
  kResume,
  kBlocked,
};

struct Thread {
  uint64_t word;  // of the role: as it ran, or as it was seen
  Pc pc;
  Pc back;         // where a call returns to
  uint8_t queue;   // tasks that others see
  uint8_t pushed;  // and those in the store buffer
  uint8_t token;   // of the parker: 0 none, 1 sleeps, 2 token
  uint8_t target;  // whom to unpark, or whose queue to look at
  bool searching;
  bool holds;

  uint8_t own() const { return queue + pushed; }
  // Sets what is not used before it is written again, so that states are equal
  // which don't differ.
  void forget() {
    const bool is_notifying = pc >= kAskForHelp && pc <= kNotifyToken;
    const bool is_called = is_notifying || pc == kHeir || pc == kHeirToken ||
                           pc == kTellHolders || pc == kWakeHolders ||
                           (pc >= kStopSearching && pc <= kStopLook);
    if (!is_called) back = kNext;
    const bool is_looking =
        pc == kStopLook || pc == kParkLook || pc == kPayLook;
    if (!is_looking && pc != kScan && pc != kNotifyToken && pc != kHeirToken &&
        pc != kArmToken) {
      target = 0;
    }
    const bool is_running =
        holds && (is_notifying || (pc >= kArm && pc <= kResume));
    const bool has_seen = pc == kTakeOverBusy || pc == kPlace ||
                          (pc >= kLookAtRole && pc <= kSleepTimed) ||
                          pc == kAsleepTimed;
    if (!is_running && !has_seen) word = 0;
  }
};

struct State {
  uint64_t role;
  std::array<Thread, kThreads> threads;
  std::array<uint8_t, 4> sleepers;  // and the count in the last
  uint8_t searching;
  uint8_t to_come, events;  // to be reported, reported
  uint8_t injected;
  uint8_t outside_pc;  // 0 push, 1 notify, 2 locked, 3 token
  uint8_t outside_target;
  uint8_t outside_pushed;  // in its store buffer
  uint8_t pushes, spawns, blocks;
  uint8_t owed;
  uint8_t watch;  // kWatched, kPollerWoken; no padding: compared byte by byte

  static constexpr uint8_t kWatched = 1, kPollerWoken = 2;
  bool is_watched() const { return (watch & kWatched) != 0; }
  bool is_poller_woken() const { return (watch & kPollerWoken) != 0; }

  uint8_t& asleep() { return sleepers[3]; }
  uint8_t asleep() const { return sleepers[3]; }
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(this), sizeof(*this)};
  }
};

static_assert(std::has_unique_object_representations_v<State>);

// What BasicRole takes for a std::atomic.
uint64_t* the_word = nullptr;
struct ModelWord {
  explicit ModelWord(uint64_t) {}
  uint64_t load(std::memory_order) const { return *the_word; }
  bool compare_exchange_strong(uint64_t& expected, uint64_t desired,
                               std::memory_order, std::memory_order) {
    if (*the_word != expected) {
      expected = *the_word;
      return false;
    }
    *the_word = desired;
    return true;
  }
};

class Model {
 public:
  Model(Story story, Fault fault) : story_(story), fault_(fault) {}

  // What is wrong, or nothing.
  std::string check() {
    visit(first());
    for (uint32_t i = 0; i < states_.size(); ++i) {
      const State state = states_[i];  // the vector grows
      if (pollers(state) > 1) {
        print_way_to(i);
        return "two pollers";
      }
      from_ = i;
      const std::size_t before = edges_.size();
      expand(state);
      if (edges_.size() == before) {
        if (const char* wrong = wrong_at_rest(state)) {
          print_way_to(i);
          return wrong;
        }
        at_rest_.push_back(i);
      }
    }
    return all_reach_rest() ? "" : "goes round for ever";
  }
  std::size_t states() const { return states_.size(); }

 private:
  State first() const {
    State state;
    std::memset(static_cast<void*>(&state), 0, sizeof(state));
    state.role = RoleWord::first(kThreads - 1).bits();
    for (Thread& thread : state.threads) thread.pc = kNext;
    // One sleeps already: the way there is gone by the others.
    state.threads[0].pc = kAsleepUntimed;
    state.threads[0].token = 1;
    state.asleep() = 1;
    if (story_.one_is_blocked) {
      state.threads[0].pc = kBlocked;
      state.threads[0].token = 0;
      state.asleep() = 0;
      state.watch = State::kWatched;
    }
    if (story_.assists) {
      state.threads[kThreads - 1].pc = kHold;
      state.threads[kThreads - 1].holds = true;
    }
    state.to_come = story_.events;
    state.pushes = story_.pushes;
    state.spawns = story_.spawns;
    state.blocks = story_.blocks;
    return state;
  }

  void visit(State state) {
    for (Thread& thread : state.threads) thread.forget();
    const auto index = static_cast<uint32_t>(states_.size());
    states_.push_back(state);
    const auto [it, is_new] = known_.insert(index);
    if (is_new) {
      parents_.push_back(from_);
    } else {
      states_.pop_back();
    }
    if (index > 0) edges_.emplace_back(from_, *it);
  }

  static int pollers(const State& state) {
    int count = 0;
    for (const Thread& thread : state.threads) {
      count += thread.pc >= kHarvest && thread.pc <= kBeginRun;
    }
    return count;
  }

  const char* wrong_at_rest(const State& state) const {
    int blocked = 0;
    bool is_polled = !story_.assists;
    bool has_work = state.injected > 0;
    for (const Thread& thread : state.threads) {
      blocked += thread.pc == kBlocked;
      is_polled |= thread.pc == kWait || thread.pc == kWatch;
      has_work |= thread.own() > 0;
    }
    if (blocked == kThreads) return nullptr;  // nobody is left
    if (!is_polled) return "nobody polls";
    if (state.events > 0) return "an event is left";
    return has_work ? "work is left" : nullptr;
  }

  // The story that ends badly, if the environment asks for it.
  void print_way_to(uint32_t index) const {
    if (std::getenv("EDDY_MODEL_TRACE") == nullptr) return;
    std::vector<uint32_t> way;
    for (; index != 0; index = parents_[index]) way.push_back(index);
    way.push_back(0);
    for (auto it = way.rbegin(); it != way.rend(); ++it) {
      const State& state = states_[*it];
      for (const Thread& thread : state.threads) {
        std::cerr << "[pc " << int{thread.pc} << " queue " << int{thread.queue}
                  << "+" << int{thread.pushed} << " token " << int{thread.token}
                  << (thread.searching ? " searches" : "")
                  << (thread.holds ? " holds" : "") << "] ";
      }
      std::cerr << "asleep " << int{state.asleep()} << " searching "
                << int{state.searching} << " events " << int{state.events}
                << " injected " << int{state.injected} << "+"
                << int{state.outside_pushed} << " outside "
                << int{state.outside_pc} << "\n";
    }
  }

  bool all_reach_rest() const {
    std::vector<std::vector<uint32_t>> into(states_.size());
    for (const auto& [from, to] : edges_) into[to].push_back(from);
    std::vector<bool> reaches(states_.size());
    std::vector<uint32_t> open = at_rest_;
    for (uint32_t state : open) reaches[state] = true;
    std::size_t count = open.size();
    while (!open.empty()) {
      const uint32_t to = open.back();
      open.pop_back();
      for (uint32_t from : into[to]) {
        if (reaches[from]) continue;
        reaches[from] = true;
        ++count;
        open.push_back(from);
      }
    }
    return count == states_.size();
  }

  // --- Steps -----------------------------------------------------------------

  void expand(const State& state) {
    if (state.to_come > 0) {
      State next = state;
      --next.to_come;
      ++next.events;
      visit(next);
    }
    if (state.outside_pushed > 0) {
      State next = state;
      drain_outside(next);
      visit(next);
    }
    step_outside(state);
    for (int i = 0; i < kThreads; ++i) {
      if (state.threads[i].pushed > 0) {
        State next = state;
        drain(next.threads[i]);
        visit(next);
      }
      step(state, i);
    }
  }

  static void drain(Thread& thread) {
    thread.queue += std::exchange(thread.pushed, 0);
  }
  static void drain_outside(State& state) {
    state.injected += std::exchange(state.outside_pushed, 0);
  }
  static void heavy_fence(State& state) {
    for (Thread& thread : state.threads) drain(thread);
    drain_outside(state);
  }

  static bool may_notify(const State& state) {
    return state.searching == 0 && state.asleep() > 0;
  }
  static uint8_t choose(State& state) {
    ++state.searching;
    return state.sleepers[--state.asleep()];
  }

  void step_outside(const State& state) {
    State next = state;
    switch (state.outside_pc) {
      case 0:
        if (state.pushes == 0) return;
        --next.pushes;
        ++next.outside_pushed;
        next.outside_pc = 1;
        break;
      case 1:
        next.outside_pc = may_notify(state) ? 2 : 0;
        break;
      case 2:
        drain_outside(next);
        next.outside_pc = 0;
        if (!may_notify(state)) break;
        next.outside_target = choose(next);
        next.outside_pc = 3;
        break;
      case 3:
        next.threads[state.outside_target].token = 2;
        next.outside_target = 0;
        next.outside_pc = 0;
        break;
    }
    visit(next);
  }

  static void call(Thread& me, Pc function, Pc back) {
    me.pc = function;
    me.back = back;
    me.target = 0;
  }
  // Whether others' queues, seen one by one, have work. 0: the injection queue.
  static bool has_work(const State& state, int i, int where) {
    if (where == 0) return state.injected > 0;
    const Thread& other = state.threads[where - 1];
    return where - 1 == i ? other.own() > 0 : other.queue > 0;
  }
  static bool has_work(const State& state, int i) {
    for (int where = 0; where <= kThreads; ++where) {
      if (has_work(state, i, where)) return true;
    }
    return false;
  }
  static void steal(Thread& me, Thread& from) {
    drain(me);
    const uint8_t count = from.queue - from.queue / 2;
    from.queue -= count;
    me.pushed += count - 1;
  }
  static void take_injected(State& state, Thread& me) {
    drain(me);
    me.pushed += state.injected - 1;
    state.injected = 0;
  }
  static bool in_list(const State& state, int i) {
    for (int k = 0; k < state.asleep(); ++k) {
      if (state.sleepers[k] == i) return true;
    }
    return false;
  }
  // Idle::unpark_self(); says whether there is an heir.
  static bool leave_list(State& state, int i) {
    const bool was_standby = state.sleepers[0] == i;
    int kept = 0;
    for (int k = 0; k < state.asleep(); ++k) {
      if (state.sleepers[k] != i) state.sleepers[kept++] = state.sleepers[k];
    }
    for (int k = kept; k < 3; ++k) state.sleepers[k] = 0;
    state.asleep() = kept;
    return was_standby && kept > 0;
  }
  // A look at all queues, one in each step: to `found`, or on to `nothing`.
  static void look(const State& state, Thread& me, int i, Pc found,
                   Pc nothing) {
    if (has_work(state, i, me.target)) {
      me.target = 0;
      me.pc = found;
    } else if (++me.target > kThreads) {
      me.target = 0;
      me.pc = nothing;
    }
  }
  // MultiThread::may_owe_look(): a look at the role, the flag, another look.
  bool may_owe() const { return story_.assists && role_.load().is_running(); }
  static void owe(State& state, Thread& me) {
    drain(me);
    state.owed = 1;
  }
  bool is_owed() const {
    return fault_ == Fault::kOwedByBelief || role_.load().is_running();
  }
  static Pc top(const Thread& me) { return me.holds ? kHold : kNext; }
  // To tell_holders() or tell_heir(): where there is an heir, somebody sleeps,
  // and will tell the holders.
  Pc after_leaving(bool has_heir, Pc back) const {
    if (!story_.assists) return back;
    return has_heir ? kHeir : kTellHolders;
  }

  void end_of_task(const State& state, int i, Pc after) {
    State next = state;
    next.threads[i].pc = after;
    visit(next);
    if (state.blocks > 0) {
      next = state;
      --next.blocks;
      next.threads[i].pc = kBlocked;
      visit(next);
    }
    if (state.spawns > 0) {
      next = state;
      --next.spawns;
      ++next.threads[i].pushed;
      call(next.threads[i], kAskForHelp, state.threads[i].pc);  // and goes on
      visit(next);
    }
  }

  void lose_role(Thread& me) {
    me.holds = false;
    me.word = 0;
    me.pc = kNext;
  }

  bool take_over(uint64_t seen, int i) {
    if (fault_ == Fault::kTakeOverLate) {
      *the_word = RoleWord(*the_word).polling(i).bits();
      return true;
    }
    return role_.take_over(RoleWord(seen), i);
  }
  void end_take_over(State& state) const {
    if (fault_ != Fault::kTakeOverWithoutFence) heavy_fence(state);
  }

  void step(const State& state, int i) {
    State next = state;
    the_word = &next.role;
    Thread& me = next.threads[i];
    switch (me.pc) {
      case kNext:
        if (me.own() > 0) {
          drain(me);
          --me.queue;
          me.pc = me.searching ? kStopSearching : kRun;
          me.back = kRun;
        } else {
          me.pc = kInjected;
        }
        break;
      case kInjected:
        if (state.injected > 0) {
          take_injected(next, me);
          me.back = kRun;
          if (me.searching) {
            me.pc = kStopSearching;
          } else if (me.pushed > 0 && fault_ != Fault::kBatchKeptSilent) {
            me.pc = kNotify;
          } else {
            me.pc = kRun;
          }
        } else {
          me.pc = me.searching ? kScan : kTrySearch;
        }
        break;
      case kTrySearch:
        me.pc = kPark;
        if (state.searching > 0) break;  // half of the workers
        drain(me);
        ++next.searching;
        me.searching = true;
        me.pc = kScan;
        me.target = 0;
        break;
      case kScan:
        if (me.target != i && state.threads[me.target].queue > 0) {
          steal(me, next.threads[me.target]);
          call(me, kStopSearching, kRun);
        } else if (++me.target == kThreads) {
          me.target = 0;
          me.pc = kScanInjected;
        }
        break;
      case kScanInjected:
        me.pc = kPark;
        if (state.injected == 0) break;
        take_injected(next, me);
        call(me, kStopSearching, kRun);
        break;
      case kRun:
        return end_of_task(state, i, kAfterTask);
      case kAfterTask:
        me.pc = kNext;
        if (!story_.assists || !role_.load().is_running()) break;
        visit(next);
        me.word = role_.load().bits();
        me.pc = kTakeOverBusy;
        break;
      case kTakeOverBusy:
        drain(me);
        me.holds = take_over(me.word, i);
        if (me.holds) end_take_over(next);
        me.word = 0;
        me.pc = top(me);
        break;

      case kStopSearching: {
        drain(me);
        me.searching = false;
        me.target = 0;
        const bool was_last = next.searching-- == 1;
        me.pc = me.back;
        if (fault_ == Fault::kSearchEndsWithoutLook) break;
        if (!was_last || state.asleep() == 0) break;
        me.pc = story_.assists ? kStopManned : kStopFence;
        break;
      }
      case kStopManned: {
        // What is not seen now may be owed: all of this in one step will do.
        const int at_tasks = role_.load().is_running();
        const bool is_manned = state.asleep() <= at_tasks;
        if (!is_manned && has_work(state, i)) {
          me.pc = kNotify;
        } else {
          me.pc = may_owe() ? kStopOwe : kStopFence;
        }
        break;
      }
      case kStopOwe:
        owe(next, me);
        me.pc = kStopOwed;
        break;
      case kStopOwed:
        me.pc = is_owed() ? me.back : kStopFence;
        break;
      case kStopFence:
        if (fault_ != Fault::kSearchEndsWithoutFence) heavy_fence(next);
        me.pc = kStopLook;
        break;
      case kStopLook:
        look(state, me, i, kNotify, me.back);
        break;

      case kAskForHelp: {
        const bool believes = me.holds && fault_ == Fault::kHelpByBelief;
        const bool polls =
            me.holds && role_.load().holder() == static_cast<uint32_t>(i);
        me.pc = believes || polls ? me.back : kNotify;
        break;
      }
      case kNotify:
        me.pc = may_notify(state) ? kNotifyLocked : me.back;
        break;
      case kNotifyLocked:
        drain(me);
        me.pc = me.back;
        if (!may_notify(state)) break;
        me.target = choose(next);
        me.pc = kNotifyToken;
        break;
      case kNotifyToken:
        next.threads[me.target].token = 2;
        me.target = 0;
        me.pc = me.back;
        break;

      case kPark:
        me.pc = kParkListed;
        if (!me.searching) break;
        drain(me);
        me.searching = false;
        --next.searching;
        break;
      case kParkListed:
        drain(me);
        next.sleepers[next.asleep()++] = i;
        me.target = 0;
        me.pc = kParkSearchers;
        if (fault_ == Fault::kParkWithoutSecondLook) me.pc = kPlace;
        break;
      case kParkSearchers:
        if (state.searching == 0 && has_work(state, i)) {
          me.pc = kLeave;
        } else {
          me.pc = may_owe() ? kParkOwe : kParkFence;
        }
        break;
      case kParkOwe:
        owe(next, me);
        me.pc = kParkOwed;
        break;
      case kParkOwed:
        me.pc = is_owed() ? kPlace : kParkFence;
        break;
      case kParkFence:
        if (fault_ != Fault::kParkWithoutFence) heavy_fence(next);
        me.pc = kParkSearchersAgain;
        break;
      case kParkSearchersAgain:
        me.pc = state.searching > 0 ? kPlace : kParkLook;
        break;
      case kParkLook:
        look(state, me, i, kLeave, kPlace);
        break;
      case kLeave:  // to kNext, or on to sleep if it was chosen
        me.pc = kPlace;
        if (!in_list(state, i)) break;
        drain(me);
        me.back = kNext;
        me.pc = after_leaving(leave_list(next, i), kNext);
        if (fault_ == Fault::kAwakeWithoutSearch) break;
        ++next.searching;
        me.searching = true;
        break;
      case kHeir:
        me.pc = me.back;
        if (fault_ == Fault::kHeirNotTold) break;
        if (!role_.load().is_armed() || state.asleep() == 0) break;
        me.target = state.sleepers[0];
        me.pc = kHeirToken;
        break;
      case kHeirToken:
        next.threads[me.target].token = 2;
        me.target = 0;
        me.pc = me.back;
        break;

      case kPlace:
        if (!in_list(state, i)) {
          me.pc = kWoken;
        } else if (!story_.assists || state.sleepers[0] != i ||
                   fault_ == Fault::kNobodyStandsBy) {
          me.pc = kSleepUntimed;
          me.word = 0;
        } else {
          me.pc = kLookAtRole;
        }
        break;
      case kLookAtRole: {
        const RoleWord word = role_.load();
        const bool is_new = word.bits() != me.word;
        me.pc = kSleepTimed;
        me.word = word.bits();
        if (!word.is_armed()) {
          me.pc = kSleepUntimed;
          me.word = 0;
        } else if (word.is_running() || fault_ == Fault::kTakeOverOfPoller) {
          if (!is_new) me.pc = kTakeOverStandby;
        } else {
          visit(next);
          me.pc = kDisarm;
        }
        break;
      }
      case kTakeOverStandby:
        drain(me);
        me.holds = take_over(me.word, i);
        if (me.holds) end_take_over(next);
        me.word = 0;
        me.pc = me.holds ? kWoken : kSleepTimed;
        break;
      case kDisarm:
        drain(me);
        if (fault_ == Fault::kDisarmLate) {
          *the_word = RoleWord(*the_word).disarmed().bits();
          me.pc = kPlace;
        } else {
          me.pc = role_.disarm(RoleWord(me.word)) ? kPlace : kSleepTimed;
        }
        break;
      case kSleepTimed:
      case kSleepUntimed:
        drain(me);
        if (me.token == 2) {
          me.token = 0;
          me.pc = kPlace;
        } else {
          me.token = 1;
          me.pc = me.pc == kSleepTimed ? kAsleepTimed : kAsleepUntimed;
        }
        break;
      case kAsleepTimed:
      case kAsleepUntimed:
        if (me.token != 2 && me.pc == kAsleepUntimed) return;
        me.token = 0;
        me.pc = kPlace;
        break;
      case kWoken:
        drain(me);
        if (!in_list(state, i)) {
          me.searching = true;
          me.back = top(me);
          me.pc = after_leaving(false, me.back);
        } else {
          me.back = top(me);
          me.pc = after_leaving(leave_list(next, i), me.back);
        }
        break;
      case kTellHolders:
        me.pc = me.back;
        if (state.asleep() > 0 || state.is_watched()) break;
        if (fault_ != Fault::kHoldersNotTold) me.pc = kWakeHolders;
        break;
      case kWakeHolders:
        drain(me);
        me.pc = me.back;
        if (!state.is_watched()) {
          next.watch = State::kWatched | State::kPollerWoken;
        }
        break;

      case kHold:
        if (me.searching) {
          call(me, kStopSearching, kHarvest);
        } else {
          me.pc = kHarvest;
        }
        break;
      case kHarvest:
        if (me.own() > 0) {
          me.pc = kFetch;
        } else {
          const bool pays = state.owed && fault_ != Fault::kOwedForEver;
          me.pc = pays ? kOwedFetch : kHarvestIdle;
        }
        break;
      case kOwedFetch:
        me.pushed += std::exchange(next.events, 0);
        me.pc = me.own() > 0 ? kBeginRun : kOwedSteal;
        break;
      case kOwedSteal:
        me.pc = kPay;
        for (int k = 0; k < kThreads && state.asleep() > 0; ++k) {
          if (k == i || state.threads[k].queue == 0) continue;
          steal(me, next.threads[k]);
          me.pc = kBeginStolen;  // one of them nobody steals back
          break;
        }
        break;
      case kBeginStolen: {
        drain(me);
        const auto run = role_.begin_run();
        me.word = run.word.bits();
        if (run.must_wake_standby && state.asleep() > 0) {
          next.threads[state.sleepers[0]].token = 2;
        }
        me.pc = kRunOwn;
        break;
      }
      case kPay:
        next.owed = 0;
        if (fault_ != Fault::kPaidWithoutFence) heavy_fence(next);
        me.pc = kPayLook;
        break;
      case kPayLook:
        me.back = kHarvestIdle;
        look(state, me, i, kNotify, kHarvestIdle);
        break;
      case kHarvestIdle: {
        const bool looks = fault_ != Fault::kBusyHolderForgotten;
        if (looks && has_work(state, i)) {
          me.pc = kBrief;
        } else if (!state.is_watched() || fault_ == Fault::kWatchLeftOut) {
          me.pc = kWait;
        } else {
          me.pc = kWatch;
          if (state.asleep() == 0) break;
          visit(next);
          me.pc = kEndWatch;
        }
        break;
      }
      case kEndWatch:
        drain(me);
        me.pc = kWatch;
        if (state.asleep() == 0 && fault_ != Fault::kWatchEndedLate) break;
        next.watch &= ~State::kWatched;
        me.pc = kWait;
        break;
      case kWatch:
        // The next look may end the watch.
        if (state.asleep() == 0 && !has_work(state, i) && state.events == 0 &&
            !state.is_poller_woken()) {
          return;
        }
        next.watch &= ~State::kPollerWoken;
        me.pushed += std::exchange(next.events, 0);
        if (me.own() == 0) rescue(next, i);
        me.pc = me.own() > 0 ? kBeginRun : kHarvest;
        break;
      case kWait:
        if (state.events == 0 && !state.is_poller_woken()) return;
        next.watch &= ~State::kPollerWoken;
        [[fallthrough]];
      case kFetch:
      case kBrief:
        me.pushed += std::exchange(next.events, 0);
        if (me.pc == kBrief && me.own() == 0) rescue(next, i);
        me.pc = me.own() > 0 ? kBeginRun : kHarvest;
        break;
      case kBeginRun: {
        drain(me);
        const auto run = role_.begin_run();
        me.word = run.word.bits();
        const bool wakes =
            run.must_wake_standby && fault_ != Fault::kStandbyNotWoken;
        me.pc = wakes ? kArm : kTakeOwn;
        break;
      }
      case kArm:
        me.pc = kTakeOwn;
        if (state.asleep() == 0) break;
        me.target = state.sleepers[0];
        me.pc = kArmToken;
        break;
      case kArmToken:
        next.threads[me.target].token = 2;
        me.target = 0;
        me.pc = kTakeOwn;
        break;
      case kTakeOwn:
        me.pc = kResume;
        if (me.own() == 0) break;
        drain(me);
        --me.queue;
        me.pc = kRunOwn;
        break;
      case kRunOwn:
        return end_of_task(state, i, kCheck);
      case kCheck:
        if (role_.load().bits() != me.word &&
            fault_ != Fault::kResumeWithoutLook) {
          lose_role(me);
          break;
        }
        if (me.own() > 0) {
          State more = next;
          more.threads[i].pc = kTakeOwn;
          visit(more);
          call(more.threads[i], kNotify, kTakeOwn);  // after 50 us
          visit(more);
        }
        me.pc = kResume;
        break;
      case kResume:
        drain(me);
        if (fault_ == Fault::kResumeWithoutLook) {
          *the_word = RoleWord(me.word).polling(i).bits();
          me.pc = kHarvest;
        } else if (role_.resume_poll(RoleWord(me.word))) {
          me.pc = kHarvest;
        } else {
          lose_role(me);
          break;
        }
        me.word = 0;
        break;
      case kBlocked:
        return;
    }
    visit(next);
  }

  // Worker::rescue(): of who is blocked; of the injection queue, where all
  // others are blocked or asleep.
  void rescue(State& state, int i) {
    Thread& me = state.threads[i];
    bool all_are_stuck = true;
    for (int k = 0; k < kThreads; ++k) {
      Thread& other = state.threads[k];
      if (k == i) continue;
      const bool is_stuck = other.pc == kBlocked || other.pc == kAsleepTimed ||
                            other.pc == kAsleepUntimed;
      all_are_stuck &= is_stuck;
      if (is_stuck && other.queue > 0 && me.own() == 0) {
        steal(me, other);
        ++me.pushed;  // the task that would be run at once
      }
    }
    if (all_are_stuck && me.own() == 0 && state.injected > 0) {
      take_injected(state, me);
      ++me.pushed;
    }
  }

  const Story story_;
  const Fault fault_;
  BasicRole<ModelWord> role_{0};
  std::vector<State> states_;
  // Those in states_, by what they are.
  struct Hash {
    const std::vector<State>& states;
    std::size_t operator()(uint32_t index) const {
      return std::hash<std::string_view>()(states[index].bytes());
    }
  };
  struct Same {
    const std::vector<State>& states;
    bool operator()(uint32_t a, uint32_t b) const {
      return states[a].bytes() == states[b].bytes();
    }
  };
  std::unordered_set<uint32_t, Hash, Same> known_{1 << 20, Hash{states_},
                                                  Same{states_}};
  std::vector<uint32_t> parents_;  // from which a state was first reached
  std::vector<std::pair<uint32_t, uint32_t>> edges_;
  std::vector<uint32_t> at_rest_;
  uint32_t from_ = 0;
};

std::string check(Story story, Fault fault) {
  Model model(story, fault);
  const std::string wrong = model.check();
  std::cerr << model.states()
            << " states: " << (wrong.empty() ? "as it should be" : wrong)
            << "\n";
  return wrong;
}

constexpr Story kPushes = {
    .assists = false, .events = 0, .pushes = 2, .spawns = 0, .blocks = 1};
constexpr Story kPushAndSpawn = {
    .assists = false, .events = 0, .pushes = 1, .spawns = 1, .blocks = 1};
constexpr Story kEvents = {
    .assists = true, .events = 2, .pushes = 0, .spawns = 0, .blocks = 2};
constexpr Story kEventAndSpawn = {
    .assists = true, .events = 1, .pushes = 0, .spawns = 1, .blocks = 1};

constexpr Story kEventAndPush = {.assists = true,
                                 .events = 1,
                                 .pushes = 1,
                                 .spawns = 0,
                                 .blocks = 0,
                                 .one_is_blocked = true};

constexpr Story kPushesBesideABlock = {.assists = true,
                                       .events = 0,
                                       .pushes = 2,
                                       .spawns = 0,
                                       .blocks = 1,
                                       .one_is_blocked = true};
constexpr Story kSpawnBeforeABlock = {.assists = true,
                                      .events = 0,
                                      .pushes = 1,
                                      .spawns = 1,
                                      .blocks = 1,
                                      .one_is_blocked = true};

bool is_found(Fault fault, std::initializer_list<Story> stories) {
  for (const Story& story : stories) {
    if (!check(story, fault).empty()) return true;
  }
  return false;
}

TEST(SleepModel, NoWakeIsLostAmongIdleWorkers) {
  EXPECT_EQ(check(kPushes, Fault::kNone), "");
  EXPECT_EQ(check(kPushAndSpawn, Fault::kNone), "");
}

TEST(SleepModel, OnePollerWhereverTasksBlock) {
  for (const Story& story : {kEvents, kEventAndSpawn, kEventAndPush}) {
    EXPECT_EQ(check(story, Fault::kNone), "");
  }
}

TEST(SleepModel, NoWorkIsLeftWhereAllOthersAreBlocked) {
  for (const Story& story : {kPushesBesideABlock, kSpawnBeforeABlock}) {
    EXPECT_EQ(check(story, Fault::kNone), "");
  }
}

TEST(SleepModel, FindsWhatGoesWrongAmongIdleWorkers) {
  for (Fault fault :
       {Fault::kParkWithoutFence, Fault::kParkWithoutSecondLook,
        Fault::kBatchKeptSilent, Fault::kSearchEndsWithoutLook,
        Fault::kSearchEndsWithoutFence, Fault::kAwakeWithoutSearch}) {
    EXPECT_TRUE(is_found(fault, {kPushAndSpawn, kPushes}))
        << static_cast<int>(fault);
  }
}

TEST(SleepModel, FindsWhatGoesWrongWithTheRole) {
  for (Fault fault : {Fault::kResumeWithoutLook, Fault::kTakeOverOfPoller,
                      Fault::kTakeOverLate, Fault::kDisarmLate,
                      Fault::kStandbyNotWoken, Fault::kHeirNotTold,
                      Fault::kNobodyStandsBy, Fault::kBusyHolderForgotten,
                      Fault::kHelpByBelief, Fault::kTakeOverWithoutFence}) {
    EXPECT_TRUE(is_found(fault, {kEventAndSpawn, kEvents}))
        << static_cast<int>(fault);
  }
}

TEST(SleepModel, FindsWhatGoesWrongWithTheLookThatIsOwed) {
  for (Fault fault :
       {Fault::kOwedByBelief, Fault::kOwedForEver, Fault::kPaidWithoutFence}) {
    EXPECT_TRUE(is_found(fault, {kEventAndPush})) << static_cast<int>(fault);
  }
}

TEST(SleepModel, FindsWhatGoesWrongWithTheWatch) {
  for (Fault fault :
       {Fault::kWatchLeftOut, Fault::kHoldersNotTold, Fault::kWatchEndedLate}) {
    EXPECT_TRUE(is_found(fault, {kSpawnBeforeABlock, kPushesBesideABlock}))
        << static_cast<int>(fault);
  }
}

}  // namespace
}  // namespace eddy::scheduler
