#include "reactor/uring/uring.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <new>
#include <thread>
#include <utility>

#include "reactor/pool_run.h"
#include "reactor/uring/hand_over.h"
#include "runtime/base/check.h"
#include "runtime/base/thread.h"

namespace eddy::reactor {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kSeqCst = std::memory_order_seq_cst;

// Tickets with bit 0 are no operation's: a record's address, whose cancellation
// has come back, or nothing at all.
constexpr uint64_t kNoFlight = 1;

uint64_t ticket_of_cancel(const Operation& operation) {
  return reinterpret_cast<uint64_t>(&operation) | kNoFlight;
}
Operation* cancelled_by(uint64_t ticket) {
  return reinterpret_cast<Operation*>(ticket & ~kNoFlight);
}

// How often a thread takes up what others have added meanwhile, before it
// leaves that to the poller.
constexpr int kMaxRounds = 8;
// EBUSY in a row, although there is room for completions.
constexpr int kMaxRejections = 16;

// Of a thread that serves a ring alone, when there is nothing to wait for.
constexpr auto kPause = std::chrono::milliseconds(1);

// For counters with one writer at a time: no locked instruction.
void bump(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.store(counter.load(kRelaxed) + by, kRelaxed);
}

}  // namespace

std::shared_ptr<Uring> Uring::create(const IoUringOptions& options,
                                     std::shared_ptr<EventFd> poller,
                                     IoUringStatus& status) {
  auto ring = std::make_unique<Ring>();
  status = ring->open(options);
  if (!status.is_ok()) return nullptr;
  return std::make_shared<Uring>(std::move(ring), std::move(poller));
}

Uring::Uring(std::unique_ptr<Ring> ring, std::shared_ptr<EventFd> poller)
    : ring_(std::move(ring)),
      poller_(std::move(poller)),
      flights_(ring_->completion_entries()) {}

Uring::~Uring() {
  EDDY_CHECK(is_quiet(), "a ring ends while the kernel is at work for it");
}

// --- Submitting --------------------------------------------------------------

void Uring::flush() {
  for (int round = 1; has_work(); ++round) {
    if (busy_.exchange(true, kSeqCst)) return;  // [combine]
    Leftovers left;
    work(left);
    busy_.store(false, kSeqCst);  // [combine]
    settle(left);
    if (left.out_of_memory && inbox_.empty()) return;
    if (round < kMaxRounds) continue;
    if (has_work()) poller_->signal();  // [combine]
    return;
  }
}

// [combine] Also after a thread has been busy, with all that it left.
bool Uring::has_work() const {
  if (!inbox_.empty()) return true;
  // Whoever reaps looks again, since a completion has announced itself.
  if (stalled_.load(kSeqCst)) {
    return !has_completions();
  }
  return unswept_.load(kSeqCst) ||
         (starved_.load(kSeqCst) && flights_.free() > 0);
}

void Uring::work(Leftovers& left) {
  stalled_.store(false, kRelaxed);
  sort_inbox(left);
  for (;;) {
    fill(left);
    if (ring_->prepared() == 0 || !enter(left)) break;
  }
  starved_.store(!backlog_.empty(), kSeqCst);
}

void Uring::sort_inbox(Leftovers& left) {
  OperationList arrived;
  inbox_.take_all(arrived);
  const bool closed = closed_.load(kSeqCst);
  while (!arrived.empty()) {
    Operation& operation = arrived.pop_front();
    if (operation.state_.is_cancelled()) {
      if (operation.cancel_tries_ == 0) {
        cancels_in_flight_.fetch_add(1, kRelaxed);
        bump(cancel_count_);
      }
      cancels_.push_back(operation);
    } else {
      backlog_.push_back(operation);
    }
  }
  if (closed) left.dead.append(backlog_);
}

void Uring::fill(Leftovers& left) {
  if (!fill_cancels(left)) return;
  while (!backlog_.empty() && flights_.free() > 0 && ring_->has_room()) {
    Operation& operation = backlog_.pop_front();
    if (!operation.state_.start()) {
      left.dead.push_back(operation);
      continue;
    }
    operation.ticket_ = flights_.begin(operation);
    (void)ring_->prepare(operation.sqe_, operation.ticket_);
    hand_to_kernel(&operation);
    bump(submitted_);
  }
}

bool Uring::prepare_cancel(const Operation& operation) {
  const uint64_t ticket = ticket_of_cancel(operation);
  const uint32_t tries = operation.cancel_tries_;
  if (tries == 0) return ring_->prepare_cancel(operation.ticket_, ticket);
  return ring_->prepare_late_cancel(operation.ticket_, ticket, tries - 1,
                                    kNoFlight);
}

// False: there are more than the submission queue holds.
bool Uring::fill_cancels(Leftovers& left) {
  while (!cancels_.empty()) {
    Operation& operation = cancels_.front();
    if (operation.state_.is_done()) {
      left.cancelled.push_back(cancels_.pop_front());
    } else if (operation.ticket_ == kNoFlight) {
      left.withdrawn.push_back(cancels_.pop_front());
    } else if (prepare_cancel(operation)) {
      hand_to_kernel(&cancels_.pop_front());
    } else {
      return false;
    }
  }
  if (!unswept_.load(kRelaxed)) return true;
  for (; swept_ < flights_.size(); ++swept_) {
    const uint64_t ticket = flights_.ticket_at(swept_);
    if (ticket != 0 && !ring_->prepare_cancel(ticket, kNoFlight)) return false;
  }
  unswept_.store(false, kSeqCst);
  return true;
}

// False: not now.
bool Uring::enter(Leftovers& left) {
  const int taken = ring_->submit();
  if (taken > 0) {
    rejections_ = 0;
    bump(batches_);
    largest_batch_.store(
        std::max<uint64_t>(largest_batch_.load(kRelaxed), taken), kRelaxed);
    return true;
  }
  switch (taken) {
    case -EINTR:
      return true;
    case -EBUSY:
    case -EBADR:
      if (++rejections_ < kMaxRejections) break;
      [[fallthrough]];
    case 0:
    case -EAGAIN:
    case -ENOMEM:
      rejections_ = 0;
      left.out_of_memory = true;
      withdraw_all(left);
      left.refused.append(backlog_);
      break;
    default:
      EDDY_CHECK(false,
                 "io_uring_enter failed: was a file descriptor closed that is "
                 "not the program's own?");
  }
  stalled_.store(true, kSeqCst);
  return false;
}

// Operations are for others to carry out; cancellations are tried again later.
void Uring::withdraw_all(Leftovers& left) {
  while (ring_->prepared() > 0) {
    const uint64_t ticket = ring_->retract();
    if (ticket == kNoFlight) {
      if (!unswept_.load(kRelaxed) && closed_.load(kRelaxed)) {
        unswept_.store(true, kSeqCst);
      }
      swept_ = 0;
    } else if ((ticket & kNoFlight) != 0) {
      cancels_.push_front(*cancelled_by(ticket));
    } else {
      Operation& operation = flights_.withdraw(ticket);
      submitted_.store(submitted_.load(kRelaxed) - 1, kRelaxed);
      if (operation.state_.unstart()) {
        left.refused.push_front(operation);
      } else {
        // Dropped: its cancellation, which is in a list or about to be, ends it.
        operation.ticket_ = kNoFlight;
      }
    }
  }
}

// User code may run: discard(), destructors, wakes.
void Uring::settle(Leftovers& left) {
  while (!left.dead.empty()) left.dead.pop_front().finish(-ECANCELED);
  while (!left.withdrawn.empty()) {
    Operation& operation = left.withdrawn.pop_front();
    operation.finish(-ECANCELED);
    end_cancel(operation);
  }
  while (!left.cancelled.empty()) end_cancel(left.cancelled.pop_front());
  while (!left.refused.empty()) {
    Operation& operation = left.refused.pop_front();
    refused_in_flight_.fetch_add(1, kSeqCst);
    // seq_cst: before the pool ends, is_quiet() waits for us.
    if (closed_.load(kSeqCst)) {
      operation.finish(-ECANCELED);
    } else {
      refused_.fetch_add(1, kRelaxed);
      hand_to_pool(operation);
    }
    refused_in_flight_.fetch_sub(1, kSeqCst);
  }
}

void Uring::hand_to_pool(Operation& operation) {
  try {
    run_on_pool(*operation.pool_, operation);
  } catch (const std::bad_alloc&) {
    operation.finish(-ENOMEM);
  }
}

// --- Reaping -----------------------------------------------------------------

// [reap] What one reaper did, the next one sees.
bool Uring::begin_reaping() {
  return !reaping_.exchange(true, std::memory_order_acquire);
}
void Uring::end_reaping() { reaping_.store(false, std::memory_order_release); }

size_t Uring::reap() {
  if (!begin_reaping()) return 0;
  std::array<Ring::Completion, 64> batch;
  size_t total = 0;
  bool fetched = false;
  while (total < flights_.size()) {
    const size_t count = ring_->reap(batch);
    for (size_t i = 0; i < count; ++i) complete(batch[i]);
    total += count;
    if (count > 0) {
      fetched = false;
    } else if (ring_->has_overflow() && !fetched) {
      bump(overflows_);
      ring_->fetch(/*wait=*/false);
      fetched = true;
    } else {
      break;
    }
  }
  end_reaping();
  flush();
  return total;
}

void Uring::complete(const Ring::Completion& completion) {
  if ((completion.ticket & kNoFlight) != 0) {
    Operation* const cancelled = cancelled_by(completion.ticket);
    if (cancelled == nullptr) return;
    take_from_kernel(cancelled);
    const bool missed =
        completion.result == -ENOENT || completion.result == -EALREADY;
    if (missed && !cancelled->state_.is_done()) {
      ++cancelled->cancel_tries_;
      inbox_.push(*cancelled);
    } else {
      end_cancel(*cancelled);
    }
    return;
  }
  Operation& operation = flights_.end(completion.ticket);
  take_from_kernel(&operation);
  EDDY_DCHECK(operation.ticket_ == completion.ticket);
  bump(completed_);
  if (!try_again(operation, completion.result)) {
    operation.finish(completion.result);
  }
}

void Uring::end_cancel(Operation& operation) {
  operation.end_cancel();
  cancels_in_flight_.fetch_sub(1, kSeqCst);
}

// The kernel gave it up, though nobody asked for that: the thread that had
// submitted it ended, or was interrupted. Not what has changed something by
// then.
bool Uring::try_again(Operation& operation, int64_t result) {
  if (result != -ECANCELED && result != -EINTR) return false;
  const Opcode opcode = operation.sqe_.opcode;
  if (opcode == Opcode::kClose || opcode == Opcode::kConnect) return false;
  if (closed_.load(kSeqCst) || !operation.state_.unstart()) return false;
  bump(retries_);
  inbox_.push(operation);
  return true;
}

// --- The end -----------------------------------------------------------------

void Uring::close() {
  if (closed_.exchange(true, kSeqCst)) return;
  unswept_.store(true, kSeqCst);  // [combine]
  flush();
}

bool Uring::is_quiet() const {
  return inbox_.empty() && !busy_.load(kSeqCst) && !starved_.load(kSeqCst) &&
         cancels_in_flight_.load(kSeqCst) == 0 &&
         refused_in_flight_.load(kSeqCst) == 0 && flights_.in_flight() == 0;
}

std::vector<std::string> Uring::in_flight_names() {
  std::vector<std::string> names;
  // So that none of them ends meanwhile.
  while (!begin_reaping()) std::this_thread::yield();
  for (uint32_t i = 0; i < flights_.size(); ++i) {
    const Operation* operation = flights_.at(i);
    if (operation != nullptr) names.emplace_back(operation->name());
  }
  end_reaping();
  return names;
}

void Uring::abandon() {
  // They are a few instructions from their end.
  while (refused_in_flight_.load(kSeqCst) > 0) std::this_thread::yield();
  std::shared_ptr<Uring> self = shared_from_this();
  auto serve = [self] {
    while (!self->is_quiet()) {
      const bool must_wait = self->flights_.in_flight() > 0;
      if (must_wait && !self->has_completions()) {
        self->ring_->fetch(/*wait=*/true);
      }
      // Others have the rest, or the kernel has no memory.
      if (self->reap() == 0) std::this_thread::sleep_for(kPause);
    }
  };
  absl::StatusOr<base::Thread> thread =
      base::Thread::start({.name = "eddy-ring"}, std::move(serve));
  if (thread.ok()) {
    thread->detach();
  } else {
    // Without a thread it stays as it is: the kernel may still write.
    new std::shared_ptr<Uring>(std::move(self));
  }
}

void Uring::add_metrics(IoUringMetrics& metrics) const {
  metrics.completed += completed_.load(kRelaxed);
  metrics.submitted += submitted_.load(kRelaxed);
  metrics.in_flight += flights_.in_flight();
  metrics.batches += batches_.load(kRelaxed);
  metrics.largest_batch =
      std::max(metrics.largest_batch, largest_batch_.load(kRelaxed));
  metrics.cancels += cancel_count_.load(kRelaxed);
  metrics.retries += retries_.load(kRelaxed);
  metrics.overflows += overflows_.load(kRelaxed);
  metrics.fallbacks += refused_.load(kRelaxed);
}

}  // namespace eddy::reactor
