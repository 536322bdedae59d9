// How long a poll waits: wakes, time-outs and signals. No runtime: the test is
// the holder of the reactor's role.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "reactor/reactor.h"
#include "reactor/registration.h"
#include "tests/reactor/sockets.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {
namespace {

using namespace std::chrono_literals;
using testing::always;
using testing::Call;
using testing::FaultInjector;
using testing::first;
using Clock = std::chrono::steady_clock;

TEST(Reactor, AWakeBeforeAPollMakesItReturnAtOnce) {
  auto reactor = make_reactor();
  reactor->wake();
  EXPECT_EQ(reactor->poll(std::nullopt), 0u);
  EXPECT_EQ(reactor->metrics().wake_writes, 0u);
}

// Else what a runtime was told between two looks of its poller were lost: a
// shutdown, in the midst of a turn of a paused clock.
TEST(Reactor, AWakeBeforeAPollThatDoesNotWaitIsLeftToTheNext) {
  auto reactor = make_reactor();
  reactor->wake();
  EXPECT_EQ(reactor->poll(0ns), 0u);
  EXPECT_EQ(reactor->poll(std::nullopt), 0u);
  EXPECT_EQ(reactor->metrics().wake_writes, 0u);
}

TEST(Reactor, ManyWakesDuringAPollWriteOnce) {
  auto reactor = make_reactor();
  FaultInjector faults;
  faults.hook<Call::kEpollWait>(
      [&](int epoll, epoll_event* events, int capacity, int timeout) {
        for (int i = 0; i < 100; ++i) reactor->wake();
        return testing::real_sys().epoll_wait(epoll, events, capacity, timeout);
      });
  EXPECT_EQ(reactor->poll(std::nullopt), 0u);
  EXPECT_EQ(faults.calls(Call::kWrite), 1u);
  EXPECT_EQ(reactor->metrics().wakes, 100u);
  EXPECT_EQ(reactor->metrics().wake_writes, 1u);
}

TEST(Reactor, AWakeFromAnotherThreadEndsAWait) {
  auto reactor = make_reactor();
  std::thread waker([&] { reactor->wake(); });
  EXPECT_EQ(reactor->poll(std::nullopt), 0u);
  waker.join();
}

TEST(Reactor, ATimeoutIsNeverEarly) {
  auto reactor = make_reactor();
  const Clock::time_point start = Clock::now();
  reactor->poll(300us);
  EXPECT_GE(Clock::now() - start, 300us);
}

TEST(Reactor, AWaitWithoutEndIsWhatTheLongestTimeoutIs) {
  auto reactor = make_reactor();
  std::thread waker([&] { reactor->wake(); });
  reactor->poll(std::chrono::nanoseconds::max());
  waker.join();
}

TEST(Reactor, WithoutPwait2TimeoutsRoundUp) {
  for (int error : {ENOSYS, EPERM}) {
    auto reactor = make_reactor();
    FaultInjector faults;
    faults.fail(Call::kEpollPwait2, always(), error);
    int asked_for = 0;
    faults.hook<Call::kEpollWait>([&](int, epoll_event*, int, int timeout) {
      asked_for = timeout;
      return 0;
    });
    reactor->poll(2ms + 1ns);
    EXPECT_EQ(asked_for, 3);
    reactor->poll(1ns);
    EXPECT_EQ(asked_for, 1);
    EXPECT_EQ(faults.calls(Call::kEpollPwait2), 1u);  // asked once
  }
}

// A4, F3: signals are invisible.
TEST(Reactor, InterruptedCallsAreRepeated) {
  FaultInjector faults;
  for (Call call :
       {Call::kEpollCreate1, Call::kEventfd, Call::kEpollCtl, Call::kEpollWait,
        Call::kEpollPwait2, Call::kRecv, Call::kWrite}) {
    faults.fail(call, first(3), EINTR);
  }
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  WakeCounter waker;
  Reader reader(here);
  EXPECT_TRUE(reader.poll(waker).is_pending());
  reactor->poll(0ns);
  send(pair.there, "x");
  EXPECT_EQ(reactor->poll(1h), 1u);
  EXPECT_TRUE(reader.poll(waker).is_ready());
}

// F3: a real signal, of which many arrive while the reactor waits.
TEST(Reactor, SignalsDoNotEndAWait) {
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  auto reactor = make_reactor();
  const pthread_t holder = ::pthread_self();
  std::thread interrupter([&] {
    for (int i = 0; i < 1000; ++i) ::pthread_kill(holder, SIGUSR1);
    reactor->wake();
  });
  while (reactor->metrics().wakes == 0) reactor->poll(std::nullopt);
  interrupter.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_LE(reactor->metrics().polls, 2u);
}

}  // namespace
}  // namespace eddy::reactor
