// What files do about system calls that fail: rows A4, A5, B1, B3, B5.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "io/fs/file.h"
#include "io/fs/fs.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "tests/io/fs/fs_test_support.h"
#include "tests/support/fault_injector.h"

namespace eddy::io {
namespace {

using testing::Call;
using testing::every;
using testing::fail_each;
using testing::FaultInjector;
using testing::nth;
using testing::pattern;
using testing::read_now;
using testing::real_sys;
using testing::room;
using testing::value_of;
using testing::write_now;

// The reactor is woken by writes of so many bytes, which must not fail.
bool is_wake(size_t size) { return size == sizeof(uint64_t); }

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

// Somebody else removes the same folder, at each point in turn.
TEST_P(FsFaults, WhatGoesWhileAFolderIsRemovedIsAllRight) {
  (void)runtime();
  const std::string gone = in("gone");
  for (const Call call : {Call::kOpenat, Call::kGetdents64, Call::kUnlinkat}) {
    for (uint64_t nth = call == Call::kOpenat ? 2 : 1, calls = nth;
         calls >= nth; ++nth) {
      std::filesystem::create_directories(gone + "/x/y");
      write_now(gone + "/a", "1");
      write_now(gone + "/x/b", "2");
      std::atomic<uint64_t> count{0};
      const auto meet = [&] {
        if (++count == nth) std::filesystem::remove_all(gone);
      };
      FaultInjector faults;
      if (call == Call::kOpenat) {
        faults.hook<Call::kOpenat>(
            [&](int folder, const char* path, int flags, mode_t mode) {
              meet();
              return real_sys().openat(folder, path, flags, mode);
            });
      } else if (call == Call::kGetdents64) {
        faults.hook<Call::kGetdents64>([&](int fd, void* into, size_t size) {
          meet();
          return real_sys().getdents64(fd, into, size);
        });
      } else {
        faults.hook<Call::kUnlinkat>(
            [&](int folder, const char* path, int flags) {
              meet();
              return real_sys().unlinkat(folder, path, flags);
            });
      }
      const absl::Status status = runtime().block_on(fs::remove_dir_all(gone));
      EXPECT_TRUE(status.ok())
          << testing::name_of(call) << " " << nth << ": " << status;
      EXPECT_FALSE(std::filesystem::exists(gone));
      calls = count;
    }
  }
  EXPECT_EQ(errno_of(runtime().block_on(fs::remove_dir_all(gone))), ENOENT);
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

}  // namespace
}  // namespace eddy::io
