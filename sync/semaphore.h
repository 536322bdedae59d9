// Semaphore: a number of permits that tasks take and give back.
//
//   eddy::sync::Semaphore connections(100);
//
//   eddy::Task<> serve(eddy::io::TcpStream peer) {
//     auto permit = co_await connections.acquire();  // waits for the 101st
//     if (!permit) co_return;                        // it was closed
//     ...
//   }                                                // given back here
//
// Fair: permits go to whoever has waited longest, also where that one wants
// many and others few. Without waiters acquire and give back are one atomic
// exchange each, and allocate nothing.
//
// Threads: any; a Permit belongs to one at a time. What was written before a
//          permit was given back, who gets it next sees.
// Cancel:  dropping a wait gives up its place; permits that were on their way
//          to it go to the next.
// Errors:  after close() an acquire gives an empty optional. To acquire more
//          than kMaxPermits, to add more, or to have more free ones than that,
//          is misuse, which fails loudly. Fewer than that, though more than
//          there are, are waited for.
// Owner:   outlives its waits and Permits. An OwnedPermit shares it instead.
//          A wait may be moved until its first poll.
#ifndef EDDY_SYNC_SEMAPHORE_H_
#define EDDY_SYNC_SEMAPHORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/cursor.h"
#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/semaphore_core.h"
#include "sync/step_awaiter.h"

namespace eddy::sync {

// Permits, which their destructor gives back. `Keeper` is a pointer to the
// semaphore, plain or shared.
template <class Keeper>
class [[nodiscard]] BasicPermit {
 public:
  BasicPermit(Keeper core, uint64_t count)
      : core_(std::move(core)), count_(count) {}
  BasicPermit(BasicPermit&& other) noexcept
      : core_(std::move(other.core_)), count_(std::exchange(other.count_, 0)) {}
  BasicPermit& operator=(BasicPermit other) noexcept {
    std::swap(core_, other.core_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~BasicPermit() {
    if (count_ > 0) core_->release(count_);
  }

  uint64_t count() const { return count_; }
  // These permits are never given back.
  void forget() && { count_ = 0; }
  // A part of them, at most all, as a Permit of its own.
  BasicPermit split(uint64_t count) {
    EDDY_CHECK(count <= count_, "a Permit is split into more than it has");
    count_ -= count;
    return BasicPermit(core_, count);
  }
  // Adds those of `other`, of the same semaphore: at most kMaxPermits in all.
  void merge(BasicPermit other) {
    EDDY_CHECK(core_ == other.core_, "Permits of two semaphores are merged");
    count_ += std::exchange(other.count_, 0);
    EDDY_CHECK(count_ <= SemaphoreCore::kMaxPermits,
               "a Permit of more than kMaxPermits");
  }

 private:
  Keeper core_;
  uint64_t count_;
};

class Semaphore {
 public:
  using Permit = BasicPermit<SemaphoreCore*>;
  using OwnedPermit = BasicPermit<std::shared_ptr<SemaphoreCore>>;
  // A Future of an optional permit: empty if the semaphore is closed.
  template <class Keeper>
  class BasicAcquire;
  using Acquire = BasicAcquire<SemaphoreCore*>;
  using AcquireOwned = BasicAcquire<std::shared_ptr<SemaphoreCore>>;

  static constexpr uint64_t kMaxPermits = SemaphoreCore::kMaxPermits;

  explicit Semaphore(uint64_t permits) : core_(checked(permits)) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  Acquire acquire();
  // All of them at once: none is taken before there are enough.
  Acquire acquire_many(uint64_t count);
  // Empty if there are too few, or others wait, or it is closed.
  std::optional<Permit> try_acquire(uint64_t count = 1) {
    if (!core_.try_acquire(checked(count))) return std::nullopt;
    return Permit(&core_, count);
  }
  // On a thread that may block.
  std::optional<Permit> blocking_acquire(uint64_t count = 1);

  // The same with permits that keep `semaphore` alive.
  static AcquireOwned acquire_owned(std::shared_ptr<Semaphore> semaphore,
                                    uint64_t count = 1);
  static std::optional<OwnedPermit> try_acquire_owned(
      std::shared_ptr<Semaphore> semaphore, uint64_t count = 1) {
    if (!semaphore->core_.try_acquire(checked(count))) return std::nullopt;
    return OwnedPermit(core_of(std::move(semaphore)), count);
  }

  void add(uint64_t permits) { core_.release(checked(permits)); }
  // Takes away permits that are free, at most `count`, and says how many.
  uint64_t forget(uint64_t count) { return core_.forget(count); }
  // Ends all waits, and those to come. Permits may still be given back.
  void close() { core_.close(); }

  bool is_closed() const { return core_.is_closed(); }
  // Free ones, at this moment.
  uint64_t available() const { return core_.available(); }

 private:
  static uint64_t checked(uint64_t permits) {
    EDDY_CHECK(permits <= kMaxPermits, "a semaphore: more than kMaxPermits");
    return permits;
  }
  static std::shared_ptr<SemaphoreCore> core_of(
      std::shared_ptr<Semaphore> semaphore) {
    SemaphoreCore* core = &semaphore->core_;
    return {std::move(semaphore), core};
  }

  SemaphoreCore core_;
};

template <class Keeper>
class [[nodiscard]] Semaphore::BasicAcquire {
 public:
  using Output = std::optional<BasicPermit<Keeper>>;

  BasicAcquire(Keeper core, uint64_t count)
      : core_(std::move(core)), count_(count), wait_(*core_, count) {}
  BasicAcquire(BasicAcquire&&) = default;

  Poll<Output> poll(Context& cx) {
    if (!step(cx)) return kPending;
    return take();
  }

  // See StepAwaiter.
  auto await_in(task::PromiseBase& frame) {
    return StepAwaiter<BasicAcquire>(*this, frame);
  }
  bool step(Context& cx) noexcept {
    Poll<bool> acquired = wait_.poll(cx);
    if (acquired.is_pending()) return false;
    is_closed_ = !*acquired;
    return true;
  }
  Output take() {
    if (is_closed_) return Output();
    return Output(std::in_place, std::move(core_), count_);
  }

 private:
  Keeper core_;
  uint64_t count_;
  bool is_closed_ = false;    // once it is ready
  SemaphoreCore::Wait wait_;  // ends before the semaphore may
};

inline Semaphore::Acquire Semaphore::acquire() { return {&core_, 1}; }
inline Semaphore::Acquire Semaphore::acquire_many(uint64_t count) {
  return {&core_, checked(count)};
}
inline std::optional<Semaphore::Permit> Semaphore::blocking_acquire(
    uint64_t count) {
  return blocking_wait(acquire_many(count), "blocking_acquire()");
}
inline Semaphore::AcquireOwned Semaphore::acquire_owned(
    std::shared_ptr<Semaphore> semaphore, uint64_t count) {
  return {core_of(std::move(semaphore)), checked(count)};
}

}  // namespace eddy::sync

#endif  // EDDY_SYNC_SEMAPHORE_H_
