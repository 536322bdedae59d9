// What files do about bad input: row B5.
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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
#include "tests/io/fs/small_disk.h"
#include "tests/support/fault_injector.h"

namespace eddy::io {
namespace {

using testing::Call;
using testing::FaultInjector;
using testing::pattern;
using testing::read_now;
using testing::room;
using testing::SmallDisk;
using testing::value_of;
using testing::write_now;

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

// B5: the same of a disk that has room for some of it: that is there, and what
// was there before, and with room again it goes on.
TEST_P(FsBadInput, ADiskWithoutRoomForAll) {
  static constexpr uint64_t kDisk = 64 * 1024;
  const SmallDisk disk(kDisk);
  if (!disk.is_there()) GTEST_SKIP() << disk.why_not();
  write_now(disk.path("before"), "before");
  static constexpr uint64_t kRoom = kDisk - 4096;  // a page is taken
  runtime().block_on([](const SmallDisk& disk, OpenOptions options) -> Task<> {
    const std::string path = disk.path("a"), other = disk.path("b");
    File file = value_of(co_await File::open(
        path, OpenOptions(options).read().write().create()));
    const std::string text = pattern(3 * kDisk);
    auto writing = write_all(file, text);
    expect_error(co_await writing, ENOSPC, path);
    EXPECT_EQ(writing.transferred(), kRoom);
    EXPECT_EQ(value_of(co_await file.seek(SeekFrom::current(0))), kRoom);

    auto [count, back] = co_await file.write_at(Buffer::copy_of("x"), kRoom);
    expect_error(count.status(), ENOSPC, path);
    EXPECT_EQ(back.text(), "x");
    expect_error(co_await file.fallocate(0, kDisk), ENOSPC, path);
    expect_error(co_await fs::write(other, "x"), ENOSPC, other);
    expect_error((co_await fs::copy(path, other)).status(), ENOSPC, other);
    EXPECT_EQ(value_of(co_await fs::read_to_string(path)),
              text.substr(0, kRoom));
    EXPECT_EQ(value_of(co_await fs::read_to_string(disk.path("before"))),
              "before");

    EXPECT_TRUE((co_await file.set_len(kRoom - 4096)).ok());
    EXPECT_TRUE((co_await fs::write(other, "y")).ok());
    EXPECT_EQ(value_of(co_await fs::read_to_string(other)), "y");
  }(disk, options()));
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

}  // namespace
}  // namespace eddy::io
