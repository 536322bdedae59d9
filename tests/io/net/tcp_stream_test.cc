// TCP between two ends in one process, on every flavor. What the kernel does to
// connections is here; injected errors are in tcp_faults_test.cc.
#include "io/net/tcp_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/net/tcp_split.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "tests/io/net/connected.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using testing::connected;
using testing::listen_on_loopback;
using testing::value_of;
using testing::WakeCounter;

static_assert(AsyncRead<TcpStream> && AsyncWrite<TcpStream>);
static_assert(AsyncRead<ReadHalf> && AsyncWrite<WriteHalf>);
static_assert(AsyncRead<OwnedReadHalf> && AsyncWrite<OwnedWriteHalf>);

class TcpStreamTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(TcpStreamTest);

// A stream of bytes in which each place can be told from its neighbours.
std::vector<std::byte> pattern(size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 2654435761u) >> 24);
  }
  return bytes;
}

// Reads to the end of the stream, `size` bytes at most at a time.
template <class Stream>
Task<std::vector<std::byte>> read_to_end(Stream& stream, size_t size) {
  std::vector<std::byte> all;
  std::vector<std::byte> buffer(size);
  for (;;) {
    const size_t count = value_of(co_await stream.read(buffer));
    if (count == 0) co_return all;
    all.insert(all.end(), buffer.begin(), buffer.begin() + count);
  }
}

template <class Stream>
Task<> write_and_end(Stream& stream, std::span<const std::byte> bytes) {
  const absl::Status written = co_await write_all(stream, bytes);
  EXPECT_TRUE(written.ok()) << written;
  const absl::Status ended = co_await stream.shutdown();
  EXPECT_TRUE(ended.ok()) << ended;
}

Task<std::string> read_text(TcpStream& stream, size_t size) {
  std::string text(size, '\0');
  absl::Status status = co_await read_exact(
      stream, std::as_writable_bytes(std::span(text.data(), size)));
  co_return status.ok() ? text : std::string(status.message());
}

// So that a write of some ten thousand bytes is short.
void shrink_buffer(TcpStream& stream) {
  const int size = 4096;
  ::setsockopt(stream.fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

TEST_P(TcpStreamTest, CarriesBytesBothWays) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE((co_await write_all(here, "ping")).ok());
    EXPECT_EQ(co_await read_text(there, 4), "ping");
    EXPECT_TRUE((co_await write_all(there, "pong")).ok());
    EXPECT_EQ(co_await read_text(here, 4), "pong");
  });
}

TEST_P(TcpStreamTest, KnowsBothAddresses) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_EQ(here.peer_addr(), value_of(there.local_addr()));
    EXPECT_EQ(there.peer_addr(), value_of(here.local_addr()));
    EXPECT_TRUE(here.peer_addr().is_loopback());
  });
}

TEST_P(TcpStreamTest, ConnectsOverIPv6) {
  runtime().block_on([]() -> Task<> {
    absl::StatusOr<TcpListener> listener = TcpListener::bind("[::1]:0");
    if (!listener.ok()) co_return;  // a machine without IPv6
    auto [accepted, stream] =
        co_await join(listener->accept(),
                      TcpStream::connect("::1", listener->local_addr().port()));
    EXPECT_EQ(value_of(std::move(accepted)).peer,
              value_of(std::move(stream)->local_addr()));
  });
}

TEST_P(TcpStreamTest, ARefusedConnectionSaysWhichAndWhy) {
  runtime().block_on([]() -> Task<> {
    std::optional<TcpListener> listener = listen_on_loopback();
    const SocketAddr nobody = listener->local_addr();
    listener.reset();
    const absl::Status status = (co_await TcpStream::connect(nobody)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(errno_of(status), ECONNREFUSED);
    EXPECT_EQ(std::string(status.message()),
              "connect " + nobody.to_string() +
                  ": Connection refused (ECONNREFUSED)");
  });
}

// A6: half-close, both ways.
TEST_P(TcpStreamTest, AfterShutdownTheOtherWayGoesOn) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE((co_await write_all(here, "question")).ok());
    EXPECT_TRUE((co_await here.shutdown()).ok());
    std::array<std::byte, 100> buffer;
    EXPECT_EQ(value_of(co_await there.read(buffer)), 8u);
    EXPECT_EQ(value_of(co_await there.read(buffer)), 0u);
    EXPECT_EQ(value_of(co_await there.read(buffer)), 0u);  // and stays so
    EXPECT_TRUE((co_await write_all(there, "answer")).ok());
    EXPECT_TRUE((co_await there.shutdown()).ok());
    EXPECT_EQ(co_await read_text(here, 6), "answer");
    EXPECT_EQ(value_of(co_await here.read(buffer)), 0u);
    const absl::Status late = co_await write_all(here, "x");
    EXPECT_EQ(errno_of(late), EPIPE);  // and no SIGPIPE
    EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable);
  });
}

// A5
TEST_P(TcpStreamTest, NoRoomAndNoBytesAreReadyAtOnce) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_EQ(value_of(co_await here.read({})), 0u);
    EXPECT_EQ(value_of(co_await here.write({})), 0u);
    EXPECT_EQ(value_of(co_await here.readv({})), 0u);
    const std::array<std::span<const std::byte>, 3> nothing;
    EXPECT_EQ(value_of(co_await here.writev(nothing)), 0u);
    EXPECT_TRUE((co_await read_exact(here, {})).ok());
    EXPECT_TRUE((co_await write_all(here, "")).ok());
    EXPECT_TRUE((co_await write_all(here, "x")).ok());
    EXPECT_EQ(co_await read_text(there, 1), "x");
  });
}

// A5
TEST_P(TcpStreamTest, ShortReadsOfEverySizeGiveTheStream) {
  runtime().block_on([]() -> Task<> {
    const std::vector<std::byte> sent = pattern(1000);
    for (size_t size = 1; size <= 64; ++size) {
      auto [here, there] = co_await connected();
      auto [nothing, got] =
          co_await join(write_and_end(here, sent), read_to_end(there, size));
      EXPECT_EQ(got, sent) << "in reads of " << size;
    }
  });
}

// A5
TEST_P(TcpStreamTest, WritesInPiecesOfEverySizeGiveTheStream) {
  runtime().block_on([]() -> Task<> {
    const std::vector<std::byte> sent = pattern(1000);
    for (size_t size = 1; size <= 64; ++size) {
      auto [here, there] = co_await connected();
      EXPECT_TRUE(here.set_nodelay(true).ok());
      auto write = [](TcpStream& stream, std::span<const std::byte> rest,
                      size_t piece) -> Task<> {
        for (; !rest.empty();
             rest = rest.subspan(std::min(piece, rest.size()))) {
          EXPECT_TRUE((co_await write_all(
                           stream, rest.first(std::min(piece, rest.size()))))
                          .ok());
        }
        EXPECT_TRUE((co_await stream.shutdown()).ok());
      };
      auto [nothing, got] =
          co_await join(write(here, sent, size), read_to_end(there, 100));
      EXPECT_EQ(got, sent) << "in writes of " << size;
    }
  });
}

// A5: the socket's buffer holds a small part.
TEST_P(TcpStreamTest, ShortWritesGiveTheStream) {
  runtime().block_on([]() -> Task<> {
    const std::vector<std::byte> sent = pattern(300'000);
    auto [here, there] = co_await connected();
    shrink_buffer(here);
    auto [nothing, got] =
        co_await join(write_and_end(here, sent), read_to_end(there, 1777));
    EXPECT_TRUE(got == sent);
  });
}

// A5: a write that ends in the middle of a buffer, and more buffers than one
// call takes.
TEST_P(TcpStreamTest, VectoredWritesAreCutWhereTheyAreShort) {
  runtime().block_on([]() -> Task<> {
    auto write = [](TcpStream& stream,
                    std::span<const std::byte> bytes) -> Task<> {
      std::vector<std::span<const std::byte>> parts;
      for (size_t size = 0; !bytes.empty(); size = (size + 7) % 501) {
        parts.push_back(bytes.first(std::min(size, bytes.size())));
        bytes = bytes.subspan(parts.back().size());
      }
      size_t first = 0;
      while (first < parts.size()) {
        size_t count =
            value_of(co_await stream.writev(std::span(parts).subspan(first)));
        while (first < parts.size() && count >= parts[first].size()) {
          count -= parts[first++].size();
        }
        if (count > 0) parts[first] = parts[first].subspan(count);
      }
      EXPECT_TRUE((co_await stream.shutdown()).ok());
    };
    const std::vector<std::byte> sent = pattern(200'000);
    auto [here, there] = co_await connected();
    shrink_buffer(here);
    auto [nothing, got] =
        co_await join(write(here, sent), read_to_end(there, 4000));
    EXPECT_TRUE(got == sent);
  });
}

TEST_P(TcpStreamTest, VectoredReadsFillOneBufferAfterTheOther) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE((co_await write_all(here, "abcdefg")).ok());
    std::array<char, 3> first = {};
    std::array<char, 100> second = {};
    const std::array<std::span<std::byte>, 3> parts = {
        std::as_writable_bytes(std::span(first)), std::span<std::byte>(),
        std::as_writable_bytes(std::span(second))};
    EXPECT_EQ(value_of(co_await there.readv(parts)), 7u);
    EXPECT_EQ(std::string(first.data(), 3), "abc");
    EXPECT_EQ(std::string(second.data(), 4), "defg");
  });
}

TEST_P(TcpStreamTest, PeekLeavesTheBytes) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE((co_await write_all(here, "abc")).ok());
    std::array<std::byte, 100> buffer;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(value_of(co_await there.peek(buffer)), 3u);
    }
    EXPECT_EQ(co_await read_text(there, 3), "abc");
  });
}

// Data behind an urgent mark: the kernel ends a read at the mark, though there
// is more.
TEST_P(TcpStreamTest, UrgentDataDoesNotHideWhatFollows) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_EQ(::send(here.fd(), "ab", 2, MSG_NOSIGNAL), 2);
    EXPECT_EQ(::send(here.fd(), "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
    EXPECT_EQ(::send(here.fd(), "cd", 2, MSG_NOSIGNAL), 2);
    EXPECT_EQ(co_await read_text(there, 4), "abcd");
  });
}

TEST_P(TcpStreamTest, ReadExactSaysWhereTheStreamEnded) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE((co_await write_all(here, "abc")).ok());
    EXPECT_TRUE((co_await here.shutdown()).ok());
    std::array<std::byte, 10> buffer;
    auto read = read_exact(there, buffer);
    const absl::Status status = co_await read;
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(read.transferred(), 3u);
  });
}

// A6: a reset while the other end reads.
TEST_P(TcpStreamTest, AResetEndsAPendingRead) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    auto reset = [](TcpStream stream) -> Task<> {
      co_await yield_now();  // the other end waits by now
      EXPECT_TRUE(stream.set_linger(0s).ok());
    };
    std::array<std::byte, 10> buffer;
    auto [read, nothing] =
        co_await join(here.read(buffer), reset(std::move(there)));
    EXPECT_EQ(errno_of(read.status()), ECONNRESET);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kUnavailable);
    // The kernel tells it once; what follows is the end.
    EXPECT_EQ(value_of(co_await here.read(buffer)), 0u);
  });
}

// A6: a reset while the other end writes; no SIGPIPE.
TEST_P(TcpStreamTest, AResetEndsAPendingWrite) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    auto reset = [](TcpStream stream) -> Task<> {
      co_await yield_now();
      EXPECT_TRUE(stream.set_linger(0s).ok());
    };
    const std::vector<std::byte> bytes = pattern(50'000'000);
    auto [written, nothing] =
        co_await join(write_all(here, bytes), reset(std::move(there)));
    EXPECT_TRUE(errno_of(written) == ECONNRESET || errno_of(written) == EPIPE);
    EXPECT_EQ(errno_of(co_await write_all(here, "x")), EPIPE);
  });
}

// A6: what the peer sent before it went can still be read, after our writes
// have failed.
TEST_P(TcpStreamTest, ThePeersLastWordsAreStillReadable) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE((co_await write_all(there, "bye")).ok());
    { TcpStream gone = std::move(there); }
    absl::Status status;
    while (status.ok()) status = co_await write_all(here, "are you there?");
    EXPECT_TRUE(errno_of(status) == ECONNRESET || errno_of(status) == EPIPE);
    EXPECT_EQ(co_await read_text(here, 3), "bye");
  });
}

// A6
TEST_P(TcpStreamTest, AResetBeforeAcceptIsTheStreamsError) {
  runtime().block_on([]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    {
      TcpStream gone =
          value_of(co_await TcpStream::connect(listener.local_addr()));
      EXPECT_TRUE(gone.set_linger(0s).ok());
    }
    Accepted accepted = value_of(co_await listener.accept());
    std::array<std::byte, 10> buffer;
    const auto read = co_await accepted.stream.read(buffer);
    EXPECT_EQ(errno_of(read.status()), ECONNRESET);
  });
}

TEST_P(TcpStreamTest, TakeErrorTakesIt) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    EXPECT_TRUE(here.take_error().ok());
    EXPECT_TRUE(there.set_linger(0s).ok());
    { TcpStream gone = std::move(there); }
    EXPECT_EQ(errno_of(here.take_error()), ECONNRESET);
    EXPECT_TRUE(here.take_error().ok());
  });
}

TEST_P(TcpStreamTest, ADroppedReadHasMovedNoBytes) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    const std::vector<std::byte> sent = pattern(20'000);
    auto read = [](TcpStream& stream) -> Task<std::vector<std::byte>> {
      std::vector<std::byte> all;
      std::array<std::byte, 100> buffer;
      for (;;) {
        auto first = co_await select(stream.read(buffer), yield_now());
        if (first.index() == 1) continue;
        const size_t count = value_of(std::get<0>(std::move(first)));
        if (count == 0) co_return all;
        all.insert(all.end(), buffer.begin(), buffer.begin() + count);
      }
    };
    auto [nothing, got] = co_await join(write_and_end(here, sent), read(there));
    EXPECT_TRUE(got == sent);
  });
}

TEST_P(TcpStreamTest, AReadExactThatLostASelectGoesOn) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    std::array<std::byte, 6> buffer;
    auto read = read_exact(there, buffer);
    for (const char* part : {"ab", "cd"}) {
      EXPECT_TRUE((co_await write_all(here, part)).ok());
      EXPECT_EQ((co_await select(read, yield_now())).index(), 1u);
    }
    EXPECT_TRUE((co_await write_all(here, "ef")).ok());
    EXPECT_TRUE((co_await read).ok());
    EXPECT_EQ(std::string(reinterpret_cast<char*>(buffer.data()), 6), "abcdef");
  });
}

TEST_P(TcpStreamTest, SplitHalvesReadAndWriteInOneTask) {
  runtime().block_on([]() -> Task<> {
    const std::vector<std::byte> sent = pattern(100'000);
    auto [here, there] = co_await connected();
    auto [here_in, here_out] = here.split();
    auto [there_in, there_out] = there.split();
    auto [n1, got_there, n2, got_here] = co_await join(
        write_and_end(here_out, sent), read_to_end(there_in, 1000),
        write_and_end(there_out, sent), read_to_end(here_in, 1000));
    EXPECT_TRUE(got_there == sent);
    EXPECT_TRUE(got_here == sent);
  });
}

TEST_P(TcpStreamTest, OwnedHalvesServeTwoTasks) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    auto [in, out] = std::move(there).into_split();
    auto writer = spawn([](OwnedWriteHalf out) -> Task<> {
      EXPECT_TRUE((co_await write_all(out, "from there")).ok());
      // The end of `out` is the end of the stream.
    }(std::move(out)));
    auto reader = spawn([](OwnedReadHalf in) -> Task<size_t> {
      co_return (co_await read_to_end(in, 10)).size();
    }(std::move(in)));
    EXPECT_EQ((co_await read_to_end(here, 100)).size(), 10u);
    co_await write_and_end(here, pattern(1000));
    EXPECT_EQ((co_await reader).value(), 1000u);
    (co_await writer).value();
  });
}

TEST_P(TcpStreamTest, ReunitedHalvesAreTheStream) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    const SocketAddr peer = here.peer_addr();
    auto [in, out] = std::move(here).into_split();
    TcpStream again = value_of(reunite(std::move(in), std::move(out)));
    EXPECT_EQ(again.peer_addr(), peer);
    EXPECT_TRUE((co_await write_all(again, "ping")).ok());
    EXPECT_EQ(co_await read_text(there, 4), "ping");
  });
}

TEST_P(TcpStreamTest, HalvesOfTwoStreamsAreNotReunited) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    auto [here_in, here_out] = std::move(here).into_split();
    auto [there_in, there_out] = std::move(there).into_split();
    EXPECT_EQ(reunite(std::move(here_in), std::move(there_out)).status().code(),
              absl::StatusCode::kInvalidArgument);
  });
}

TEST_P(TcpStreamTest, AForgottenWriteHalfSaysNothing) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    auto [in, out] = std::move(there).into_split();
    std::move(out).forget();
    std::array<std::byte, 10> buffer;
    EXPECT_EQ((co_await select(here.read(buffer), yield_now())).index(), 1u);
  });
}

TEST_P(TcpStreamTest, OptionsAreAsTheyWereSet) {
  runtime().block_on([]() -> Task<> {
    auto [here, there] = co_await connected();
    for (bool on : {true, false}) {
      EXPECT_TRUE(here.set_nodelay(on).ok());
      EXPECT_EQ(value_of(here.nodelay()), on);
    }
    for (std::optional<std::chrono::seconds> time :
         {std::optional(0s), std::optional(7s),
          std::optional<std::chrono::seconds>()}) {
      EXPECT_TRUE(here.set_linger(time).ok());
      EXPECT_EQ(value_of(here.linger()), time);
    }
    EXPECT_FALSE(value_of(here.keepalive()).has_value());
    EXPECT_TRUE(
        here.set_keepalive(Keepalive{.idle = 5s, .interval = 2s, .probes = 3})
            .ok());
    const std::optional<Keepalive> keepalive = value_of(here.keepalive());
    EXPECT_TRUE(keepalive.has_value());
    EXPECT_EQ(keepalive->idle, 5s);
    EXPECT_EQ(keepalive->interval, 2s);
    EXPECT_EQ(keepalive->probes, 3);
    EXPECT_TRUE(here.set_keepalive(std::nullopt).ok());
    EXPECT_FALSE(value_of(here.keepalive()).has_value());
    EXPECT_TRUE(here.set_ttl(33).ok());
    EXPECT_EQ(value_of(here.ttl()), 33);
    EXPECT_EQ(errno_of(here.set_ttl(-7)), EINVAL);
  });
}

// E1: the stream's reactor has shut down; no crash, and a clear answer.
TEST_P(TcpStreamTest, AStreamMayOutliveItsRuntime) {
  auto [here, there] = runtime().block_on(connected());
  Runtime& started = runtime();
  WakeCounter waker;
  std::array<std::byte, 10> buffer;
  TcpRead pending = here.read(buffer);
  EXPECT_TRUE(pending.poll(waker.context()).is_pending());
  started.shutdown_timeout(10s);
  EXPECT_EQ(waker.wakes(), 1);
  auto poll = pending.poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(poll->status().code(), absl::StatusCode::kCancelled);
  auto later = there.write(buffer).poll(waker.context());
  ASSERT_TRUE(later.is_ready());
  EXPECT_EQ(later->status().code(), absl::StatusCode::kCancelled);
}

TEST_P(TcpStreamTest, AStreamCanBeUsedByAnotherRuntime) {
  auto [here, there] = runtime().block_on(connected());
  Runtime& other = start(Builder::current_thread());
  auto echo = runtime().spawn([](TcpStream stream) -> Task<> {
    std::array<std::byte, 10> buffer;
    const size_t count = value_of(co_await stream.read(buffer));
    EXPECT_TRUE(
        (co_await write_all(stream, std::span(buffer).first(count))).ok());
  }(std::move(there)));
  other.block_on([&here = here]() -> Task<> {
    // A current-thread runtime runs only inside of block_on().
    EXPECT_TRUE((co_await write_all(here, "abc")).ok());
    if (!is_current_thread()) {
      EXPECT_EQ(co_await read_text(here, 3), "abc");
    }
  });
  runtime().block_on([&echo]() -> Task<> { (co_await echo).value(); });
}

// F1: with reads pending.
TEST_P(TcpStreamTest, TheEndOfARuntimeEndsPendingReads) {
  runtime().block_on([]() -> Task<> {
    for (int i = 0; i < 10; ++i) {
      auto [here, there] = co_await connected();
      spawn([](TcpStream here, TcpStream there) -> Task<> {
        std::array<std::byte, 10> buffer;
        (void)co_await here.read(buffer);
        (void)there;
      }(std::move(here), std::move(there)))
          .detach();
    }
    co_await yield_now();
  });
}

}  // namespace
}  // namespace eddy::io
