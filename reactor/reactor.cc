#include "reactor/reactor.h"

#include <utility>

#include "reactor/core.h"
#include "runtime/base/check.h"

namespace eddy::reactor {

absl::StatusOr<std::unique_ptr<Reactor>> Reactor::create(Options options) {
  if (options.max_events_per_poll == 0 ||
      options.max_events_per_poll > size_t{1} << 20) {
    return absl::InvalidArgumentError(
        "reactor: max_events_per_poll must be from 1 to 2^20");
  }
  auto core = std::make_shared<Core>(options.max_events_per_poll);
  if (absl::Status status = core->open(); !status.ok()) return status;
  return std::unique_ptr<Reactor>(new Reactor(std::move(core)));
}

Reactor::Reactor(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Reactor::~Reactor() { shutdown(); }

size_t Reactor::poll(std::optional<std::chrono::nanoseconds> timeout) {
  return core_->poll(timeout);
}
void Reactor::wake() { core_->wake(); }
void Reactor::shutdown() { core_->shut_down(); }
Metrics Reactor::metrics() const { return core_->metrics(); }

}  // namespace eddy::reactor
