#include "runtime/scheduler/idle.h"

#include <algorithm>

#include "runtime/base/asymmetric_fence.h"

namespace eddy::scheduler {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kAcqRel = std::memory_order_acq_rel;

}  // namespace

Idle::Idle(uint32_t workers) : workers_(workers) {
  base::MutexLock lock(&mutex_);
  sleepers_.reserve(workers);
}

std::optional<uint32_t> Idle::choose_sleeper() {
  base::MutexLock lock(&mutex_);
  const uint64_t state = state_.load(kRelaxed);
  if (searching(state) > 0 || sleepers_.empty()) return std::nullopt;
  const uint32_t worker = sleepers_.back();
  sleepers_.pop_back();
  state_.fetch_add(kEpoch + kSearching - kParked, kAcqRel);
  return worker;
}

bool Idle::try_search() {
  uint64_t state = state_.load(kRelaxed);
  // Only a throttle: it may be off by the workers that pass here at once.
  if (2 * searching(state) >= workers_ && searching(state) > 0) return false;
  state_.fetch_add(kSearching, kAcqRel);
  return true;
}

bool Idle::stop_searching() {
  return searching(state_.fetch_sub(kSearching, kAcqRel)) == 1;
}

bool Idle::has_searchers() const {
  return searching(state_.load(kRelaxed)) > 0;
}

uint32_t Idle::sleepers() const { return parked(state_.load(kRelaxed)); }

void Idle::count_as_parked(uint32_t worker) {
  base::MutexLock lock(&mutex_);
  sleepers_.push_back(worker);
  state_.fetch_add(kParked, kAcqRel);
}

bool Idle::leave_sleepers(uint32_t worker, std::optional<uint32_t>* heir,
                          uint64_t and_add) {
  base::MutexLock lock(&mutex_);
  auto self = std::find(sleepers_.begin(), sleepers_.end(), worker);
  if (self == sleepers_.end()) return false;
  const bool was_standby = self == sleepers_.begin();
  sleepers_.erase(self);
  if (heir != nullptr && was_standby && !sleepers_.empty()) {
    *heir = sleepers_.front();
  }
  state_.fetch_add(kEpoch - kParked + and_add, kAcqRel);
  return true;
}

bool Idle::begin_watch() {
  if (has_sleepers() || is_watched()) return false;
  return !watched_.exchange(true, kRelaxed);
}

bool Idle::end_watch() {
  base::MutexLock lock(&mutex_);  // [watch]
  if (sleepers_.empty()) return false;
  watched_.store(false, kRelaxed);
  return true;
}

Idle::Place Idle::place_of(uint32_t worker) const {
  base::MutexLock lock(&mutex_);  // [standby]
  const auto self = std::find(sleepers_.begin(), sleepers_.end(), worker);
  if (self == sleepers_.end()) return Place::kAwake;
  return self == sleepers_.begin() ? Place::kStandby : Place::kSleeper;
}

std::optional<uint32_t> Idle::standby() const {
  base::MutexLock lock(&mutex_);  // [standby]
  if (sleepers_.empty()) return std::nullopt;
  return sleepers_.front();
}

Idle::Snapshot Idle::snapshot() const {
  const uint64_t state = state_.load(kAcquire);
  return {.all_parked = parked(state) == workers_,
          .epoch = static_cast<uint32_t>(state >> 32)};
}

}  // namespace eddy::scheduler
