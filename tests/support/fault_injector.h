// Makes system calls fail, counts them, or replaces them, for as long as it
// lives. One at a time in a process.
//
//   FaultInjector faults;
//   faults.fail(Call::kAccept4, nth(3), EMFILE);
//   faults.fail(Call::kRead, every(2), EINTR);
//   faults.hook<Call::kWrite>([](int fd, const void* from, size_t size) {
//     return real_sys().write(fd, from, std::min<size_t>(size, 1));
//   });
//   ...
//   EXPECT_EQ(faults.failures(Call::kAccept4), 1u);
//
// A call is counted; then the first rule that is due makes it fail; then the
// hook, if there is one, runs in place of the real call.
//
// Threads: any may make calls, and any one at a time may set rules. Calls use
//          relaxed counters and no lock, so that they add no order which the
//          code under test lacks.
// Owner:   a call that is in progress when the injector dies ends well. What a
//          hook refers to outlives the threads that may call it.
#ifndef EDDY_TESTS_SUPPORT_FAULT_INJECTOR_H_
#define EDDY_TESTS_SUPPORT_FAULT_INJECTOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/base/sys.h"
#include "tests/support/scoped_sys_table.h"

// Every entry of SysTable, in its order: the compiler says if one is missing.
// clang-format off
#define EDDY_SYS_ENTRIES(X) \
  X(kSocket, socket) \
  X(kSocketpair, socketpair) \
  X(kBind, bind) \
  X(kListen, listen) \
  X(kAccept4, accept4) \
  X(kConnect, connect) \
  X(kGetsockopt, getsockopt) \
  X(kSetsockopt, setsockopt) \
  X(kGetsockname, getsockname) \
  X(kGetpeername, getpeername) \
  X(kShutdown, shutdown) \
  X(kRecv, recv) \
  X(kSend, send) \
  X(kRecvmsg, recvmsg) \
  X(kSendmsg, sendmsg) \
  X(kRecvfrom, recvfrom) \
  X(kSendto, sendto) \
  X(kGetaddrinfo, getaddrinfo) \
  X(kFreeaddrinfo, freeaddrinfo) \
  X(kClose, close) \
  X(kRead, read) \
  X(kWrite, write) \
  X(kReadv, readv) \
  X(kWritev, writev) \
  X(kPipe2, pipe2) \
  X(kEventfd, eventfd) \
  X(kFcntl, fcntl) \
  X(kIoctl, ioctl) \
  X(kPoll, poll) \
  X(kEpollCreate1, epoll_create1) \
  X(kEpollCtl, epoll_ctl) \
  X(kEpollWait, epoll_wait) \
  X(kEpollPwait2, epoll_pwait2) \
  X(kIoUringSetup, io_uring_setup) \
  X(kIoUringEnter, io_uring_enter) \
  X(kIoUringRegister, io_uring_register) \
  X(kMmap, mmap) \
  X(kMunmap, munmap) \
  X(kOpen, open) \
  X(kOpenat, openat) \
  X(kFstat, fstat) \
  X(kPread, pread) \
  X(kPwrite, pwrite) \
  X(kPreadv2, preadv2) \
  X(kPwritev2, pwritev2) \
  X(kFsync, fsync) \
  X(kFdatasync, fdatasync) \
  X(kFtruncate, ftruncate) \
  X(kUnlink, unlink) \
  X(kRename, rename) \
  X(kOpenat2, openat2) \
  X(kStatx, statx) \
  X(kMkdirat, mkdirat) \
  X(kUnlinkat, unlinkat) \
  X(kSymlinkat, symlinkat) \
  X(kLinkat, linkat) \
  X(kReadlinkat, readlinkat) \
  X(kChmod, chmod) \
  X(kFchmod, fchmod) \
  X(kRealpath, realpath) \
  X(kLseek, lseek) \
  X(kGetdents64, getdents64) \
  X(kFallocate, fallocate) \
  X(kFadvise, fadvise) \
  X(kCopyFileRange, copy_file_range) \
  X(kSendfile, sendfile) \
  X(kTee, tee) \
  X(kInotifyInit1, inotify_init1) \
  X(kInotifyAddWatch, inotify_add_watch) \
  X(kPthreadCreate, pthread_create) \
  X(kReadProc, read_proc) \
  X(kSchedGetaffinity, sched_getaffinity) \
  X(kClockGettime, clock_gettime) \
  X(kFutexWait, futex_wait) \
  X(kFutexWake, futex_wake) \
  X(kMembarrier, membarrier) \
  X(kGetrandom, getrandom) \
  X(kSigaction, sigaction) \
  X(kSigmask, sigmask) \
  X(kSigtimedwait, sigtimedwait)
// clang-format on

namespace eddy::testing {

enum class Call : uint8_t {
#define EDDY_SYS_ENTRY(call, name) call,
  EDDY_SYS_ENTRIES(EDDY_SYS_ENTRY)
#undef EDDY_SYS_ENTRY
};

inline constexpr size_t kCallCount = sizeof(base::SysTable) / sizeof(void*);

const char* name_of(Call call);  // "accept4"

// The table without faults, for hooks.
inline const base::SysTable& real_sys() { return base::kProductionSysTable; }

// Which calls a rule is for, counted from 1 when the rule is made.
struct When {
  uint64_t first;
  uint64_t period;  // 0: only the first
  uint64_t last = UINT64_MAX;

  constexpr bool due(uint64_t call) const {
    if (period == 0) return call == first;
    return call >= first && call <= last && (call - first) % period == 0;
  }
};

constexpr When nth(uint64_t n) { return {n, 0}; }
constexpr When every(uint64_t n) { return {n, n}; }
constexpr When first(uint64_t n) { return {1, 1, n}; }
constexpr When after(uint64_t n) { return {n + 1, 1}; }
constexpr When always() { return {1, 1}; }

// The member of SysTable that a Call stands for.
template <Call kCall>
struct EntryOf;
#define EDDY_SYS_ENTRY(call, name)                         \
  template <>                                              \
  struct EntryOf<Call::call> {                             \
    static constexpr auto kMember = &base::SysTable::name; \
  };
EDDY_SYS_ENTRIES(EDDY_SYS_ENTRY)
#undef EDDY_SYS_ENTRY

template <class Pointer>
struct SignatureOf;
template <class Result, class... Args>
struct SignatureOf<Result (*base::SysTable::*)(Args...)> {
  using Type = Result(Args...);
};
template <Call kCall>
using Signature = typename SignatureOf<
    std::remove_const_t<decltype(EntryOf<kCall>::kMember)>>::Type;

class FaultInjector {
 public:
  FaultInjector();
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;
  ~FaultInjector();

  // `error` is an errno; for getaddrinfo an EAI_ code. Several rules for one
  // call add up, and each counts for itself.
  void fail(Call call, When when, int error);

  // Runs in place of the real call, on whichever thread makes it.
  template <Call kCall>
  void hook(std::function<Signature<kCall>> function) {
    set_hook(kCall, std::make_shared<std::function<Signature<kCall>>>(
                        std::move(function)));
  }

  // Forgets the rules and the hook of `call`; the counts go on.
  void clear(Call call);

  uint64_t calls(Call call) const;     // made since the injector was
  uint64_t failures(Call call) const;  // of these, failed by a rule

 private:
  void set_hook(Call call, std::shared_ptr<const void> hook);

  ScopedSysTable table_;
};

// Runs `body` with the first `call` failing, then with the second, and so on,
// until it makes no more that could fail. Returns how many failures it met.
template <class Body>
uint64_t fail_each(Call call, int error, Body body) {
  for (uint64_t n = 1;; ++n) {
    FaultInjector faults;
    faults.fail(call, nth(n), error);
    body();
    if (faults.failures(call) == 0) return n - 1;
  }
}

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_FAULT_INJECTOR_H_
