// fork_join(): runs tasks in parallel, and waits for all of them.
//
//   eddy::Task<int> fib(int n) {
//     if (n < 2) co_return n;
//     auto [a, b] = co_await eddy::fork_join(fib(n - 1), fib(n - 2));
//     co_return a + b;
//   }
//
// The outputs come as a std::tuple. One of void is a std::monostate, one of T&
// a std::reference_wrapper<T>, as in join().
//
// The children live in the frame of whoever awaits: there is no join handle and
// no allocation but their own frames. The first child is called in place; the
// others lie in a deque of this core, from which other workers steal and this
// one takes back what they left. So to fork costs little more than a call, and
// splitting work finely costs no parallelism. A child is a task like any other:
// it may await IO, timers and channels, and other tasks run meanwhile.
//
// Which children run at the same time, and on which threads, is open: they
// share data as threads do. What the caller wrote, they see, and what they
// wrote, the caller sees afterwards. The values of a TaskLocal are those of the
// thread that runs a child: pass on what it needs.
//
// Fairness: children run inside of the caller's turn for up to 200 us if other
// tasks wait for the core, then those take theirs; see fork_lane.h. It is
// between children, and where they await, that others get a turn.
//
// Threads: belongs to one task, inside of a runtime; children run on all
//          workers. From a thread that runs none, as in block_on() on a
//          multi-thread runtime, all children are handed to the workers.
// Cancel:  waits until no child is being polled, on any thread, and destroys
//          them. Those that have not begun never do.
// Errors:  the exception of the first child that threw, once all have ended.
// Owner:   owns the children until it is destroyed. May be moved until the
//          first poll.
#ifndef EDDY_RUNTIME_FORK_JOIN_FORK_JOIN_H_
#define EDDY_RUNTIME_FORK_JOIN_FORK_JOIN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/fork_join/fork_base.h"
#include "runtime/task/child.h"
#include "runtime/task/task.h"

namespace eddy {
namespace forks {

// `kCount` tasks, whatever their results. A branch is the index of one.
template <std::size_t kCount>
class ForkFrames : public ForkBase {
 protected:
  using Frames = std::array<task::PromiseBase*, kCount>;
  using NoLane = ForkBase::NoLane;

  explicit ForkFrames(const Frames& frames) : frames_(frames) {}
  ForkFrames(ForkFrames&& other) noexcept
      : ForkBase(std::move(other)), frames_(other.frames_) {
    other.frames_.fill(nullptr);
  }
  [[gnu::always_inline]] ~ForkFrames() {
    if (has_ended()) [[likely]] {
      for (std::size_t i = kCount; i-- > 0;) frames_[i]->destroy_ended();
    } else {
      destroy_unended();
    }
  }

  [[gnu::noinline]] bool poll_all(Context& cx) {
    if (is_begun()) [[unlikely]] {
      return poll_again(cx);
    }
    int64_t ended = 0;
    if (scheduler::ForkLane* lane = begin(cx)) [[likely]] {
      Caller caller(*this, lane, cx.stack_limit());
      ended = run_all(*lane, caller, std::make_index_sequence<kCount>());
      if (ended == kCount) [[likely]] {
        return true;
      }
    } else {
      for (std::size_t i = 0; i < kCount; ++i) postpone(i);
    }
    return wait(cx, kCount - ended);
  }

  task::PromiseBase& frame(std::size_t index) { return *frames_[index]; }

 private:
  // Straight-line code, and no loop. (A fork of two, with its two frames: 430
  // instructions instead of 478, of which 18 are saved in the frame pool.)
  template <std::size_t... kIndices>
  [[gnu::always_inline]] int64_t run_all(
      scheduler::ForkLane& lane, Caller& caller,
      std::index_sequence<kIndices...>) noexcept {
    // The last one lies deepest, where thieves take.
    uint64_t kept = kCount;
    while (kept > 1 && lane.push({this, kept - 1})) --kept;
    int64_t ended = 0;
    (void)(... && run_next(kIndices, kept, lane, caller, ended));
    return ended;
  }

  // False if `index` was stolen: then all that lie below it were.
  [[gnu::always_inline]] bool run_next(uint64_t index, uint64_t kept,
                                       scheduler::ForkLane& lane,
                                       Caller& caller,
                                       int64_t& ended) noexcept {
    if (index >= kept) {
      scheduler::ForkDeque::Item item;
      if (!lane.pop(item)) [[unlikely]] {
        return false;
      }
      EDDY_DCHECK(item.fork == this && item.branches == index,
                  "a fork pops what another has pushed");
    }
    ended += run_one(index, lane, caller);
    return true;
  }

  [[gnu::noinline]] void destroy_unended() noexcept {
    for (std::size_t i = kCount; i-- > 0;) {
      if (frames_[i] != nullptr) frames_[i]->destroy();
    }
  }

  template <class Lane>
  [[gnu::always_inline]] int64_t run_one(uint64_t index, Lane& lane,
                                         Caller& caller) noexcept {
    if (lane.is_slice_over()) [[unlikely]] {
      postpone(index);
      return 0;
    }
    task::PromiseBase& child = *frames_[index];
    if (!caller.call(child, index)) [[unlikely]] {
      return 0;
    }
    ForkFrames::end_child(index, child);
    return 1;
  }

  int64_t run(uint64_t index, scheduler::ForkLane& lane,
              Caller& caller) noexcept final {
    return run_one(index, lane, caller);
  }
  int64_t run(uint64_t index, NoLane& lane, Caller& caller) noexcept final {
    return run_one(index, lane, caller);
  }

  // The outcome stays in the frame.
  void end_child(uint64_t, task::PromiseBase& child) noexcept final {
    if (child.error()) [[unlikely]] {
      fail(child.error());
    }
  }
  void drop_child(uint64_t, task::PromiseBase&) noexcept final {}
  int64_t count(uint64_t) const noexcept final { return 1; }

  Frames frames_;
};

}  // namespace forks

template <class... Ts>
class [[nodiscard]] ForkJoin final : private forks::ForkFrames<sizeof...(Ts)> {
 public:
  using Output = std::tuple<task::Storable<Ts>...>;

  explicit ForkJoin(Task<Ts>... children)
      : Base({&task::release_frame(std::move(children))...}) {}
  ForkJoin(ForkJoin&&) = default;
  // Here and not in the base: until no child is polled, others may call virtual
  // functions.
  [[gnu::always_inline]] ~ForkJoin() { this->drop(); }

  Poll<Output> poll(Context& cx) {
    if (!this->poll_all(cx)) return kPending;
    return take();
  }

  // For co_await.
  auto await_in(task::PromiseBase& frame) {
    return forks::ForkAwaiter<ForkJoin>(*this, frame);
  }

 private:
  using Base = forks::ForkFrames<sizeof...(Ts)>;
  friend forks::ForkAwaiter<ForkJoin>;

  [[gnu::always_inline]] Output take() {
    this->rethrow_if_failed();
    return take(std::index_sequence_for<Ts...>());
  }
  template <std::size_t... kIndices>
  [[gnu::always_inline]] Output take(std::index_sequence<kIndices...>) {
    return Output(take_one<kIndices, Ts>()...);
  }
  template <std::size_t kIndex, class T>
  [[gnu::always_inline]] task::Storable<T> take_one() {
    auto& child = static_cast<task::Promise<T>&>(this->frame(kIndex));
    if constexpr (std::is_void_v<T>) {
      child.take();
      return {};
    } else {
      return task::Storable<T>(child.take());
    }
  }
};

// At least one child; tasks that were not polled yet.
template <class... Ts>
requires(sizeof...(Ts) > 0)
    [[gnu::always_inline]] inline ForkJoin<Ts...> fork_join(
        Task<Ts>... children) {
  return ForkJoin<Ts...>(std::move(children)...);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_FORK_JOIN_FORK_JOIN_H_
