// What the way of an operation through eddy to a ring and back costs, beside a
// ring by hand.
//
//   ./bazelw run -c opt //benchmarks/rings            operations that do
//   nothing
//   ./bazelw run -c opt //benchmarks/rings -- FILE    random reads of 4 KiB,
//                                                     past the page cache
//
// Each line is the median of seven rounds of which the programs take turns: ns
// per operation, wall and CPU of the whole process.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/program/program.h"
#include "benchmarks/rings/raw.h"
#include "reactor/operation.h"
#include "reactor/submission.h"
#include "runtime/base/random.h"
#include "runtime/base/sys.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy::benchmarks {
namespace {

using reactor::Opcode;
using reactor::Prefer;
using reactor::Submission;

constexpr int kRounds = 7;
constexpr std::size_t kDepth = 32;

struct File {
  int fd = -1;
  uint64_t blocks = 0;
};

// The buffer is the record's for its whole life, as with the raw ring.
class Block final : public reactor::Operation {
 public:
  explicit Block(const File& file) : file_(file) {
    if (file.fd >= 0) buffer_ = std::aligned_alloc(kBlock, kBlock);
  }
  ~Block() override { std::free(buffer_); }

  reactor::Sqe submission() override {
    if (file_.fd < 0) return {};
    return {.opcode = Opcode::kRead,
            .fd = file_.fd,
            .offset = block * kBlock,
            .address = reactor::Sqe::address_of(buffer_),
            .length = kBlock};
  }
  int64_t perform() override {
    if (file_.fd < 0) return 0;
    return reactor::result_of(base::sys().pread(
        file_.fd, buffer_, kBlock, static_cast<off_t>(block * kBlock)));
  }
  const char* name() const noexcept override { return "block"; }

  uint64_t block = 0;

 private:
  const File file_;
  void* buffer_ = nullptr;
};

Task<> run_some(File file, std::size_t count, uint64_t seed, Prefer prefer) {
  base::Random random(seed);
  auto record = std::make_unique<Block>(file);
  for (std::size_t i = 0; i < count; ++i) {
    if (file.fd >= 0) record->block = random() % file.blocks;
    Submission<Block> pending(std::move(record), prefer);
    const int64_t result = co_await pending;
    expect(result == (file.fd < 0 ? 0 : static_cast<int64_t>(kBlock)),
           "result");
    record = pending.take();
  }
}

void run_eddy(const Runtime& runtime, File file, std::size_t count,
              Prefer prefer) {
  auto all = [=]() -> Task<> {
    std::vector<JoinHandle<void>> handles;
    for (std::size_t i = 0; i < kDepth; ++i) {
      handles.push_back(spawn(run_some(file, count / kDepth, i, prefer)));
    }
    for (JoinHandle<void>& handle : handles) (co_await handle).value();
  };
  runtime.block_on(all);
}

struct Program {
  std::string name;
  std::function<void(std::size_t count)> run;
  std::vector<double> wall = {}, cpu = {};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int run(const char* path) {
  File file;
  if (path != nullptr) {
    file.fd = ::open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    struct stat stat;
    expect(file.fd >= 0 && ::fstat(file.fd, &stat) == 0, path);
    file.blocks = static_cast<uint64_t>(stat.st_size) / kBlock;
    expect(file.blocks > 0, "an empty file");
  }
  Runtime one = *Builder::current_thread().build();
  Runtime two = *Builder::multi_thread().worker_threads(2).build();
  std::vector<Program> programs = {
      {"raw ring",
       [&](std::size_t n) {
         run_raw_ring(file.fd, file.blocks, n, kDepth, false);
       }},
      {"raw ring, deferred",
       [&](std::size_t n) {
         run_raw_ring(file.fd, file.blocks, n, kDepth, true);
       }},
      {"eddy, current thread",
       [&](std::size_t n) { run_eddy(one, file, n, Prefer::kRing); }},
      {"eddy, 2 workers",
       [&](std::size_t n) { run_eddy(two, file, n, Prefer::kRing); }},
      {"eddy, pool",
       [&](std::size_t n) { run_eddy(one, file, n, Prefer::kPool); }},
  };
  const std::size_t count = file.fd < 0 ? 64'000 : 16'000;
  for (int round = 0; round < kRounds; ++round) {
    for (Program& program : programs) {
      const Stopwatch watch;
      program.run(count);
      const Measured measured = watch.stop(count);
      program.wall.push_back(static_cast<double>(measured.wall.count()) /
                             static_cast<double>(count));
      program.cpu.push_back(static_cast<double>(measured.cpu.count()) /
                            static_cast<double>(count));
    }
  }
  for (const Program& program : programs) {
    std::printf("%-22s %8.0f ns  %8.0f ns CPU\n", program.name.c_str(),
                median(program.wall), median(program.cpu));
  }
  const reactor::IoUringMetrics ring = one.metrics().reactor.io_uring;
  std::printf("batches of %.1f on one thread",
              static_cast<double>(ring.submitted) /
                  static_cast<double>(std::max<uint64_t>(ring.batches, 1)));
  const reactor::IoUringMetrics rings = two.metrics().reactor.io_uring;
  std::printf(", %.1f with two workers\n",
              static_cast<double>(rings.submitted) /
                  static_cast<double>(std::max<uint64_t>(rings.batches, 1)));
  return 0;
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  return eddy::benchmarks::run(argc > 1 ? argv[1] : nullptr);
}
