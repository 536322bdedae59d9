// No runtime: the test polls futures by hand, and is the holder of the
// reactor's role.
#include "reactor/reactor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reactor/registration.h"
#include "reactor/waiter.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {
namespace {

using namespace std::chrono_literals;
using testing::always;
using testing::Call;
using testing::every;
using testing::FaultInjector;
using testing::first;
using testing::nth;
using testing::WakeCounter;
using Clock = std::chrono::steady_clock;

std::unique_ptr<Reactor> make_reactor(Options options = {}) {
  absl::StatusOr<std::unique_ptr<Reactor>> reactor = Reactor::create(options);
  EXPECT_TRUE(reactor.ok()) << reactor.status();
  return *std::move(reactor);
}

Registration watch(Reactor& reactor, int fd, Assume assume = Assume::kReady) {
  absl::StatusOr<Registration> added = Registration::add(reactor, fd, assume);
  EXPECT_TRUE(added.ok()) << added.status();
  return *std::move(added);
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Fd() { close(); }

  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Pair {
  Fd here;
  Fd there;
};

Pair make_pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

void send(const Fd& fd, std::string_view text) {
  EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

// Fills the pipe of `fd` until it would block.
void fill(const Fd& fd) {
  const std::string block(1 << 16, 'x');
  while (::send(fd.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
  }
  EXPECT_EQ(errno, EAGAIN);
}

void drain(const Fd& fd) {
  std::array<char, 1 << 16> buffer;
  while (::recv(fd.get(), buffer.data(), buffer.size(), 0) > 0) {
  }
}

// What a socket's leaf future does.
class Reader {
 public:
  explicit Reader(const Registration& registration, size_t size = 100)
      : fd_(registration.fd()),
        size_(size),
        waiter_(registration, Direction::kRead) {}

  Poll<ssize_t> poll(WakeCounter& waker) { return poll(waker.context()); }
  Poll<ssize_t> poll(Context& cx) {
    return waiter_.poll_io(cx, size_, [this] {
      ++calls;
      return base::sys().recv(fd_, buffer_.data(), size_, 0);
    });
  }

  int calls = 0;

 private:
  const int fd_;
  const size_t size_;
  std::array<char, 4096> buffer_;
  Waiter waiter_;
};

class Writer {
 public:
  explicit Writer(const Registration& registration)
      : fd_(registration.fd()), waiter_(registration, Direction::kWrite) {}

  Poll<ssize_t> poll(WakeCounter& waker) {
    return waiter_.poll_io(waker.context(), sizeof(buffer_), [this] {
      return base::sys().send(fd_, buffer_.data(), sizeof(buffer_),
                              MSG_NOSIGNAL);
    });
  }

 private:
  const int fd_;
  std::array<char, 1 << 16> buffer_ = {};
  Waiter waiter_;
};

TEST(Reactor, ReadsAtOnceWhatIsThere) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  send(pair.there, "hello");
  WakeCounter waker;
  Reader reader(here);
  Poll<ssize_t> poll = reader.poll(waker);
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll, 5);
  EXPECT_EQ(reader.calls, 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(Reactor, WakesTheReaderWhenDataComes) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  WakeCounter waker;
  Reader reader(here);
  EXPECT_TRUE(reader.poll(waker).is_pending());
  reactor->poll(0ns);  // the edge of the registration: it is writable
  EXPECT_EQ(waker.wakes(), 0);
  send(pair.there, "hello");
  EXPECT_EQ(reactor->poll(std::nullopt), 1u);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
  Poll<ssize_t> poll = reader.poll(waker);
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll, 5);
}

TEST(Reactor, AShortReadSavesTheNextSystemCall) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  reactor->poll(0ns);
  send(pair.there, "hello");
  reactor->poll(0ns);
  WakeCounter waker;
  ASSERT_TRUE(Reader(here).poll(waker).is_ready());
  Reader second(here);
  EXPECT_TRUE(second.poll(waker).is_pending());
  EXPECT_EQ(second.calls, 0);
}

TEST(Reactor, AFullReadGoesOn) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  send(pair.there, "hello");
  reactor->poll(0ns);
  WakeCounter waker;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Reader(here, /*size=*/1).poll(waker).is_ready()) << i;
  }
  EXPECT_TRUE(Reader(here, /*size=*/1).poll(waker).is_pending());
}

// A6: after RDHUP the end of the stream must still be read: no edge announces
// it.
TEST(Reactor, AShortReadBeforeTheEndOfTheStreamIsNotTheLast) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  send(pair.there, "hello");
  ::shutdown(pair.there.get(), SHUT_WR);
  reactor->poll(0ns);
  WakeCounter waker;
  Poll<ssize_t> data = Reader(here).poll(waker);
  ASSERT_TRUE(data.is_ready());
  EXPECT_EQ(*data, 5);
  for (int i = 0; i < 2; ++i) {
    Poll<ssize_t> end = Reader(here).poll(waker);
    ASSERT_TRUE(end.is_ready());
    EXPECT_EQ(*end, 0);
  }
}

TEST(Reactor, WakesTheWriterWhenThereIsRoom) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  fill(pair.here);
  reactor->poll(0ns);
  WakeCounter write_waker, read_waker;
  Writer writer(here);
  Reader reader(here);
  EXPECT_TRUE(writer.poll(write_waker).is_pending());
  EXPECT_TRUE(reader.poll(read_waker).is_pending());
  drain(pair.there);
  reactor->poll(std::nullopt);
  EXPECT_EQ(write_waker.wakes(), 1);
  EXPECT_EQ(read_waker.wakes(), 0);  // not its event
  EXPECT_TRUE(writer.poll(write_waker).is_ready());
}

// A8: the peer is gone.
TEST(Reactor, HangupAloneWakesBoth) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  fill(pair.here);
  reactor->poll(0ns);
  WakeCounter read_waker, write_waker;
  Reader reader(here);
  Writer writer(here);
  EXPECT_TRUE(reader.poll(read_waker).is_pending());
  EXPECT_TRUE(writer.poll(write_waker).is_pending());
  pair.there.close();
  reactor->poll(std::nullopt);
  EXPECT_EQ(read_waker.wakes(), 1);
  EXPECT_EQ(write_waker.wakes(), 1);
  Poll<ssize_t> written = writer.poll(write_waker);
  ASSERT_TRUE(written.is_ready());
  EXPECT_EQ(*written, -EPIPE);
  Poll<ssize_t> read = reader.poll(read_waker);
  ASSERT_TRUE(read.is_ready());
  EXPECT_TRUE(*read == -ECONNRESET || *read == 0) << *read;
}

// A8: a pipe whose reader has gone says EPOLLERR, and nothing else.
TEST(Reactor, ErrorAloneWakesTheWriter) {
  auto reactor = make_reactor();
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_NONBLOCK), 0);
  Fd in(fds[0]), out(fds[1]);
  const std::string block(1 << 16, 'x');
  while (::write(out.get(), block.data(), block.size()) > 0) {
  }
  Registration pipe = watch(*reactor, out.get(), Assume::kNotReady);
  reactor->poll(0ns);
  WakeCounter waker;
  Waiter waiter(pipe, Direction::kWrite);
  ASSERT_TRUE(waiter.poll_ready(waker.context()).is_pending());
  in.close();
  reactor->poll(std::nullopt);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(waiter.poll_ready(waker.context()).is_ready());
}

// A hangup may pass, as when a new writer opens a FIFO: EAGAIN clears it, else
// this loop would not end.
TEST(Reactor, EagainAfterAHangupIsPending) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  ::shutdown(pair.there.get(), SHUT_WR);
  reactor->poll(0ns);
  FaultInjector faults;
  faults.fail(Call::kRecv, first(1), EAGAIN);
  WakeCounter waker;
  EXPECT_TRUE(Reader(here).poll(waker).is_pending());
}

TEST(Reactor, ASpuriousPollKeepsTheLatestWaker) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  reactor->poll(0ns);
  WakeCounter first_waker, second_waker;
  Reader reader(here);
  EXPECT_TRUE(reader.poll(first_waker).is_pending());
  EXPECT_TRUE(reader.poll(first_waker).is_pending());
  EXPECT_EQ(first_waker.kept_wakers(), 1);
  EXPECT_TRUE(reader.poll(second_waker).is_pending());
  EXPECT_EQ(first_waker.kept_wakers(), 0);
  send(pair.there, "x");
  reactor->poll(std::nullopt);
  EXPECT_EQ(first_waker.wakes(), 0);
  EXPECT_EQ(second_waker.wakes(), 1);
}

TEST(Reactor, ADroppedReaderIsNotWoken) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  reactor->poll(0ns);
  WakeCounter waker;
  {
    Reader reader(here);
    EXPECT_TRUE(reader.poll(waker).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  send(pair.there, "x");
  reactor->poll(std::nullopt);
  EXPECT_EQ(waker.wakes(), 0);
  Reader reader(here);  // as a select() in a loop makes it anew
  EXPECT_TRUE(reader.poll(waker).is_ready());
}

TEST(Reactor, ABudgetOfNoneIsPendingAndPolledAgain) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  send(pair.there, "x");
  WakeCounter waker;
  Reader reader(here);
  Context& cx = waker.context(/*budget=*/0);
  EXPECT_TRUE(reader.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_EQ(reader.calls, 0);
  Context& enough = waker.context(/*budget=*/1);
  EXPECT_TRUE(reader.poll(enough).is_ready());
  EXPECT_FALSE(enough.has_budget());
}

using ReactorDeathTest = ::testing::Test;

TEST(ReactorDeathTest, TwoReadersAreMisuse) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  WakeCounter waker;
  Reader reader(here), second(here);
  EXPECT_TRUE(reader.poll(waker).is_pending());
  EXPECT_DEATH((void)second.poll(waker), "let one task read");
}

TEST(ReactorDeathTest, MovingAPendingFutureIsMisuse) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  Registration here = watch(*reactor, pair.here.get());
  reactor->poll(0ns);
  WakeCounter waker;
  Reader reader(here);
  EXPECT_TRUE(reader.poll(waker).is_pending());
  EXPECT_DEATH(Reader moved(std::move(reader)), "was moved");
}

TEST(ReactorDeathTest, ARegistrationOutlivesItsWaiters) {
  auto reactor = make_reactor();
  Pair pair = make_pair();
  auto here =
      std::make_optional<Registration>(watch(*reactor, pair.here.get()));
  WakeCounter waker;
  Reader reader(*here);
  EXPECT_TRUE(reader.poll(waker).is_pending());
  EXPECT_DEATH(here.reset(), "is destroyed while a future waits");
}

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
