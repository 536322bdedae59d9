// Row H1 for what is taken and given back: whoever waits is passed by others no
// more often than sync/ promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "runtime/builder.h"
#include "runtime/combinators/join.h"
#include "runtime/runtime.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/mpmc.h"
#include "sync/mpsc.h"
#include "sync/mutex.h"
#include "sync/notify.h"
#include "sync/rwlock.h"
#include "sync/semaphore.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::sync {
namespace {

constexpr int kTasks = 8, kTurns = 50;

// How many others may have a turn while one waits: who was before it.
constexpr uint64_t kInOrder = kTasks - 1;

// Each has take(), of which one at a time has what it waits for, until that is
// destroyed and give() was called.
struct OfSemaphore {
  static constexpr uint64_t kPassed = kInOrder;
  Semaphore semaphore{1};
  auto take() { return semaphore.acquire(); }
  void give() {}
};
// For each that was before it also what a passer-by does until the one that was
// woken is polled: here, one lock that is given back at once, and the next.
struct OfMutex {
  static constexpr uint64_t kPassed = 3 * kTasks;
  Mutex<int> mutex;
  auto take() { return mutex.lock(); }
  void give() {}
};
struct OfWriters {
  static constexpr uint64_t kPassed = kInOrder;
  RwLock<int> lock;
  auto take() { return lock.write(); }
  void give() {}
};
struct OfRoom {
  static constexpr uint64_t kPassed = kInOrder;
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(1);
  auto take() { return ends.sender.reserve(); }
  void give() {}
};
struct OfNotify {
  static constexpr uint64_t kPassed = kInOrder;
  Notify notify;
  OfNotify() { give(); }
  auto take() { return notify.notified(); }
  void give() { notify.notify_one(); }
};
struct OfMessages {
  static constexpr uint64_t kPassed = kInOrder;
  mpmc::Ends<int, mpmc::UnboundedSender> ends = mpmc::create_unbounded<int>();
  OfMessages() { give(); }
  auto take() { return ends.receiver.recv(); }
  void give() { EXPECT_TRUE(ends.sender.send(1)); }
};

template <class T>
struct Game {
  T of;
  std::atomic<uint64_t> turns{0};
  std::atomic<uint64_t> passed{0};  // the most that anybody was

  void note(uint64_t by) {
    uint64_t most = passed.load();
    while (by > most && !passed.compare_exchange_weak(most, by)) {
    }
  }
};

// A wait that counts the turns of others from when it has its place.
template <class T>
class Counted {
  using Wait = decltype(std::declval<T&>().take());

 public:
  using Output = OutputOf<Wait>;

  explicit Counted(Game<T>& game) : game_(game), wait_(game.of.take()) {}

  Poll<Output> poll(Context& cx) {
    Poll<Output> taken = wait_.poll(cx);
    if (taken.is_ready()) {
      if (has_waited_) game_.note(game_.turns.load() - since_);
    } else if (!cx.wake_requested() && !std::exchange(has_waited_, true)) {
      since_ = game_.turns.load();
    }
    return taken;
  }

 private:
  Game<T>& game_;
  Wait wait_;
  bool has_waited_ = false;
  uint64_t since_ = 0;
};

template <class T>
Task<> take_turns(Game<T>& game, int me) {
  for (int i = 0; i < kTurns; ++i) {
    {
      Counted<T> take(game);
      [[maybe_unused]] auto taken = co_await join(take);  // void, too
      game.turns.fetch_add(1);
      if ((me + i) % 3 != 0) co_await yield_now();
    }
    game.of.give();
  }
}

template <class T>
Task<> play(Game<T>& game) {
  std::vector<JoinHandle<void>> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(spawn(take_turns(game, i)));
  for (JoinHandle<void>& task : tasks) {
    JoinResult<void> outcome = co_await task;
    EXPECT_TRUE(outcome.has_value());
  }
}

template <class T>
class Fairness : public testing::RuntimeTest {
 protected:
  uint64_t passed_in(Builder builder) {
    Game<T> game;
    start(std::move(builder)).block_on(play(game));
    EXPECT_EQ(game.turns, uint64_t{kTasks} * kTurns);
    return game.passed;
  }
};
using Kinds = ::testing::Types<OfSemaphore, OfMutex, OfWriters, OfRoom,
                               OfNotify, OfMessages>;
TYPED_TEST_SUITE(Fairness, Kinds);

TYPED_TEST(Fairness, WhoWaitsIsPassedByThoseBeforeIt) {
  const uint64_t passed = this->passed_in(Builder::current_thread());
  EXPECT_LE(passed, TypeParam::kPassed);
  EXPECT_GE(passed, 3u) << "hardly anybody has waited";
}

// With more threads all get their turns; and where nobody passes, as above. Who
// is woken for a Mutex may take its time, and is passed meanwhile.
TYPED_TEST(Fairness, AlsoOnTwoWorkers) {
  const uint64_t passed =
      this->passed_in(Builder::multi_thread().worker_threads(2));
  if (TypeParam::kPassed == kInOrder) {
    EXPECT_LE(passed, kInOrder);
  }
}

// Readers that come without end keep no writer out, nor writers a reader.
class RwLockFairness : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(RwLockFairness);

struct Library {
  RwLock<int> lock;
  std::atomic<bool> is_over{false};
  std::atomic<int> others{0};
};

template <bool kWrites>
Task<> come_without_end(Library& library) {
  while (!library.is_over) {
    if constexpr (kWrites) {
      auto guard = co_await library.lock.write();
      co_await yield_now();
    } else {
      auto guard = co_await library.lock.read();
      co_await yield_now();
    }
    ++library.others;
  }
}

template <bool kOthersWrite>
Task<> come_in_between(Library& library) {
  std::vector<JoinHandle<void>> others;
  for (int i = 0; i < 4; ++i) {
    others.push_back(spawn(come_without_end<kOthersWrite>(library)));
  }
  while (library.others < 20) co_await yield_now();
  for (int i = 0; i < 100; ++i) {
    if constexpr (kOthersWrite) {
      auto guard = co_await library.lock.read();
    } else {
      auto guard = co_await library.lock.write();
    }
  }
  library.is_over = true;
  for (JoinHandle<void>& other : others) {
    JoinResult<void> outcome = co_await other;
    EXPECT_TRUE(outcome.has_value());
  }
}

TEST_P(RwLockFairness, AWriterGetsInBetweenReaders) {
  Library library;
  auto task = runtime().spawn(come_in_between<false>(library));
  runtime().block_on(std::move(task)).value();
}

TEST_P(RwLockFairness, AReaderGetsInBetweenWriters) {
  Library library;
  auto task = runtime().spawn(come_in_between<true>(library));
  runtime().block_on(std::move(task)).value();
}

}  // namespace
}  // namespace eddy::sync
