// What load and servers of the network comparison say to each other.
//
// Echo: a request is one Frame, and its answer the same frame after the work
// that it asks for: `steps` steps of the generator below, so that nobody can
// skip them, and a sleep that blocks the thread, as a careless task does. A
// frame that asks for nothing comes back as it is. A server may read several
// frames at once. It reads with a buffer of kReadBytes, a multiple of a frame,
// and a peer sends whole frames.
//
// HTTP: GET requests without a body, kept alive; the answer is kHttpAnswer.
//
// The peers in other languages repeat what stands here.
#ifndef EDDY_BENCHMARKS_NET_PROTOCOL_H_
#define EDDY_BENCHMARKS_NET_PROTOCOL_H_

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace eddy::benchmarks::net {

struct Frame {  // little endian
  uint32_t steps = 0;
  uint32_t sleep_us = 0;
  uint64_t state = 0;
  uint64_t sequence = 0;
  uint64_t connection = 0;
  char filler[32] = {};
};
static_assert(sizeof(Frame) == 64);

inline constexpr std::size_t kReadBytes = 4096;

// A chain of multiplications: each step waits for the last, some 1.9 ns, so
// that all languages need the same time for it. The shift matters: LLVM folds
// eight steps of state * a + c into one, and GCC doesn't.
inline constexpr uint64_t advance(uint64_t state, uint32_t steps) {
  for (uint32_t i = 0; i < steps; ++i) {
    state = (state ^ (state >> 32)) * 6364136223846793005u + 1;
  }
  return state;
}

// Does what the frames ask for, in place.
inline void work(std::span<std::byte> frames) {
  for (; frames.size() >= sizeof(Frame);
       frames = frames.subspan(sizeof(Frame))) {
    uint64_t asked = 0;  // `steps` and `sleep_us`
    std::memcpy(&asked, frames.data(), sizeof(asked));
    if (asked == 0) continue;
    Frame frame;
    std::memcpy(&frame, frames.data(), sizeof(frame));
    frame.state = advance(frame.state, frame.steps);
    if (frame.sleep_us > 0) {
      const timespec time = {frame.sleep_us / 1'000'000,
                             frame.sleep_us % 1'000'000 * 1000};
      ::nanosleep(&time, nullptr);
    }
    std::memcpy(frames.data(), &frame, sizeof(frame));
  }
}

inline constexpr std::string_view kHttpRequest =
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
inline constexpr std::string_view kHttpBody = "Hello, World!";
inline constexpr std::string_view kHttpAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n"
    "Hello, World!";

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_PROTOCOL_H_
