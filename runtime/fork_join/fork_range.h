// ForkRange<Children>: a fork_join over the children 0 .. count - 1, which are
// made when they are begun. The inner part of fork_join_each() and
// parallel_for().
//
// Branches are a range [begin, end) of children. Who runs one cuts off its
// upper half, and pushes it, until one child is left, which he runs; then he
// pops what is next and goes on with that. So at most log2(count) pieces lie in
// the deque, the largest where thieves take, and a piece is cut by who has
// taken it out of the deque, alone.
//
// `Children` says what a child is:
//   bool run(ForkRange&, uint32_t index, Caller&)
//       begins child `index`; true if it has ended. Does not throw.
//   void end(ForkRange&, uint32_t index, PromiseBase&)
//       a child that waited has ended: takes its outcome and destroys its frame
#ifndef EDDY_RUNTIME_FORK_JOIN_FORK_RANGE_H_
#define EDDY_RUNTIME_FORK_JOIN_FORK_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/fork_join/fork_base.h"

namespace eddy::forks {

template <class Children>
class ForkRange final : public ForkBase {
 public:
  explicit ForkRange(std::size_t count, Children children)
      : children_(std::move(children)), count_(static_cast<uint32_t>(count)) {
    EDDY_CHECK(count <= std::numeric_limits<uint32_t>::max(),
               "fork_join_each() or parallel_for() of 2^32 children or more: "
               "use a larger grain");
  }
  ForkRange(ForkRange&&) = default;
  ~ForkRange() { drop(); }

  // True if all have ended.
  [[gnu::noinline]] bool poll_all(Context& cx) {
    if (is_begun()) [[unlikely]] {
      return poll_again(cx);
    }
    if (count_ == 0) return true;
    int64_t ended = 0;
    if (scheduler::ForkLane* lane = begin(cx)) [[likely]] {
      Caller caller(*this, lane, cx.stack_limit());
      ended = run_range(pack(0, count_), *lane, caller);
      if (ended == count_) [[likely]] {
        return true;
      }
    } else {
      postpone(pack(0, count_));
    }
    return wait(cx, count_ - ended);
  }
  // Once they have: throws the first exception.
  using ForkBase::rethrow_if_failed;

  Children& children() { return children_; }

  // For Children:
  using ForkBase::fail;

 private:
  static uint64_t pack(uint32_t begin, uint32_t end) {
    return uint64_t{begin} << 32 | end;
  }
  static uint32_t begin_of(uint64_t branches) { return branches >> 32; }
  static uint32_t end_of(uint64_t branches) {
    return static_cast<uint32_t>(branches);
  }

  template <class Lane>
  [[gnu::always_inline]] int64_t run_range(uint64_t branches, Lane& lane,
                                           Caller& caller) noexcept {
    int64_t ended = 0;
    for (uint32_t pushed = 0;;) {
      // Asked before the range is cut: what is postponed stays whole.
      if (lane.is_slice_over()) [[unlikely]] {
        postpone(branches);
      } else {
        uint32_t begin = begin_of(branches), end = end_of(branches);
        while (end - begin > 1) {
          const uint32_t middle = begin + (end - begin) / 2;
          if (!lane.push({this, pack(middle, end)})) break;
          end = middle;
          ++pushed;
        }
        ended += children_.run(*this, begin, caller);
        if (++begin < end) [[unlikely]] {
          ended += run_unpushed(begin, end, lane, caller);
        }
      }
      if (pushed == 0) return ended;
      scheduler::ForkDeque::Item item;
      if (!lane.pop(item)) return ended;  // stolen, and all that are below
      EDDY_DCHECK(item.fork == this, "a fork pops what another has pushed");
      --pushed;
      branches = item.branches;
    }
  }

  // The deque is full, or there is none.
  template <class Lane>
  int64_t run_unpushed(uint32_t begin, uint32_t end, Lane& lane,
                       Caller& caller) noexcept {
    int64_t ended = 0;
    for (; begin < end; ++begin) {
      if (lane.is_slice_over()) {
        postpone(pack(begin, end));
        break;
      }
      ended += children_.run(*this, begin, caller);
    }
    return ended;
  }

  int64_t run(uint64_t branches, scheduler::ForkLane& lane,
              Caller& caller) noexcept override {
    return run_range(branches, lane, caller);
  }
  int64_t run(uint64_t branches, NoLane& lane,
              Caller& caller) noexcept override {
    return run_range(branches, lane, caller);
  }

  void end_child(uint64_t index, task::PromiseBase& frame) noexcept override {
    children_.end(*this, static_cast<uint32_t>(index), frame);
  }
  void drop_child(uint64_t, task::PromiseBase& frame) noexcept override {
    frame.destroy();
  }
  int64_t count(uint64_t branches) const noexcept override {
    return end_of(branches) - begin_of(branches);
  }

  Children children_;
  const uint32_t count_;
};

}  // namespace eddy::forks

#endif  // EDDY_RUNTIME_FORK_JOIN_FORK_RANGE_H_
