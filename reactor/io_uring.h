// What a runtime is told about io_uring, and what it tells: whether there is a
// ring, and if not, why.
//
//   eddy::IoUringStatus status = runtime.io_uring_status();
//   if (!status.is_ok()) std::cerr << status.message() << "\n";
//
// Without a ring the blocking pool carries out what would have gone to it.
//
// Threads: plain values.
#ifndef EDDY_REACTOR_IO_URING_H_
#define EDDY_REACTOR_IO_URING_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>

namespace eddy {

enum class IoUring : uint8_t {
  kAutomatic,  // a ring, if it can be had, made when the first operation asks
  kRequired,   // a ring, made at the start, or the runtime is not built
  kOff,        // never
};

struct IoUringStatus {
  enum class State : uint8_t {
    kOk,
    kOff,          // by the builder
    kUnsupported,  // the kernel has none (ENOSYS)
    kForbidden,    // to this process (EPERM), as in many containers
    kDisabled,     // by the sysctl kernel.io_uring_disabled
    kTooOld,       // it is from before Linux 5.6
    kFailed,       // no fds or memory: `error` has the errno
  };

  bool is_ok() const { return state == State::kOk; }
  // By the number of IORING_OP_*.
  bool supports(uint8_t opcode) const { return is_ok() && opcodes[opcode]; }
  // For a log: "io_uring: forbidden to this process (EPERM)".
  std::string message() const;

  State state = State::kOff;
  int error = 0;  // what the kernel said, if it said no
  std::bitset<256> opcodes = {};
};

namespace reactor {

struct IoUringOptions {
  IoUring mode = IoUring::kAutomatic;
  // Rounded up to powers of two by the kernel.
  std::size_t submissions = 256;   // handed to the kernel in one go, at most
  std::size_t completions = 4096;  // as many are in flight, at most
};

struct IoUringMetrics {
  uint64_t submitted = 0;  // operations handed to the kernel
  uint64_t completed = 0;  // of these, ended
  uint64_t in_flight = 0;
  uint64_t batches = 0;  // system calls that handed some over
  uint64_t largest_batch = 0;
  uint64_t cancels = 0;    // asked for, since a future was dropped
  uint64_t retries = 0;    // the kernel gave up what nobody had cancelled
  uint64_t overflows = 0;  // times that completions had to be fetched out of
                           // the kernel's overflow
  uint64_t fallbacks = 0;  // for the ring, but carried out by the pool

  IoUringMetrics& operator+=(const IoUringMetrics& other);
};

}  // namespace reactor
}  // namespace eddy

#endif  // EDDY_REACTOR_IO_URING_H_
