#include "runtime/time/timers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/context/current.h"

namespace eddy::time {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kSeqCst = std::memory_order_seq_cst;

constexpr int64_t kTickNanoseconds = 1'000'000;

}  // namespace

Timers::Timers(std::size_t shards, Clock& clock, std::function<void()> alarm)
    : clock_(clock),
      alarm_(std::move(alarm)),
      count_(shards),
      shards_(std::make_unique<Shard[]>(shards)) {
  EDDY_CHECK(shards > 0, "Timers need a shard");
}

Tick Timers::tick_of_deadline(Instant deadline) const {
  if (deadline <= clock_.origin()) return 0;
  const int64_t since = (deadline - clock_.origin()).count();
  return since / kTickNanoseconds + (since % kTickNanoseconds != 0 ? 1 : 0);
}

Tick Timers::tick_of_present(Instant now) const {
  if (now <= clock_.origin()) return 0;
  return (now - clock_.origin()).count() / kTickNanoseconds;
}

std::optional<Instant> Timers::instant_of(Tick tick) const {
  if (tick == kNever) return std::nullopt;
  constexpr Tick kLast = INT64_MAX / kTickNanoseconds;
  const Duration since(static_cast<int64_t>(std::min(tick, kLast)) *
                       kTickNanoseconds);
  return saturating_add(clock_.origin(), since);
}

bool Timers::poll(Timer& timer, Instant deadline, const Waker& waker) {
  switch (timer.state()) {
    case Timer::State::kIdle:
      return arm(timer, deadline, waker);
    case Timer::State::kArmed:
      return keep_waker(timer, waker);
    case Timer::State::kFired:
      return true;
  }
  __builtin_unreachable();
}

bool Timers::arm(Timer& timer, Instant deadline, const Waker& waker) {
  const Tick tick = tick_of_deadline(deadline);
  const uint32_t index = context::current().shard;
  EDDY_DCHECK(index < count_);
  Shard& shard = shards_[index];
  timer.shard_ = index;
  timer.waker_ = waker;
  bool is_earliest;
  {
    base::SpinLockHold hold(&shard.lock);
    if (!shard.closed) {
      // relaxed: the lock publishes it to fire(), and the owner is this thread.
      timer.state_.store(Timer::State::kArmed, kRelaxed);
      is_earliest = insert(shard, timer, tick);
    } else {
      timer.state_.store(Timer::State::kFired, kRelaxed);
      is_earliest = false;
    }
  }
  if (is_earliest) end_sleep_beyond(tick);
  return timer.is_fired();
}

bool Timers::keep_waker(Timer& timer, const Waker& waker) {
  Waker old;  // its end may run foreign code: after the lock
  base::SpinLockHold hold(&shards_[timer.shard_].lock);
  if (timer.is_fired()) return true;
  if (!timer.waker_.will_wake(waker)) {
    old = std::exchange(timer.waker_, waker);
  }
  return false;
}

bool Timers::insert(Shard& shard, Timer& timer, Tick tick) {
  shard.wheel.insert(timer, tick);
  if (tick >= shard.earliest.load(kRelaxed)) return false;
  // seq_cst: [sleep] store-load, pairs with prepare_sleep().
  shard.earliest.store(tick, kSeqCst);
  return true;
}

void Timers::cancel(Timer& timer) {
  if (timer.is_armed()) {
    Waker old;  // dropped after the lock
    Shard& shard = shards_[timer.shard_];
    base::SpinLockHold hold(&shard.lock);
    if (timer.is_armed()) {
      shard.wheel.remove(timer);
      old = std::move(timer.waker_);
    }
  }
  // relaxed: out of the wheel, the timer is its owner's alone.
  timer.state_.store(Timer::State::kIdle, kRelaxed);
}

void Timers::reset(Timer& timer, Instant deadline) {
  if (timer.is_armed()) {
    const Tick tick = tick_of_deadline(deadline);
    Shard& shard = shards_[timer.shard_];
    bool is_pending = false;
    bool is_earliest = false;
    {
      base::SpinLockHold hold(&shard.lock);
      if (timer.is_armed()) {
        shard.wheel.remove(timer);
        is_earliest = insert(shard, timer, tick);
        is_pending = true;
      }
    }
    if (is_earliest) end_sleep_beyond(tick);
    if (is_pending) return;
  }
  timer.state_.store(Timer::State::kIdle, kRelaxed);  // as in cancel()
}

Tick Timers::earliest() const {
  Tick earliest = kNever;
  for (std::size_t i = 0; i < count_; ++i) {
    // seq_cst: [sleep], pairs with insert(). A value that is too early, since
    // fire() raises it relaxed, makes a sleep short and no timer late.
    earliest = std::min(earliest, shards_[i].earliest.load(kSeqCst));
  }
  return earliest;
}

std::optional<Instant> Timers::prepare_sleep() {
  for (Tick planned = earliest();;) {
    // seq_cst: [sleep] store-load, pairs with insert().
    planned_.store(planned, kSeqCst);
    const Tick now = earliest();
    if (now >= planned) return instant_of(planned);
    planned = now;
  }
}

void Timers::awake() {
  // relaxed: who still sees the old plan calls the alarm for nothing.
  planned_.store(kAwake, kRelaxed);
}

void Timers::end_sleep_beyond(Tick tick) {
  // seq_cst: [sleep], pairs with prepare_sleep().
  Tick planned = planned_.load(kSeqCst);
  if (planned <= tick) return;
  // Where this fails, another has ended the sleep, or the sleeper is awake, and
  // looks at our shard before it sleeps again.
  if (planned_.compare_exchange_strong(planned, kAwake, kSeqCst)) alarm_();
}

void Timers::end_sleep() {
  // seq_cst: [sleep] the change of the clock comes before, as the store in
  // insert() does; the sleeper looks at the clock after prepare_sleep().
  if (planned_.exchange(kAwake, kSeqCst) != kAwake) alarm_();
}

std::optional<Instant> Timers::next_deadline() const {
  Tick next = kNever;
  for (std::size_t i = 0; i < count_; ++i) {
    base::SpinLockHold hold(&shards_[i].lock);
    next =
        std::min(next, shards_[i].wheel.exact_next_deadline().value_or(kNever));
  }
  return instant_of(next);
}

std::size_t Timers::fire(Instant now) {
  const Tick tick = tick_of_present(now);
  std::size_t fired = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    // relaxed: a deadline that is missed here, the next prepare_sleep() sees.
    if (shards_[i].earliest.load(kRelaxed) > tick) continue;
    fired += fire_until(shards_[i], tick);
  }
  return fired;
}

std::size_t Timers::fire_shard(std::size_t shard, Instant now) {
  EDDY_DCHECK(shard < count_);
  const Tick tick = tick_of_present(now);
  // relaxed: as in fire().
  if (shards_[shard].earliest.load(kRelaxed) > tick) return 0;
  return fire_until(shards_[shard], tick);
}

std::size_t Timers::fire_until(Shard& shard, Tick now) {
  for (std::size_t fired = 0;;) {
    std::array<Waker, kBatch> batch;
    std::size_t taken = 0;
    {
      base::SpinLockHold hold(&shard.lock);
      while (taken < kBatch) {
        TimerEntry* entry = shard.wheel.pop_due(now);
        if (entry == nullptr) break;
        auto& timer = static_cast<Timer&>(*entry);
        batch[taken++] = std::move(timer.waker_);
        timer.state_.store(Timer::State::kFired, kRelease);  // [fired]
      }
      // relaxed: under the lock, and later than what it was.
      shard.earliest.store(shard.wheel.next_deadline().value_or(kNever),
                           kRelaxed);
    }
    for (std::size_t i = 0; i < taken; ++i) std::move(batch[i]).wake();
    fired += taken;
    if (taken < kBatch) return fired;
  }
}

void Timers::pause() {
  clock_.pause();
  end_sleep();
}

void Timers::resume() {
  clock_.resume();
  end_sleep();
}

void Timers::advance(Duration duration) {
  clock_.advance_to(saturating_add(clock_.now(), duration));
  end_sleep();
}

void Timers::shutdown() {
  for (std::size_t i = 0; i < count_; ++i) {
    {
      base::SpinLockHold hold(&shards_[i].lock);
      shards_[i].closed = true;
    }
    fire_until(shards_[i], kNever);
  }
}

}  // namespace eddy::time
