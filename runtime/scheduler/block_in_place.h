// block_in_place(): runs a callable that may block here and now, in the middle
// of a task, while the tasks behind it go on on another thread.
//
//   eddy::Task<std::size_t> count_lines(std::string path) {
//     std::size_t lines = eddy::block_in_place([&] {
//       std::ifstream file(path);  // blocks
//       return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
//     });
//     co_return lines;
//   }
//
// The core of this thread (its queue, its timers, the polling for events if it
// has that) goes to an idle thread of the blocking pool, or to a new one, which
// max_blocking_threads does not limit. Afterwards this thread takes a core that
// is free, or ends the poll without one, and stays in the pool. Other parts of
// the same task, such as those of a join(), wait; children of a fork_join that
// have not begun go on elsewhere.
//
// On a current-thread runtime its one core goes to a thread of the pool for as
// long as the call lasts, and comes back before this returns. What waits is the
// future of the block_on() on this thread.
//
// In a blocking job, inside another block_in_place(), on a thread of no runtime
// and in the future of a multi-thread block_on() it just runs the callable.
//
// Threads: any. Inside, Handle::block_on() and blocking waits are allowed.
// Cancel:  a task that is aborted meanwhile ends once the callable has.
// Errors:  throws what the callable throws. If no thread can be had, the tasks
//          behind wait, as they would without this. On a current-thread runtime
//          with tasks of spawn_local(), which can't change threads: misuse.
// Owner:   the callable runs before this returns.
#ifndef EDDY_RUNTIME_SCHEDULER_BLOCK_IN_PLACE_H_
#define EDDY_RUNTIME_SCHEDULER_BLOCK_IN_PLACE_H_

#include <functional>
#include <type_traits>
#include <utility>

namespace eddy {

namespace scheduler {

class Flavor;

// While it lives, this thread may block.
class InPlace {
 public:
  InPlace();
  InPlace(const InPlace&) = delete;
  InPlace& operator=(const InPlace&) = delete;
  ~InPlace();

 private:
  Flavor* flavor_ = nullptr;  // whose core the thread had
  const bool was_polling_;
};

}  // namespace scheduler

template <class F>
  requires std::is_invocable_v<F&&>
std::invoke_result_t<F&&> block_in_place(F&& callable) {
  scheduler::InPlace in_place;
  return std::invoke(std::forward<F>(callable));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_SCHEDULER_BLOCK_IN_PLACE_H_
