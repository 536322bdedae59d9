// A ring that is not to be had, or not good enough (B1, B2), and one that is
// always full (B3).
#include <gtest/gtest.h>
#include <linux/io_uring.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reactor/operation.h"
#include "reactor/submission.h"
#include "runtime/base/status.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/reactor/operations.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::reactor {
namespace {

using testing::always;
using testing::Call;
using testing::every;
using testing::FaultInjector;
using testing::first;
using testing::FlavorTest;
using testing::real_sys;
using State = IoUringStatus::State;

class UringFaults : public FlavorTest {
 protected:
  void TearDown() override {
    pipe_.reset();
    FlavorTest::TearDown();
    EXPECT_EQ(ledger_.alive(), 0);
  }

  // The same whoever does it.
  void expect_hello(Runtime& runtime) {
    pipe_->write("hello");
    auto take = [this]() -> Task<std::string> {
      Submission<Read> read = read_from(pipe_->reader(), 100, ledger_);
      EXPECT_EQ(co_await read, 5);
      co_return read.take()->text().substr(0, 5);
    };
    EXPECT_EQ(runtime.block_on(take), "hello");
  }
  // Starts a runtime without a ring, and looks what it says about that.
  void expect_without_ring(State why, int error) {
    Runtime& without = start(builder());
    expect_hello(without);
    EXPECT_EQ(ledger_.performed, 1);
    const IoUringStatus status = without.io_uring_status();
    EXPECT_EQ(status.state, why) << status.message();
    EXPECT_EQ(status.error, error);
    EXPECT_EQ(without.metrics().reactor.io_uring.fallbacks, 1u);
    absl::StatusOr<Runtime> required =
        builder().io_uring(IoUring::kRequired).build();
    EXPECT_FALSE(required.ok());
    EXPECT_EQ(errno_of(required.status()), error) << required.status();
    stop(without);
    ledger_.performed = 0;
  }

  Ledger ledger_;
  std::optional<Pipe> pipe_{std::in_place};
};
INSTANTIATE_TEST_SUITE_P(Flavors, UringFaults, ::testing::Values(0u, 2u),
                         testing::flavor_name);

// B1.
TEST_P(UringFaults, WithoutARingThePoolDoesIt) {
  struct Case {
    Call call;
    int error;
    State state;
  };
  for (const Case& c : {Case{Call::kIoUringSetup, ENOSYS, State::kUnsupported},
                        Case{Call::kIoUringSetup, EPERM, State::kForbidden},
                        Case{Call::kIoUringSetup, ENOMEM, State::kFailed},
                        Case{Call::kIoUringSetup, EMFILE, State::kFailed},
                        Case{Call::kIoUringSetup, EINVAL, State::kTooOld},
                        Case{Call::kMmap, ENOMEM, State::kFailed},
                        Case{Call::kEpollCtl, ENOSPC, State::kFailed}}) {
    SCOPED_TRACE(testing::name_of(c.call) + std::string(" ") +
                 std::to_string(c.error));
    FaultInjector faults;
    if (c.call == Call::kEpollCtl) {
      // Of a runtime, only the second one is the ring's.
      faults.fail(c.call, every(2), c.error);
    } else {
      faults.fail(c.call, always(), c.error);
    }
    expect_without_ring(c.state, c.error);
  }
}

TEST_P(UringFaults, ARingDisabledByTheAdministratorIsToldFromAForbiddenOne) {
  FaultInjector faults;
  faults.fail(Call::kIoUringSetup, always(), EPERM);
  faults.hook<Call::kRead>([](int fd, void* into, size_t size) -> ssize_t {
    const ssize_t result = real_sys().read(fd, into, size);
    if (size == 1) *static_cast<char*>(into) = '2';  // the sysctl
    return result;
  });
  expect_without_ring(State::kDisabled, EPERM);
}

TEST_P(UringFaults, ARingOfAnOldKernelIsNotUsed) {
  FaultInjector faults;
  faults.fail(Call::kIoUringRegister, always(), EINVAL);
  expect_without_ring(State::kTooOld, 0);
  faults.clear(Call::kIoUringRegister);
  faults.hook<Call::kIoUringSetup>([](unsigned entries, io_uring_params* p) {
    const int ring = real_sys().io_uring_setup(entries, p);
    p->features &= ~IORING_FEAT_NODROP;
    return ring;
  });
  expect_without_ring(State::kTooOld, 0);
}

TEST_P(UringFaults, ARingThatIsTurnedOffIsNotMade) {
  FaultInjector faults;
  Runtime& without = start(builder().io_uring(IoUring::kOff));
  expect_hello(without);
  EXPECT_EQ(ledger_.performed, 1);
  EXPECT_EQ(without.io_uring_status().state, State::kOff);
  EXPECT_EQ(faults.calls(Call::kIoUringSetup), 0u);
}

TEST_P(UringFaults, ARuntimeThatNeedsNoRingMakesNone) {
  FaultInjector faults;
  auto nothing = []() -> Task<void> { co_return; };
  start(builder()).block_on(nothing);
  EXPECT_EQ(faults.calls(Call::kIoUringSetup), 0u);
}

TEST_P(UringFaults, ARingThatIsRequiredIsThere) {
  Runtime& with = start(builder().io_uring(IoUring::kRequired));
  expect_hello(with);
  EXPECT_EQ(ledger_.performed, 0);
}

TEST_P(UringFaults, SizesThatMakeNoSenseAreRefused) {
  EXPECT_FALSE(builder().io_uring_sizes(0, 4).build().ok());
  EXPECT_FALSE(builder().io_uring_sizes(8, 4).build().ok());
  EXPECT_FALSE(builder().io_uring_sizes(4, 65537).build().ok());
}

// B2.
TEST_P(UringFaults, OnlyWhatTheKernelDoesNotKnowGoesToThePool) {
  FaultInjector faults;
  faults.hook<Call::kIoUringRegister>(
      [](int ring, unsigned operation, void* argument, unsigned count) {
        const int result =
            real_sys().io_uring_register(ring, operation, argument, count);
        auto* probe = static_cast<io_uring_probe*>(argument);
        probe->ops[IORING_OP_READ].flags &= ~IO_URING_OP_SUPPORTED;
        return result;
      });
  Runtime& partly = start(builder());
  expect_hello(partly);
  EXPECT_EQ(ledger_.performed, 1);
  auto nop = [this]() -> Task<int64_t> {
    co_return co_await Submission(std::make_unique<Nop>(ledger_));
  };
  EXPECT_EQ(partly.block_on(nop), 0);
  EXPECT_EQ(ledger_.performed, 1);
  EXPECT_FALSE(partly.io_uring_status().supports(IORING_OP_READ));
  EXPECT_EQ(partly.metrics().reactor.io_uring.fallbacks, 1u);
  EXPECT_EQ(partly.metrics().reactor.io_uring.submitted, 1u);
}

// B3. 10,000 operations through a ring for four.
class SmallRing : public UringFaults {
 protected:
  static constexpr int kOperations = 10'000;

  Runtime& start_small() { return start(builder().io_uring_sizes(4, 4)); }

  // Tasks that end and tasks whose operations are dropped.
  void expect_all_to_end(Runtime& small) {
    auto one = [this](int i) -> Task<int64_t> {
      auto nop = std::make_unique<Nop>(ledger_);
      nop->force_async = i % 16 == 0;
      co_return co_await Submission<Nop>(std::move(nop));
    };
    auto all = [&]() -> Task<void> {
      for (int round = 0; round < 10; ++round) {
        std::vector<JoinHandle<int64_t>> handles;
        for (int i = 0; i < kOperations / 10; ++i) {
          handles.push_back(spawn(one(i)));
        }
        for (auto& handle : handles) {
          EXPECT_EQ((co_await handle).value(), 0);
        }
      }
    };
    small.block_on(all);
  }
};
INSTANTIATE_TEST_SUITE_P(Flavors, SmallRing, ::testing::Values(0u, 2u),
                         testing::flavor_name);

TEST_P(SmallRing, LosesNothing) {
  Runtime& small = start_small();
  expect_all_to_end(small);
  const IoUringMetrics metrics = small.metrics().reactor.io_uring;
  EXPECT_EQ(metrics.submitted, uint64_t{kOperations});
  EXPECT_EQ(metrics.completed, uint64_t{kOperations});
  EXPECT_EQ(metrics.fallbacks, 0u);
}

TEST_P(SmallRing, LosesNothingWhenTheKernelIsBusy) {
  for (int error : {EBUSY, EINTR}) {
    FaultInjector faults;
    faults.fail(Call::kIoUringEnter, every(3), error);
    Runtime& small = start_small();
    expect_all_to_end(small);
    EXPECT_GT(faults.failures(Call::kIoUringEnter), 100u);
    EXPECT_EQ(ledger_.performed, 0);
    stop(small);
  }
}

TEST_P(SmallRing, LeavesToThePoolWhatTheKernelHasNoMemoryFor) {
  FaultInjector faults;
  faults.fail(Call::kIoUringEnter, every(3), EAGAIN);
  Runtime& small = start_small();
  expect_all_to_end(small);
  EXPECT_GT(ledger_.performed, 0);
  EXPECT_EQ(small.metrics().reactor.io_uring.fallbacks,
            static_cast<uint64_t>(ledger_.performed));
  EXPECT_EQ(small.metrics().reactor.io_uring.submitted +
                small.metrics().reactor.io_uring.fallbacks,
            uint64_t{kOperations});
}

// As many cancellations as operations in flight, and so more completions than
// the queue holds.
TEST_P(SmallRing, FetchesCompletionsThatHadNoRoom) {
  Runtime& small = start_small();
  auto hang = [this]() -> Task<void> {
    (void)co_await read_from(pipe_->reader(), 100, ledger_);
  };
  auto all = [&]() -> Task<void> {
    for (int round = 0; round < 20; ++round) {
      std::vector<JoinHandle<void>> handles;
      for (int i = 0; i < 12; ++i) handles.push_back(spawn(hang));
      while (small.metrics().reactor.io_uring.in_flight < 4) {
        co_await yield_now();
      }
      for (auto& handle : handles) handle.abort();
      for (auto& handle : handles) (void)co_await handle;
      while (ledger_.alive() > 0) co_await yield_now();
    }
  };
  small.block_on(all);
  // Where one thread cancels all of them in one go.
  if (is_current_thread()) {
    EXPECT_GT(small.metrics().reactor.io_uring.overflows, 0u);
  }
}

}  // namespace
}  // namespace eddy::reactor
