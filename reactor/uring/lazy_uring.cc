#include "reactor/uring/lazy_uring.h"

#include <cerrno>
#include <thread>
#include <utility>

namespace eddy::reactor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int kShortLooks = 100;
constexpr auto kBetweenLooks = std::chrono::microseconds(200);

}  // namespace

LazyUring::LazyUring(const IoUringOptions& options,
                     std::shared_ptr<EventFd> poller, Watch watch)
    : options_(options),
      poller_(std::move(poller)),
      watch_(std::move(watch)),
      is_without_(options.mode == IoUring::kOff) {}

LazyUring::~LazyUring() {
  close();
  drain(Clock::time_point::min());
}

std::shared_ptr<Uring> LazyUring::get(Opcode opcode) {
  Uring* uring = current();
  if (uring == nullptr && !is_without_.load(kRelaxed)) {
    base::MutexLock lock(&mu_);
    make();
    uring = current();
  }
  if (uring == nullptr || !status_.supports(static_cast<uint8_t>(opcode))) {
    fallbacks_.fetch_add(1, kRelaxed);
    return nullptr;
  }
  return uring->shared_from_this();
}

void LazyUring::make() {
  if (was_tried_ || is_closed_ || options_.mode == IoUring::kOff) return;
  was_tried_ = true;
  uring_ = Uring::create(options_, poller_, status_);
  if (uring_ != nullptr && !watch_(uring_->fd())) {
    uring_.reset();
    status_ = {.state = IoUringStatus::State::kFailed, .error = errno};
  }
  if (uring_ == nullptr) {
    is_without_.store(true, kRelaxed);
  } else {
    current_.store(uring_.get(), std::memory_order_release);  // [ring]
  }
}

IoUringStatus LazyUring::status() {
  base::MutexLock lock(&mu_);
  make();
  return status_;
}

IoUringMetrics LazyUring::metrics() const {
  IoUringMetrics metrics;
  metrics.fallbacks = fallbacks_.load(kRelaxed);
  base::MutexLock lock(&mu_);
  if (uring_ != nullptr) uring_->add_metrics(metrics);
  return metrics;
}

void LazyUring::close() {
  std::shared_ptr<Uring> uring;
  {
    base::MutexLock lock(&mu_);
    is_closed_ = true;
    uring = uring_;
  }
  if (uring != nullptr) uring->close();
}

std::vector<std::string> LazyUring::drain(Clock::time_point deadline) {
  is_without_.store(true, kRelaxed);
  Uring* const uring = current_.exchange(nullptr, std::memory_order_acquire);
  if (uring == nullptr) return {};
  for (int looks = 1; !uring->is_quiet(); ++looks) {
    uring->reap();
    if (Clock::now() >= deadline) break;
    // Most have ended by now, the others some time later.
    if (looks > kShortLooks) std::this_thread::sleep_for(kBetweenLooks);
  }
  if (uring->is_quiet()) return {};
  std::vector<std::string> names = uring->in_flight_names();
  uring->abandon();
  return names;
}

}  // namespace eddy::reactor
