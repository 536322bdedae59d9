// read_exact() and write_all() on a stream of the test's own, polled by hand.
#include "io/async_io.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <span>
#include <string>

#include "io/copy.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/yield.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using testing::WakeCounter;
using Answer = Poll<absl::StatusOr<size_t>>;

// Each poll of a read or write gives the next answer; what it counts is moved.
class Script {
 public:
  class Transfer {
   public:
    using Output = absl::StatusOr<size_t>;
    Transfer(Script& script, std::span<std::byte> into,
             std::span<const std::byte> from)
        : script_(script), into_(into), from_(from) {}

    Answer poll(Context&) {
      Answer answer = std::move(script_.answers.front());
      script_.answers.pop_front();
      if (answer.is_ready() && answer->ok()) {
        const size_t count = **answer;
        for (size_t i = 0; i < std::min(count, into_.size()); ++i) {
          into_[i] = std::byte{'x'};
        }
        if (!from_.empty()) {
          script_.written.append(reinterpret_cast<const char*>(from_.data()),
                                 count);
        }
      }
      return answer;
    }

   private:
    Script& script_;
    std::span<std::byte> into_;
    std::span<const std::byte> from_;
  };

  Transfer read(std::span<std::byte> into) { return {*this, into, {}}; }
  Transfer write(std::span<const std::byte> from) { return {*this, {}, from}; }

  std::deque<Answer> answers;
  std::string written;
};

static_assert(AsyncRead<Script> && AsyncWrite<Script>);
static_assert(!AsyncRead<int>);

Answer moved(size_t count) { return absl::StatusOr<size_t>(count); }
Answer failed() {
  return absl::StatusOr<size_t>(absl::UnavailableError("lost"));
}

TEST(ReadExact, GathersUntilTheBufferIsFull) {
  Script stream;
  stream.answers = {moved(3), kPending, moved(1), kPending, moved(2)};
  std::array<std::byte, 6> buffer = {};
  WakeCounter waker;
  auto read = read_exact(stream, buffer);
  EXPECT_TRUE(read.poll(waker.context()).is_pending());
  EXPECT_EQ(read.transferred(), 3u);
  EXPECT_TRUE(read.poll(waker.context()).is_pending());
  EXPECT_EQ(read.transferred(), 4u);
  Poll<absl::Status> poll = read.poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_TRUE(poll->ok());
  for (std::byte byte : buffer) EXPECT_EQ(byte, std::byte{'x'});
}

TEST(ReadExact, GoesOnAfterALostRace) {
  Script stream;
  stream.answers = {moved(3), kPending, moved(1), kPending};
  std::array<std::byte, 6> buffer = {};
  WakeCounter waker;
  auto read = read_exact(stream, buffer);
  for (size_t transferred : {3, 4}) {
    auto race = select_biased(read, yield_now());
    EXPECT_TRUE(race.poll(waker.context()).is_pending());
    EXPECT_EQ(read.transferred(), transferred);
    stream.answers.push_front(kPending);
    EXPECT_EQ((*race.poll(waker.context())).index(), 1u);
  }
  EXPECT_EQ(read.take_partial().size(), 4u);
}

// By value it would lose what it has read.
using Exact = ReadExact<Script>;
using All = WriteAll<Script>;
static_assert(!CancelSafe<Exact> && !CancelSafe<All>);
static_assert(CancelSafe<Exact&> && CancelSafe<DiscardProgress<Exact>>);
static_assert(CancelSafe<Script::Transfer> && CancelSafe<YieldNow>);
static_assert(!CancelSafe<Join<All, YieldNow>>);
static_assert(CancelSafe<Join<All&, YieldNow>>);

TEST(WriteAll, MayBeDroppedWhereTheCallerSaysSo) {
  Script stream;
  stream.answers = {moved(3), kPending};
  WakeCounter waker;
  auto race =
      select_biased(discard_progress(write_all(stream, "abcdef")), yield_now());
  EXPECT_TRUE(race.poll(waker.context()).is_pending());
  stream.answers.push_front(kPending);
  EXPECT_EQ((*race.poll(waker.context())).index(), 1u);
  stream.answers = {moved(2), kPending};
  auto write = write_all(stream, "abcdef");
  EXPECT_TRUE(write.poll(waker.context()).is_pending());
  EXPECT_EQ(write.take_rest().size(), 4u);
}

TEST(ReadExact, TheEndAndErrorsAreAnswered) {
  std::array<std::byte, 6> buffer;
  WakeCounter waker;
  Script ends;
  ends.answers = {moved(3), moved(0)};
  Poll<absl::Status> poll = read_exact(ends, buffer).poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll,
            absl::OutOfRangeError("the stream ended after 3 of 6 bytes"));
  Script fails;
  fails.answers = {moved(3), failed()};
  poll = read_exact(fails, buffer).poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll, absl::UnavailableError("lost"));
}

TEST(WriteAll, GoesOnAfterShortWrites) {
  Script stream;
  stream.answers = {moved(2), kPending, moved(1), moved(3)};
  WakeCounter waker;
  auto write = write_all(stream, "abcdef");
  EXPECT_TRUE(write.poll(waker.context()).is_pending());
  EXPECT_EQ(write.transferred(), 2u);
  Poll<absl::Status> poll = write.poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_TRUE(poll->ok());
  EXPECT_EQ(stream.written, "abcdef");
}

TEST(WriteAll, ErrorsAndNoProgressAreAnswered) {
  WakeCounter waker;
  Script fails;
  fails.answers = {moved(3), failed()};
  Poll<absl::Status> poll = write_all(fails, "abcdef").poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll, absl::UnavailableError("lost"));
  Script stuck;
  stuck.answers = {moved(0)};
  poll = write_all(stuck, "abcdef").poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(poll->code(), absl::StatusCode::kInternal);
}

TEST(Copy, GoesOnUntilTheReaderEnds) {
  Script from, to;
  from.answers = {moved(4), kPending, moved(2), moved(0)};
  // A5: short writes.
  to.answers = {moved(1), kPending, moved(3), moved(2)};
  WakeCounter waker;
  auto copying = copy(from, to);
  EXPECT_TRUE(copying.poll(waker.context()).is_pending());  // the write
  EXPECT_EQ(copying.copied(), 1u);
  EXPECT_TRUE(copying.poll(waker.context()).is_pending());  // the read
  EXPECT_EQ(copying.copied(), 4u);
  Poll<absl::StatusOr<uint64_t>> poll = copying.poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(poll->value(), 6u);
  EXPECT_EQ(to.written, "xxxxxx");
}

TEST(Copy, TheErrorsOfBothAreAnswered) {
  WakeCounter waker;
  {
    Script from, to;
    from.answers = {failed()};
    auto copying = copy(from, to);
    EXPECT_TRUE(absl::IsUnavailable(copying.poll(waker.context())->status()));
  }
  Script from, to;
  from.answers = {moved(3)};
  to.answers = {moved(2), failed()};
  auto copying = copy(from, to);
  EXPECT_TRUE(absl::IsUnavailable(copying.poll(waker.context())->status()));
  EXPECT_EQ(copying.copied(), 2u);
}

TEST(Copy, AWriteOfNothingIsAnError) {
  Script from, to;
  from.answers = {moved(3)};
  to.answers = {moved(0)};
  WakeCounter waker;
  auto copying = copy(from, to);
  EXPECT_TRUE(absl::IsInternal(copying.poll(waker.context())->status()));
}

}  // namespace
}  // namespace eddy::io
