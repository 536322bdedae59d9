// The watchdog without a runtime: when it looks, and what it counts (H2). And
// the signal by which it finds a stack, whatever becomes of the thread (F3).

#include "runtime/scheduler/watchdog.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <thread>
#include <vector>

#include "runtime/scheduler/stack_sampler.h"
#include "tests/support/eventually.h"

namespace eddy::scheduler {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

class Cores : public Watchdog::Cores {
 public:
  CoreLook look_at_core(std::size_t) const noexcept override {
    const uint64_t look = ++looks;
    return {.turn = moves ? look : 1,
            .task = TaskId(1),
            .is_at_a_poll = polls.load(),
            .thread = 0};
  }

  mutable std::atomic<uint64_t> looks{0};
  std::atomic<bool> moves{false}, polls{false};
};

class WatchdogTest : public ::testing::Test {
 protected:
  WatchdogTest() { EXPECT_TRUE(watchdog.start(nullptr).ok()); }
  ~WatchdogTest() override {
    watchdog.stop(Watchdog::Clock::time_point::max());
  }
  void wait_for_looks(uint64_t more) {
    const uint64_t before = cores.looks;
    EXPECT_TRUE(eventually([&] { return cores.looks >= before + more; }));
  }

  Cores cores;
  std::atomic<int> reported{0};
  Watchdog watchdog{cores,
                    {.threshold = 1ms,
                     .cores = 1,
                     .report = [this](const BlockedPoll&) { ++reported; },
                     .unhandled = [](std::exception_ptr) {}}};
};

TEST_F(WatchdogTest, SleepsWhileNothingRuns) {
  // A look now and then at first; then it waits to be woken.
  uint64_t looks = 0;
  EXPECT_TRUE(eventually([&] {
    looks = cores.looks;
    std::this_thread::sleep_for(20ms);
    return cores.looks == looks;
  }));
  watchdog.end_sleep();
  wait_for_looks(100);
  EXPECT_EQ(watchdog.blocked_polls(), 0u);
  watchdog.begin_sleep();
  EXPECT_TRUE(eventually([&] {
    looks = cores.looks;
    std::this_thread::sleep_for(20ms);
    return cores.looks == looks;
  }));
}

TEST_F(WatchdogTest, ShortPollsAreNotReported) {
  cores.moves = true;
  cores.polls = true;
  watchdog.end_sleep();
  wait_for_looks(100);
  EXPECT_EQ(watchdog.blocked_polls(), 0u);
}

// Of a thread that does not answer, and once for each poll.
TEST_F(WatchdogTest, APollIsCountedOnce) {
  cores.polls = true;
  watchdog.end_sleep();
  EXPECT_TRUE(eventually([&] { return reported == 1; }));
  wait_for_looks(20);
  EXPECT_EQ(watchdog.blocked_polls(), 1u);
  cores.moves = true;
  wait_for_looks(2);
  cores.moves = false;
  EXPECT_TRUE(eventually([&] { return watchdog.blocked_polls() == 2; }));
  EXPECT_EQ(reported, 1) << "the place is not known, and no other one";
}

// Property: a core that wakes up is looked at, also if the watchdog goes to
// sleep just then.
TEST_F(WatchdogTest, NoWakeOfItIsLost) {
  for (int round = 0; round < 100; ++round) {
    watchdog.end_sleep();
    wait_for_looks(1);
    watchdog.begin_sleep();
    // Some looks later it sleeps, at an unknown moment.
    std::this_thread::sleep_for(round * 50us);
  }
}

// --- The signal --------------------------------------------------------------

class Question : public StackSampler::Question {
 public:
  ~Question() { is_alive.store(false); }
  void answer() noexcept override {
    if (!is_alive.load()) std::abort();  // not after sample() has returned
    ++answers;
  }
  std::atomic<int> answers{0};
  std::atomic<bool> is_alive{true};
};

class StackSamplerTest : public ::testing::Test {
 protected:
  StackSamplerTest() {
    StackSampler::prepare();
    EXPECT_GE(StackSampler::signal(), SIGRTMIN);
  }
};

TEST_F(StackSamplerTest, AsksTheCallingThreadToo) {
  Question question;
  EXPECT_TRUE(StackSampler::sample(StackSampler::let_in(), question, 10s));
  EXPECT_EQ(question.answers, 1);
}

TEST_F(StackSamplerTest, AThreadThatIsGone) {
  pid_t gone = 0;
  std::thread([&] { gone = StackSampler::let_in(); }).join();
  Question question;
  EXPECT_FALSE(StackSampler::sample(gone, question, 1s));
  EXPECT_EQ(question.answers, 0);
}

// A signal that comes late finds no question.
TEST_F(StackSamplerTest, AThreadThatBlocksTheSignalForAWhile) {
  const pid_t me = StackSampler::let_in();
  sigset_t ours, before;
  sigemptyset(&ours);
  sigaddset(&ours, StackSampler::signal());
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  {
    Question question;
    EXPECT_FALSE(StackSampler::sample(me, question, 1ms));
    EXPECT_EQ(question.answers, 0);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  Question question;
  EXPECT_TRUE(StackSampler::sample(me, question, 10s));
  EXPECT_EQ(question.answers, 1);
}

TEST_F(StackSamplerTest, ASignalFromElsewhereDoesNothing) {
  (void)StackSampler::let_in();
  errno = 7;
  raise(StackSampler::signal());
  EXPECT_EQ(errno, 7);
}

// Then it is not sent, and the next runtime looks for another.
TEST_F(StackSamplerTest, ASignalThatSomebodyElseTakesOver) {
  const int first = StackSampler::signal();
  struct sigaction theirs = {}, ours = {};
  theirs.sa_handler = [](int) { std::abort(); };
  sigaction(first, &theirs, &ours);
  Question question;
  EXPECT_FALSE(StackSampler::sample(StackSampler::let_in(), question, 1s));
  StackSampler::prepare();
  EXPECT_NE(StackSampler::signal(), first);
  EXPECT_TRUE(StackSampler::sample(StackSampler::let_in(), question, 10s));
  sigaction(first, &ours, nullptr);
}

// Property: of threads that end while they are asked, each answers once, or
// never: not when its question is gone.
TEST_F(StackSamplerTest, ThreadsThatEndMeanwhile) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<pid_t> id{0};
    std::atomic<bool> over{false};
    std::thread asked([&] {
      id.store(StackSampler::let_in());
      while (!over.load()) {
      }
    });
    while (id.load() == 0) {
    }
    std::thread ender([&] {
      for (std::atomic<int> i{0}; i.load() < round * 100; ++i) {
      }
      over.store(true);
    });
    {
      Question question;
      const bool is_answered =
          StackSampler::sample(id.load(), question, 100us * (round % 3));
      EXPECT_EQ(question.answers, is_answered ? 1 : 0);
    }
    ender.join();
    asked.join();
  }
}

// Property: questions of several askers don't get mixed up.
TEST_F(StackSamplerTest, SeveralAskAtOnce) {
  std::atomic<pid_t> id{0};
  std::atomic<bool> over{false};
  std::thread asked([&] {
    id.store(StackSampler::let_in());
    while (!over.load()) std::this_thread::sleep_for(1us);
  });
  while (id.load() == 0) {
  }
  std::vector<std::thread> askers;
  for (int i = 0; i < 3; ++i) {
    askers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        Question question;
        EXPECT_TRUE(StackSampler::sample(id.load(), question, 10s));
        EXPECT_EQ(question.answers, 1);
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  over.store(true);
  asked.join();
}

}  // namespace
}  // namespace eddy::scheduler
