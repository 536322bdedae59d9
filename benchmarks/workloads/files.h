// What the suite "fs" works on: folders of files, and a large one.
//
// Threads: of the thread that runs main().
// Errors:  end the program.
#ifndef EDDY_BENCHMARKS_WORKLOADS_FILES_H_
#define EDDY_BENCHMARKS_WORKLOADS_FILES_H_

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "benchmarks/program/program.h"

namespace eddy::benchmarks {

inline constexpr std::size_t kFiles = 100;
inline constexpr std::size_t kFileBytes = std::size_t{1} << 20;
inline constexpr std::size_t kRounds = 5;  // of 100 files

inline constexpr uint64_t kLargeBytes = uint64_t{1} << 30;
inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kInFlight = 64;
inline constexpr std::size_t kReads = 100'000;
inline constexpr std::size_t kDirectInFlight = 32;
inline constexpr std::size_t kDirectReads = 32'000;

// Removed at the end, in $TMPDIR or else /tmp.
class Folder {
 public:
  Folder() {
    const char* parent = ::getenv("TMPDIR");
    path_ = std::string(parent != nullptr ? parent : "/tmp") + "/bench-XXXXXX";
    expect(::mkdtemp(path_.data()) != nullptr, "make " + path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string file(std::size_t index) const {
    return path_ + "/" + std::to_string(index);
  }

 private:
  std::string path_;
};

inline std::string contents() { return std::string(kFileBytes, 'e'); }

// Times `write_all(folder)`, each round in a folder of its own.
template <class WriteAll>
Measured time_writes(WriteAll write_all) {
  {
    Folder warm;
    write_all(warm);
  }
  Measured sum;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const Folder folder;
    const Stopwatch watch;
    write_all(folder);
    const Measured one = watch.stop(kFiles);
    sum.ops += one.ops;
    sum.wall += one.wall;
    sum.cpu += one.cpu;
  }
  return sum;
}

inline void fill(const Folder& folder) {
  const std::string text = contents();
  for (std::size_t i = 0; i < kFiles; ++i) {
    const int fd = ::open(folder.file(i).c_str(), O_WRONLY | O_CREAT, 0600);
    expect(::write(fd, text.data(), text.size()) ==
               static_cast<ssize_t>(text.size()),
           "write a file");
    ::close(fd);
  }
}

// A file of 1 GiB, all of it in the page cache and on the disk. Kept for the
// next program: to make it takes longer than to read it.
inline std::string large_file() {
  const char* parent = ::getenv("TMPDIR");
  const std::string path =
      std::string(parent != nullptr ? parent : "/tmp") + "/bench-large-1g";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  expect(fd >= 0, "open " + path);
  std::string chunk(std::size_t{1} << 20, 'l');
  for (uint64_t at = 0; at < kLargeBytes; at += chunk.size()) {
    if (::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(at)) ==
        static_cast<ssize_t>(chunk.size())) {
      continue;
    }
    chunk.assign(chunk.size(), 'l');
    expect(::pwrite(fd, chunk.data(), chunk.size(), static_cast<off_t>(at)) ==
               static_cast<ssize_t>(chunk.size()),
           "write " + path);
  }
  expect(::fdatasync(fd) == 0, "sync " + path);
  ::close(fd);
  return path;
}

// Where the nth read of a task is.
class Places {
 public:
  explicit Places(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % (kLargeBytes / kPage) * kPage;
  }

 private:
  uint64_t state_;
};

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_WORKLOADS_FILES_H_
