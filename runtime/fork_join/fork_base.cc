#include "runtime/fork_join/fork_base.h"

#include <array>
#include <functional>
#include <thread>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/fork_join/fork_cell.h"
#include "runtime/scheduler/block_in_place.h"

namespace eddy::forks {

namespace {

constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;

constinit std::array<Stripe, 64> stripes;

// Children are part of the task that forked them, on whichever thread.
class InTask {
 public:
  explicit InTask(task::Header* task)
      : outer_(std::exchange(context::current().task, task)) {}
  InTask(const InTask&) = delete;
  InTask& operator=(const InTask&) = delete;
  ~InTask() { context::current().task = outer_; }

 private:
  task::Header* const outer_;
};

}  // namespace

ForkBase::ForkBase(ForkBase&& other) noexcept : Fork(other) {
  EDDY_CHECK(!other.is_begun_, "a fork_join is moved after its first poll");
}

Stripe& ForkBase::stripe() const {
  // Forks lie in frames, which are aligned to 16 bytes; the multiplier spreads
  // what is above (Knuth).
  const auto address = reinterpret_cast<uintptr_t>(this) >> 4;
  return stripes[(address * 0x9e3779b97f4a7c15u) >> 58];
}

// --- Running -----------------------------------------------------------------

void ForkBase::run_stolen(uint64_t branches) noexcept {
  InTask in_task(task_);
  if (is_dropping()) {
    finish(count(branches));
    return;
  }
  scheduler::ForkLane* lane = context::current().forks;
  Caller caller(*this, lane, Context::default_stack_limit());
  int64_t ended;
  if (lane != nullptr) {
    ended = run(branches, *lane, caller);
  } else {
    NoLane no_lane;
    ended = run(branches, no_lane, caller);
  }
  if (ended > 0) finish(ended);
}

bool ForkBase::poll_child(task::PromiseBase& frame, Context& cx) noexcept {
  InTask in_task(task_);
  return frame.run(cx);
}

void ForkBase::postpone(uint64_t branches) noexcept {
  ForkCell::create_postponed(*this, branches);
}

void ForkBase::fail(std::exception_ptr error) noexcept {
  // relaxed: [join] orders the error itself
  if (!failed_.exchange(true, kRelaxed)) error_ = std::move(error);
}

void ForkBase::rethrow() { std::rethrow_exception(error_); }

// --- Joining -----------------------------------------------------------------

bool ForkBase::wait(Context& cx, int64_t children) {
  if (unfinished_.load(kAcquire) == -children) return true;  // [join]
  waker_ = cx.waker();
  is_waiting_ = true;
  // [join]
  const int64_t ended = unfinished_.fetch_add(children, kAcqRel);
  if (ended + children > 0) return false;
  is_waiting_ = false;
  return true;
}

bool ForkBase::poll_again(Context& cx) {
  int64_t left = unfinished_.load(kAcquire);  // [join]
  while (left > 0 && left != kJoined &&
         !unfinished_.compare_exchange_weak(left, left - kRetracted, kAcqRel,
                                            kAcquire)) {
  }
  if (left == kJoined) {
    is_waiting_ = false;
    return true;
  }
  if (left == 0) {
    // The last child is about to wake us, perhaps by an older waker.
    cx.request_wake();
    return false;
  }
  if (!waker_.will_wake(cx.waker())) waker_ = cx.waker();
  // [join]
  if (unfinished_.fetch_add(kRetracted, kAcqRel) + kRetracted > 0) return false;
  is_waiting_ = false;
  return true;
}

void ForkBase::finish(int64_t children) noexcept {
  Stripe& stripe = this->stripe();
  const int64_t before = unfinished_.fetch_sub(children, kAcqRel);  // [join]
  if (before == children) {
    Waker owner = std::move(waker_);
    unfinished_.store(kJoined, kRelease);  // [join]
    std::move(owner).wake();
  } else if (before == kDropping + children) {
    base::MutexLock lock(&stripe.mutex);
    stripe.child_ended.notify_all();
  }
}

// --- The cells ---------------------------------------------------------------

void ForkBase::link(ForkCell& cell) {
  cell.next = cells_;
  if (cells_ != nullptr) cells_->slot = &cell.next;
  cell.slot = &cells_;
  cells_ = &cell;
}

void ForkBase::unlink(ForkCell& cell) {
  if (cell.slot == nullptr) return;
  *cell.slot = cell.next;
  if (cell.next != nullptr) cell.next->slot = cell.slot;
  cell.slot = nullptr;
}

void ForkBase::stop_children() noexcept {
  int64_t left = unfinished_.load(kAcquire);  // [join]
  for (;;) {
    if (left == kJoined) return;
    if (left == 0) {  // somebody is between two instructions
      std::this_thread::yield();
      left = unfinished_.load(kAcquire);
    } else if (unfinished_.compare_exchange_weak(left, left + kDropping,
                                                 kAcqRel, kAcquire)) {
      break;
    }
  }
  waker_ = Waker();
  left = take_idle_cells();
  if (left > 0) finish(left);
  if (unfinished_.load(kAcquire) == kDropping) return;  // [join]
  // The others are being polled. Their threads may need our core for that.
  scheduler::InPlace in_place;
  Stripe& stripe = this->stripe();
  base::MutexLock lock(&stripe.mutex);
  while (unfinished_.load(kAcquire) != kDropping) {  // [join]
    stripe.child_ended.wait(stripe.mutex);
  }
}

// Ends what is suspended or postponed. What is polled meanwhile finds that the
// fork is dropping when its poll is over.
int64_t ForkBase::take_idle_cells() {
  ForkCell* idle = nullptr;
  {
    base::MutexLock lock(&stripe().mutex);
    is_dropping_.store(true, kRelaxed);
    for (ForkCell* cell = cells_; cell != nullptr;) {
      ForkCell* const next = cell->next;
      if (cell->take_fork()) {
        unlink(*cell);
        cell->next = std::exchange(idle, cell);
      }
      cell = next;
    }
  }
  int64_t children = 0;
  while (idle != nullptr) {
    children += std::exchange(idle, idle->next)->end_dropped(*this);
  }
  return children;
}

// --- Caller ------------------------------------------------------------------

ForkCell& Caller::cell() noexcept {
  if (cell_ == nullptr) {
    cell_ = &ForkCell::create_polling(fork_, branch_, *frame_);
  }
  return *cell_;
}

const Waker& Caller::waker() noexcept { return cell().waker(); }

// The child has suspended somewhere, or somebody has its waker. True if it has
// ended.
bool Caller::settle(task::PromiseBase& frame) noexcept {
  const bool ended = frame.handle().done() || frame.continue_start();
  if (!ended || cell_ != nullptr) {
    cell().leave(ended, cx_.wake_requested());
    cell_ = nullptr;
  }
  return ended;
}

}  // namespace eddy::forks
