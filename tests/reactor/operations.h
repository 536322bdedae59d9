// Operations for tests, which count what becomes of their records.
#ifndef EDDY_TESTS_REACTOR_OPERATIONS_H_
#define EDDY_TESTS_REACTOR_OPERATIONS_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "reactor/operation.h"
#include "reactor/submission.h"
#include "runtime/base/sys.h"

namespace eddy::reactor {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(fds_, O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  int reader() const { return fds_[0]; }
  void write(std::string_view text) {
    EXPECT_EQ(::write(fds_[1], text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

 private:
  int fds_[2];
};

// What became of the records of one test. Relaxed, so that it adds no order to
// what is tested; but who finds that no record lives may close what they used.
struct Ledger {
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  int alive() const { return records.load(std::memory_order_acquire); }

  std::atomic<int> records{0};    // that live
  std::atomic<int> performed{0};  // by the pool
  std::atomic<int> discarded{0};
  std::atomic<int64_t> last_discarded{0};
};

class Counted : public Operation {
 public:
  explicit Counted(Ledger& ledger) : ledger_(ledger) {
    ledger_.records.fetch_add(1, Ledger::kRelaxed);
  }
  ~Counted() override {
    ledger_.records.fetch_sub(1, std::memory_order_acq_rel);
  }

  void discard(int64_t result) noexcept override {
    ledger_.discarded.fetch_add(1, Ledger::kRelaxed);
    ledger_.last_discarded.store(result, Ledger::kRelaxed);
  }

 protected:
  void count_performed() { ledger_.performed.fetch_add(1, Ledger::kRelaxed); }

 private:
  Ledger& ledger_;
};

class Read final : public Counted {
 public:
  Read(int fd, size_t size, Ledger& ledger)
      : Counted(ledger), fd_(fd), into_(size, '\0') {}

  Sqe submission() override {
    return {.opcode = Opcode::kRead,
            .fd = fd_,
            .offset = UINT64_MAX,  // where the file is
            .address = Sqe::address_of(into_.data()),
            .length = static_cast<uint32_t>(into_.size()),
            .force_async = force_async};
  }
  int64_t perform() override {
    count_performed();
    int64_t result;
    do {
      result = result_of(base::sys().read(fd_, into_.data(), into_.size()));
    } while (result == -EINTR);
    return result;
  }
  const char* name() const noexcept override { return "read"; }

  const std::string& text() const { return into_; }

  bool force_async = false;

 private:
  const int fd_;
  std::string into_;
};

// Opens a file; an fd that nobody takes is closed.
class Open final : public Counted {
 public:
  Open(std::string path, Ledger& ledger)
      : Counted(ledger), path_(std::move(path)) {}
  ~Open() override { close(fd); }

  Sqe submission() override {
    return {.opcode = Opcode::kOpenat,
            .fd = AT_FDCWD,
            .address = Sqe::address_of(path_.c_str()),
            .flags = kFlags};
  }
  int64_t perform() override {
    count_performed();
    return result_of(base::sys().openat(AT_FDCWD, path_.c_str(), kFlags, 0));
  }
  void discard(int64_t result) noexcept override {
    Counted::discard(result);
    close(result);
  }
  const char* name() const noexcept override { return "open"; }

  int64_t fd = -1;  // to be closed with the record

 private:
  static constexpr uint32_t kFlags = O_RDONLY | O_CLOEXEC;
  static void close(int64_t fd) {
    if (fd >= 0) ::close(static_cast<int>(fd));
  }

  const std::string path_;
};

class Nop final : public Counted {
 public:
  explicit Nop(Ledger& ledger) : Counted(ledger) {}

  Sqe submission() override {
    return {.opcode = Opcode::kNop, .force_async = force_async};
  }
  int64_t perform() override {
    count_performed();
    return 0;
  }
  const char* name() const noexcept override { return "nop"; }

  bool force_async = false;
};

inline Submission<Read> read_from(int fd, size_t size, Ledger& ledger,
                                  Prefer prefer = Prefer::kRing) {
  return Submission<Read>(std::make_unique<Read>(fd, size, ledger), prefer);
}

}  // namespace eddy::reactor

#endif  // EDDY_TESTS_REACTOR_OPERATIONS_H_
