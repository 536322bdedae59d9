// Property: every task that the owner pushes is taken exactly once, by its
// owner, by a thief, or by an eviction, and whoever takes it sees what was
// written to it before.
//
// The tasks are plain structs: a task that is taken twice, or seen too early,
// is a race that ThreadSanitizer reports, and a count that is wrong anywhere.
// `pushing` is relaxed, so that it adds no order.
//
// Planted faults (tests/faults.txt), each of which fails this test:
//   push() stores the tail relaxed, or a thief loads it so: a race on `letter`
//   push() does not look at `steal`: a slot is overwritten, a task lost
//   a thief claims by a store: a task is taken twice
//   a thief does not look whether its own slots are still being copied
//   pop() ignores thieves: a slot is overwritten
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/scheduler/local_queue.h"
#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

using testing::Random;
constexpr auto kRelaxed = std::memory_order_relaxed;

constexpr int kThieves = 3;
constexpr int kTasks = 700;  // more than two rings, so that it overflows

struct Letter {
  int letter = 0;  // written before the push
  int taken = 0;   // by whoever took it
};

task::Header* as_task(Letter& letter) {
  return reinterpret_cast<task::Header*>(&letter);
}

void take(task::Header* task) {
  auto& letter = *reinterpret_cast<Letter*>(task);
  EXPECT_EQ(letter.letter, 7);
  ++letter.taken;
}

struct Round {
  LocalQueue queue;
  LocalQueue loot[kThieves];
  Letter letters[kTasks];
  std::atomic<bool> pushing{true};
};

void own(Round& round, int, Random& random) {
  const uint32_t count = 1 + random.below(kTasks);
  const uint32_t burst = 1 + random.below(300);
  for (uint32_t i = 0; i < count; ++i) {
    round.letters[i].letter = 7;
    LocalQueue::Batch evicted;
    const uint32_t out = round.queue.push(as_task(round.letters[i]), evicted);
    for (uint32_t e = 0; e < out; ++e) take(evicted[e]);
    if (i % burst == 0) {
      for (uint32_t n = random.below(burst + 2); n > 0; --n) {
        if (task::Header* task = round.queue.pop()) take(task);
      }
    }
  }
  if (random.below(2) == 0) {
    while (task::Header* task = round.queue.pop()) take(task);
  }
  round.pushing.store(false, kRelaxed);
}

void steal(Round& round, int me, Random&) {
  LocalQueue& loot = round.loot[me];
  while (round.pushing.load(kRelaxed) || round.queue.size() > 0) {
    if (task::Header* last = round.queue.steal_into(loot)) {
      while (task::Header* task = loot.pop()) take(task);
      take(last);
    } else {
      std::this_thread::yield();
    }
  }
}

TEST(LocalQueue, EveryTaskIsTakenOnce) {
  testing::Stress<Round> stress(/*rounds=*/5'000);
  stress.threads(1, own);
  stress.threads(kThieves, steal);
  stress.run([](Round& round) {
    while (task::Header* task = round.queue.pop()) take(task);
    for (Letter& letter : round.letters) {
      EXPECT_EQ(letter.taken, letter.letter == 7 ? 1 : 0);
    }
  });
}

// Property: the same, where thieves steal from each other, as workers do: every
// queue has an owner who pushes and pops while the others take from it.
struct Exchange {
  static constexpr int kOwners = 3;
  LocalQueue queues[kOwners];
  Letter letters[kOwners][kTasks];
  std::atomic<int> pushing{kOwners};
};

void work(Exchange& round, int me, Random& random) {
  LocalQueue& mine = round.queues[me];
  const uint32_t count = random.below(300);
  for (uint32_t i = 0; i < count; ++i) {
    round.letters[me][i].letter = 7;
    LocalQueue::Batch evicted;
    const uint32_t out = mine.push(as_task(round.letters[me][i]), evicted);
    for (uint32_t e = 0; e < out; ++e) take(evicted[e]);
    if (random.below(3) == 0) {
      if (task::Header* task = mine.pop()) take(task);
    }
  }
  round.pushing.fetch_sub(1, kRelaxed);
  for (bool more = true; more;) {
    more = round.pushing.load(kRelaxed) > 0;
    while (task::Header* task = mine.pop()) take(task);
    bool stole = false;
    for (int i = 1; i < Exchange::kOwners; ++i) {
      LocalQueue& victim = round.queues[(me + i) % Exchange::kOwners];
      if (task::Header* task = victim.steal_into(mine)) {
        take(task);
        stole = true;
        break;  // who steals has an empty queue
      }
    }
    if (!stole) std::this_thread::yield();
    more |= stole;
  }
}

TEST(LocalQueue, EveryTaskIsTakenOnceWhereAllSteal) {
  testing::Stress<Exchange> stress(/*rounds=*/5'000);
  stress.threads(Exchange::kOwners, work);
  stress.run([](Exchange& round) {
    for (LocalQueue& queue : round.queues) {
      while (task::Header* task = queue.pop()) take(task);
    }
    for (auto& letters : round.letters) {
      for (Letter& letter : letters) {
        EXPECT_EQ(letter.taken, letter.letter == 7 ? 1 : 0);
      }
    }
  });
}

// Property: the same, where a thread may be stopped at any point for a while,
// as the system does: above all in the middle of a copy, while the owner pushes
// and pops all round the ring, and steals from others. Signals do it here.
struct Disturbed {
  static constexpr int kOwners = 3, kTasks = EDDY_TSAN ? 20'000 : 300'000;
  LocalQueue queues[kOwners];
  std::vector<Letter> letters[kOwners];
  std::atomic<int> pushing{kOwners};
};

void doze(int) {
  const timespec a_while = {0, 200'000};
  nanosleep(&a_while, nullptr);
}

void work_in_bursts(Disturbed& round, int me, Random random) {
  LocalQueue& mine = round.queues[me];
  const auto steal = [&] {
    for (int i = 1; i < Disturbed::kOwners; ++i) {
      LocalQueue& victim = round.queues[(me + i) % Disturbed::kOwners];
      if (task::Header* task = victim.steal_into(mine)) {
        take(task);
        return true;
      }
    }
    return false;
  };
  for (int pushed = 0; pushed < Disturbed::kTasks;) {
    for (uint32_t n = random.below(250); n > 0; --n) {
      if (pushed == Disturbed::kTasks) break;
      Letter& letter = round.letters[me][pushed++];
      letter.letter = 7;
      LocalQueue::Batch evicted;
      const uint32_t out = mine.push(as_task(letter), evicted);
      for (uint32_t e = 0; e < out; ++e) take(evicted[e]);
    }
    if (random.below(2) == 0) continue;
    while (task::Header* task = mine.pop()) take(task);
    (void)steal();
  }
  round.pushing.fetch_sub(1, kRelaxed);
  do {
    while (task::Header* task = mine.pop()) take(task);
    if (!steal()) std::this_thread::yield();
  } while (round.pushing.load(kRelaxed) > 0 || mine.size() > 0);
}

// Returns how many tasks were not taken once.
int play_disturbed(uint64_t seed) {
  auto round = std::make_unique<Disturbed>();
  for (auto& letters : round->letters) letters.resize(Disturbed::kTasks);
  std::vector<std::thread> owners;
  for (int i = 0; i < Disturbed::kOwners; ++i) {
    owners.emplace_back(
        [&, i] { work_in_bursts(*round, i, Random(seed + i)); });
  }
  Random random(seed);
  while (round->pushing.load(kRelaxed) > 0) {
    pthread_kill(owners[random.below(Disturbed::kOwners)].native_handle(),
                 SIGUSR1);
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  for (std::thread& owner : owners) owner.join();
  for (LocalQueue& queue : round->queues) {
    while (task::Header* task = queue.pop()) take(task);
  }
  int wrong = 0;
  for (auto& letters : round->letters) {
    for (Letter& letter : letters) wrong += letter.taken != 1;
  }
  return wrong;
}

TEST(LocalQueue, EveryTaskIsTakenOnceThoughThievesAreInterrupted) {
  const uint64_t seed = testing::stress_seed();
  struct sigaction action = {}, before;
  action.sa_handler = doze;
  sigaction(SIGUSR1, &action, &before);
  for (int i = 0; i < 20 && !HasFailure(); ++i) {
    EXPECT_EQ(play_disturbed(seed + 10 * i), 0);
  }
  sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace eddy::scheduler
