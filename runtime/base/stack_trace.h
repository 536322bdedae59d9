// StackTrace: where a thread is, as return addresses; symbols.h names them.
//
// A thread that is asked in a signal handler unwinds its own stack, by the
// tables that every frame has on x86-64, and not by frame pointers, which eddy
// is built without, as libc and most of what a poll may be stuck in. The
// unwinder of libgcc takes no lock for that: it finds the tables by
// _dl_find_object(), which glibc has from 2.35 on and which is safe in a
// handler, and allocates nothing.
//
// Threads: capture() of the calling thread.
#ifndef EDDY_RUNTIME_BASE_STACK_TRACE_H_
#define EDDY_RUNTIME_BASE_STACK_TRACE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::base {

class StackTrace {
 public:
  static constexpr std::size_t kMaxFrames = 64;  // the innermost ones

  struct Frame {
    uintptr_t pc = 0;
    // A signal came here: `pc` was about to run. Else it is what a call will
    // return to, perhaps in the next function already.
    bool is_interrupted = false;

    uintptr_t inside() const { return is_interrupted ? pc : pc - 1; }
  };

  // Of this thread, from the innermost frame on; in a signal handler from the
  // frame on that the signal came to. Async-signal-safe, once it has been
  // called outside of a handler.
  [[gnu::noinline]] void capture() noexcept;
  std::span<const Frame> frames() const { return {frames_.data(), count_}; }

  // Where the function starts; 0 if that is not known.
  static uintptr_t function_of(Frame frame) noexcept;

 private:
  std::array<Frame, kMaxFrames> frames_ = {};
  std::size_t count_ = 0;
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_STACK_TRACE_H_
