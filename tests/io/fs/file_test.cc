// File: what its operations do, on both flavors and by each backend.
#include "io/fs/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/copy.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/combinators/join.h"
#include "tests/io/fs/fs_test_support.h"
#include "tests/support/allocations.h"
#include "tests/support/fault_injector.h"

namespace eddy::io {
namespace {

using testing::Call;
using testing::FaultInjector;
using testing::pattern;
using testing::read_now;
using testing::room;
using testing::value_of;
using testing::write_now;

static_assert(AsyncRead<File> && AsyncWrite<File>);

class FileTest : public testing::FsTest {};
EDDY_FOR_EACH_BACKEND(FileTest);

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_P(FileTest, ReadsWhatItWrote) {
  const std::string text = pattern(1'200'000);
  runtime().block_on([](std::string path, OpenOptions options,
                        const std::string& text) -> Task<> {
    File file = value_of(
        co_await File::open(path, options.read().write().create_new()));
    EXPECT_TRUE((co_await write_all(file, text)).ok());
    EXPECT_EQ(value_of(co_await file.seek(SeekFrom::current(0))), text.size());
    std::string back(text.size(), '\0');
    // At the end.
    EXPECT_EQ(value_of(co_await file.read(room(back))), 0u);
    EXPECT_EQ(value_of(co_await file.seek(SeekFrom::start(0))), 0u);
    EXPECT_TRUE((co_await read_exact(file, room(back))).ok());
    EXPECT_EQ(back, text);
    // By place.
    EXPECT_EQ(value_of(co_await file.seek(SeekFrom::end(-5))), text.size() - 5);
    std::string last(10, '\0');
    EXPECT_EQ(value_of(co_await file.read(room(last))), 5u);
    EXPECT_EQ(last.substr(0, 5), text.substr(text.size() - 5));
    EXPECT_EQ(errno_of((co_await file.seek(SeekFrom::start(0))).status()), 0);
    EXPECT_EQ(errno_of((co_await file.seek(SeekFrom::current(-1))).status()),
              EINVAL);
    EXPECT_TRUE((co_await std::move(file).close()).ok());
  }(in("a"), options(), text));
  EXPECT_EQ(read_now(in("a")), text);
}

TEST_P(FileTest, TakesContainersAndGivesThemBack) {
  write_now(in("a"), "0123456789");
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    const File file =
        value_of(co_await File::open(path, options.read().write()));
    auto [read, text] = co_await file.read_at(std::string(4, '\0'), 3);
    EXPECT_EQ(value_of(std::move(read)), 4u);
    EXPECT_EQ(text, "3456");
    auto [vector_read, vector] =
        co_await file.read_at(std::vector<std::byte>(20), 8);
    EXPECT_EQ(value_of(std::move(vector_read)), 2u);
    EXPECT_EQ(vector.size(), 20u);
    EXPECT_EQ(vector[0], std::byte{'8'});
    // A short string is in the object itself, which moves.
    auto [written, same] = co_await file.write_at(std::string("xyz"), 0);
    EXPECT_EQ(value_of(std::move(written)), 3u);
    EXPECT_EQ(same, "xyz");
    Buffer buffer = Buffer::copy_of("abcdef");
    buffer.slice(2, 3);
    auto [sliced, buffer_back] = co_await file.write_at(std::move(buffer), 20);
    EXPECT_EQ(value_of(std::move(sliced)), 3u);
    EXPECT_EQ(buffer_back.text(), "cde");
    const auto shared = std::make_shared<const std::string>("SH");
    auto [shared_count, shared_back] = co_await file.write_at(shared, 5);
    EXPECT_EQ(value_of(std::move(shared_count)), 2u);
    EXPECT_EQ(shared_back, shared);
    // Nothing there.
    auto [none, unused] = co_await file.read_at(std::string(4, '\0'), 1000);
    EXPECT_EQ(value_of(std::move(none)), 0u);
  }(in("a"), options()));
  EXPECT_EQ(read_now(in("a")),
            std::string("xyz34SH789") + std::string(10, '\0') + "cde");
}

TEST_P(FileTest, ManyPartsAreOneTransfer) {
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    File file =
        value_of(co_await File::open(path, options.read().write().create()));
    const std::array<std::span<const std::byte>, 3> from = {
        bytes("ab"), bytes(""), bytes("cdef")};
    EXPECT_EQ(value_of(co_await file.writev(from)), 6u);
    (void)co_await file.seek(SeekFrom::start(1));
    std::string first(2, '\0'), second(5, '\0');
    const std::array<std::span<std::byte>, 2> into = {room(first),
                                                      room(second)};
    EXPECT_EQ(value_of(co_await file.readv(into)), 5u);
    EXPECT_EQ(first, "bc");
    EXPECT_EQ(second.substr(0, 3), "def");
    EXPECT_EQ(value_of(co_await file.seek(SeekFrom::current(0))), 6u);
  }(in("a"), options()));
}

TEST_P(FileTest, OpensAsItsOptionsSay) {
  write_now(in("old"), "old");
  runtime().block_on([](std::string folder, OpenOptions base) -> Task<> {
    const auto open = [&](std::string name, OpenOptions options) {
      return File::open(folder + "/" + name, options);
    };
    const auto err = [](const absl::StatusOr<File>& file) {
      return errno_of(file.status());
    };
    EXPECT_EQ(err(co_await open("old", OpenOptions(base).write().create_new())),
              EEXIST);
    EXPECT_EQ(err(co_await open("new", OpenOptions(base).write())), ENOENT);
    // What makes no sense.
    EXPECT_EQ(err(co_await open("old", base)), EINVAL);
    EXPECT_EQ(err(co_await open("old", OpenOptions(base).read().truncate())),
              EINVAL);
    EXPECT_EQ(err(co_await open("old", OpenOptions(base).read().create())),
              EINVAL);
    EXPECT_EQ(err(co_await open("old",
                                OpenOptions(base).write().append().truncate())),
              EINVAL);
    {
      File file =
          value_of(co_await open("old", OpenOptions(base).read().append()));
      EXPECT_TRUE((co_await write_all(file, "+1")).ok());
      EXPECT_TRUE((co_await write_all(file, "+2")).ok());
      std::string all(7, '\0');
      EXPECT_TRUE((co_await read_exact(file, room(all))).ok());
      EXPECT_EQ(all, "old+1+2");
    }
    {
      File file = value_of(
          co_await open("mode", OpenOptions(base).write().create().mode(0640)));
      const Metadata metadata = value_of(co_await file.metadata());
      EXPECT_EQ(metadata.permissions() & 0700, mode_t{0600});
      EXPECT_EQ(metadata.size(), 0u);
      EXPECT_TRUE(metadata.is_file());
      EXPECT_TRUE((co_await file.set_permissions(0400)).ok());
      EXPECT_EQ(value_of(co_await file.metadata()).permissions(), mode_t{0400});
    }
    EXPECT_EQ(err(co_await open(
                  "old", OpenOptions(base).write().custom_flags(O_DIRECTORY))),
              ENOTDIR);
    File empty =
        value_of(co_await open("old", OpenOptions(base).write().truncate()));
    EXPECT_EQ(value_of(co_await empty.metadata()).size(), 0u);
    File made = value_of(co_await File::create(folder + "/made"));
    EXPECT_TRUE((co_await write_all(made, "x")).ok());
  }(folder(), options()));
  EXPECT_EQ(read_now(in("made")), "x");
}

TEST_P(FileTest, ChangesItsSizeAndSyncs) {
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    File file =
        value_of(co_await File::open(path, options.read().write().create()));
    EXPECT_TRUE((co_await write_all(file, "0123456789")).ok());
    EXPECT_TRUE((co_await file.set_len(4)).ok());
    EXPECT_EQ(value_of(co_await file.metadata()).size(), 4u);
    EXPECT_TRUE((co_await file.set_len(8)).ok());
    std::string back(8, 'x');
    (void)co_await file.seek(SeekFrom::start(0));
    EXPECT_TRUE((co_await read_exact(file, room(back))).ok());
    EXPECT_EQ(back, std::string("0123") + std::string(4, '\0'));
    EXPECT_TRUE((co_await file.sync_data()).ok());
    EXPECT_TRUE((co_await file.sync_all()).ok());
    EXPECT_EQ(errno_of(co_await file.set_len(UINT64_MAX)), EINVAL);
    EXPECT_TRUE((co_await file.advise(0, 0, Advice::kSequential)).ok());
    const absl::Status allocated = co_await file.fallocate(0, 1 << 16);
    if (errno_of(allocated) != EOPNOTSUPP) {
      EXPECT_TRUE(allocated.ok()) << allocated;
      EXPECT_EQ(value_of(co_await file.metadata()).size(), size_t{1} << 16);
    }
  }(in("a"), options()));
}

TEST_P(FileTest, AClonesPositionIsItsOwn) {
  write_now(in("a"), "0123456789");
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    File file = value_of(co_await File::open(path, options.read()));
    std::string two(2, '\0');
    EXPECT_TRUE((co_await read_exact(file, room(two))).ok());
    File clone = value_of(file.try_clone());
    EXPECT_TRUE((co_await read_exact(file, room(two))).ok());
    EXPECT_EQ(two, "23");
    EXPECT_TRUE((co_await std::move(file).close()).ok());
    EXPECT_TRUE((co_await read_exact(clone, room(two))).ok());
    EXPECT_EQ(two, "23");
  }(in("a"), options()));
}

TEST_P(FileTest, IsCopiedToAnother) {
  const std::string text = pattern(300'001);
  write_now(in("a"), text);
  runtime().block_on([](std::string from, std::string to) -> Task<> {
    File reader = value_of(co_await File::open(from));
    File writer = value_of(co_await File::create(to));
    EXPECT_EQ(value_of(co_await copy(reader, writer)), 300'001u);
  }(in("a"), in("b")));
  EXPECT_EQ(read_now(in("b")), text);
}

TEST_P(FileTest, PassesByThePageCache) {
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    absl::StatusOr<File> opened =
        co_await File::open(path, options.read().write().create().direct());
    // tmpfs knew no direct IO before Linux 6.6.
    if (errno_of(opened.status()) == EINVAL) co_return;
    File file = value_of(std::move(opened));
    Buffer page(Buffer::kAlignment);
    std::fill(page.begin(), page.end(), std::byte{'d'});
    auto [written, buffer] = co_await file.write_at(std::move(page), 4096);
    EXPECT_EQ(value_of(std::move(written)), 4096u);
    std::fill(buffer.begin(), buffer.end(), std::byte{0});
    auto [read, back] = co_await file.read_at(std::move(buffer), 4096);
    EXPECT_EQ(value_of(std::move(read)), 4096u);
    EXPECT_EQ(back.text(), std::string(4096, 'd'));
    // Spans need no alignment.
    std::string text(8192, '\0');
    EXPECT_TRUE((co_await read_exact(file, room(text))).ok());
    EXPECT_EQ(text.substr(4096), std::string(4096, 'd'));
  }(in("a"), options()));
}

TEST_P(FileTest, ServesManyTasksAtOnce) {
  const std::string text = pattern(64 * 4096);
  write_now(in("a"), text);
  runtime().block_on([](std::string path, OpenOptions options,
                        const std::string& text) -> Task<> {
    const File file = value_of(co_await File::open(path, options.read()));
    const auto check = [](const File& file, const std::string& text,
                          uint64_t first) -> Task<> {
      for (uint64_t page = first; page < 64; page += 4) {
        auto [count, back] = co_await file.read_at(Buffer(4096), page * 4096);
        EXPECT_EQ(value_of(std::move(count)), 4096u);
        EXPECT_EQ(back.text(), text.substr(page * 4096, 4096));
      }
    };
    co_await join(check(file, text, 0), check(file, text, 1),
                  check(file, text, 2), check(file, text, 3));
  }(in("a"), options(), text));
}

bool can_read_at_once(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char byte;
  const iovec part = {&byte, 1};
  const bool can = ::preadv2(fd, &part, 1, 0, RWF_NOWAIT) == 1;
  ::close(fd);
  return can;
}

// A read of what the page cache has: one system call, and no memory.
TEST_P(FileTest, WhatIsInMemoryIsReadAtOnce) {
  if (backend() != Backend::kAutomatic) return;
  write_now(in("a"), pattern(1 << 16));
  if (!can_read_at_once(in("a"))) GTEST_SKIP() << "the file system can't";
  runtime().block_on([](std::string path) -> Task<> {
    FaultInjector calls;
    // The kernel may say that it can't, where mounts come and go meanwhile.
    bool is_at_once = false;
    for (int i = 0; i < 100 && !is_at_once; ++i) {
      const uint64_t before = calls.calls(Call::kOpenat);
      (void)co_await File::open(path);
      is_at_once = calls.calls(Call::kOpenat) == before;
    }
    EXPECT_TRUE(is_at_once);
    File file = value_of(co_await File::open(path));
    Buffer buffer(4096);
    std::string text(4096, '\0');
    const uint64_t before = calls.calls(Call::kPreadv2);
    const int64_t allocated = testing::allocated_bytes();
    for (uint64_t page = 0; page < 10; ++page) {
      auto [count, back] =
          co_await file.read_at(std::move(buffer), page * 4096);
      EXPECT_EQ(*count, 4096u);
      buffer = std::move(back);
      EXPECT_EQ(*co_await file.read(room(text)), 4096u);
    }
    EXPECT_EQ(testing::allocated_bytes(), allocated);
    EXPECT_EQ(calls.calls(Call::kPreadv2) - before, 20u);
    EXPECT_EQ(calls.calls(Call::kPread), 0u);
  }(in("a")));
}

TEST_P(FileTest, OpensNothingOutsideOfARoot) {
  std::filesystem::create_directories(in("root/below"));
  write_now(in("secret"), "secret");
  write_now(in("root/below/a"), "inside");
  std::filesystem::create_symlink("below/a", in("root/link"));
  std::filesystem::create_symlink("../secret", in("root/out"));
  std::filesystem::create_symlink("/etc/passwd", in("root/absolute"));
  std::filesystem::create_symlink("..", in("root/up"));
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    const File root = value_of(co_await File::open(
        path, OpenOptions(options).read().custom_flags(O_DIRECTORY | O_PATH)));
    for (const char* name : {"below/a", "link", "below/../link"}) {
      File file = value_of(
          co_await File::open_beneath(root, name, OpenOptions(options).read()));
      std::string text(6, '\0');
      EXPECT_TRUE((co_await read_exact(file, room(text))).ok());
      EXPECT_EQ(text, "inside");
    }
    for (const char* name : {"../secret", "out", "absolute", "/etc/passwd",
                             "up/secret", "below/../../secret"}) {
      const auto file =
          co_await File::open_beneath(root, name, OpenOptions(options).read());
      EXPECT_EQ(errno_of(file.status()), EXDEV) << name;
    }
  }(in("root"), options()));
}

// Opened at once or not: a pipe waits for its writer, and nothing is lost that
// one writes which has waited for us.
TEST_P(FileTest, APipeWaitsForItsWriter) {
  ASSERT_EQ(::mkfifo(in("pipe").c_str(), 0600), 0);
  runtime().block_on([](std::string path, OpenOptions options) -> Task<> {
    const auto read = [](std::string path, OpenOptions options) -> Task<> {
      File pipe = value_of(co_await File::open(path, options.read()));
      std::string text(11, '\0');
      EXPECT_TRUE((co_await read_exact(pipe, room(text))).ok());
      EXPECT_EQ(text, "hello there");
      EXPECT_EQ(value_of(co_await pipe.read(room(text))), 0u);
    };
    const auto write = [](std::string path, OpenOptions options) -> Task<> {
      File pipe = value_of(co_await File::open(path, options.write()));
      EXPECT_TRUE((co_await write_all(pipe, "hello ")).ok());
      EXPECT_TRUE((co_await write_all(pipe, "there")).ok());
    };
    co_await join(read(path, options), write(path, options));
    co_await join(write(path, options), read(path, options));
  }(in("pipe"), options()));
}

TEST(FileDeathTest, OneReadsOrWritesInSequenceAtATime) {
  // Nobody writes to it: a read does not end.
  const std::string path = ::testing::TempDir() + "eddy-pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_DEATH(
      {
        Runtime runtime = *Builder::current_thread().build();
        runtime.block_on([](std::string path) -> Task<> {
          File pipe = value_of(co_await File::open(
              path, OpenOptions().read().write().backend(Backend::kPool)));
          std::string text(2, '\0');
          FileRead one = pipe.read(room(text));
          FileRead two = pipe.read(room(text));
          co_await join(one, two);
        }(path));
      },
      "use read_at\\(\\) and write_at\\(\\)");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace eddy::io
