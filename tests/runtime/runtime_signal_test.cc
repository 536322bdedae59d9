// F3: signals at any time, and a process that is stopped and goes on: nothing
// is lost.

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

class Signals : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(Signals);

// Some of everything; returns 400 if nothing got lost.
Task<int> mixed_work() {
  std::vector<JoinHandle<int>> handles;
  for (int i = 0; i < 100; ++i) {
    handles.push_back(spawn([]() -> Task<int> { co_return 1; }));
    handles.push_back(spawn([i]() -> Task<int> {
      co_await time::sleep((1 + i % 10) * 1ms);
      co_return 1;
    }));
    handles.push_back(spawn([]() -> Task<int> {
      for (int n = 0; n < 20; ++n) co_await yield_now();
      co_return 1;
    }));
    handles.push_back(spawn_blocking([] { return 1; }));
  }
  int sum = 0;
  for (auto& handle : handles) sum += (co_await handle).value();
  co_return sum;
}

std::atomic<int> signals{0};

TEST_P(Signals, AProfilerAtOneKilohertz) {
  struct sigaction action = {}, before;
  action.sa_handler = [](int) {
    signals.fetch_add(1, std::memory_order_relaxed);
  };
  sigaction(SIGALRM, &action, &before);  // without SA_RESTART
  struct sigaction before_prof;
  sigaction(SIGPROF, &action, &before_prof);
  const itimerval kilohertz = {{0, 1000}, {0, 1000}};
  // The one counts CPU time and hits who runs; the other also who sleeps.
  setitimer(ITIMER_PROF, &kilohertz, nullptr);
  setitimer(ITIMER_REAL, &kilohertz, nullptr);
  signals.store(0);
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGALRM);
  sigaddset(&both, SIGPROF);
  while (signals.load() < 100) {
    EXPECT_EQ(runtime().block_on(mixed_work()), 400);
    // ThreadSanitizer's runtime at times leaves a thread with all signals
    // blocked when two come at once, and so are those that it starts: in the end
    // nobody would take one.
    pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
  }
  const itimerval off = {};
  setitimer(ITIMER_PROF, &off, nullptr);
  setitimer(ITIMER_REAL, &off, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  sigaction(SIGPROF, &before_prof, nullptr);
}

TEST_P(Signals, StopAndContinue) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    bool good = true;
    {
      absl::StatusOr<Runtime> runtime = builder().build();
      for (int i = 0; i < 15; ++i) {
        good &= runtime->block_on(mixed_work()) == 400;
      }
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (kill(child, SIGSTOP) != 0) break;
    if (waitpid(child, &status, WUNTRACED) != child) break;
    if (!WIFSTOPPED(status)) break;
    kill(child, SIGCONT);
    std::this_thread::sleep_for(1ms);  // lets it do something
  }
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace eddy
