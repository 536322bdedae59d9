// Builder::reactor_threads(): every socket is served by one of the reactors,
// each of which somebody polls, also while tasks block threads.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/fs/file.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/handle.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/time/clock.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::FaultInjector;

constexpr std::size_t kReactors = 3;
constexpr int kConnections = 40;

// The parameter: whether the pollers run tasks.
class Reactors : public testing::RuntimeTest,
                 public ::testing::WithParamInterface<bool> {
 protected:
  static Builder builder() {
    return Builder::multi_thread()
        .worker_threads(2)
        .reactor_threads(kReactors)
        .reactor_assist(GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Assist, Reactors, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Assisting" : "Dedicated";
                         });

struct Pair {
  io::TcpStream here, there;
  std::size_t reactor;  // of `there`
};

std::vector<uint64_t> registrations() {
  std::vector<uint64_t> all;
  for (const reactor::Metrics& metrics : Handle::current().metrics().reactors) {
    all.push_back(metrics.registrations);
  }
  return all;
}

Task<std::vector<Pair>> connect_pairs() {
  auto listener = io::TcpListener::bind("127.0.0.1:0").value();
  std::vector<Pair> pairs;
  for (int i = 0; i < kConnections; ++i) {
    auto here = co_await io::TcpStream::connect(listener.local_addr());
    const std::vector<uint64_t> before = registrations();
    auto there = co_await listener.accept();
    const std::vector<uint64_t> after = registrations();
    const auto grown =
        std::mismatch(before.begin(), before.end(), after.begin());
    pairs.push_back({*std::move(here), std::move(there->stream),
                     static_cast<std::size_t>(grown.first - before.begin())});
  }
  co_return pairs;
}

Task<> echo(io::TcpStream peer) {
  std::array<std::byte, 16> buffer;
  while (std::size_t size = (co_await peer.read(buffer)).value_or(0)) {
    (void)co_await io::write_all(peer, std::span(buffer).first(size));
  }
}

Task<int> ask(io::TcpStream peer, int questions) {
  int answers = 0;
  for (int i = 0; i < questions; ++i) {
    const auto question = static_cast<std::byte>(i);
    std::byte answer{};
    (void)co_await io::write_all(peer, std::span(&question, 1));
    (void)co_await peer.read(std::span(&answer, 1));
    answers += answer == question;
  }
  co_return answers;
}

TEST_P(Reactors, EachServesItsShareOfTheSockets) {
  Runtime& runtime = start(builder());
  RuntimeMetrics connected;
  const int answers = runtime.block_on([&]() -> Task<int> {
    std::vector<Pair> pairs = co_await connect_pairs();
    connected = runtime.metrics();
    std::vector<JoinHandle<int>> tasks;
    for (Pair& pair : pairs) {
      spawn(echo(std::move(pair.there))).detach();
      tasks.push_back(spawn(ask(std::move(pair.here), 20)));
    }
    int answers = 0;
    for (auto& task : tasks) answers += (co_await task).value();
    co_return answers;
  });
  EXPECT_EQ(answers, 20 * kConnections);

  const RuntimeMetrics end = runtime.metrics();
  ASSERT_EQ(connected.reactors.size(), kReactors);
  uint64_t events = 0;
  for (std::size_t i = 0; i < kReactors; ++i) {
    // A third of the sockets each, more or less.
    EXPECT_GT(connected.reactors[i].registrations, kConnections / 3u);
    EXPECT_GT(end.reactors[i].events, connected.reactors[i].events);
    events += end.reactors[i].events;
  }
  EXPECT_EQ(connected.reactor.registrations, 2u * kConnections);
  EXPECT_EQ(end.reactor.events, events);
  stop(runtime);
}

constexpr int kReaders = 8, kReads = 200;

Task<> read_by_ring() {
  const auto options = io::OpenOptions().read().backend(io::Backend::kRing);
  const io::File file =
      (co_await io::File::open("/proc/self/exe", options)).value();
  std::vector<JoinHandle<void>> tasks;
  for (int i = 0; i < kReaders; ++i) {
    tasks.push_back(spawn([&file]() -> Task<> {
      io::Buffer page(64);
      for (int read = 0; read < kReads; ++read) {
        auto [count, back] = co_await file.read_at(std::move(page), 0);
        EXPECT_EQ(count.value(), 64u);
        page = std::move(back);
      }
    }));
  }
  for (auto& task : tasks) (co_await task).value();
}

// By the threads that submit them: which those are is the scheduler's affair,
// but they are not always of one reactor.
TEST_P(Reactors, OperationsOfRingsAreSpreadOverThem) {
  Runtime& runtime = start(builder());
  if (!runtime.io_uring_status().is_ok()) GTEST_SKIP() << "no io_uring";
  std::size_t used = 0;
  for (int round = 1; round <= 100 && used < 2; ++round) {
    runtime.block_on(read_by_ring());
    const RuntimeMetrics metrics = runtime.metrics();
    uint64_t completed = 0;
    used = 0;
    for (const reactor::Metrics& reactor : metrics.reactors) {
      completed += reactor.io_uring.completed;
      used += reactor.io_uring.completed > 0;
    }
    EXPECT_GE(completed, uint64_t{kReaders} * kReads * round);
    EXPECT_EQ(metrics.reactor.io_uring.completed, completed);
    EXPECT_EQ(metrics.reactor.io_uring.fallbacks, 0u);
  }
  EXPECT_GE(used, 2u);
  stop(runtime);
}

// F1
TEST_P(Reactors, ShutdownEndsTheReadsThatWait) {
  Runtime& runtime = start(builder());
  std::atomic<int> waiting{0};
  std::vector<JoinHandle<void>> tasks;
  runtime.block_on([&]() -> Task<> {
    std::vector<Pair> pairs = co_await connect_pairs();
    for (Pair& pair : pairs) {
      tasks.push_back(
          spawn([&waiting, pair = std::move(pair)]() mutable -> Task<> {
            std::byte byte{};
            waiting.fetch_add(1);
            (void)co_await pair.here.read(std::span(&byte, 1));
          }));
    }
  });
  EXPECT_TRUE(
      testing::eventually([&] { return waiting.load() == kConnections; }));
  stop(runtime);
}

// Echoes one byte, and first blocks its thread until `released`.
Task<> block_once(io::TcpStream peer, std::atomic<bool>& released) {
  std::byte byte{};
  (void)co_await peer.read(std::span(&byte, 1));
  released.wait(false);
  (void)co_await io::write_all(peer, std::span(&byte, 1));
}

// H2: what an event of any reactor wakes may block the thread that polls it.
TEST_P(Reactors, ABlockedThreadStopsNoneOfThem) {
  Runtime& runtime = start(builder());
  runtime.block_on([]() -> Task<> {
    std::vector<Pair> pairs = co_await connect_pairs();
    std::vector<Pair> asked;
    for (std::size_t reactor = 0; reactor < kReactors; ++reactor) {
      const auto blocker = std::find_if(
          pairs.begin(), pairs.end(),
          [&](const Pair& pair) { return pair.reactor == reactor; });
      EXPECT_NE(blocker, pairs.end());
      if (blocker == pairs.end()) co_return;
      asked.push_back(std::move(*blocker));
      pairs.erase(blocker);
    }
    for (Pair& pair : pairs) spawn(echo(std::move(pair.there))).detach();
    for (Pair& blocker : asked) {
      std::atomic<bool> released{false};
      std::byte byte{};
      auto blocked = spawn(block_once(std::move(blocker.there), released));
      (void)co_await io::write_all(blocker.here, std::span(&byte, 1));
      for (Pair& pair : pairs) {
        (void)co_await io::write_all(pair.here, std::span(&byte, 1));
        const auto answer =
            co_await time::timeout(20s, pair.here.read(std::span(&byte, 1)));
        EXPECT_TRUE(answer.ok()) << "reactor " << blocker.reactor;
        if (!answer.ok()) break;
      }
      released.store(true);
      released.notify_all();
      (void)co_await std::move(blocked);
    }
  });
}

TEST_P(Reactors, TimersFireWhileNoSocketIsThere) {
  Runtime& runtime = start(builder());
  runtime.block_on([]() -> Task<> {
    std::vector<JoinHandle<void>> tasks;
    for (int i = 0; i < 20; ++i) {
      tasks.push_back(spawn([]() -> Task<> { co_await time::sleep(1ms); }));
    }
    for (auto& task : tasks) (co_await task).value();
  });
}

// D2
TEST_P(Reactors, EveryThreadAndFdMayFail) {
  const testing::ProcessState before = testing::ProcessState::now();
  for (Call call : {Call::kPthreadCreate, Call::kEpollCreate1, Call::kEventfd,
                    Call::kEpollCtl}) {
    const uint64_t failures = testing::fail_each(call, EAGAIN, [&] {
      const absl::Status status = builder().build().status();
      if (!status.ok()) {
        EXPECT_EQ(base::errno_of(status), EAGAIN);
      }
      testing::expect_back_to(before);
    });
    EXPECT_GE(failures, kReactors);
  }
}

TEST(ReactorsDeathTest, APausedClockIsRefused) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        auto runtime = *Builder::multi_thread()
                            .worker_threads(1)
                            .reactor_threads(2)
                            .build();
        runtime.block_on([]() -> Task<> {
          time::pause();
          co_await time::sleep(1h);
        });
      },
      "reactor_threads\\(1\\)");
}

}  // namespace
}  // namespace eddy
