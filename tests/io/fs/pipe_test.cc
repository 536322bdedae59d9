// Opening a pipe that has a name: it waits for its writer, and can be dropped.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "io/fs/file.h"
#include "io/owned_fd.h"
#include "io/read_exact.h"
#include "runtime/base/status.h"
#include "runtime/combinators/join.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "runtime/time/timeout.h"
#include "tests/io/fs/fs_test_support.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::FaultInjector;
using testing::real_sys;
using testing::room;
using testing::value_of;

// A writer, if a reader is there, or waits for one.
OwnedFd try_write(const std::string& path) {
  return OwnedFd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}
OwnedFd try_read(const std::string& path) {
  return OwnedFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

Task<OwnedFd> write_when_read(std::string path) {
  for (;;) {
    OwnedFd writer = try_write(path);
    if (writer.is_open()) co_return writer;
    EXPECT_EQ(errno, ENXIO);
    co_await yield_now();
  }
}

// The last net under a hang.
Task<absl::StatusOr<File>> open_soon(std::string path, OpenOptions options) {
  co_return co_await time::timeout(20s, File::open(path, options.read()));
}

class PipeTest : public testing::FsTest {
 protected:
  PipeTest() : FsTest(testing::folder_in_memory()) {
    EDDY_CHECK(::mkfifo(path().c_str(), 0600) == 0);
  }
  std::string path() const { return in("pipe"); }

  // Opens it, while a writer comes that writes nothing until it is open.
  void expect_to_open_with_its_writer() {
    runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
      auto [opened, writer] =
          co_await join(open_soon(path, options), write_when_read(path));
      File pipe = value_of(std::move(opened));
      EXPECT_EQ(::write(writer.get(), "hello", 5), 5);
      writer = OwnedFd();
      std::string text(5, '\0');
      EXPECT_TRUE((co_await read_exact(pipe, room(text))).ok());
      EXPECT_EQ(text, "hello");
      EXPECT_EQ(value_of(co_await pipe.read(room(text))), 0u);
    }(path(), options()));
  }
};

class EveryPipeTest : public PipeTest {};
EDDY_FOR_EACH_BACKEND(EveryPipeTest);

TEST_P(EveryPipeTest, OpensWithItsWriterAndNotWithTheFirstByte) {
  expect_to_open_with_its_writer();
}

// One that waits in its own open() is let go by ours.
TEST_P(EveryPipeTest, OpensAtOnceForAWriterThatWaits) {
  std::thread writer([path = path()] {
    const OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(::write(fd.get(), "hello", 5), 5);
  });
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    File pipe = value_of(co_await open_soon(path, options));
    std::string text(5, '\0');
    EXPECT_TRUE((co_await read_exact(pipe, room(text))).ok());
    EXPECT_EQ(text, "hello");
    EXPECT_EQ(value_of(co_await pipe.read(room(text))), 0u);
  }(path(), options()));
  writer.join();
}

// What waits for a writer holds no thread.
INSTANTIATE_TEST_SUITE_P(
    Automatic, PipeTest,
    ::testing::Combine(::testing::Values(0u, 2u),
                       ::testing::Values(Backend::kAutomatic)),
    testing::fs_test_name);

// Between our open() and the first look at it, and after that.
TEST_P(PipeTest, AWriterThatHasGoneAgainWasOne) {
  FaultInjector faults;
  for (const std::string text : {"", "hello"}) {
    for (const Call when : {Call::kFstat, Call::kInotifyInit1, Call::kTee}) {
      const auto come_and_go = [this, text] {
        OwnedFd writer = try_write(path());
        EXPECT_TRUE(writer.is_open());
        EXPECT_EQ(::write(writer.get(), text.data(), text.size()),
                  static_cast<ssize_t>(text.size()));
      };
      if (when == Call::kFstat) {
        faults.hook<Call::kFstat>([=](int fd, struct stat* info) {
          come_and_go();
          return real_sys().fstat(fd, info);
        });
      } else if (when == Call::kInotifyInit1) {
        faults.hook<Call::kInotifyInit1>([=](int flags) {
          come_and_go();
          return real_sys().inotify_init1(flags);
        });
      } else {
        faults.hook<Call::kTee>([=](int from, int to, size_t n, unsigned how) {
          come_and_go();
          return real_sys().tee(from, to, n, how);
        });
      }
      runtime().block_on([](std::string path, std::string text) -> Task<> {
        File pipe = value_of(co_await open_soon(path, OpenOptions()));
        std::string got(10, '\0');
        const size_t count = value_of(co_await pipe.read(room(got)));
        EXPECT_EQ(got.substr(0, count), text);
      }(path(), text));
      faults.clear(when);
    }
  }
}

// Nor does one that has come and gone before.
TEST_P(PipeTest, AnotherReaderIsNoWriter) {
  runtime().block_on([](std::string path) -> Task<> {
    {
      const OwnedFd reader = try_read(path);
      EXPECT_TRUE(try_write(path).is_open());
    }
    auto opening = File::open(path);
    testing::WakeCounter waker;
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(opening.poll(waker.context()).is_pending());
      const OwnedFd reader = try_read(path);
      EXPECT_TRUE(reader.is_open());
      co_await yield_now();
    }
    const OwnedFd writer = try_write(path);
    EXPECT_TRUE(writer.is_open());
    (void)value_of(co_await opening);
  }(path()));
}

// D4: dropped after any number of polls; no fd is left, and no thread is at it,
// as the fixture sees.
TEST_P(PipeTest, ADroppedOpenLeavesNothing) {
  runtime().block_on([](std::string path) -> Task<> {
    testing::WakeCounter waker;
    for (int polls = 0; polls < 4; ++polls) {
      auto opening = File::open(path);
      for (int i = 0; i < polls; ++i) {
        EXPECT_TRUE(opening.poll(waker.context()).is_pending());
        co_await yield_now();
      }
    }
    EXPECT_FALSE(try_write(path).is_open());  // nobody reads
    EXPECT_EQ(waker.kept_wakers(), 0);
  }(path()));
}

TEST_P(PipeTest, TheEndOfTheRuntimeDropsAnOpen) {
  constexpr uint64_t kOpens = 20;
  Runtime& mine = start(builder());
  FaultInjector faults;  // to count
  mine.block_on([](std::string path, FaultInjector& faults) -> Task<> {
    for (uint64_t i = 0; i < kOpens; ++i) {
      spawn([path]() -> Task<> { (void)co_await File::open(path); }).detach();
    }
    while (faults.calls(Call::kInotifyInit1) < kOpens) co_await yield_now();
  }(path(), faults));
  stop(mine);
}

// Looked at from time to time.
TEST_P(PipeTest, OpensWithItsWriterAlsoWithoutInotify) {
  (void)runtime();
  FaultInjector faults;
  faults.fail(Call::kInotifyInit1, testing::always(), EMFILE);
  expect_to_open_with_its_writer();
  EXPECT_GT(faults.failures(Call::kInotifyInit1), 0u);
  faults.clear(Call::kInotifyInit1);
  faults.fail(Call::kInotifyAddWatch, testing::always(), ENOSPC);
  expect_to_open_with_its_writer();
  EXPECT_GT(faults.failures(Call::kInotifyAddWatch), 0u);
}

// A5: what fails is said, and leaves nothing.
TEST_P(PipeTest, ALookThatFailsIsAnError) {
  (void)runtime();
  for (const Call call :
       {Call::kFstat, Call::kPoll, Call::kPipe2, Call::kTee}) {
    FaultInjector faults;
    faults.fail(call, testing::nth(1), EIO);
    const auto opened = runtime().block_on(File::open(path()));
    EXPECT_EQ(errno_of(opened.status()), EIO) << testing::name_of(call);
  }
  for (const Call call : {Call::kFstat, Call::kPoll, Call::kTee}) {
    FaultInjector faults;
    faults.fail(call, testing::nth(1), EINTR);
    expect_to_open_with_its_writer();
  }
}

}  // namespace
}  // namespace eddy::io
