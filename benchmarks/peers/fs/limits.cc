// The suite "fs" without a runtime: one thread, one after the other ("seq"); a
// thread for each file ("threads"); two threads ("pool-2"); and a ring of
// io_uring ("raw-uring"), with as many operations in flight as there are.

#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/program/program.h"
#include "benchmarks/workloads/files.h"

namespace {

using namespace eddy::benchmarks;  // NOLINT(build/namespaces)

const std::string& bytes() {
  static const std::string text = contents();
  return text;
}

void write_file(const std::string& path, bool sync) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const ssize_t count = ::write(fd, bytes().data(), bytes().size());
  expect(count == static_cast<ssize_t>(kFileBytes), "write a file");
  if (sync) expect(::fsync(fd) == 0, "fsync");
  ::close(fd);
}

void read_file(const std::string& path, std::string& into) {
  into.resize(kFileBytes);
  const int fd = ::open(path.c_str(), O_RDONLY);
  const ssize_t count = ::read(fd, into.data(), into.size());
  expect(count == static_cast<ssize_t>(kFileBytes), "read a file");
  ::close(fd);
}

// Does `one(i)` for each file, by so many threads.
template <class One>
void by_threads(std::size_t threads, One one) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i;
         (i = next.fetch_add(1, std::memory_order_relaxed)) < kFiles;)
      one(i);
  };
  std::vector<std::thread> started;
  for (std::size_t i = 1; i < threads; ++i) started.emplace_back(work);
  work();
  for (std::thread& thread : started) thread.join();
}

std::size_t threads_of(const Arguments& arguments) {
  if (arguments.runtime == "threads") return kFiles;
  return arguments.runtime == "pool-2" ? 2 : 1;
}

class Ring {
 public:
  explicit Ring(unsigned entries) {
    io_uring_params params = {};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    errno = -::io_uring_queue_init_params(entries, &ring_, &params);
    expect(errno == 0, "io_uring_setup()");
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { ::io_uring_queue_exit(&ring_); }

  // Prepares one: prepare(sqe).
  template <class Prepare>
  void add(std::size_t data, Prepare prepare) {
    io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
    expect(sqe != nullptr, "room in the ring");
    prepare(sqe);
    ::io_uring_sqe_set_data64(sqe, data);
  }

  // Calls done(data, result) for each completion until `pending` is 0.
  template <class Done>
  void run(std::size_t& pending, Done done) {
    while (pending > 0) {
      ::io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* cqe = nullptr;
      unsigned head = 0, count = 0;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        --pending;
        ++count;
        // What it prepares next is submitted with the others.
        done(static_cast<std::size_t>(::io_uring_cqe_get_data64(cqe)),
             cqe->res);
      }
      ::io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  io_uring ring_;
};

// Of each file: open, write, perhaps fsync, close.
void write_by_ring(const Folder& folder, bool sync) {
  Ring ring(256);
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < kFiles; ++i) paths.push_back(folder.file(i));
  std::vector<int> fds(kFiles, -1), steps(kFiles, 0);
  std::size_t pending = 0;
  for (std::size_t i = 0; i < kFiles; ++i, ++pending) {
    ring.add(i, [&](io_uring_sqe* sqe) {
      ::io_uring_prep_openat(sqe, AT_FDCWD, paths[i].c_str(),
                             O_WRONLY | O_CREAT | O_TRUNC, 0666);
    });
  }
  ring.run(pending, [&](std::size_t i, int result) {
    expect(result >= 0, "an operation of the ring");
    switch (steps[i]++) {
      case 0:
        fds[i] = result;
        ring.add(i, [&](io_uring_sqe* sqe) {
          ::io_uring_prep_write(sqe, fds[i], bytes().data(),
                                static_cast<unsigned>(kFileBytes), 0);
        });
        break;
      case 1:
        expect(result == static_cast<int>(kFileBytes), "a whole write");
        if (sync) {
          ring.add(i, [&](io_uring_sqe* sqe) {
            ::io_uring_prep_fsync(sqe, fds[i], 0);
          });
          break;
        }
        ++steps[i];
        [[fallthrough]];
      case 2:
        ring.add(
            i, [&](io_uring_sqe* sqe) { ::io_uring_prep_close(sqe, fds[i]); });
        break;
      default:
        return;
    }
    ++pending;
  });
}

Measured write_files(const Arguments& arguments, bool sync) {
  return time_writes([&](const Folder& folder) {
    if (arguments.runtime == "raw-uring") return write_by_ring(folder, sync);
    by_threads(threads_of(arguments),
               [&](std::size_t i) { write_file(folder.file(i), sync); });
  });
}

Measured read_files(const Arguments& arguments) {
  const Folder folder;
  fill(folder);
  return time_rounds(10 * kRounds, kFiles, [&] {
    by_threads(threads_of(arguments), [&](std::size_t i) {
      thread_local std::string into;
      read_file(folder.file(i), into);
    });
  });
}

class Page {
 public:
  Page() : bytes_(static_cast<char*>(std::aligned_alloc(kPage, kPage))) {}
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() { std::free(bytes_); }

  char* data() const { return bytes_; }

 private:
  char* const bytes_;
};

// Of a file, from as many places at a time as there are pages.
class RandomReads {
 public:
  RandomReads(int flags, std::size_t in_flight, std::size_t reads)
      : fd_(::open(large_file().c_str(), O_RDONLY | flags)),
        each_(reads / in_flight),
        pages_(in_flight) {
    expect(fd_ >= 0, "open the large file");
    for (std::size_t i = 0; i < in_flight; ++i) places_.emplace_back(i);
  }
  RandomReads(const RandomReads&) = delete;
  RandomReads& operator=(const RandomReads&) = delete;
  ~RandomReads() { ::close(fd_); }

  std::size_t total() const { return each_ * pages_.size(); }

  void in_turn() {
    for (std::size_t n = 0; n < each_; ++n) {
      for (std::size_t i = 0; i < pages_.size(); ++i) {
        const auto at = static_cast<off_t>(places_[i].next());
        expect(::pread(fd_, pages_[i].data(), kPage, at) == kPage, "a page");
      }
    }
  }

  void by_ring() {
    Ring ring(static_cast<unsigned>(pages_.size()));
    std::vector<std::size_t> left(pages_.size(), each_);
    std::size_t pending = 0;
    const auto read = [&](std::size_t i) {
      ring.add(i, [&](io_uring_sqe* sqe) {
        ::io_uring_prep_read(sqe, fd_, pages_[i].data(), kPage,
                             places_[i].next());
      });
      --left[i];
      ++pending;
    };
    for (std::size_t i = 0; i < pages_.size(); ++i) read(i);
    ring.run(pending, [&](std::size_t i, int result) {
      expect(result == static_cast<int>(kPage), "a page");
      if (left[i] > 0) read(i);
    });
  }

 private:
  const int fd_;
  const std::size_t each_;
  std::vector<Page> pages_;
  std::vector<Places> places_;
};

Measured read_at_random(const Arguments& arguments) {
  RandomReads reads(0, kInFlight, kReads);
  return time_rounds(1, reads.total(), [&] {
    arguments.runtime == "seq" ? reads.in_turn() : reads.by_ring();
  });
}

Measured read_direct(const Arguments&) {
  RandomReads reads(O_DIRECT, kDirectInFlight, kDirectReads);
  return time_rounds(1, reads.total(), [&] { reads.by_ring(); });
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Entry> entries;
  for (const char* runtime : {"seq", "threads", "pool-2", "raw-uring"}) {
    const std::string name = runtime;
    entries.push_back({"fs", "fs_write_100", name, [](const Arguments& a) {
                         return write_files(a, false);
                       }});
    entries.push_back({"fs", "fs_fsync_100", name, [](const Arguments& a) {
                         return write_files(a, true);
                       }});
    if (name != "raw-uring") {
      entries.push_back({"fs", "fs_read_100", name, read_files});
    }
    if (name == "seq" || name == "raw-uring") {
      entries.push_back({"fs", "fs_random_4k", name, read_at_random});
    }
    if (name == "raw-uring") {
      entries.push_back({"fs", "fs_direct_4k", name, read_direct});
    }
  }
  return run_program(argc, argv, entries);
}
