#include "io/fs/writer_arrival.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "io/retry.h"
#include "runtime/base/sys.h"
#include "runtime/context/current.h"

namespace eddy::io {

using base::sys;

namespace {

constexpr auto kPause = std::chrono::milliseconds(10);

}  // namespace

Poll<int64_t> WriterArrival::poll(Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  for (;;) {
    if (std::exchange(has_looked_, true)) {
      Poll<int64_t> waited = wait(cx);
      if (waited.is_pending() || *waited < 0) return waited;
    }
    const std::optional<int64_t> found = look();
    cx.spend();
    if (found.has_value()) return *found;
    // Before the next look: who comes in between is seen.
    if (!waiter_ && !pause_) {
      if (const int64_t error = watch(); error != 0) return error;
    }
    // Whoever opens and closes the pipe all the time keeps us busy.
    if (!cx.has_budget()) return cx.yield();
  }
}

std::optional<int64_t> WriterArrival::look() {
  pollfd events = {.fd = pipe_, .events = POLLIN, .revents = 0};
  const int ready = retry([&] { return sys().poll(&events, 1, 0); });
  if (ready != 0) return ready < 0 ? -errno : 0;
  // Made once: who waits needs no more fds.
  if (!copy_in_.is_open()) {
    int ends[2];
    if (sys().pipe2(ends, O_CLOEXEC) != 0) return -errno;
    copy_out_ = OwnedFd(ends[0]);
    copy_in_ = OwnedFd(ends[1]);
  }
  const ssize_t copied = retry(
      [&] { return sys().tee(pipe_, copy_in_.get(), 1, SPLICE_F_NONBLOCK); });
  if (copied == 0) return std::nullopt;
  return copied > 0 || errno == EAGAIN ? 0 : -errno;
}

int64_t WriterArrival::watch() {
  const std::string path = "/proc/self/fd/" + std::to_string(pipe_);
  inotify_ = OwnedFd(sys().inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_.is_open()) return 0;
  if (sys().inotify_add_watch(inotify_.get(), path.c_str(), IN_OPEN) < 0) {
    inotify_ = OwnedFd();
    return 0;
  }
  auto registration = reactor::Registration::add(
      context::services("File::open()").reactor, inotify_.get(),
      reactor::Assume::kReady);
  if (absl::IsCancelled(registration.status())) return -ECANCELED;
  if (!registration.ok()) {
    inotify_ = OwnedFd();
    return 0;
  }
  registration_ = *std::move(registration);
  waiter_.emplace(*registration_, reactor::Direction::kRead);
  return 0;
}

Poll<int64_t> WriterArrival::wait(Context& cx) {
  if (waiter_) return wait_for_event(cx);
  if (!pause_) pause_.emplace(time::sleep(kPause));
  if (pause_->poll(cx).is_pending()) return kPending;
  pause_->reset(time::saturating_add(time::now(), kPause));
  return int64_t{0};
}

// What the events say does not matter. They are read, for the kernel tells of
// one more that is like the last only where that was read.
Poll<int64_t> WriterArrival::wait_for_event(Context& cx) {
  Poll<reactor::Readiness> ready = waiter_->poll_ready(cx);
  if (ready.is_pending()) return kPending;
  if (ready->is_shutdown()) return int64_t{-ECANCELED};
  alignas(inotify_event) char events[1024];
  while (retry([&] {
           return sys().read(inotify_.get(), events, sizeof(events));
         }) > 0) {
  }
  waiter_->clear(*ready);
  return int64_t{0};
}

}  // namespace eddy::io
