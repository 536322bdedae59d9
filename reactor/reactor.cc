#include "reactor/reactor.h"

#include <utility>

#include "reactor/core.h"
#include "runtime/base/check.h"

namespace eddy::reactor {

Metrics& Metrics::operator+=(const Metrics& other) {
  polls += other.polls;
  events += other.events;
  stale_events += other.stale_events;
  wakes += other.wakes;
  wake_writes += other.wake_writes;
  registrations += other.registrations;
  io_uring += other.io_uring;
  return *this;
}

absl::StatusOr<std::unique_ptr<Reactor>> Reactor::create(Options options) {
  absl::StatusOr<std::vector<std::unique_ptr<Reactor>>> group =
      create_group(options, 1);
  if (!group.ok()) return group.status();
  return std::move(group->front());
}

absl::StatusOr<std::vector<std::unique_ptr<Reactor>>> Reactor::create_group(
    Options options, size_t count) {
  EDDY_CHECK(count > 0, "a group of reactors has at least one");
  if (options.max_events_per_poll == 0 ||
      options.max_events_per_poll > size_t{1} << 20) {
    return absl::InvalidArgumentError(
        "reactor: max_events_per_poll must be from 1 to 2^20");
  }
  const IoUringOptions& ring = options.io_uring;
  if (ring.submissions == 0 || ring.submissions > ring.completions ||
      ring.completions > size_t{1} << 16) {
    return absl::InvalidArgumentError(
        "reactor: a ring has 1 to 65536 completions, and not more submissions");
  }
  auto group = std::make_shared<Group>(count, options);
  std::vector<std::unique_ptr<Reactor>> reactors;
  for (const std::unique_ptr<Core>& core : group->cores()) {
    if (absl::Status status = core->open(); !status.ok()) return status;
    reactors.push_back(std::unique_ptr<Reactor>(
        new Reactor(std::shared_ptr<Core>(group, core.get()))));
  }
  return reactors;
}

Reactor::Reactor(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Reactor::~Reactor() {
  shutdown();
  core_->drain(std::chrono::steady_clock::time_point::min());
}

size_t Reactor::poll(std::optional<std::chrono::nanoseconds> timeout,
                     size_t at_most) {
  return core_->poll(timeout, at_most);
}
void Reactor::wake() { core_->wake(); }
std::shared_ptr<Uring> Reactor::uring(Opcode opcode) const {
  return core_->uring().get(opcode);
}
std::shared_ptr<Uring> Reactor::uring_in_group(Opcode opcode,
                                               size_t number) const {
  return core_->in_group(number).uring().get(opcode);
}
bool Reactor::has(const Uring& uring) const {
  return core_->uring().current() == &uring;
}
IoUringStatus Reactor::io_uring_status() { return core_->uring().status(); }
void Reactor::flush() const { core_->flush(); }
bool Reactor::has_operations() const { return core_->has_operations(); }
std::vector<std::string> Reactor::drain(
    std::chrono::steady_clock::time_point deadline) {
  return core_->drain(deadline);
}
void Reactor::shutdown() { core_->shut_down(); }
Metrics Reactor::metrics() const { return core_->metrics(); }

}  // namespace eddy::reactor
