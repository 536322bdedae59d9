// Buffer and what counts as owned bytes.
#include "io/buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "io/owned_bytes.h"

namespace eddy::io {
namespace {

static_assert(OwnedBytes<Buffer> && OwnedBytes<std::string>);
static_assert(OwnedBytes<std::vector<std::byte>>);
static_assert(OwnedBytes<std::vector<char>>);
static_assert(OwnedBytes<std::array<std::byte, 4>>);
static_assert(OwnedSource<std::shared_ptr<const std::string>>);
// Nothing would keep the bytes of these.
static_assert(!OwnedBytes<std::span<std::byte>>);
static_assert(!OwnedSource<std::string_view>);
static_assert(!OwnedSource<std::span<const std::byte>>);
static_assert(!OwnedSource<const char*>);
// Not bytes.
static_assert(!OwnedBytes<std::vector<int>>);

bool is_aligned(const void* at) {
  return reinterpret_cast<uintptr_t>(at) % Buffer::kAlignment == 0;
}

TEST(Buffer, IsAlignedAndAsLargeAsAskedFor) {
  for (size_t size : {1, 100, 4096, 4097, 65'536, 1 << 20, (1 << 20) + 1}) {
    Buffer buffer(size);
    EXPECT_TRUE(is_aligned(buffer.data()));
    EXPECT_EQ(buffer.size(), size);
    EXPECT_GE(buffer.capacity(), size);
    EXPECT_EQ(buffer.capacity() % Buffer::kAlignment, 0u);
    buffer.bytes().front() = buffer.bytes().back() = std::byte{1};
  }
}

TEST(Buffer, OfNoBytesHasNoMemory) {
  for (Buffer& buffer : std::array<Buffer, 2>{Buffer(), Buffer(0)}) {
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.capacity(), 0u);
  }
  EXPECT_TRUE(Buffer::copy_of(std::string_view()).empty());
}

TEST(Buffer, SliceMovesTheWindow) {
  Buffer buffer = Buffer::copy_of("hello world");
  buffer.slice(6, 5);
  EXPECT_EQ(buffer.text(), "world");
  buffer.slice(0, 5);
  EXPECT_EQ(buffer.text(), "hello");
  buffer.slice(buffer.capacity(), 0);
  EXPECT_TRUE(buffer.empty());
  EXPECT_DEATH(buffer.slice(1, buffer.capacity()), "beyond the memory");
}

TEST(Buffer, MovesLeaveNothingBehind) {
  Buffer first = Buffer::copy_of("one");
  Buffer second = std::move(first);
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.text(), "one");
  second = Buffer::copy_of("two");
  EXPECT_EQ(second.text(), "two");
}

// Also what ThreadSanitizer looks at: memory goes from thread to thread.
TEST(Buffer, MemoryIsUsedAgainByAnyThread) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      std::vector<Buffer> kept;
      for (int round = 0; round < 200; ++round) {
        kept.emplace_back(4096 << (round % 10));
        kept.back().bytes()[0] = std::byte(i);
        if (kept.size() > 3) {
          EXPECT_EQ(kept.front().bytes()[0], std::byte(i));
          kept.erase(kept.begin());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(OwnedBytes, AreSeenAsBytes) {
  std::string text = "abc";
  room_of(text)[0] = std::byte{'x'};
  EXPECT_EQ(text, "xbc");
  EXPECT_EQ(bytes_of(text).size(), 3u);
  const auto shared = std::make_shared<const std::string>("shared");
  EXPECT_EQ(bytes_of(shared).data(),
            reinterpret_cast<const std::byte*>(shared->data()));
}

}  // namespace
}  // namespace eddy::io
