// Events and the fds that they are about: those of an fd that is gone, more than
// one poll takes, groups of reactors, and the end. No runtime: the test is the
// holder of the reactor's role.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "reactor/reactor.h"
#include "reactor/registration.h"
#include "reactor/waiter.h"
#include "runtime/base/status.h"
#include "tests/reactor/sockets.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::FaultInjector;
using testing::first;
using testing::nth;

// A8: an event is harvested, and its fd deregistered by the task that the event
// before it wakes. The hook puts that in between.
TEST(Reactor, DeregisteringWhileTheEventIsInFlightIsSafe) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  auto here =
      std::make_optional<Registration>(watch(*reactor, pair.here.get()));
  reactor->poll(0ns);
  send(pair.there, "x");
  FaultInjector faults;
  faults.hook<Call::kEpollWait>(
      [&](int epoll, epoll_event* events, int capacity, int timeout) {
        int count =
            testing::real_sys().epoll_wait(epoll, events, capacity, timeout);
        here.reset();
        return count;
      });
  EXPECT_EQ(reactor->poll(0ns), 1u);
  EXPECT_EQ(reactor->metrics().stale_events, 1u);
  EXPECT_EQ(reactor->metrics().registrations, 0u);
}

// A8: the same, and by then the number and the entry serve another socket.
TEST(Reactor, AnEventOfAReusedFdNumberWakesNobody) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Pair other = make_pair();
  auto here =
      std::make_optional<Registration>(watch(*reactor, pair.here.get()));
  reactor->poll(0ns);
  send(pair.there, "x");
  WakeCounter waker;
  std::optional<Registration> reused;
  std::optional<Reader> reader;
  FaultInjector faults;
  faults.hook<Call::kEpollWait>(
      [&](int epoll, epoll_event* events, int capacity, int timeout) {
        int count =
            testing::real_sys().epoll_wait(epoll, events, capacity, timeout);
        if (here.has_value()) {
          here.reset();
          EXPECT_EQ(::dup2(other.here.get(), pair.here.get()), pair.here.get());
          reused.emplace(watch(*reactor, pair.here.get()));
          reader.emplace(*reused);
          EXPECT_TRUE(reader->poll(waker).is_pending());
        }
        return count;
      });
  EXPECT_EQ(reactor->poll(0ns), 1u);
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_EQ(reactor->metrics().stale_events, 1u);
  send(other.there, "hello");
  reactor->poll(0ns);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(reader->poll(waker).is_ready());
  reader.reset();
}

// A8: the fd was dup'ed, so closing it does not end the kernel's interest.
TEST(Reactor, ADupedFdCausesNoEventsAfterwards) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Fd copy(::dup(pair.here.get()));
  {
    Registration here = watch(*reactor, pair.here.get());
    reactor->poll(0ns);
  }
  pair.here.close();
  send(pair.there, "x");
  EXPECT_EQ(reactor->poll(0ns), 0u);
  EXPECT_EQ(reactor->metrics().stale_events, 0u);
}

// A8: against the contract, but it must not harm others.
TEST(Reactor, AnFdThatTheUserClosedIsHarmless) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  pair.here.close();
  reactor->poll(0ns);
}

TEST(Reactor, AnFdCanBeWatchedOnce) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  absl::StatusOr<Registration> again =
      Registration::add(*reactor, pair.here.get(), Assume::kReady);
  EXPECT_EQ(errno_of(again.status()), EEXIST);
  EXPECT_EQ(reactor->metrics().registrations, 1u);
}

TEST(Reactor, TwoReactorsWatchOneFd) {
  auto one = make_reactor(), two = make_reactor();
  Pair pair = make_pair();
  Registration first = watch(*one, pair.here.get());
  Registration second = watch(*two, pair.here.get());
  one->poll(0ns);
  two->poll(0ns);
  send(pair.there, "x");
  EXPECT_EQ(one->poll(0ns), 1u);
  EXPECT_EQ(two->poll(0ns), 1u);
}

TEST(Reactor, MoreEventsThanOnePollTakesComeWithTheNext) {
  auto reactor = make_reactor({.max_events_per_poll = 2});
  std::vector<Fd> fds;
  std::vector<Registration> registrations;
  for (int i = 0; i < 5; ++i) {
    fds.emplace_back(::eventfd(1, EFD_NONBLOCK));
    registrations.push_back(watch(*reactor, fds.back().get()));
  }
  EXPECT_EQ(reactor->poll(0ns), 2u);
  EXPECT_EQ(reactor->poll(0ns), 2u);
  EXPECT_EQ(reactor->poll(0ns), 1u);
  EXPECT_EQ(reactor->poll(0ns), 0u);
}

TEST(Reactor, WhatAPollHasNoRoomForComesWithTheNext) {
  auto reactor = make_reactor();
  std::vector<Fd> fds;
  std::vector<Registration> registrations;
  for (int i = 0; i < 5; ++i) {
    fds.emplace_back(::eventfd(1, EFD_NONBLOCK));
    registrations.push_back(watch(*reactor, fds.back().get()));
  }
  EXPECT_EQ(reactor->poll(0ns, 3), 3u);
  EXPECT_EQ(reactor->poll(std::nullopt, 1), 1u);
  EXPECT_EQ(reactor->poll(0ns), 1u);
  EXPECT_EQ(reactor->poll(0ns), 0u);
}

TEST(Reactor, MoreWakersThanOneBatchAreAllWoken) {
  auto reactor = make_reactor();
  constexpr int kFds = 200;
  std::vector<Fd> fds;
  std::vector<Registration> registrations;
  std::vector<std::unique_ptr<Waiter>> waiters;
  WakeCounter waker;
  for (int i = 0; i < kFds; ++i) {
    fds.emplace_back(::eventfd(1, EFD_NONBLOCK));
    registrations.push_back(
        watch(*reactor, fds.back().get(), Assume::kNotReady));
    for (Direction direction : {Direction::kRead, Direction::kWrite}) {
      waiters.push_back(
          std::make_unique<Waiter>(registrations.back(), direction));
      EXPECT_TRUE(waiters.back()->poll_ready(waker.context()).is_pending());
    }
  }
  EXPECT_EQ(reactor->poll(0ns), static_cast<size_t>(kFds));
  EXPECT_EQ(waker.wakes(), 2 * kFds);
}

TEST(Reactor, CreatingFailsWithAReason) {
  for (Call call : {Call::kEpollCreate1, Call::kEventfd, Call::kEpollCtl}) {
    FaultInjector faults;
    faults.fail(call, nth(1), EMFILE);
    absl::StatusOr<std::unique_ptr<Reactor>> reactor = Reactor::create({});
    EXPECT_EQ(errno_of(reactor.status()), EMFILE);
  }
  EXPECT_FALSE(Reactor::create({.max_events_per_poll = 0}).ok());
  EXPECT_FALSE(Reactor::create({.max_events_per_poll = 1u << 30}).ok());
}

TEST(Reactor, AGroupSpreadsFdsByTheirNumbers) {
  constexpr size_t kPairs = 64, kReactors = 4;
  auto group = *Reactor::create_group({}, kReactors);
  ASSERT_EQ(group.size(), kReactors);
  std::vector<Pair> pairs;
  std::vector<Registration> registrations;
  for (size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(make_pair());
    // Every second number; with a reactor, or with the group of another fd.
    const int fd = pairs.back().here.get();
    registrations.push_back(
        i == 0 ? watch(*group[3], fd)
               : *Registration::add(registrations.front(), fd, Assume::kReady));
  }
  for (const auto& reactor : group) {
    EXPECT_GT(reactor->metrics().registrations, kPairs / kReactors / 2);
    EXPECT_LT(reactor->metrics().registrations, kPairs / kReactors * 2);
    reactor->poll(0ns);
  }
  WakeCounter waker;
  std::vector<std::unique_ptr<Reader>> readers;
  for (size_t i = 0; i < kPairs; ++i) {
    readers.push_back(std::make_unique<Reader>(registrations[i]));
    EXPECT_TRUE(readers.back()->poll(waker).is_pending());
    send(pairs[i].there, "x");
  }
  int woken = 0;
  for (const auto& reactor : group) {
    reactor->poll(0ns);
    woken += static_cast<int>(reactor->metrics().registrations);
    EXPECT_EQ(waker.wakes(), woken);  // its own, and no others
  }
  EXPECT_EQ(waker.wakes(), static_cast<int>(kPairs));
  for (auto& reader : readers) EXPECT_EQ(*reader->poll(waker), 1);
}

TEST(Reactor, AGroupEndsOneByOne) {
  auto group = *Reactor::create_group({}, 2);
  std::vector<Pair> pairs;
  std::vector<Registration> registrations;
  for (int i = 0; i < 8; ++i) {
    pairs.push_back(make_pair());
    registrations.push_back(watch(*group[0], pairs.back().here.get()));
  }
  WakeCounter waker;
  std::vector<std::unique_ptr<Reader>> readers;
  for (const Registration& registration : registrations) {
    readers.push_back(std::make_unique<Reader>(registration));
    EXPECT_TRUE(readers.back()->poll(waker).is_pending());
  }
  const auto of_first = static_cast<int>(group[0]->metrics().registrations);
  group[0].reset();
  EXPECT_EQ(waker.wakes(), of_first);
  group.clear();
  EXPECT_EQ(waker.wakes(), 8);
  for (auto& reader : readers) EXPECT_EQ(*reader->poll(waker), -ECANCELED);
}

TEST(Reactor, AFailedRegistrationLeavesNothingBehind) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  {
    FaultInjector faults;
    faults.fail(Call::kEpollCtl, nth(1), ENOSPC);
    EXPECT_EQ(
        errno_of(Registration::add(*reactor, pair.here.get(), Assume::kReady)
                     .status()),
        ENOSPC);
  }
  EXPECT_EQ(reactor->metrics().registrations, 0u);
  Registration here = watch(*reactor, pair.here.get());
  EXPECT_EQ(reactor->metrics().registrations, 1u);
}

TEST(Reactor, ShutdownCancelsWhatIsPendingAndWhatComes) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  reactor->poll(0ns);
  WakeCounter waker;
  Reader reader(here);
  EXPECT_TRUE(reader.poll(waker).is_pending());
  reactor->shutdown();
  EXPECT_EQ(waker.wakes(), 1);
  Poll<ssize_t> poll = reader.poll(waker);
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll, -ECANCELED);
  Poll<ssize_t> later = Reader(here).poll(waker);
  ASSERT_TRUE(later.is_ready());
  EXPECT_EQ(*later, -ECANCELED);
  EXPECT_EQ(Registration::add(*reactor, pair.there.get(), Assume::kReady)
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  reactor->shutdown();  // twice is once
}

TEST(Reactor, ARegistrationMayOutliveIt) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  WakeCounter waker;
  Reader reader(here);
  EXPECT_TRUE(reader.poll(waker).is_pending());
  reactor.reset();
  EXPECT_EQ(waker.wakes(), 1);
  Poll<ssize_t> poll = reader.poll(waker);
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll, -ECANCELED);
}

}  // namespace
}  // namespace eddy::reactor
