// ForkRange<Children>: a fork_join over the children 0 .. count - 1, which are
// made when they are begun. The inner part of fork_join_each() and
// parallel_for().
//
// Branches are a range [begin, end) of children. Who runs one runs its first
// child, and meanwhile keeps the rest in the deque, in one piece. Only when
// somebody may want work, that is when the deque is about to publish, he cuts
// the rest in halves. So a range that nobody steals from is not cut more than
// log2(count) times, one that is stolen from is halved each time, and a piece
// is cut by who has taken it out of the deque, alone. (Lazy binary splitting,
// Tzannes and others, 2010. Cutting all pieces ahead: 186 instructions for each
// task of skynet, and 166 with this. That it shares its work as evenly is what
// TreesGiveTheirSums in fork_join_stress_test.cc runs, with 1 to 4 workers.)
//
// When the slice is over all that is left here is one piece again, and one
// entry of the run queue: however often slices end, there are no more of them
// than levels of forks and thieves.
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
    uint32_t begin = begin_of(branches), end = end_of(branches);
    for (uint32_t pushed = 0;;) {
      if (lane.is_slice_over()) [[unlikely]] {
        // The pieces follow each other.
        for (scheduler::ForkDeque::Item item; pushed > 0; --pushed) {
          if (!lane.pop(item)) break;
          end = end_of(item.branches);
        }
        postpone(pack(begin, end));
        return ended;
      }
      if (push_rest(begin, end, lane, pushed)) [[likely]] {
        ended += children_.run(*this, begin, caller);
      } else {
        ended += run_unpushed(begin, end, lane, caller);
      }
      scheduler::ForkDeque::Item item;
      // It may be stolen, and all that are below.
      if (pushed == 0 || !lane.pop(item)) return ended;
      EDDY_DCHECK(item.fork == this && begin_of(item.branches) > begin,
                  "a fork pops what another has pushed");
      --pushed;
      begin = begin_of(item.branches);
      end = end_of(item.branches);
    }
  }

  // All but `begin`. False if the deque is full, or there is none: `end` says
  // what is left then.
  template <class Lane>
  [[gnu::always_inline]] bool push_rest(uint32_t begin, uint32_t& end,
                                        Lane& lane, uint32_t& pushed) {
    if (end - begin > 2 && lane.wants_publish()) [[unlikely]] {
      const uint32_t middle = begin + (end - begin + 1) / 2;
      if (!lane.push({this, pack(middle, end)})) return false;
      ++pushed;
      end = middle;
    }
    if (end - begin > 1) {
      if (!lane.push({this, pack(begin + 1, end)})) return false;
      ++pushed;
    }
    return true;
  }

  // The deque is full, or there is none.
  template <class Lane>
  [[gnu::noinline]] int64_t run_unpushed(uint32_t begin, uint32_t end,
                                         Lane& lane, Caller& caller) noexcept {
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
