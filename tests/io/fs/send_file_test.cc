// send_file(): whatever the file, the page cache and the peer do.
#include "io/fs/send_file.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "io/fs/file.h"
#include "io/read_exact.h"
#include "runtime/base/status.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/task/yield.h"
#include "tests/io/fs/fs_test_support.h"
#include "tests/io/net/connected.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using testing::Call;
using testing::connected;
using testing::FaultInjector;
using testing::pattern;
using testing::value_of;
using testing::write_now;

class AtOnce {
 public:
  using Output = void;
  AtOnce() {}
  Poll<void> poll(Context&) { return kReady; }
};

class FsSendFile : public testing::FsTest {
 protected:
  static Task<std::string> read_until_end(TcpStream stream) {
    std::string text, part(50'000, '\0');
    while (const size_t size = value_of(
               co_await stream.read(std::as_writable_bytes(std::span(part))))) {
      text.append(part, 0, size);
    }
    co_return text;
  }

  // Sends a part of the file at `path`; gives what arrives.
  static Task<std::string> send(std::string path, OpenOptions options,
                                uint64_t offset, uint64_t size) {
    auto [here, there] = co_await connected();
    const auto sending = [](std::string path, OpenOptions options,
                            uint64_t offset, uint64_t size,
                            TcpStream stream) -> Task<uint64_t> {
      const File file = value_of(co_await File::open(path, options.read()));
      co_return value_of(co_await send_file(file, offset, size, stream));
    };
    auto [sent, text] =
        co_await join(sending(path, options, offset, size, std::move(here)),
                      read_until_end(std::move(there)));
    EXPECT_EQ(sent, text.size());
    co_return text;
  }
};
EDDY_FOR_EACH_BACKEND(FsSendFile);

TEST_P(FsSendFile, TheBytesArrive) {
  const std::string text = pattern(1'000'000);
  write_now(in("a"), text);
  const auto sent = [&](uint64_t offset, uint64_t size) {
    return runtime().block_on(send(in("a"), options(), offset, size));
  };
  EXPECT_EQ(sent(0, text.size()), text);
  EXPECT_EQ(sent(12'345, 300'001), text.substr(12'345, 300'001));
  EXPECT_EQ(sent(5, 0), "");
  // More than there is.
  EXPECT_EQ(sent(999'990, 1000), text.substr(999'990));
  EXPECT_EQ(sent(2'000'000, 10), "");
}

TEST_P(FsSendFile, WhatIsNotInMemoryIsFetched) {
  const std::string text = pattern(1'000'000);
  write_now(in("a"), text);
  runtime().block_on([](std::string path) -> Task<> {
    File file =
        value_of(co_await File::open(path, OpenOptions().read().write()));
    EXPECT_TRUE((co_await file.sync_all()).ok());
    EXPECT_TRUE((co_await file.advise(0, 0, Advice::kDontNeed)).ok());
  }(in("a")));
  EXPECT_EQ(runtime().block_on(send(in("a"), options(), 0, text.size())), text);
  // Where nothing is told about the page cache.
  FaultInjector faults;
  faults.fail(Call::kPreadv2, testing::always(), EOPNOTSUPP);
  EXPECT_EQ(runtime().block_on(send(in("a"), options(), 0, text.size())), text);
}

// A head goes before, also in many parts, and alone where the file is empty.
TEST_P(FsSendFile, AHeadGoesBefore) {
  const std::string head = pattern(300'000), text = pattern(50'000);
  write_now(in("a"), text);
  for (const std::string& before : {head, std::string("short")}) {
    for (const uint64_t size : {text.size(), size_t{0}}) {
      const std::string received =
          runtime().block_on([](std::string path, std::string before,
                                uint64_t size) -> Task<std::string> {
            auto [here, there] = co_await connected();
            const auto sending = [](std::string path, std::string before,
                                    uint64_t size, TcpStream stream) -> Task<> {
              const File file = value_of(co_await File::open(path));
              SendFile send = send_file(file, 0, size, stream,
                                        std::as_bytes(std::span(before)));
              EXPECT_EQ(value_of(co_await send), size);
              EXPECT_EQ(send.sent(), size);
            };
            auto [sent, received] =
                co_await join(sending(path, before, size, std::move(here)),
                              read_until_end(std::move(there)));
            co_return received;
          }(in("a"), before, size));
      EXPECT_EQ(received, before + text.substr(0, size));
    }
  }
}

// A5, A4: short sends, of every size at the end, and interrupted ones.
TEST_P(FsSendFile, ShortSendsAreGoneOnWith) {
  const std::string text = pattern(20'000);
  write_now(in("a"), text);
  (void)runtime();
  FaultInjector faults;
  size_t most = 1;
  faults.hook<Call::kSendfile>([&](int to, int from, off_t* at, size_t size) {
    most = most % 997 + 13;
    return testing::real_sys().sendfile(to, from, at, std::min(size, most));
  });
  faults.fail(Call::kSendfile, testing::every(3), EINTR);
  EXPECT_EQ(runtime().block_on(send(in("a"), options(), 0, text.size())), text);
}

// The fixture of the process would not survive a SIGPIPE.
TEST_P(FsSendFile, APeerThatGoesIsAnErrorAndNoSignal) {
  write_now(in("a"), pattern(1'000'000));
  runtime().block_on([](std::string path) -> Task<> {
    const File file = value_of(co_await File::open(path));
    auto [here, there] = co_await connected();
    {
      TcpStream gone = std::move(there);
    }
    absl::StatusOr<uint64_t> sent = uint64_t{0};
    while (sent.ok()) sent = co_await send_file(file, 0, 1'000'000, here);
    EXPECT_TRUE(errno_of(sent.status()) == EPIPE ||
                errno_of(sent.status()) == ECONNRESET)
        << sent.status();
    sent = co_await send_file(file, 0, 10, here);
    EXPECT_EQ(errno_of(sent.status()), EPIPE);
  }(in("a")));
}

// Loses many selects, and goes on where it was.
TEST_P(FsSendFile, KeepsItsProgress) {
  const std::string text = pattern(4'000'000);
  write_now(in("a"), text);
  runtime().block_on([](std::string path, OpenOptions options,
                        const std::string& text) -> Task<> {
    auto [here, there] = co_await connected();
    // Else the kernel may take it all at once.
    const int room = 64 * 1024;
    EXPECT_EQ(
        ::setsockopt(here.fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
    const auto sending = [](std::string path, OpenOptions options,
                            uint64_t size, TcpStream stream) -> Task<int> {
      const File file = value_of(co_await File::open(path, options.read()));
      SendFile send = send_file(file, 0, size, stream);
      int lost = 0;
      for (;; ++lost) {
        auto first = co_await select_biased(send, AtOnce());
        if (first.index() == 0) break;
        co_await yield_now();
      }
      EXPECT_EQ(send.sent(), size);
      co_return lost;
    };
    auto [lost, received] =
        co_await join(sending(path, options, text.size(), std::move(here)),
                      read_until_end(std::move(there)));
    EXPECT_GT(lost, 0);
    EXPECT_EQ(received, text);
  }(in("a"), options(), text));
}

}  // namespace
}  // namespace eddy::io
