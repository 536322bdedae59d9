// What files do about bad input and system calls that fail: rows A4, A5, B5,
// D4.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/fs/file.h"
#include "io/fs/fs.h"
#include "io/fs/temporary.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
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
using testing::every;
using testing::fail_each;
using testing::FaultInjector;
using testing::nth;
using testing::pattern;
using testing::read_now;
using testing::real_sys;
using testing::value_of;
using testing::write_now;

std::span<std::byte> room(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

// The reactor is woken by writes of so many bytes, which must not fail.
bool is_wake(size_t size) { return size == sizeof(uint64_t); }

// Whatever carries it out.
class FsBadInput : public testing::FsTest {
 protected:
  // The errno, and in the message the path.
  static void expect_error(const absl::Status& status, int err,
                           const std::string& path) {
    EXPECT_EQ(errno_of(status), err) << status;
    EXPECT_NE(std::string(status.message()).find(path), std::string::npos)
        << status;
  }
};
EDDY_FOR_EACH_BACKEND(FsBadInput);

TEST_P(FsBadInput, NamesOfNoFile) {
  write_now(in("file"), "x");
  runtime().block_on([](std::string folder, OpenOptions options,
                        Backend backend) -> Task<> {
    options.read();
    const auto open_error = [&](std::string path) -> Task<absl::Status> {
      co_return (co_await File::open(path, options)).status();
    };
    const std::string missing = folder + "/missing";
    expect_error(co_await open_error(missing), ENOENT, missing);
    expect_error(co_await open_error(folder + "/file/below"), ENOTDIR,
                 folder + "/file/below");
    // Too long, as a whole and in a part.
    const std::string too_long = folder + std::string(5000, '/') + "file";
    expect_error(co_await open_error(too_long), ENAMETOOLONG, folder);
    const std::string long_part = folder + "/" + std::string(300, 'n');
    expect_error(co_await open_error(long_part), ENAMETOOLONG, long_part);
    // The kernel would take it for "file".
    const std::string with_nul = folder + "/file" + std::string(1, '\0') + "x";
    expect_error(co_await open_error(with_nul), EINVAL, "/file\\0x");
    expect_error(co_await fs::remove_file(with_nul, backend), EINVAL, "\\0");
    expect_error(co_await fs::rename(folder + "/file", with_nul, backend),
                 EINVAL, "\\0");
    expect_error(co_await fs::write(with_nul, "y"), EINVAL, "\\0");
    expect_error((co_await fs::read_dir(with_nul)).status(), EINVAL, "\\0");
    expect_error((co_await fs::copy(with_nul, folder)).status(), EINVAL, "\\0");
    expect_error((co_await fs::exists(with_nul)).status(), EINVAL, "\\0");

    expect_error((co_await fs::read(missing)).status(), ENOENT, missing);
    expect_error((co_await fs::metadata(missing, backend)).status(), ENOENT,
                 missing);
    expect_error((co_await fs::canonicalize(missing)).status(), ENOENT,
                 missing);
    expect_error(co_await fs::rename(missing, folder + "/b", backend), ENOENT,
                 missing);
    expect_error((co_await fs::read_dir(missing)).status(), ENOENT, missing);
    expect_error((co_await fs::read_link(folder + "/file")).status(), EINVAL,
                 folder + "/file");
    expect_error(co_await fs::write(missing + "/below", "x"), ENOENT, missing);
    expect_error((co_await fs::copy(missing, folder + "/b")).status(), ENOENT,
                 missing);
  }(folder(), options(), backend()));
  EXPECT_EQ(read_now(in("file")), "x");
  EXPECT_FALSE(std::filesystem::exists(in("b")));
}

TEST_P(FsBadInput, FoldersAreNoFiles) {
  runtime().block_on([](std::string folder, OpenOptions options) -> Task<> {
    expect_error(
        (co_await File::open(folder, OpenOptions(options).write())).status(),
        EISDIR, folder);
    expect_error((co_await fs::read(folder)).status(), EISDIR, folder);
    expect_error(co_await fs::write(folder, "x"), EISDIR, folder);
    File opened =
        value_of(co_await File::open(folder, OpenOptions(options).read()));
    std::string text(10, '\0');
    expect_error((co_await opened.read(room(text))).status(), EISDIR, folder);
    auto [count, back] = co_await opened.read_at(std::string(10, '\0'), 0);
    expect_error(count.status(), EISDIR, folder);
    EXPECT_EQ(back.size(), 10u);
  }(folder(), options()));
}

TEST_P(FsBadInput, WhatIsNotPermitted) {
  write_now(in("read-only"), "x");
  runtime().block_on([](std::string folder, OpenOptions options) -> Task<> {
    const std::string path = folder + "/read-only";
    File file =
        value_of(co_await File::open(path, OpenOptions(options).read()));
    // Of a file that was not opened for it.
    expect_error(co_await write_all(file, "y"), EBADF, path);
    auto [count, back] = co_await file.write_at(std::string("y"), 0);
    expect_error(count.status(), EBADF, path);
    EXPECT_EQ(back, "y");
    if (options.backend() != Backend::kRing) {
      FaultInjector faults;
      for (Call call : {Call::kOpenat, Call::kOpenat2}) {
        faults.fail(call, testing::always(), EACCES);
      }
      expect_error((co_await File::open(path, options.read())).status(), EACCES,
                   path);
      expect_error(co_await fs::write(path, "y"), EACCES, path);
    }
    // As root nothing is refused: see the next test.
    if (::geteuid() == 0) co_return;
    EXPECT_TRUE((co_await fs::set_permissions(path, 0)).ok());
    expect_error(
        (co_await File::open(path, OpenOptions(options).read())).status(),
        EACCES, path);
  }(folder(), options()));
}

// As root nothing is refused: another user is needed, and of the whole process.
TEST_P(FsBadInput, WhatIsNotPermittedToOthers) {
  if (::geteuid() != 0) GTEST_SKIP() << "the test before shows it";
  write_now(in("secret"), "secret");
  std::filesystem::permissions(in("secret"),
                               std::filesystem::perms::owner_read);
  std::filesystem::permissions(
      folder(),
      std::filesystem::perms::owner_all | std::filesystem::perms::others_exec);
  if (::seteuid(65534) != 0) GTEST_SKIP() << "no other user to be";
  runtime().block_on([](std::string folder, OpenOptions options,
                        Backend backend) -> Task<> {
    const std::string secret = folder + "/secret", mine = folder + "/mine";
    for (const std::string& hidden : {secret, std::string("/proc/1/environ")}) {
      expect_error(
          (co_await File::open(hidden, OpenOptions(options).read())).status(),
          EACCES, hidden);
      expect_error((co_await fs::read(hidden)).status(), EACCES, hidden);
    }
    expect_error(
        (co_await File::open(mine, OpenOptions(options).write().create()))
            .status(),
        EACCES, mine);
    expect_error(co_await fs::write(mine, "x"), EACCES, mine);
    expect_error((co_await fs::copy(secret, mine)).status(), EACCES, secret);
    expect_error((co_await fs::read_dir(folder)).status(), EACCES, folder);
    expect_error(co_await fs::create_dir(mine, 0700, backend), EACCES, mine);
    expect_error(co_await fs::remove_file(secret, backend), EACCES, secret);
    expect_error(co_await fs::rename(secret, mine, backend), EACCES, secret);
  }(folder(), options(), backend()));
  EXPECT_EQ(::seteuid(0), 0);
  // Which it no longer is after it was somebody else: leak checkers need it.
  EXPECT_EQ(::prctl(PR_SET_DUMPABLE, 1), 0);
}

// B5: a full disk.
TEST_P(FsBadInput, AFullDisk) {
  runtime().block_on([](OpenOptions options) -> Task<> {
    File file =
        value_of(co_await File::open("/dev/full", options.read().write()));
    expect_error(co_await write_all(file, "x"), ENOSPC, "/dev/full");
    auto [count, back] = co_await file.write_at(Buffer::copy_of("x"), 0);
    expect_error(count.status(), ENOSPC, "/dev/full");
    EXPECT_EQ(back.text(), "x");  // not lost
    expect_error(co_await fs::write("/dev/full", "x"), ENOSPC, "/dev/full");
  }(options()));
}

// B5: a file that is cut off while it is read.
TEST_P(FsBadInput, AFileThatIsTruncatedUnderTheReader) {
  write_now(in("a"), pattern(100'000));
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    File reader = value_of(co_await File::open(path, options.read()));
    std::string text(60'000, '\0');
    EXPECT_TRUE((co_await read_exact(reader, room(text))).ok());
    {
      File other = value_of(co_await File::open(path, OpenOptions().write()));
      EXPECT_TRUE((co_await other.set_len(10)).ok());
    }
    EXPECT_EQ(value_of(co_await reader.read(room(text))), 0u);
    auto [count, back] = co_await reader.read_at(std::string(20, '\0'), 5);
    EXPECT_EQ(value_of(std::move(count)), 5u);
    EXPECT_EQ(back.substr(0, 5), pattern(10).substr(5));
  }(in("a"), options()));
}

// Faults are injected into system calls, so these go to the pool; what a ring
// does about its own is the reactor's affair.
class FsFaults : public testing::FsTest {
 protected:
  FsFaults() : FsTest(testing::folder_in_memory()) {}

  static OpenOptions pooled() { return OpenOptions().backend(Backend::kPool); }

  // A bit of everything. The first thing that fails is the answer.
  static Task<absl::Status> story(std::string folder, Backend backend) {
    const std::string a = folder + "/a", b = folder + "/b";
    EDDY_CO_RETURN_IF_ERROR(co_await fs::create_dir_all(folder + "/x/y"));
    EDDY_CO_RETURN_IF_ERROR(co_await fs::write(a, pattern(10'000)));
    EDDY_CO_ASSIGN_OR_RETURN(uint64_t copied, co_await fs::copy(a, b));
    if (copied != 10'000) co_return absl::InternalError("copied too little");
    EDDY_CO_ASSIGN_OR_RETURN(
        File file,
        co_await File::open(b, OpenOptions().backend(backend).read().write()));
    EDDY_CO_RETURN_IF_ERROR(co_await write_all(file, "12345"));
    EDDY_CO_ASSIGN_OR_RETURN(uint64_t at,
                             co_await file.seek(SeekFrom::end(-5)));
    if (at != 9995) co_return absl::InternalError("a wrong position");
    std::string five(5, '\0');
    EDDY_CO_RETURN_IF_ERROR(co_await read_exact(file, room(five)));
    if (five != pattern(10'000).substr(9995)) {
      co_return absl::InternalError("wrong bytes");
    }
    EDDY_CO_RETURN_IF_ERROR(co_await file.set_len(100));
    EDDY_CO_RETURN_IF_ERROR(co_await file.sync_all());
    EDDY_CO_RETURN_IF_ERROR(co_await file.sync_data());
    EDDY_CO_ASSIGN_OR_RETURN(Metadata metadata, co_await file.metadata());
    if (metadata.size() != 100) co_return absl::InternalError("a wrong size");
    EDDY_CO_RETURN_IF_ERROR(co_await std::move(file).close());
    EDDY_CO_ASSIGN_OR_RETURN(std::string text, co_await fs::read_to_string(b));
    if (text != "12345" + pattern(100).substr(5)) {
      co_return absl::InternalError("wrong text");
    }
    EDDY_CO_RETURN_IF_ERROR(co_await fs::rename(b, folder + "/x/c", backend));
    EDDY_CO_RETURN_IF_ERROR(
        co_await fs::symlink("a", folder + "/link", backend));
    EDDY_CO_ASSIGN_OR_RETURN(std::string link,
                             co_await fs::read_link(folder + "/link"));
    EDDY_CO_ASSIGN_OR_RETURN(ReadDir entries, co_await fs::read_dir(folder));
    int count = 0;
    for (;;) {
      EDDY_CO_ASSIGN_OR_RETURN(auto entry, co_await entries.next());
      if (!entry) break;
      ++count;
    }
    if (count != 3) co_return absl::InternalError("a wrong number of entries");
    EDDY_CO_RETURN_IF_ERROR(co_await fs::set_permissions(a, 0600));
    EDDY_CO_RETURN_IF_ERROR(co_await fs::remove_file(a, backend));
    EDDY_CO_RETURN_IF_ERROR(co_await fs::remove_dir_all(folder + "/x"));
    co_return co_await fs::remove_file(folder + "/link", backend);
  }

  absl::Status tell(int round) { return tell(round, runtime()); }
  absl::Status tell(int round, Runtime& runtime) {
    const std::string folder = in(std::to_string(round));
    std::filesystem::create_directory(folder);
    return runtime.block_on(story(folder, backend()));
  }

  static constexpr Call kCalls[] = {
      Call::kRead,       Call::kWrite,      Call::kFcntl,
      Call::kOpenat,     Call::kOpenat2,    Call::kFstat,
      Call::kPread,      Call::kPwrite,     Call::kPreadv2,
      Call::kFsync,      Call::kFdatasync,  Call::kFtruncate,
      Call::kUnlink,     Call::kRename,     Call::kStatx,
      Call::kMkdirat,    Call::kUnlinkat,   Call::kSymlinkat,
      Call::kReadlinkat, Call::kChmod,      Call::kFchmod,
      Call::kLseek,      Call::kGetdents64, Call::kCopyFileRange};
};
INSTANTIATE_TEST_SUITE_P(Pool, FsFaults,
                         ::testing::Combine(::testing::Values(0u, 2u),
                                            ::testing::Values(Backend::kPool)),
                         testing::fs_test_name);

// A4
TEST_P(FsFaults, InterruptedCallsAreRepeated) {
  (void)runtime();
  FaultInjector faults;
  for (Call call : kCalls) {
    faults.fail(call, every(2), EINTR);
    faults.fail(call, nth(1), EINTR);
  }
  for (int round = 0; round < 5; ++round) {
    const absl::Status status = tell(round);
    EXPECT_TRUE(status.ok()) << status;
  }
}

// B5: each call in turn fails once: that very errno comes out, or the fault was
// dealt with, and no fd is left (the fixture looks).
TEST_P(FsFaults, EveryFailureHasAnAnswer) {
  (void)runtime();
  int round = 0;
  const auto expect_answer = [&](Call call) {
    const absl::Status status = tell(round++);
    EXPECT_TRUE(status.ok() || errno_of(status) == EIO)
        << testing::name_of(call) << ": " << status;
  };
  for (Call call : kCalls) {
    if (call == Call::kWrite) continue;
    fail_each(call, EIO, [&] { expect_answer(call); });
  }
  bool has_failed = true;
  for (int nth = 1; has_failed; ++nth) {
    FaultInjector faults;
    std::atomic<int> count{0};
    faults.hook<Call::kWrite>([&](int fd, const void* from, size_t size) {
      if (is_wake(size) || count.fetch_add(1) + 1 != nth) {
        return real_sys().write(fd, from, size);
      }
      errno = EIO;
      return ssize_t{-1};
    });
    expect_answer(Call::kWrite);
    has_failed = count.load() >= nth;
  }
}

// With a ring, for all or by choice, and with the ring turned off.
class FsRingFaults : public FsFaults {};
INSTANTIATE_TEST_SUITE_P(
    Ring, FsRingFaults,
    ::testing::Combine(::testing::Values(0u, 2u),
                       ::testing::Values(Backend::kAutomatic, Backend::kRing)),
    testing::fs_test_name);

// B5: as above, where the ring leaves something to others.
TEST_P(FsRingFaults, EveryFailureHasAnAnswer) {
  int round = 0;
  for (IoUring mode : {IoUring::kAutomatic, IoUring::kOff}) {
    Runtime& runtime = start(builder().io_uring(mode));
    for (Call call :
         {Call::kOpenat, Call::kPread, Call::kPwrite, Call::kPreadv2,
          Call::kFsync, Call::kFdatasync, Call::kStatx, Call::kUnlinkat}) {
      const uint64_t failures = fail_each(call, EIO, [&] {
        const absl::Status status = tell(round++, runtime);
        EXPECT_TRUE(status.ok() || errno_of(status) == EIO)
            << testing::name_of(call) << ": " << status;
      });
      if (call == Call::kPwrite) {
        EXPECT_EQ(failures > 0, backend() == Backend::kAutomatic ||
                                    mode == IoUring::kOff ||
                                    !runtime.io_uring_status().is_ok());
      }
    }
    stop(runtime);
  }
}

// B1, B3: a ring that can't be made, or that the kernel keeps refusing.
TEST_P(FsRingFaults, ARingThatFailsIsReplaced) {
  int round = 0;
  for (Call call :
       {Call::kIoUringSetup, Call::kIoUringRegister, Call::kIoUringEnter}) {
    for (int err : {EAGAIN, EBUSY, ENOMEM, EINTR, EPERM}) {
      // Of its own system call, a program that runs knows what to expect.
      if (call == Call::kIoUringEnter && err == EPERM) continue;
      FaultInjector faults;
      faults.fail(call, every(2), err);
      Runtime& runtime = start(builder());
      for (int i = 0; i < 3; ++i) {
        const absl::Status status = tell(round++, runtime);
        EXPECT_TRUE(status.ok()) << testing::name_of(call) << ": " << status;
      }
      stop(runtime);
    }
  }
}

// A5: the bytes are the same, however they are cut.
TEST_P(FsFaults, ShortTransfersAreGoneOnWith) {
  (void)runtime();
  for (size_t most : {1, 2, 3, 7, 4096}) {
    FaultInjector faults;
    const auto cut = [most](size_t size) { return std::min(size, most); };
    faults.hook<Call::kRead>([=](int fd, void* into, size_t size) {
      return real_sys().read(fd, into, cut(size));
    });
    faults.hook<Call::kWrite>([=](int fd, const void* from, size_t size) {
      return real_sys().write(fd, from, is_wake(size) ? size : cut(size));
    });
    faults.hook<Call::kPread>([=](int fd, void* into, size_t size, off_t at) {
      return real_sys().pread(fd, into, cut(size), at);
    });
    faults.hook<Call::kPwrite>(
        [=](int fd, const void* from, size_t size, off_t at) {
          return real_sys().pwrite(fd, from, cut(size), at);
        });
    faults.hook<Call::kPreadv2>(
        [=](int fd, const iovec* parts, int, off_t at, int flags) {
          const iovec part = {parts->iov_base, cut(parts->iov_len)};
          return real_sys().preadv2(fd, &part, 1, at, flags);
        });
    faults.hook<Call::kCopyFileRange>([=](int from, off_t* from_at, int to,
                                          off_t* to_at, size_t size,
                                          unsigned flags) {
      return real_sys().copy_file_range(from, from_at, to, to_at,
                                        std::min(size, most * 100), flags);
    });
    const absl::Status status = tell(static_cast<int>(most));
    EXPECT_TRUE(status.ok()) << status;
  }
}

// B5: so much fits, and then no more; what was written is there.
TEST_P(FsFaults, ADiskThatGetsFull) {
  runtime().block_on([](std::string path) -> Task<> {
    File file = value_of(co_await File::open(path, pooled().write().create()));
    FaultInjector faults;
    faults.hook<Call::kPwrite>(
        [](int fd, const void* from, size_t size, off_t at) -> ssize_t {
          constexpr off_t kDisk = 1000;
          if (at >= kDisk) {
            errno = ENOSPC;
            return -1;
          }
          return real_sys().pwrite(fd, from, std::min<size_t>(size, kDisk - at),
                                   at);
        });
    const std::string text = pattern(3000);
    auto writing = write_all(file, text);
    const absl::Status status = co_await writing;
    EXPECT_EQ(errno_of(status), ENOSPC);
    EXPECT_EQ(writing.transferred(), 1000u);
  }(in("a")));
  EXPECT_EQ(read_now(in("a")), pattern(3000).substr(0, 1000));
}

// What goes wrong with writes that seemed done, close() may tell.
TEST_P(FsFaults, CloseTellsOfLateErrors) {
  runtime().block_on([](std::string folder) -> Task<> {
    File file = value_of(co_await File::create(folder + "/a"));
    EXPECT_TRUE((co_await write_all(file, "x")).ok());
    FaultInjector faults;
    faults.hook<Call::kClose>([](int fd) {
      real_sys().close(fd);
      errno = EIO;
      return -1;
    });
    EXPECT_EQ(errno_of(co_await std::move(file).close()), EIO);
    EXPECT_EQ(errno_of(co_await fs::write(folder + "/b", "x")), EIO);
  }(folder()));
}

// Where copy_file_range() can't, the bytes are read and written.
TEST_P(FsFaults, CopiesByHandWhereTheKernelCanNot) {
  write_now(in("a"), pattern(300'000));
  (void)runtime();
  for (int err : {EXDEV, EINVAL, ENOSYS, EOPNOTSUPP}) {
    FaultInjector faults;
    faults.fail(Call::kCopyFileRange, nth(1), err);
    EXPECT_EQ(value_of(runtime().block_on(fs::copy(in("a"), in("b")))),
              300'000u);
    EXPECT_EQ(read_now(in("b")), pattern(300'000));
  }
}

// The kernel can't open or read at once: the long way, with the same result.
TEST_P(FsFaults, WithoutCallsThatReturnAtOnce) {
  (void)runtime();
  for (int err : {EOPNOTSUPP, ENOSYS, EAGAIN}) {
    FaultInjector faults;
    faults.fail(Call::kPreadv2, testing::always(), err);
    faults.fail(Call::kOpenat2, testing::always(), EAGAIN);
    write_now(in("a"), "hello");
    runtime().block_on([](std::string path) -> Task<> {
      File file = value_of(co_await File::open(path));
      std::string text(5, '\0');
      EXPECT_TRUE((co_await read_exact(file, room(text))).ok());
      EXPECT_EQ(text, "hello");
      auto [count, back] = co_await file.read_at(std::string(5, '\0'), 1);
      EXPECT_EQ(back.substr(0, 4), "ello");
    }(in("a")));
    EXPECT_GT(faults.failures(Call::kPreadv2), 0u);
  }
}

// A call that hangs until the test lets it go.
class Hang {
 public:
  void wait() {
    begun_.store(true);
    while (!released_.load()) std::this_thread::sleep_for(1ms);
  }
  bool has_begun() const { return begun_.load(); }
  void release() { released_.store(true); }

 private:
  std::atomic<bool> begun_{false};
  std::atomic<bool> released_{false};
};

// The next write waits until the dropped one has ended, and is written over it.
TEST_P(FsFaults, ADroppedWriteDoesNotOvertake) {
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
TEST_P(FsFaults, ADroppedReadMovesNothing) {
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
TEST_P(FsFaults, AReadThatHangsHoldsUpNobody) {
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
