#include "runtime/task/id.h"

#include <atomic>

namespace eddy {
namespace {

constexpr uint64_t kBlock = 4096;

struct Block {
  uint64_t next = 0;
  uint64_t left = 0;
};

thread_local constinit Block block;

}  // namespace

[[gnu::noinline]] TaskId TaskId::next() {
  if (block.left == 0) [[unlikely]] {
    static std::atomic<uint64_t> blocks{0};
    // relaxed: the numbers order nothing
    block.next = 1 + kBlock * blocks.fetch_add(1, std::memory_order_relaxed);
    block.left = kBlock;
  }
  --block.left;
  return TaskId(block.next++);
}

}  // namespace eddy
