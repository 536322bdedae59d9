// What a dropped operation on files leaves, and one that hangs: rows B5, D4.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "io/fs/file.h"
#include "io/fs/fs.h"
#include "io/fs/temporary.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "tests/io/fs/fs_test_support.h"
#include "tests/support/abort_after.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::FaultInjector;
using testing::pattern;
using testing::read_now;
using testing::real_sys;
using testing::room;
using testing::value_of;
using testing::write_now;

class FsDrop : public testing::FsTest {
 protected:
  FsDrop() : FsTest(testing::folder_in_memory()) {}

  // Faults are injected into system calls, so these go to the pool.
  static OpenOptions pooled() { return OpenOptions().backend(Backend::kPool); }
};
INSTANTIATE_TEST_SUITE_P(Pool, FsDrop,
                         ::testing::Combine(::testing::Values(0u, 2u),
                                            ::testing::Values(Backend::kPool)),
                         testing::fs_test_name);

// A call that hangs until the test lets it go.
class Hang {
 public:
  void wait() {
    begun_.store(true);
    released_.wait(false);
  }
  bool has_begun() const { return begun_.load(); }
  void release() {
    released_.store(true);
    released_.notify_all();
  }

 private:
  std::atomic<bool> begun_{false};
  std::atomic<bool> released_{false};
};

// The next write waits until the dropped one has ended, and is written over it.
TEST_P(FsDrop, ADroppedWriteDoesNotOvertake) {
  auto hang = std::make_shared<Hang>();
  FaultInjector faults;
  std::atomic<int> writes{0};
  faults.hook<Call::kPwrite>(
      [hang, &writes](int fd, const void* from, size_t size, off_t at) {
        if (writes.fetch_add(1) == 0) hang->wait();
        return real_sys().pwrite(fd, from, size, at);
      });
  runtime().block_on([](std::string path, Hang& hang,
                        std::atomic<int>& writes) -> Task<> {
    File file = value_of(co_await File::open(path, pooled().write().create()));
    {
      std::string text = "dropped";
      FileWrite write = file.write(std::as_bytes(std::span(text)));
      testing::WakeCounter waker;
      EXPECT_TRUE(write.poll(waker.context()).is_pending());
      while (!hang.has_begun()) co_await yield_now();
    }
    EXPECT_EQ(value_of(co_await file.seek(SeekFrom::current(0))), 0u);
    auto next = write_all(file, "kept");
    testing::WakeCounter waker;
    EXPECT_TRUE(next.poll(waker.context()).is_pending());
    EXPECT_EQ(writes.load(), 1);
    hang.release();
    EXPECT_TRUE((co_await next).ok());
    EXPECT_EQ(value_of(co_await file.seek(SeekFrom::current(0))), 4u);
    EXPECT_TRUE((co_await std::move(file).close()).ok());
  }(in("a"), *hang, writes));
  EXPECT_EQ(read_now(in("a")), "keptped");
}

// A dropped read has moved no bytes: the next one reads the same.
TEST_P(FsDrop, ADroppedReadMovesNothing) {
  write_now(in("a"), "0123456789");
  runtime().block_on([](std::string path) -> Task<> {
    File file = value_of(co_await File::open(path, pooled().read()));
    for (int i = 0; i < 20; ++i) {
      std::string text(5, '\0');
      FileRead read = file.read(room(text));
      testing::WakeCounter waker;
      (void)read.poll(waker.context()).is_pending();
      if (i % 2 == 0) co_await yield_now();
    }
    // Some of those were ready: from where they left off there is nothing lost.
    const uint64_t at = value_of(co_await file.seek(SeekFrom::current(0)));
    EXPECT_LE(at, 10u);
    (void)co_await file.seek(SeekFrom::start(0));
    std::string text(10, '\0');
    EXPECT_TRUE((co_await read_exact(file, room(text))).ok());
    EXPECT_EQ(text, "0123456789");
  }(in("a")));
}

// B5: a read that hangs holds up neither the other tasks nor the end.
TEST_P(FsDrop, AReadThatHangsHoldsUpNobody) {
  write_now(in("a"), "x");
  auto hang = std::make_shared<Hang>();
  FaultInjector faults;
  faults.hook<Call::kPread>([hang](int, void*, size_t, off_t) -> ssize_t {
    hang->wait();
    errno = EIO;
    return -1;
  });
  Runtime& runtime = start(builder());
  runtime.block_on([](std::string path, Hang& hang) -> Task<> {
    spawn([path]() -> Task<> {
      File file = value_of(co_await File::open(path, pooled().read()));
      (void)co_await file.read_at(Buffer(10), 0);
    }).detach();
    while (!hang.has_begun()) co_await yield_now();
    EXPECT_TRUE((co_await fs::metadata(path)).ok());
  }(in("a"), *hang));
  const auto before = std::chrono::steady_clock::now();
  (void)runtime.shutdown_timeout(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  forget(runtime);
  hang->release();
}

// The pool takes no job any more when the task that holds it is dropped.
TEST_P(FsDrop, ATempDirOfATaskThatTheEndOfTheRuntimeDrops) {
  Runtime& mine = start(builder());
  std::string path;
  std::atomic<bool> is_held{false};
  mine.spawn([&]() -> Task<> {
        const TempDir held = value_of(co_await TempDir::create());
        path = held.path();
        is_held = true;
        for (;;) co_await yield_now();
      })
      .detach();
  mine.block_on([&]() -> Task<> {
    while (!is_held) co_await yield_now();
  });
  EXPECT_TRUE(std::filesystem::exists(path));
  stop(mine);
  EXPECT_FALSE(std::filesystem::exists(path));
}

// D4: aborted after its k-th poll, for every k: no fd is left (the fixture
// looks), and the runtime goes on. By each backend.
class FsAbort : public testing::FsTest {
 protected:
  FsAbort() : FsTest(testing::folder_in_memory()) {}
};
EDDY_FOR_EACH_BACKEND(FsAbort);

// What is fast enough is ready at once: the yields make polls that are certain.
Task<> steps(std::string folder, OpenOptions options, std::atomic<int>& done) {
  const std::string path = folder + "/a";
  File file = value_of(co_await File::open(
      path, OpenOptions(options).read().write().create().truncate()));
  co_await yield_now();
  (void)co_await write_all(file, "0123456789");
  co_await yield_now();
  (void)co_await file.sync_data();
  done = 1;
  co_await yield_now();
  auto [one, two] = co_await join(file.read_at(Buffer(10), 0),
                                  file.write_at(std::string("x"), 3));
  std::string text(10, '\0');
  (void)co_await file.seek(SeekFrom::start(0));
  (void)co_await select(file.read(room(text)), yield_now());
  (void)co_await std::move(file).close();
  done = 2;
  co_await yield_now();
  (void)co_await fs::write(folder + "/b", pattern(10'000));
  ReadDir entries = value_of(co_await fs::read_dir(folder));
  while (value_of(co_await entries.next())) {
  }
  (void)co_await fs::rename(path, folder + "/c", Backend::kAutomatic);
  (void)co_await TempDir::create();
  done = 3;
}

TEST_P(FsAbort, AfterEachPollEverythingIsGivenBack) {
  std::atomic<int> done{0};
  int polls = 1;
  for (; done < 3 && polls < 300; ++polls) {
    done = 0;
    const std::string folder = in(std::to_string(polls));
    std::filesystem::create_directory(folder);
    (void)runtime().block_on(runtime().spawn(
        testing::AbortAfter(steps(folder, options(), done), polls)));
  }
  EXPECT_EQ(done, 3);
  EXPECT_GT(polls, 4);  // one for each yield
}

}  // namespace
}  // namespace eddy::io
