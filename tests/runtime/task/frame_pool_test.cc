#include "runtime/task/frame_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/allocations.h"

namespace eddy::task {
namespace {

using testing::allocated_bytes;

struct Frame {
  void* memory;
  std::size_t size;
};

Frame make_frame(std::size_t size) {
  Frame frame{frame_pool::allocate(size), size};
  std::memset(frame.memory, 0x5a, size);
  return frame;
}
void free_frame(Frame frame) {
  frame_pool::deallocate(frame.memory, frame.size);
}

std::vector<Frame> make_frames(int count, std::size_t size) {
  std::vector<Frame> frames;
  for (int i = 0; i < count; ++i) frames.push_back(make_frame(size));
  return frames;
}
void free_frames(const std::vector<Frame>& frames) {
  for (Frame frame : frames) free_frame(frame);
}

template <class Body>
void on_thread(Body body) {
  std::thread(body).join();
}

TEST(FramePool, FramesAreAlignedAndDoNotOverlap) {
  std::vector<Frame> frames;
  for (std::size_t size = 1; size <= frame_pool::kLargest + 64; size += 7) {
    for (int i = 0; i < 3; ++i) {
      Frame frame = make_frame(size);
      std::memset(frame.memory, static_cast<int>(frames.size()), size);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(frame.memory) % 16, 0u);
      frames.push_back(frame);
    }
  }
  for (size_t i = 0; i < frames.size(); ++i) {
    const auto* bytes = static_cast<unsigned char*>(frames[i].memory);
    EXPECT_EQ(bytes[0], static_cast<unsigned char>(i));
    EXPECT_EQ(bytes[frames[i].size - 1], static_cast<unsigned char>(i));
  }
  free_frames(frames);
}

TEST(FramePool, SizeZeroIsASize) {
  Frame a = make_frame(0), b = make_frame(0);
  EXPECT_NE(a.memory, b.memory);
  free_frame(a);
  free_frame(b);
}

#if EDDY_FRAME_POOL

TEST(FramePool, AFreedFrameIsTheNextOfItsClass) {
  Frame first = make_frame(200);
  free_frame(first);
  Frame second = make_frame(193);  // the same sixteen bytes
  EXPECT_EQ(first.memory, second.memory);
  free_frame(second);
}

// How much memory `body` makes the pool take, once it has run a few times.
template <class Body>
int64_t bytes_taken_by(int warm_up, int runs, Body body) {
  for (int i = 0; i < warm_up; ++i) body();
  const int64_t before = allocated_bytes();
  for (int i = 0; i < runs; ++i) body();
  return allocated_bytes() - before;
}

TEST(FramePool, TakesNoMemoryOnceItIsWarm) {
  EXPECT_EQ(bytes_taken_by(1, 1,
                           [] {
                             for (int i = 0; i < 100'000; ++i)
                               free_frame(make_frame(300));
                           }),
            0);
}

// What one thread makes and another frees comes back, by way of the depot.
TEST(FramePool, FramesFreedOnAnotherThreadComeBack) {
  constexpr int kFrames = 1000, kSize = 512, kRuns = 200;
  const int64_t taken = bytes_taken_by(3, kRuns, [] {
    std::vector<Frame> frames = make_frames(kFrames, kSize);
    on_thread([&] { free_frames(frames); });
  });
  // The threads and vectors of the test itself are in this too. A pool that
  // lost them would take 100 MB.
  EXPECT_LT(taken, int64_t{kRuns} * kFrames * kSize / 4);
}

// A long-lived thread that only frees keeps at most two magazines a class.
TEST(FramePool, AThreadThatOnlyFreesKeepsLittle) {
  constexpr int kRounds = 100, kFrames = 1000, kSize = 1024;
  std::vector<Frame> frames;
  std::atomic<int> turn{0};
  std::thread eater([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (turn.load(std::memory_order_acquire) != 2 * i + 1) {
        std::this_thread::yield();
      }
      free_frames(frames);
      turn.store(2 * i + 2, std::memory_order_release);
    }
  });
  int64_t taken = 0;
  for (int i = 0; i < kRounds; ++i) {
    const int64_t before = allocated_bytes();
    frames = make_frames(kFrames, kSize);
    if (i > 2) taken += allocated_bytes() - before;
    turn.store(2 * i + 1, std::memory_order_release);
    while (turn.load(std::memory_order_acquire) != 2 * i + 2) {
      std::this_thread::yield();
    }
  }
  eater.join();
  EXPECT_LT(taken, int64_t{kRounds} * kFrames * kSize / 4);
}

// Threads come and go, and each uses a little: what they leave is used again.
TEST(FramePool, ThreadsThatEndLeaveNothingBehind) {
  const int64_t taken = bytes_taken_by(
      300, 1000, [] { on_thread([] { free_frames(make_frames(3, 700)); }); });
  EXPECT_LT(taken, int64_t{1000} * 8 * 1024) << "a slab has 64 KiB";
}

TEST(FramePool, FirstUsesOfEverySizeByManyThreadsShareSlabs) {
  const int64_t taken = bytes_taken_by(
      0, 200, [] { on_thread([] { free_frame(make_frame(1500)); }); });
  EXPECT_LT(taken, int64_t{200} * 8 * 1024);
}

#endif

// In a thread's last destructors its lists are gone already.
struct FreesAtThreadEnd {
  ~FreesAtThreadEnd() {
    free_frames(frames);
    free_frame(make_frame(100));
  }
  std::vector<Frame> frames;
};

TEST(FramePool, WorksInDestructorsAtTheEndOfAThread) {
  for (int i = 0; i < 3; ++i) {
    on_thread([] {
      // Made before the pool's own thread-local, so destroyed after it.
      static thread_local FreesAtThreadEnd late;
      late.frames = make_frames(300, 100);
    });
  }
}

// Property: no frame is given out twice, whoever frees it.
TEST(FramePool, NoFrameIsGivenOutTwice) {
  constexpr int kThreads = 3, kRounds = 300, kFrames = 200;
  std::vector<std::vector<Frame>> boxes(kThreads);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::thread> threads;
    for (int me = 0; me < kThreads; ++me) {
      threads.emplace_back([&, me] {
        free_frames(boxes[me]);
        boxes[me] = make_frames(kFrames, 64 + 16 * (me % 2));
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::set<void*> seen;
    for (const auto& box : boxes) {
      for (Frame frame : box) EXPECT_TRUE(seen.insert(frame.memory).second);
    }
    std::rotate(boxes.begin(), boxes.begin() + 1, boxes.end());
  }
  for (const auto& box : boxes) free_frames(box);
}

}  // namespace
}  // namespace eddy::task
