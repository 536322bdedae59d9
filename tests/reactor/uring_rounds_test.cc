// A thread that hands operations to the kernel does so for others, too, but not
// for ever: what comes while it is at its last round is left to the poller, which
// may be asleep by then.
//
// Planted faults (tests/faults.txt): nobody tells the poller; it is told while
// the thread is still busy; the end of an operation leaves its slot empty.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "reactor/operation.h"
#include "reactor/submission.h"
#include "runtime/builder.h"
#include "runtime/task/task.h"
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

class UringRounds : public testing::RuntimeTest {};

TEST_F(UringRounds, WhatComesInTheLastOneIsThePollers) {
  Ledger ledger;
  FaultInjector faults;
  std::atomic<int> asleep{0};
  faults.hook<Call::kEpollWait>(
      [&](int epoll, epoll_event* events, int capacity, int timeout_ms) {
        if (timeout_ms < 0) asleep.fetch_add(1);
        const int count =
            real_sys().epoll_wait(epoll, events, capacity, timeout_ms);
        if (timeout_ms < 0) asleep.fetch_sub(1);
        return count;
      });
  Runtime& runtime = start(Builder::multi_thread().worker_threads(1));
  if (!runtime.io_uring_status().is_ok()) GTEST_SKIP() << "no io_uring";
  // In the future of block_on(), which no poller runs.
  runtime.block_on([&]() -> Task<> {
    Chain chain(ledger);
    const auto me = std::this_thread::get_id();
    faults.hook<Call::kIoUringEnter>([&](int ring, unsigned submit,
                                         unsigned complete, unsigned flags,
                                         const void* argument, size_t size) {
      const int result = real_sys().io_uring_enter(ring, submit, complete,
                                                   flags, argument, size);
      if (std::this_thread::get_id() != me || chain.size() == kMost) {
        return result;
      }
      // Until the poller has seen all, and waits again.
      EXPECT_TRUE(eventually([&] {
        return asleep.load() == 1 &&
               runtime.metrics().reactor.io_uring.completed == chain.size();
      }));
      chain.add();
      return result;
    });
    chain.add();
    faults.clear(Call::kIoUringEnter);
    EXPECT_GT(chain.size(), 2u);
    EXPECT_LT(chain.size(), kMost) << "it serves others for ever";
    EXPECT_TRUE(eventually([&] {
      return runtime.metrics().reactor.io_uring.completed == chain.size();
    })) << "an operation is forgotten";
    EXPECT_TRUE(chain.have_all_ended());
    co_return;
  });
  EXPECT_EQ(ledger.alive(), 0);
  stop(runtime);
}

// There are more reads than the ring takes. Nothing is handed over after them, so
// that who waits for a slot gets it by the end of another, or never.
TEST_F(UringRounds, TheEndOfOneIsTheTurnOfTheNext) {
  constexpr std::size_t kReads = 40;
  Ledger ledger;
  Pipe pipe;
  Runtime& runtime =
      start(Builder::multi_thread().worker_threads(1).io_uring_sizes(8, 8));
  if (!runtime.io_uring_status().is_ok()) GTEST_SKIP() << "no io_uring";
  runtime.block_on([&]() -> Task<> {
    WakeCounter waker;
    std::vector<std::unique_ptr<Submission<Read>>> reads;
    for (std::size_t i = 0; i < kReads; ++i) {
      reads.push_back(std::make_unique<Submission<Read>>(
          std::make_unique<Read>(pipe.reader(), 1, ledger), Prefer::kRing));
      EXPECT_TRUE(reads.back()->poll(waker.context()).is_pending());
    }
    const auto completed = [&] {
      return runtime.metrics().reactor.io_uring.completed;
    };
    EXPECT_LT(runtime.metrics().reactor.io_uring.in_flight, kReads);
    pipe.write(std::string(kReads, 'x'));
    EXPECT_TRUE(eventually([&] { return completed() == kReads; }))
        << "completed: " << completed();
    for (auto& read : reads) {
      EXPECT_TRUE(read->poll(waker.context()).is_ready());
    }
    co_return;
  });
  EXPECT_EQ(ledger.alive(), 0);
  stop(runtime);
}

}  // namespace
}  // namespace eddy::reactor
