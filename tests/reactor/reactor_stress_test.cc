// Property: whoever waits for an fd is woken when it is ready, however the
// kernel's event races with the wait, with the system call before it, and with
// the registrations of others. So a reader that sleeps whenever poll() is
// pending reads all bytes that a writer sends one by one, and nobody is woken
// by the events of another fd.
//
// Wakers are relaxed flags: ThreadSanitizer sees the order that
// the reactor gives, and no other.
//
// The races inside of an entry are entry_stress_test.cc's, which is closer to
// them; here they are met through the whole reactor, with the kernel's events.
//
// Planted fault: Entry::deliver() takes no lock: TSan reports a race.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>

#include "reactor/reactor.h"
#include "reactor/registration.h"
#include "reactor/waiter.h"
#include "runtime/base/sys.h"
#include "tests/support/stress.h"

namespace eddy::reactor {
namespace {

using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int kBytes = 6;

// A relaxed flag, and never freed before the round ends.
class Flag final : public Wakeable {
 public:
  bool take() { return flag_.exchange(false, kRelaxed); }

  void wake() noexcept override { flag_.store(true, kRelaxed); }
  void wake_and_release() noexcept override { wake(); }
  void retain() noexcept override {}
  void release() noexcept override {}

 private:
  std::atomic<bool> flag_{false};
};

struct Round {
  Round() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  }
  ~Round() {
    ::close(pair[0]);
    ::close(pair[1]);
  }

  std::unique_ptr<Reactor> reactor = *Reactor::create({});
  int pair[2];
  Flag reader_flag;
  std::atomic<int> players_left{2};  // besides the holder of the role
  int bytes_read = 0;
  int strangers_woken = 0;
};

void leave(Round& round) {
  round.players_left.fetch_sub(1, kRelaxed);
  round.reactor->wake();
}

void hold_role(Round& round, int, Random& random) {
  while (round.players_left.load(kRelaxed) > 0) {
    round.reactor->poll(std::nullopt);
    if (random() % 8 == 0) std::this_thread::yield();
  }
}

bool wait_for(Flag& flag) {
  for (int turn = 0; turn < 10'000'000; ++turn) {
    if (flag.take()) return true;
    std::this_thread::yield();
  }
  return false;
}

void read_bytes(Round& round, int, Random& random) {
  Registration registration =
      *Registration::add(*round.reactor, round.pair[0], Assume::kReady);
  const Waker waker = Waker::adopt(&round.reader_flag);
  while (round.bytes_read < kBytes) {
    Context cx(waker);
    Waiter waiter(registration, Direction::kRead);
    char bytes[2];
    const size_t size = 1 + random() % sizeof(bytes);
    auto call = [&] { return base::sys().recv(round.pair[0], bytes, size, 0); };
    Poll<ssize_t> poll = waiter.poll_io(cx, size, call);
    while (poll.is_pending()) {
      const bool woken = wait_for(round.reader_flag);
      EXPECT_TRUE(woken) << "a wake was lost";
      if (!woken) break;
      poll = waiter.poll_io(cx, size, call);
    }
    if (poll.is_pending() || *poll <= 0) break;
    round.bytes_read += static_cast<int>(*poll);
  }
  leave(round);
}

void write_bytes(Round& round, int, Random& random) {
  for (int i = 0; i < kBytes; ++i) {
    EXPECT_EQ(::send(round.pair[1], "x", 1, MSG_NOSIGNAL), 1);
    if (random() % 2 == 0) std::this_thread::yield();
  }
}

// Registers fds that have events at once, and drops them with those in flight;
// between them one that never has any, with the same number and entry.
void come_and_go(Round& round, int, Random& random) {
  Flag flag;
  const Waker waker = Waker::adopt(&flag);
  for (int i = 0; i < 4; ++i) {
    const int busy = ::eventfd(1, EFD_NONBLOCK);
    auto registration = std::make_optional(
        *Registration::add(*round.reactor, busy, Assume::kNotReady));
    if (random() % 2 == 0) std::this_thread::yield();
    registration.reset();
    ::close(busy);

    int quiet[2];
    EXPECT_EQ(::pipe(quiet), 0);
    registration.emplace(
        *Registration::add(*round.reactor, quiet[0], Assume::kNotReady));
    {
      Context cx(waker);
      Waiter waiter(*registration, Direction::kRead);
      EXPECT_TRUE(waiter.poll_ready(cx).is_pending());
      if (random() % 2 == 0) std::this_thread::yield();
    }
    registration.reset();
    ::close(quiet[0]);
    ::close(quiet[1]);
    if (flag.take()) ++round.strangers_woken;
  }
  leave(round);
}

TEST(Reactor, NoWakeIsLostAndNoStrangerIsWoken) {
  Stress<Round> stress(/*rounds=*/4'000);
  stress.threads(1, hold_role);
  stress.threads(1, read_bytes);
  stress.threads(1, write_bytes);
  stress.threads(1, come_and_go);
  stress.run([](Round& round) {
    EXPECT_EQ(round.bytes_read, kBytes);
    EXPECT_EQ(round.strangers_woken, 0);
    EXPECT_EQ(round.reactor->metrics().registrations, 0u);
  });
}

}  // namespace
}  // namespace eddy::reactor
