#include "reactor/entry.h"

#include <sys/epoll.h>

#include <utility>

#include "runtime/base/check.h"

namespace eddy::reactor {
namespace {

// What the kernel's events say about each direction. EPOLLERR and EPOLLHUP may
// come alone, and concern both.
constexpr uint32_t kBoth = EPOLLERR | EPOLLHUP;
constexpr uint32_t kMoreToRead = EPOLLRDHUP | EPOLLPRI | kBoth;
constexpr uint32_t kReadable = EPOLLIN | kMoreToRead;
constexpr uint32_t kMoreToWrite = kBoth;
constexpr uint32_t kWritable = EPOLLOUT | kMoreToWrite;

}  // namespace

static_assert(sizeof(Entry) == 64, "an idle connection should stay small");

uint32_t Entry::open(bool assume_ready) {
  base::SpinLockHold hold(&lock_);
  for (Side& side : sides_) side.readiness.reset(assume_ready);
  return generation_;
}

void Entry::close() {
  base::SpinLockHold hold(&lock_);
  ++generation_;
  for (Side& side : sides_) {
    EDDY_CHECK(side.waiter == nullptr,
               "a socket is destroyed while a future waits for it: a pending "
               "read() or write() borrows its stream");
  }
}

bool Entry::deliver(uint32_t generation, uint32_t epoll_events,
                    WakeBatch& woken) {
  base::SpinLockHold hold(&lock_);
  if (generation != generation_) return false;
  if ((epoll_events & kReadable) != 0) {
    Side& read = side(Direction::kRead);
    take_waiter(read, woken);
    read.readiness.signal((epoll_events & kMoreToRead) != 0);
  }
  if ((epoll_events & kWritable) != 0) {
    Side& write = side(Direction::kWrite);
    take_waiter(write, woken);
    write.readiness.signal((epoll_events & kMoreToWrite) != 0);
  }
  return true;
}

void Entry::shut_down(WakeBatch& woken) {
  base::SpinLockHold hold(&lock_);
  for (Side& side : sides_) {
    take_waiter(side, woken);
    side.readiness.shut_down();
  }
}

bool Entry::wait(Direction direction, const void* waiter, const Waker& waker) {
  Waker latest = waker;  // the one it replaces ends with the call, unlocked
  base::SpinLockHold hold(&lock_);
  Side& side = this->side(direction);
  if (side.readiness.load().is_ready()) return false;
  EDDY_CHECK(side.waiter == nullptr || side.waiter == waiter,
             direction == Direction::kRead
                 ? "two futures read from (or accept on) one socket at once: "
                   "let one task read, and hand on what it reads"
                 : "two futures write to one socket at once: let one task "
                   "write, or hold a lock while you do");
  side.waiter = waiter;
  std::swap(side.waker, latest);
  return true;
}

void Entry::leave(Direction direction, const void* waiter) {
  Waker dropped;  // ends unlocked
  base::SpinLockHold hold(&lock_);
  Side& side = this->side(direction);
  if (side.waiter != waiter) return;
  side.waiter = nullptr;
  std::swap(side.waker, dropped);
}

void Entry::take_waiter(Side& side, WakeBatch& woken) {
  if (side.waiter == nullptr) return;
  side.waiter = nullptr;
  woken.add(std::move(side.waker));
}

}  // namespace eddy::reactor
