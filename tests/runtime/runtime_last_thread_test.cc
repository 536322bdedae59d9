// All threads but one are blocked, for ever as far as eddy can know. What was
// spawned before, and waits behind the tasks that block, and what is spawned
// from then on, is the work of the one that is left: it polls for events, and
// has nothing else to do, or has tasks without end (H1, H2).
//
// Planted faults (tests/faults.txt): whoever wakes up as the last does not tell
// the holder, which sleeps; the holder waits for an event, whoever is blocked;
// with tasks of its own it looks at nobody, or takes nothing that waits behind
// another; what its full queue has no room for waits for somebody to come by.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/net/udp_socket.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/eventually.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

struct Shape {
  uint32_t workers;
  uint32_t reactors = 1;
  bool assists = true;
};

std::string shape_name(const ::testing::TestParamInfo<Shape>& info) {
  const Shape& shape = info.param;
  std::string name = "Workers" + std::to_string(shape.workers);
  if (shape.reactors > 1) name += "Reactors" + std::to_string(shape.reactors);
  return name + (shape.assists ? "" : "Dedicated");
}

class LastThread : public testing::RuntimeTest,
                   public ::testing::WithParamInterface<Shape> {
 protected:
  Runtime& start_runtime() {
    const Shape& shape = GetParam();
    return start(Builder::multi_thread()
                     .worker_threads(shape.workers)
                     .reactor_threads(shape.reactors)
                     .reactor_assist(shape.assists));
  }

  // Waits until its threads sleep, and none with a time-out.
  static void let_it_rest(const Runtime& runtime) {
    EXPECT_TRUE(eventually([&] {
      const uint64_t parks = runtime.metrics().scheduler.parks;
      std::this_thread::sleep_for(150ms);
      return runtime.metrics().scheduler.parks == parks;
    }));
  }

  // Each blocks a thread until unblock(), so that the last is left; or one for
  // each reactor, of those that poll. The one that is blocked last leaves tasks
  // behind.
  void block_all_but_one(Runtime& runtime) {
    const Shape& shape = GetParam();
    const uint32_t count = shape.assists ? shape.workers : shape.workers - 1;
    for (uint32_t i = 1; i <= count; ++i) {
      blocked_.push_back(runtime.spawn(block(i == count ? kBehind : 0)));
      is_blocked_.acquire();
    }
  }

  void expect_the_rest_is_served(Runtime& runtime) {
    // But for the one in the next-task slot of the thread that is blocked.
    EXPECT_TRUE(eventually([&] { return ran_.load() >= kBehind - 1; }))
        << ran_.load();
    for (int i = 0; i < 3; ++i) {
      std::atomic<bool> ran{false};
      JoinHandle<void> late = runtime.spawn([&]() -> Task<> {
        ran = true;
        co_return;
      });
      EXPECT_TRUE(eventually([&] { return ran.load(); }));
      if (!ran) unblock(runtime);
      runtime.block_on(std::move(late)).value();
    }
  }

  void unblock(Runtime& runtime) {
    if (blocked_.empty()) return;
    go_on_.release(static_cast<std::ptrdiff_t>(blocked_.size()));
    for (auto& task : std::exchange(blocked_, {})) {
      runtime.block_on(std::move(task)).value();
    }
    EXPECT_TRUE(eventually([&] { return ran_.load() == kBehind; }));
    ran_ = 0;
  }

  // With `busy` on the thread that is left.
  void expect_others_are_served(Runtime& runtime,
                                std::vector<JoinHandle<void>> busy) {
    block_all_but_one(runtime);
    expect_the_rest_is_served(runtime);
    over_ = true;
    unblock(runtime);
    for (auto& task : busy) runtime.block_on(std::move(task)).value();
  }

  std::atomic<bool> over_{false};

 private:
  static constexpr int kBehind = 8;

  Task<> block(int tasks) {
    for (int i = 0; i < tasks; ++i) {
      spawn([this]() -> Task<> {
        ran_.fetch_add(1);
        co_return;
      }).detach();
    }
    is_blocked_.release();
    go_on_.acquire();
    co_return;
  }

  std::atomic<int> ran_{0};
  std::counting_semaphore<> is_blocked_{0}, go_on_{0};
  std::vector<JoinHandle<void>> blocked_;
};

class IdleLastThread : public LastThread {};
INSTANTIATE_TEST_SUITE_P(Shapes, IdleLastThread,
                         ::testing::Values(Shape{1}, Shape{2}, Shape{4},
                                           Shape{2, 2}, Shape{2, 1, false},
                                           Shape{4, 1, false}),
                         shape_name);
// A worker with tasks of its own without end does not steal, so there is none
// where the polling threads run no tasks.
class BusyLastThread : public LastThread {};
INSTANTIATE_TEST_SUITE_P(Shapes, BusyLastThread,
                         ::testing::Values(Shape{1}, Shape{2}, Shape{4},
                                           Shape{2, 2}),
                         shape_name);

// First while it sleeps until an event comes, and then when it has just run
// something.
TEST_P(IdleLastThread, ServesTheRest) {
  Runtime& runtime = start_runtime();
  let_it_rest(runtime);
  for (int round = 0; round < 3; ++round) {
    block_all_but_one(runtime);
    expect_the_rest_is_served(runtime);
    unblock(runtime);
  }
  stop(runtime);
}

TEST_P(BusyLastThread, ThatYields) {
  Runtime& runtime = start_runtime();
  std::vector<JoinHandle<void>> busy;
  for (int i = 0; i < 2; ++i) {
    busy.push_back(runtime.spawn([this]() -> Task<> {
      while (!over_) co_await yield_now();
    }));
  }
  expect_others_are_served(runtime, std::move(busy));
}

// Two of them send one datagram to and fro, so that each waits for an event. The
// one that begins ends both, with a datagram of another size.
Task<> return_datagrams(io::UdpSocket& socket, const io::UdpSocket& peer,
                        bool begins, const std::atomic<bool>& over) {
  std::array<std::byte, 8> buffer = {};
  const auto one = std::span(buffer).first(1), last = std::span(buffer).first(2);
  if (begins) (void)co_await socket.send_to(one, peer.local_addr());
  for (;;) {
    const absl::StatusOr<io::Datagram> got = co_await socket.recv(buffer);
    const bool ends = begins ? over.load() : got->size == last.size();
    if (begins && ends) (void)co_await socket.send_to(last, peer.local_addr());
    if (ends) co_return;
    (void)co_await socket.send_to(one, peer.local_addr());
  }
}

TEST_P(BusyLastThread, ThatGetsEvents) {
  Runtime& runtime = start_runtime();
  std::vector<io::UdpSocket> sockets;
  {
    auto inside = runtime.enter();
    for (int i = 0; i < 8; ++i) {
      sockets.push_back(
          io::UdpSocket::bind(io::SocketAddr::loopback_v4(0)).value());
    }
  }
  std::vector<JoinHandle<void>> busy;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    busy.push_back(runtime.spawn(
        return_datagrams(sockets[i], sockets[i ^ 1], i % 2 == 0, over_)));
  }
  expect_others_are_served(runtime, std::move(busy));
}

class PollingThread : public testing::RuntimeTest {};

// What overflows the queue of the thread that polls is told to the others, and
// does not wait until somebody polls in its place, which takes seconds here.
TEST_F(PollingThread, TellsTheOthersWhenItsQueueOverflows) {
  Runtime& runtime = start(
      Builder::multi_thread().worker_threads(1).reactor_take_over_after(1s));
  std::atomic<int> ran{0};
  auto overflow = [&]() -> Task<> {
    co_await time::sleep(1ms);  // the thread that polls goes on from here
    for (int i = 0; i < 600; ++i) {
      spawn([&]() -> Task<> {
        ran.fetch_add(1);
        co_return;
      }).detach();
    }
    EXPECT_TRUE(eventually([&] { return ran.load() > 0; }));
    EXPECT_EQ(runtime.metrics().scheduler.take_overs, 0u);
  };
  runtime.block_on(runtime.spawn(overflow())).value();
  EXPECT_TRUE(eventually([&] { return ran.load() == 600; }));
  stop(runtime);
}

}  // namespace
}  // namespace eddy
