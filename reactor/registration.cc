#include "reactor/registration.h"

#include <utility>

#include "reactor/core.h"
#include "reactor/reactor.h"

namespace eddy::reactor {

absl::StatusOr<Registration> Registration::add(Reactor& reactor, int fd,
                                               Assume assume) {
  return add(reactor.core_, fd, assume);
}

absl::StatusOr<Registration> Registration::add(const Registration& like, int fd,
                                               Assume assume) {
  return add(like.core_, fd, assume);
}

absl::StatusOr<Registration> Registration::add(const std::shared_ptr<Core>& any,
                                               int fd, Assume assume) {
  std::shared_ptr<Core> core = Core::of_fd(any, fd);
  absl::StatusOr<uint32_t> index = core->add(fd, assume == Assume::kReady);
  if (!index.ok()) return std::move(index).status();
  return Registration(std::move(core), *index, fd);
}

Registration::Registration(std::shared_ptr<Core> core, uint32_t index, int fd)
    : core_(std::move(core)),
      entry_(&core_->entry(index)),
      index_(index),
      fd_(fd) {}

Registration::Registration(Registration&& other) noexcept = default;

Registration& Registration::operator=(Registration&& other) noexcept {
  std::swap(core_, other.core_);
  std::swap(entry_, other.entry_);
  std::swap(index_, other.index_);
  std::swap(fd_, other.fd_);
  return *this;
}

Registration::~Registration() {
  if (core_ != nullptr) core_->remove(index_, fd_);
}

}  // namespace eddy::reactor
