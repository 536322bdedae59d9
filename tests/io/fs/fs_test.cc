// The functions on paths, whole files, folders and temporary ones.
#include "io/fs/fs.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/fs/temporary.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/combinators/join.h"
#include "tests/io/fs/fs_test_support.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using testing::pattern;
using testing::read_now;
using testing::value_of;
using testing::write_now;

class FsFunctions : public testing::FsTest {};
EDDY_FOR_EACH_BACKEND(FsFunctions);

// With long names: more than one batch of what the kernel gives at a time.
constexpr int kEntries = 400;

Task<std::set<std::string>> names_in(std::string path) {
  ReadDir entries = value_of(co_await fs::read_dir(path));
  std::set<std::string> names;
  while (auto entry = value_of(co_await entries.next())) {
    EXPECT_TRUE(names.insert(entry->name()).second);
  }
  co_return names;
}

TEST_P(FsFunctions, WholeFiles) {
  runtime().block_on([](std::string folder) -> Task<> {
    const std::string path = folder + "/a";
    const std::string text = pattern(1'100'000);
    EXPECT_TRUE((co_await fs::write(path, text)).ok());
    EXPECT_EQ(value_of(co_await fs::read_to_string(path)), text);
    EXPECT_EQ(value_of(co_await fs::read(path)).text(), text);
    // Shorter, and in other containers.
    EXPECT_TRUE((co_await fs::write(path, "short")).ok());
    EXPECT_EQ(value_of(co_await fs::read_to_string(path)), "short");
    EXPECT_TRUE((co_await fs::write(path, Buffer::copy_of("buffer"))).ok());
    EXPECT_EQ(value_of(co_await fs::read_to_string(path)), "buffer");
    const auto shared = std::make_shared<const std::string>("shared");
    auto [one, two] = co_await join(fs::write(path, shared),
                                    fs::write(folder + "/b", shared));
    EXPECT_TRUE(one.ok() && two.ok());
    EXPECT_EQ(value_of(co_await fs::read_to_string(folder + "/b")), "shared");
    EXPECT_TRUE((co_await fs::write(path, "")).ok());
    EXPECT_EQ(value_of(co_await fs::read(path)).size(), 0u);
    // A file that says it has no bytes.
    const auto proc = co_await fs::read_to_string("/proc/self/status");
    EXPECT_NE(value_of(proc).find("VmRSS"), std::string::npos);
  }(folder()));
}

TEST_P(FsFunctions, Copies) {
  write_now(in("a"), pattern(200'000));
  std::filesystem::permissions(in("a"), std::filesystem::perms::owner_all);
  write_now(in("b"), pattern(300'000));
  runtime().block_on([](std::string folder) -> Task<> {
    EXPECT_EQ(value_of(co_await fs::copy(folder + "/a", folder + "/b")),
              200'000u);
    EXPECT_GT(value_of(co_await fs::copy("/proc/self/status", folder + "/c")),
              100u);
    // Onto itself, by another name as well: nothing is lost.
    EXPECT_TRUE((co_await fs::symlink("a", folder + "/same")).ok());
    for (const char* name : {"/a", "/same"}) {
      const auto same = co_await fs::copy(folder + "/a", folder + name);
      EXPECT_EQ(errno_of(same.status()), EINVAL);
    }
    const auto folder_copy = co_await fs::copy(folder, folder + "/d");
    EXPECT_EQ(errno_of(folder_copy.status()), EISDIR);
  }(folder()));
  EXPECT_EQ(read_now(in("a")), pattern(200'000));
  EXPECT_EQ(read_now(in("b")), pattern(200'000));
  EXPECT_EQ(std::filesystem::status(in("b")).permissions(),
            std::filesystem::perms::owner_all);
  EXPECT_FALSE(std::filesystem::exists(in("d")));
}

TEST_P(FsFunctions, Names) {
  write_now(in("a"), "a");
  runtime().block_on([](std::string folder, Backend backend) -> Task<> {
    const auto at = [&](const char* name) { return folder + "/" + name; };
    EXPECT_TRUE((co_await fs::rename(at("a"), at("b"), backend)).ok());
    EXPECT_FALSE(value_of(co_await fs::exists(at("a"))));
    EXPECT_TRUE(value_of(co_await fs::exists(at("b"))));
    EXPECT_FALSE(value_of(co_await fs::exists(at("b/below"))));
    EXPECT_TRUE((co_await fs::hard_link(at("b"), at("c"), backend)).ok());
    EXPECT_TRUE((co_await fs::symlink("b", at("link"), backend)).ok());
    EXPECT_EQ(value_of(co_await fs::read_link(at("link"))), "b");
    const std::string far(1000, 'x');
    EXPECT_TRUE((co_await fs::symlink(far, at("far"), backend)).ok());
    EXPECT_EQ(value_of(co_await fs::read_link(at("far"))), far);
    EXPECT_EQ(value_of(co_await fs::canonicalize(at("./link"))), at("b"));

    const Metadata b = value_of(co_await fs::metadata(at("link"), backend));
    EXPECT_TRUE(b.is_file());
    EXPECT_EQ(b.size(), 1u);
    EXPECT_EQ(b.links(), 2u);
    const auto age = std::chrono::system_clock::now() - b.modified();
    EXPECT_LT(age, std::chrono::hours(1));
    const Metadata c = value_of(co_await fs::metadata(at("c"), backend));
    EXPECT_EQ(b.inode(), c.inode());
    EXPECT_EQ(b.device(), c.device());
    const Metadata link =
        value_of(co_await fs::symlink_metadata(at("link"), backend));
    EXPECT_TRUE(link.is_symlink());
    EXPECT_TRUE((co_await fs::set_permissions(at("b"), 0640)).ok());
    EXPECT_EQ(value_of(co_await fs::metadata(at("b"), backend)).permissions(),
              mode_t{0640});

    EXPECT_TRUE((co_await fs::remove_file(at("link"), backend)).ok());
    EXPECT_TRUE(value_of(co_await fs::exists(at("b"))));
    EXPECT_EQ(errno_of(co_await fs::remove_file(at("link"), backend)), ENOENT);
    EXPECT_TRUE((co_await fs::create_dir(at("d"), 0700, backend)).ok());
    EXPECT_EQ(errno_of(co_await fs::create_dir(at("d"), 0700, backend)),
              EEXIST);
    EXPECT_EQ(errno_of(co_await fs::remove_file(at("d"), backend)), EISDIR);
    EXPECT_EQ(errno_of(co_await fs::remove_dir(at("b"), backend)), ENOTDIR);
    EXPECT_TRUE((co_await fs::remove_dir(at("d"), backend)).ok());
  }(folder(), backend()));
}

TEST_P(FsFunctions, FoldersWithAllAboveAndBelow) {
  std::filesystem::create_directories(in("kept"));
  write_now(in("kept/a"), "kept");
  runtime().block_on([](std::string folder, std::string kept) -> Task<> {
    const std::string top = folder + "/1";
    EXPECT_TRUE((co_await fs::create_dir_all(top + "/2//3/4/")).ok());
    EXPECT_TRUE((co_await fs::create_dir_all(top + "/2/3")).ok());
    EXPECT_TRUE((co_await fs::write(top + "/file", "x")).ok());
    EXPECT_EQ(errno_of(co_await fs::create_dir_all(top + "/file")), EEXIST);
    EXPECT_EQ(errno_of(co_await fs::create_dir_all(top + "/file/below")),
              ENOTDIR);
    EXPECT_EQ(errno_of(co_await fs::create_dir_all("")), ENOENT);
    EXPECT_EQ(errno_of(co_await fs::remove_dir(top)), ENOTEMPTY);
    for (int i = 0; i < 200; ++i) {
      const std::string path = top + "/2/" + std::string(20, 'f');
      EXPECT_TRUE((co_await fs::write(path + std::to_string(i), "x")).ok());
    }
    // Links go, and what they lead to stays.
    EXPECT_TRUE((co_await fs::symlink(kept, top + "/2/3/link")).ok());
    EXPECT_TRUE((co_await fs::symlink(top, folder + "/link")).ok());
    const absl::Status link = co_await fs::remove_dir_all(folder + "/link");
    EXPECT_TRUE(errno_of(link) == ENOTDIR || errno_of(link) == ELOOP) << link;
    EXPECT_TRUE((co_await fs::remove_dir_all(top)).ok());
    EXPECT_FALSE(value_of(co_await fs::exists(top)));
    EXPECT_EQ(errno_of(co_await fs::remove_dir_all(top)), ENOENT);
  }(folder(), in("kept")));
  EXPECT_EQ(read_now(in("kept/a")), "kept");
}

TEST_P(FsFunctions, EntriesOfAFolder) {
  std::set<std::string> expected;
  for (int i = 0; i < kEntries; ++i) {
    std::string name = std::string(200, 'n') + std::to_string(i);
    write_now(in(name), "");
    expected.insert(std::move(name));
  }
  runtime().block_on(
      [](std::string folder, std::set<std::string> expected) -> Task<> {
        EXPECT_EQ(co_await names_in(folder), expected);
        EXPECT_TRUE((co_await fs::create_dir(folder + "/d")).ok());
        EXPECT_EQ((co_await names_in(folder + "/d")).size(), 0u);
        EXPECT_TRUE((co_await fs::symlink("x", folder + "/d/link")).ok());
        ReadDir entries = value_of(co_await fs::read_dir(folder + "/d"));
        const auto entry = value_of(co_await entries.next());
        EXPECT_EQ(entry->name(), "link");
        EXPECT_EQ(entry->type(), FileType::kSymlink);
        EXPECT_FALSE(value_of(co_await entries.next()).has_value());
        EXPECT_FALSE(value_of(co_await entries.next()).has_value());
        const auto file = co_await fs::read_dir(folder + "/d/link");
        EXPECT_EQ(errno_of(file.status()), ENOENT);
      }(folder(), std::move(expected)));
}

// Each wait is dropped once, and made anew. A fetch beyond the first, which
// comes with the folder, ends after that.
TEST_P(FsFunctions, ADroppedNextLosesNoEntry) {
  for (int i = 0; i < kEntries; ++i) {
    write_now(in(std::string(200, 'n') + std::to_string(i)), "");
  }
  testing::FaultInjector faults;
  std::atomic<int> fetches{0}, allowed{1};
  faults.hook<testing::Call::kGetdents64>([&](int fd, void* into, size_t size) {
    const int fetch = fetches.fetch_add(1) + 1;
    while (fetch > allowed.load()) std::this_thread::yield();
    return testing::real_sys().getdents64(fd, into, size);
  });
  runtime().block_on(
      [](std::string folder, std::atomic<int>& allowed) -> Task<> {
        ReadDir entries = value_of(co_await fs::read_dir(folder));
        size_t count = 0;
        for (;;) {
          {
            ReadDir::Next next = entries.next();
            testing::WakeCounter waker;
            auto poll = next.poll(waker.context());
            if (poll.is_ready()) {
              if (!value_of(*std::move(poll))) break;
              ++count;
              continue;
            }
          }
          allowed.fetch_add(1);
          if (!value_of(co_await entries.next())) break;
          ++count;
        }
        EXPECT_EQ(count, size_t{kEntries});
        EXPECT_GT(allowed.load(), 1);
      }(folder(), allowed));
}

TEST_P(FsFunctions, TemporaryOnesVanish) {
  std::string removed, dropped, kept;
  runtime().block_on([](std::string& removed, std::string& dropped,
                        std::string& kept) -> Task<> {
    TempDir first = value_of(co_await TempDir::create());
    removed = first.path();
    EXPECT_TRUE((co_await fs::write(removed + "/a", "a")).ok());
    EXPECT_EQ(value_of(co_await fs::metadata(removed)).permissions(),
              mode_t{0700});
    EXPECT_TRUE((co_await std::move(first).remove()).ok());
    EXPECT_FALSE(value_of(co_await fs::exists(removed)));
    TempDir second = value_of(co_await TempDir::create("eddy-second-"));
    dropped = second.path();
    kept = value_of(co_await TempDir::create()).path();
    TempDir third = value_of(co_await TempDir::create());
    kept = std::move(third).keep();

    File file = value_of(co_await fs::temp_file());
    EXPECT_TRUE((co_await write_all(file, "hello")).ok());
    auto [count, text] = co_await file.read_at(std::string(5, '\0'), 0);
    EXPECT_EQ(text, "hello");
    EXPECT_LE(value_of(co_await file.metadata()).links(), 1u);
  }(removed, dropped, kept));
  EXPECT_NE(dropped.find("/eddy-second-"), std::string::npos);
  EXPECT_TRUE(
      testing::eventually([&] { return !std::filesystem::exists(dropped); }));
  EXPECT_TRUE(std::filesystem::remove(kept));
}

}  // namespace
}  // namespace eddy::io
