// Operation: a record of something that the kernel does in its own time, for a
// ring of io_uring or a thread of the blocking pool to carry out. It owns all
// that the kernel touches meanwhile: buffer, path, iovecs.
//
//   class Read final : public reactor::Operation {
//    public:
//     Read(int fd, Buffer into, uint64_t offset);
//     Sqe submission() override {
//       return {.opcode = Opcode::kRead, .fd = fd_, .offset = offset_,
//               .address = Sqe::address_of(into_.data()),
//               .length = into_.size()};
//     }
//     int64_t perform() override {
//       return result_of(sys().pread(fd_, into_.data(), into_.size(), ...));
//     }
//     const char* name() const noexcept override { return "read"; }
//   };
//
// A Submission (submission.h) is the future of one. The record lives until the
// kernel's completion of that very operation has come, however early the future
// was dropped.
//
// Threads: submission() once, by the task that awaits it; perform() on a thread
//          that may block; discard() and the destructor on any, the one that
//          polls for events included, so they must not wait.
// Errors:  results are as the kernel's: not negative, or the negative errno. A
//          file descriptor is borrowed: whoever closes it first lets the
//          operation happen to another file, so a record that may outlive its
//          file shares it.
#ifndef EDDY_REACTOR_OPERATION_H_
#define EDDY_REACTOR_OPERATION_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "reactor/operation_state.h"
#include "runtime/task/waker.h"

namespace eddy::blocking {
class Pool;
}

namespace eddy::reactor {

// The kernel's numbers (IORING_OP_*), without its headers.
enum class Opcode : uint8_t {
  kNop = 0,
  kReadv = 1,
  kWritev = 2,
  kFsync = 3,
  kPollAdd = 6,
  kSyncFileRange = 8,
  kSendmsg = 9,
  kRecvmsg = 10,
  kAccept = 13,
  kConnect = 16,
  kFallocate = 17,
  kOpenat = 18,
  kClose = 19,
  kStatx = 21,
  kRead = 22,
  kWrite = 23,
  kFadvise = 24,
  kSend = 26,
  kRecv = 27,
  kOpenat2 = 28,
  kSplice = 30,
  kShutdown = 34,
  kRenameat = 35,
  kUnlinkat = 36,
  kMkdirat = 37,
  kSymlinkat = 38,
  kLinkat = 39,
  kFtruncate = 55,  // Linux 6.9
};

// What a ring is asked to do; the fields have the meaning that the kernel gives
// them for that opcode (io_uring_enter(2)).
struct Sqe {
  static uint64_t address_of(const void* pointer) {
    return reinterpret_cast<uint64_t>(pointer);
  }

  Opcode opcode = Opcode::kNop;
  int fd = -1;
  uint64_t offset = 0;   // also: addr2
  uint64_t address = 0;  // also: splice_off_in
  uint32_t length = 0;   // also: the mode of an open or mkdir
  uint32_t flags = 0;    // rw_flags, fsync_flags, open_flags, statx_flags, ...
  uint32_t splice_fd = 0;  // splice_fd_in
  // Not tried at once on the thread that submits, but handed to one of the
  // kernel's own: for what is known to wait, or to copy much.
  bool force_async = false;
};

// The result of a system call in the kernel's way.
inline int64_t result_of(int64_t result) {
  return result >= 0 ? result : -errno;
}

class Operation {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;  // the kernel knows its address
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  virtual Sqe submission() = 0;
  // The same with system calls. Of those that a signal interrupts, it makes
  // them again.
  virtual int64_t perform() = 0;
  // It ended after its future was dropped: closes a file descriptor that still
  // arrived, and the like. -ECANCELED where it never ran.
  virtual void discard(int64_t /*result*/) noexcept {}
  // By which it is reported if it is stuck at shutdown; lives for ever.
  virtual const char* name() const noexcept = 0;

  static void* operator new(std::size_t size);
  static void operator delete(void* memory, std::size_t size) noexcept;

 private:
  friend class Inbox;
  friend class OperationList;
  friend class PoolRun;
  friend class SubmissionBase;
  friend class Uring;

  // The carrier's. start() is false, and *this may be gone, if the future was
  // dropped before; after finish() it may be gone.
  [[nodiscard]] bool start() noexcept;
  void finish(int64_t result) noexcept;
  // A cancellation has run its course; *this may be gone.
  void end_cancel() noexcept;

  OperationState state_;
  Waker waker_;  // as the state says
  int64_t result_ = 0;
  Sqe sqe_;                         // what submission() said
  blocking::Pool* pool_ = nullptr;  // for when the ring cannot
  uint64_t ticket_ = 0;             // while the kernel has it
  uint32_t cancel_tries_ = 0;  // that the kernel has answered with "not now"
  Operation* next_ = nullptr;  // in the one list that it is in
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_OPERATION_H_
