// Operations of all backends, in whole runtimes: what becomes of the record,
// however early its future was dropped.
#include "reactor/submission.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "reactor/operation.h"
#include "runtime/base/sys.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::reactor {
namespace {

using base::sys;
using testing::eventually;
using testing::FlavorTest;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(fds_, O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(fds_[0]);
    end_writing();
  }
  int reader() const { return fds_[0]; }
  void write(std::string_view text) {
    EXPECT_EQ(::write(fds_[1], text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  void end_writing() {
    if (fds_[1] >= 0) ::close(std::exchange(fds_[1], -1));
  }

 private:
  int fds_[2];
};

// What the records of one test saw.
struct Ledger {
  std::atomic<int> records{0};    // that live
  std::atomic<int> performed{0};  // by the pool
  std::atomic<int> discarded{0};
  std::atomic<int64_t> last_discarded{0};
};

class Read final : public Operation {
 public:
  Read(int fd, size_t size, Ledger& ledger)
      : fd_(fd), into_(size, '\0'), ledger_(ledger) {
    ++ledger_.records;
  }
  ~Read() override { --ledger_.records; }

  Sqe submission() override {
    return {.opcode = Opcode::kRead,
            .fd = fd_,
            .offset = UINT64_MAX,  // where the file is
            .address = Sqe::address_of(into_.data()),
            .length = static_cast<uint32_t>(into_.size())};
  }
  int64_t perform() override {
    ++ledger_.performed;
    int64_t result;
    do {
      result = result_of(sys().read(fd_, into_.data(), into_.size()));
    } while (result == -EINTR);
    return result;
  }
  void discard(int64_t result) noexcept override {
    ++ledger_.discarded;
    ledger_.last_discarded = result;
  }
  const char* name() const noexcept override { return "read"; }

  const std::string& text() const { return into_; }

 private:
  const int fd_;
  std::string into_;
  Ledger& ledger_;
};

Submission<Read> read_from(int fd, size_t size, Ledger& ledger,
                           Prefer prefer = Prefer::kRing) {
  return Submission(std::make_unique<Read>(fd, size, ledger), prefer);
}

class Submissions : public FlavorTest {
 protected:
  void TearDown() override {
    pipe_.reset();
    FlavorTest::TearDown();
    EXPECT_EQ(ledger_.records, 0);
  }

  std::optional<Pipe> pipe_{std::in_place};
  Ledger ledger_;
};
EDDY_FOR_EACH_FLAVOR(Submissions);

TEST_P(Submissions, GiveTheResultAndTheRecord) {
  pipe_->write("hello");
  auto read = [this]() -> Task<std::string> {
    Submission<Read> read = read_from(pipe_->reader(), 100, ledger_);
    EXPECT_EQ(co_await read, 5);
    co_return read.take()->text().substr(0, 5);
  };
  EXPECT_EQ(runtime().block_on(read), "hello");
  EXPECT_EQ(ledger_.discarded, 0);
}

TEST_P(Submissions, WaitForWhatComesLater) {
  auto read = [this]() -> Task<int64_t> {
    co_return co_await read_from(pipe_->reader(), 100, ledger_);
  };
  auto handle = runtime().spawn(read);
  pipe_->write("hello");
  EXPECT_EQ(runtime().block_on(std::move(handle)).value(), 5);
}

TEST_P(Submissions, GiveTheKernelsErrno) {
  auto read = [this]() -> Task<int64_t> {
    co_return co_await read_from(-1, 100, ledger_);
  };
  EXPECT_EQ(runtime().block_on(read), -EBADF);
}

TEST_P(Submissions, DroppedBeforeTheFirstPollDoNothing) {
  {
    Submission<Read> read = read_from(pipe_->reader(), 100, ledger_);
  }
  EXPECT_EQ(ledger_.records, 0);
  EXPECT_EQ(ledger_.discarded, 0);
}

}  // namespace
}  // namespace eddy::reactor
