// Reading and writing as leaf futures do it. No runtime: the test polls them by
// hand, and is the holder of the reactor's role.
#include "reactor/reactor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "reactor/registration.h"
#include "reactor/waiter.h"
#include "tests/reactor/sockets.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::FaultInjector;
using testing::first;

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

}  // namespace
}  // namespace eddy::reactor
