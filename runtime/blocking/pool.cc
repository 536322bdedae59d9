#include "runtime/blocking/pool.h"

#include <utility>

#include "runtime/blocking/core.h"

namespace eddy::blocking {

Pool::Pool(Options options)
    : core_(std::make_shared<Core>(std::move(options))) {}

Pool::~Pool() {
  if (!core_->is_closed()) {
    (void)core_->shutdown(Clock::now() + std::chrono::seconds(1));
  }
}

void Pool::set_context(const context::Current& current,
                       std::shared_ptr<const void> keep) {
  core_->set_context(current, std::move(keep));
}

task::Scheduler& Pool::scheduler() const { return *core_; }

task::Scheduler& Pool::scheduler(const BlockingClass& kind) const {
  return core_->class_queue(kind);
}

Places& Pool::places() const { return core_->places(); }

std::vector<StuckJob> Pool::shutdown(Clock::time_point deadline) {
  return core_->shutdown(deadline);
}

void Pool::join(Clock::time_point deadline) { core_->join(deadline); }

bool Pool::send(Errand& errand) { return core_->send(errand); }

void Pool::visit() { core_->visit(); }

Metrics Pool::metrics() const { return core_->metrics(); }

}  // namespace eddy::blocking
