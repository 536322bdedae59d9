// Property 1: an event is never lost, wherever it falls between the system call
// that found nothing, the clear() after it, the look at the readiness and the
// wait: who looks again only when woken sees all that was posted.
// Property 2: an event of an fd that has been deregistered wakes nobody.
//
// The kernel is a relaxed counter and wakers are relaxed flags: ThreadSanitizer
// sees the order that Entry gives, and no other. No system calls: the windows
// are as narrow as the steps in between.
//
// Planted faults, each of which fails this test:
//   Entry::wait() does not look at the readiness: "a wake was lost"
//   ReadinessWord::clear() clears whatever tick it finds: the same
//   Entry::deliver() takes no lock: TSan reports a race on the slot
//   Entry::close() keeps the generation: a stranger is woken
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <atomic>
#include <thread>

#include "reactor/entry.h"
#include "runtime/task/waker.h"
#include "tests/support/stress.h"

namespace eddy::reactor {
namespace {

using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;

// Never freed before the round ends.
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

void deliver(Entry& entry, uint32_t generation) {
  WakeBatch woken;
  entry.deliver(generation, EPOLLIN, woken);
  woken.wake_all();
}

struct Stream {
  static constexpr int kEvents = 4;

  Entry entry;
  const uint32_t generation = entry.open(/*assume_ready=*/true);
  std::atomic<int> posted{0};  // what a system call would find
  int seen = 0;
  Flag flag;
};

void post_events(Stream& stream, int, Random& random) {
  for (int i = 1; i <= Stream::kEvents; ++i) {
    stream.posted.store(i, kRelaxed);
    deliver(stream.entry, stream.generation);
    for (uint64_t pause = random() % 64; pause > 0; --pause) {
      stream.posted.load(kRelaxed);
    }
  }
}

bool wait_for(Flag& flag) {
  for (int turn = 0; turn < 2'000'000; ++turn) {
    if (flag.take()) return true;
    std::this_thread::yield();
  }
  return false;
}

void see_events(Stream& stream, int, Random&) {
  ReadinessWord& readiness = stream.entry.readiness(Direction::kRead);
  const Waker waker = Waker::adopt(&stream.flag);
  while (stream.seen < Stream::kEvents) {
    const Readiness ready = readiness.load();
    if (!ready.is_ready()) {
      if (!stream.entry.wait(Direction::kRead, &stream, waker)) continue;
      const bool woken = wait_for(stream.flag);
      ASSERT_TRUE(woken) << "a wake was lost";
      continue;
    }
    const int found = stream.posted.load(kRelaxed);
    if (found == stream.seen) readiness.clear(ready);
    stream.seen = found;
  }
}

TEST(Entry, NoEventIsLost) {
  Stress<Stream> stress(/*rounds=*/100'000);
  stress.threads(1, post_events);
  stress.threads(1, see_events);
  stress.run([](Stream& stream) { EXPECT_EQ(stream.seen, Stream::kEvents); });
}

struct Reused {
  Entry entry;
  const uint32_t generation = entry.open(/*assume_ready=*/false);
  Flag flag;
  bool stranger_woken = false;
};

void deliver_late(Reused& reused, int, Random& random) {
  for (uint64_t pause = random() % 64; pause > 0; --pause) {
    std::atomic_signal_fence(std::memory_order_relaxed);
  }
  deliver(reused.entry, reused.generation);
}

void register_anew(Reused& reused, int, Random&) {
  const Waker waker = Waker::adopt(&reused.flag);
  reused.entry.close();
  reused.entry.open(/*assume_ready=*/false);
  if (!reused.entry.wait(Direction::kRead, &reused, waker)) {
    reused.stranger_woken = true;
  }
}

TEST(Entry, NoEventReachesAStranger) {
  Stress<Reused> stress(/*rounds=*/100'000);
  stress.threads(1, deliver_late);
  stress.threads(1, register_anew);
  stress.run([](Reused& reused) {
    EXPECT_FALSE(reused.stranger_woken || reused.flag.take());
    reused.entry.leave(Direction::kRead, &reused);
  });
}

}  // namespace
}  // namespace eddy::reactor
