// No operation is forgotten ([combine] in reactor/uring/uring.h): not what
// comes while another thread hands others to the kernel, nor what waits for a
// slot, nor what a poller kept for its next poll before it lost the role.
//
// Planted faults (tests/faults.txt): nobody tells the poller; it is told while
// the thread is still busy; nobody looks again; the end of an operation leaves
// its slot empty; a poller leaves its core and hands nothing over.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reactor/operation.h"
#include "reactor/submission.h"
#include "runtime/builder.h"
#include "runtime/scheduler/block_in_place.h"
#include "runtime/task/task.h"
#include "runtime/time/sleep.h"
#include "tests/reactor/operations.h"
#include "tests/support/eventually.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {
namespace {

using testing::Call;
using testing::eventually;
using testing::FaultInjector;
using testing::real_sys;
using testing::WakeCounter;

constexpr std::size_t kMost = 100;

// Operations that this thread begins, one each time that it has handed the one
// before to the kernel, and before it is done with that: as if another thread
// did.
class Chain {
 public:
  explicit Chain(Ledger& ledger) : ledger_(ledger) {}

  void add() {
    operations_.push_back(std::make_unique<Submission<Nop>>(
        std::make_unique<Nop>(ledger_), Prefer::kRing));
    poll(operations_.size() - 1);
  }
  std::size_t size() const { return operations_.size(); }
  bool have_all_ended() {
    for (std::size_t i = 0; i < size(); ++i) poll(i);
    return ended_.size() == size();
  }

 private:
  void poll(std::size_t i) {
    if (ended_.contains(i)) return;
    if (operations_[i]->poll(waker_.context()).is_ready()) ended_.insert(i);
  }

  Ledger& ledger_;
  WakeCounter waker_;
  std::vector<std::unique_ptr<Submission<Nop>>> operations_;
  std::set<std::size_t> ended_;
};

class UringCombine : public testing::RuntimeTest {
 protected:
  void count_sleepers() {
    faults_.hook<Call::kEpollWait>(
        [&](int epoll, epoll_event* events, int capacity, int timeout_ms) {
          if (timeout_ms == 0) {
            return real_sys().epoll_wait(epoll, events, capacity, timeout_ms);
          }
          const Asleep asleep(asleep_);
          return real_sys().epoll_wait(epoll, events, capacity, timeout_ms);
        });
    // With a time-out, while the only worker is at a task.
    faults_.hook<Call::kEpollPwait2>([&](int epoll, epoll_event* events,
                                         int capacity, const timespec* timeout,
                                         const sigset_t* signals) {
      const Asleep asleep(asleep_);
      return real_sys().epoll_pwait2(epoll, events, capacity, timeout, signals);
    });
  }
  // The poller waits for events.
  bool is_poller_asleep() const { return asleep_.load() == 1; }

  static Builder two_threads() {
    return Builder::multi_thread().worker_threads(1);
  }
  static uint64_t completed(const Runtime& runtime) {
    return runtime.metrics().reactor.io_uring.completed;
  }

  FaultInjector faults_;

 private:
  struct Asleep {
    explicit Asleep(std::atomic<int>& count) : count(count) {
      count.fetch_add(1);
    }
    ~Asleep() { count.fetch_sub(1); }
    std::atomic<int>& count;
  };

  std::atomic<int> asleep_{0};
};

// A thread hands over what others bring, too, but not for ever: the rest it
// leaves to the poller, which may be asleep.
TEST_F(UringCombine, WhatComesInTheLastRoundIsThePollers) {
  Ledger ledger;
  count_sleepers();
  Runtime& runtime = start(two_threads());
  if (!runtime.io_uring_status().is_ok()) GTEST_SKIP() << "no io_uring";
  // In the future of block_on(), which no poller runs.
  runtime.block_on([&]() -> Task<> {
    Chain chain(ledger);
    const auto me = std::this_thread::get_id();
    faults_.hook<Call::kIoUringEnter>([&](int ring, unsigned submit,
                                          unsigned complete, unsigned flags,
                                          const void* argument, size_t size) {
      const int result = real_sys().io_uring_enter(ring, submit, complete,
                                                   flags, argument, size);
      if (std::this_thread::get_id() != me || chain.size() == kMost) {
        return result;
      }
      // Until the poller has seen all, and waits again.
      EXPECT_TRUE(eventually([&] {
        return is_poller_asleep() && completed(runtime) == chain.size();
      }));
      chain.add();
      return result;
    });
    chain.add();
    faults_.clear(Call::kIoUringEnter);
    EXPECT_GT(chain.size(), 2u);
    EXPECT_LT(chain.size(), kMost) << "it serves others for ever";
    EXPECT_TRUE(eventually([&] { return completed(runtime) == chain.size(); }))
        << "an operation is forgotten";
    EXPECT_TRUE(chain.have_all_ended());
    co_return;
  });
  EXPECT_EQ(ledger.alive(), 0);
  stop(runtime);
}

// There are more reads than the ring takes. Nothing is handed over after them,
// so that who waits for a slot gets it by the end of another, or never.
TEST_F(UringCombine, TheEndOfOneIsTheTurnOfTheNext) {
  constexpr std::size_t kReads = 40;
  Ledger ledger;
  Pipe pipe;
  Runtime& runtime = start(two_threads().io_uring_sizes(8, 8));
  if (!runtime.io_uring_status().is_ok()) GTEST_SKIP() << "no io_uring";
  runtime.block_on([&]() -> Task<> {
    WakeCounter waker;
    std::vector<std::unique_ptr<Submission<Read>>> reads;
    for (std::size_t i = 0; i < kReads; ++i) {
      reads.push_back(std::make_unique<Submission<Read>>(
          std::make_unique<Read>(pipe.reader(), 1, ledger), Prefer::kRing));
      EXPECT_TRUE(reads.back()->poll(waker.context()).is_pending());
    }
    EXPECT_LT(runtime.metrics().reactor.io_uring.in_flight, kReads);
    pipe.write(std::string(kReads, 'x'));
    EXPECT_TRUE(eventually([&] { return completed(runtime) == kReads; }))
        << "completed: " << completed(runtime);
    for (auto& read : reads) {
      EXPECT_TRUE(read->poll(waker.context()).is_ready());
    }
    co_return;
  });
  EXPECT_EQ(ledger.alive(), 0);
  stop(runtime);
}

// Who polls makes a batch of what its tasks begin, and hands that over with the
// next poll. This one has lost the role meanwhile, and leaves its core as well.
TEST_F(UringCombine, WhatAHolderBeganThatLostTheRoleIsHandedOver) {
  Ledger ledger;
  count_sleepers();
  Runtime& runtime = start(two_threads());
  if (!runtime.io_uring_status().is_ok()) GTEST_SKIP() << "no io_uring";
  const auto take_overs = [&] {
    return runtime.metrics().scheduler.take_overs;
  };
  auto task = runtime.spawn([&]() -> Task<> {
    WakeCounter waker;
    // Woken by a timer, it is run by the poller: until another is.
    const uint64_t before = take_overs();
    co_await time::sleep(std::chrono::milliseconds(1));
    EXPECT_TRUE(eventually(
        [&] { return take_overs() > before && is_poller_asleep(); }));
    Submission<Nop> nop(std::make_unique<Nop>(ledger), Prefer::kRing);
    EXPECT_TRUE(nop.poll(waker.context()).is_pending());
    block_in_place([&] {
      EXPECT_TRUE(eventually([&] { return completed(runtime) == 1; }))
          << "an operation is forgotten";
    });
    EXPECT_TRUE(nop.poll(waker.context()).is_ready());
  });
  runtime.block_on(std::move(task)).value();
  EXPECT_EQ(ledger.alive(), 0);
  stop(runtime);
}

// The kernel has no memory for an operation whose future is dropped meanwhile,
// and whose cancellation is on its way: both end, and so does what came between.
TEST_F(UringCombine, ADroppedOneThatTheKernelRefuses) {
  Ledger ledger;
  Runtime& runtime = start(two_threads());
  if (!runtime.io_uring_status().is_ok()) GTEST_SKIP() << "no io_uring";
  runtime.block_on([&]() -> Task<> {
    WakeCounter waker;
    const auto me = std::this_thread::get_id();
    // Gone once it is ready.
    const auto has_ended = [&](std::optional<Submission<Nop>>& nop) {
      if (nop && nop->poll(waker.context()).is_ready()) nop.reset();
      return !nop;
    };
    const auto begin = [&](std::optional<Submission<Nop>>& nop) {
      nop.emplace(std::make_unique<Nop>(ledger), Prefer::kRing);
      (void)has_ended(nop);
    };
    std::optional<Submission<Nop>> first, dropped, third;
    int enters = 0;
    faults_.hook<Call::kIoUringEnter>([&](int ring, unsigned submit,
                                          unsigned complete, unsigned flags,
                                          const void* argument, size_t size) {
      if (std::this_thread::get_id() == me) {
        ++enters;
        if (enters == 1) begin(dropped);
        if (enters == 2) {
          begin(third);
          dropped.reset();
          errno = EAGAIN;
          return -1;
        }
      }
      return real_sys().io_uring_enter(ring, submit, complete, flags, argument,
                                       size);
    });
    begin(first);
    EXPECT_TRUE(eventually([&] { return has_ended(first); }));
    EXPECT_TRUE(eventually([&] { return has_ended(third); }))
        << "an operation is forgotten";
    faults_.clear(Call::kIoUringEnter);
    co_return;
  });
  EXPECT_TRUE(eventually([&] { return ledger.alive() == 0; }));
  EXPECT_EQ(ledger.discarded.load(), 1);
  stop(runtime);
}

}  // namespace
}  // namespace eddy::reactor
