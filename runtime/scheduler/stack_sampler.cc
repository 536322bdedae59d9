#include "runtime/scheduler/stack_sampler.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "runtime/base/mutex.h"
#include "runtime/base/stack_trace.h"
#include "runtime/base/sys.h"
#include "runtime/scheduler/parker.h"

namespace eddy::scheduler {
namespace {

using base::sys;
using std::chrono::steady_clock;

constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcqRel = std::memory_order_acq_rel;

constexpr uint64_t kFree = 0, kClaimed = 1, kAsked = 2, kAnswering = 3,
                   kAnswered = 4;
constexpr uint64_t kPhase = 7, kNext = 8;

// Never destroyed: a handler may come at any time.
struct Asking {
  std::atomic<uint64_t> state{kFree};
  std::atomic<pid_t> thread{0};
  std::atomic<StackSampler::Question*> question{nullptr};
  Parker asker;
};
constinit Asking asking;
constinit std::atomic<int> chosen_signal{0};
constinit base::Mutex choice;

pid_t this_thread() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

void answer_if_asked() noexcept {
  uint64_t state = asking.state.load(kAcquire);  // [ask]
  if ((state & kPhase) != kAsked) return;
  if (asking.thread.load(kRelaxed) != this_thread()) return;
  const uint64_t question = state - kAsked;
  // It fails if the question was taken back: then what we read may be another.
  if (!asking.state.compare_exchange_strong(state, question + kAnswering,
                                            kAcqRel, kRelaxed)) {
    return;
  }
  asking.question.load(kRelaxed)->answer();
  asking.state.store(question + kAnswered, kRelease);  // [answer]
  asking.asker.unpark();
}

void on_signal(int, siginfo_t*, void*) {
  const int error = errno;
  answer_if_asked();
  errno = error;
}

bool is_action_ours(int signal) {
  struct sigaction now = {};
  return sys().sigaction(signal, nullptr, &now) == 0 &&
         (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_signal;
}

bool install(int signal) {
  struct sigaction now = {};
  if (sys().sigaction(signal, nullptr, &now) != 0) return false;
  if ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) {
    return false;
  }
  struct sigaction ours = {};
  ours.sa_sigaction = on_signal;
  ours.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&ours.sa_mask);
  return sys().sigaction(signal, &ours, nullptr) == 0;
}

// The number of the question; 0 if there is another all the time.
uint64_t claim(steady_clock::time_point deadline) {
  for (;;) {
    uint64_t state = asking.state.load(kAcquire);
    if ((state & kPhase) == kFree &&
        asking.state.compare_exchange_weak(state, state + kNext + kClaimed,
                                           kAcqRel, kRelaxed)) {
      return state + kNext;
    }
    if (steady_clock::now() >= deadline) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool wait_for_answer(uint64_t question, steady_clock::time_point deadline) {
  bool in_time = true;
  while (asking.state.load(kAcquire) != question + kAnswered) {  // [answer]
    if (!in_time) break;
    in_time = asking.asker.park_until(deadline);
  }
  uint64_t state = question + kAsked;
  if (asking.state.compare_exchange_strong(state, question + kFree, kAcqRel,
                                           kAcquire)) {
    return false;
  }
  // It is being answered, which does not take long.
  while (asking.state.load(kAcquire) != question + kAnswered) {  // [answer]
    asking.asker.park();
  }
  return true;
}

}  // namespace

void StackSampler::prepare() {
  base::StackTrace trace;
  trace.capture();  // outside of a handler, once
  base::MutexLock lock(&choice);
  if (const int signal = chosen_signal.load(kRelaxed);
      signal != 0 && is_action_ours(signal)) {
    return;
  }
  for (int signal = SIGRTMAX - 1; signal >= SIGRTMIN; --signal) {
    if (!install(signal)) continue;
    chosen_signal.store(signal, kRelease);
    return;
  }
}

int StackSampler::signal() { return chosen_signal.load(kAcquire); }

pid_t StackSampler::let_in() {
  if (const int signal = StackSampler::signal(); signal != 0) {
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, signal);
    (sys().sigmask)(SIG_UNBLOCK, &ours, nullptr);
  }
  return this_thread();
}

bool StackSampler::sample(pid_t thread, Question& question,
                          std::chrono::nanoseconds patience) {
  const int signal = StackSampler::signal();
  if (signal == 0 || !is_action_ours(signal)) return false;
  const steady_clock::time_point deadline = steady_clock::now() + patience;
  const uint64_t number = claim(deadline);
  if (number == 0) return false;
  asking.thread.store(thread, kRelaxed);
  asking.question.store(&question, kRelaxed);
  asking.state.store(number + kAsked, kRelease);  // [ask]
  const bool is_sent = ::syscall(SYS_tgkill, ::getpid(), thread, signal) == 0;
  const bool is_answered =
      wait_for_answer(number, is_sent ? deadline : steady_clock::time_point());
  if (is_answered) asking.state.store(number + kFree, kRelease);
  return is_answered;
}

}  // namespace eddy::scheduler
