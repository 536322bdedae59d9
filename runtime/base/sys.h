// Every system call that the runtime makes, in one table that a test replaces.
//
//   int fd = sys().accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
//
// The entries behave as those of libc: -1 and errno, and getaddrinfo and
// pthread_create return their error. What libc doesn't have (io_uring, futex,
// membarrier, openat2) follows the same convention.
//
// Threads: any. A table is constant, and outlives every call made through it.
// Cost:    one load of a pointer that never changes outside of tests.
#ifndef EDDY_RUNTIME_BASE_SYS_H_
#define EDDY_RUNTIME_BASE_SYS_H_

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

struct io_uring_params;
struct open_how;

namespace eddy::base {

struct SysTable {
  // Sockets.
  int (*socket)(int domain, int type, int protocol);
  int (*socketpair)(int domain, int type, int protocol, int fds[2]);
  int (*bind)(int fd, const sockaddr* address, socklen_t length);
  int (*listen)(int fd, int backlog);
  int (*accept4)(int fd, sockaddr* address, socklen_t* length, int flags);
  int (*connect)(int fd, const sockaddr* address, socklen_t length);
  int (*getsockopt)(int fd, int level, int name, void* value,
                    socklen_t* length);
  int (*setsockopt)(int fd, int level, int name, const void* value,
                    socklen_t length);
  int (*getsockname)(int fd, sockaddr* address, socklen_t* length);
  int (*getpeername)(int fd, sockaddr* address, socklen_t* length);
  int (*shutdown)(int fd, int how);
  ssize_t (*recv)(int fd, void* into, size_t size, int flags);
  ssize_t (*send)(int fd, const void* from, size_t size, int flags);
  ssize_t (*recvmsg)(int fd, msghdr* message, int flags);
  ssize_t (*sendmsg)(int fd, const msghdr* message, int flags);
  ssize_t (*recvfrom)(int fd, void* into, size_t size, int flags,
                      sockaddr* address, socklen_t* length);
  ssize_t (*sendto)(int fd, const void* from, size_t size, int flags,
                    const sockaddr* address, socklen_t length);
  int (*getaddrinfo)(const char* host, const char* service,
                     const addrinfo* hints, addrinfo** result);
  void (*freeaddrinfo)(addrinfo* result);

  // File descriptors.
  int (*close)(int fd);
  ssize_t (*read)(int fd, void* into, size_t size);
  ssize_t (*write)(int fd, const void* from, size_t size);
  ssize_t (*readv)(int fd, const iovec* parts, int count);
  ssize_t (*writev)(int fd, const iovec* parts, int count);
  int (*pipe2)(int fds[2], int flags);
  int (*eventfd)(unsigned initial, int flags);
  int (*fcntl)(int fd, int command, long argument);
  int (*ioctl)(int fd, unsigned long request, void* argument);

  // Readiness.
  int (*poll)(pollfd* fds, nfds_t count, int timeout_ms);
  int (*epoll_create1)(int flags);
  int (*epoll_ctl)(int epoll, int operation, int fd, epoll_event* event);
  int (*epoll_wait)(int epoll, epoll_event* events, int capacity,
                    int timeout_ms);
  int (*epoll_pwait2)(int epoll, epoll_event* events, int capacity,
                      const timespec* timeout, const sigset_t* mask);

  // Completion.
  int (*io_uring_setup)(unsigned entries, io_uring_params* params);
  int (*io_uring_enter)(int ring, unsigned submit, unsigned complete,
                        unsigned flags, const void* argument, size_t size);
  int (*io_uring_register)(int ring, unsigned operation, void* argument,
                           unsigned count);
  void* (*mmap)(void* hint, size_t length, int protection, int flags, int fd,
                off_t offset);  // MAP_FAILED is (void*)-1
  int (*munmap)(void* start, size_t length);

  // Files.
  int (*open)(const char* path, int flags, mode_t mode);
  int (*openat)(int folder, const char* path, int flags, mode_t mode);
  int (*fstat)(int fd, struct stat* into);
  ssize_t (*pread)(int fd, void* into, size_t size, off_t offset);
  ssize_t (*pwrite)(int fd, const void* from, size_t size, off_t offset);
  ssize_t (*preadv2)(int fd, const iovec* parts, int count, off_t offset,
                     int flags);
  ssize_t (*pwritev2)(int fd, const iovec* parts, int count, off_t offset,
                      int flags);
  int (*fsync)(int fd);
  int (*fdatasync)(int fd);
  int (*ftruncate)(int fd, off_t length);
  int (*unlink)(const char* path);
  int (*rename)(const char* from, const char* to);
  int (*openat2)(int folder, const char* path, const open_how* how,
                 size_t size);
  int (*statx)(int folder, const char* path, int flags, unsigned mask,
               struct statx* into);
  int (*mkdirat)(int folder, const char* path, mode_t mode);
  int (*unlinkat)(int folder, const char* path, int flags);
  int (*symlinkat)(const char* target, int folder, const char* path);
  int (*linkat)(int from_folder, const char* from, int to_folder,
                const char* to, int flags);
  ssize_t (*readlinkat)(int folder, const char* path, char* into, size_t size);
  int (*chmod)(const char* path, mode_t mode);
  int (*fchmod)(int fd, mode_t mode);
  char* (*realpath)(const char* path, char* into);
  off_t (*lseek)(int fd, off_t offset, int whence);
  ssize_t (*getdents64)(int fd, void* into, size_t size);
  int (*fallocate)(int fd, int mode, off_t offset, off_t length);
  int (*fadvise)(int fd, off_t offset, off_t length, int advice);
  ssize_t (*copy_file_range)(int from, off_t* from_offset, int to,
                             off_t* to_offset, size_t size, unsigned flags);
  ssize_t (*sendfile)(int to, int from, off_t* offset, size_t size);
  ssize_t (*tee)(int from, int to, size_t size, unsigned flags);
  int (*inotify_init1)(int flags);
  int (*inotify_add_watch)(int inotify, const char* path, uint32_t events);

  // Threads, time and the rest.
  int (*pthread_create)(pthread_t* thread, const pthread_attr_t* attributes,
                        void* (*body)(void*), void* argument);
  // pread() from the start of a file that the kernel writes anew for each read.
  ssize_t (*read_proc)(int file, void* into, size_t size);
  int (*sched_getaffinity)(pid_t pid, size_t size, cpu_set_t* into);
  int (*clock_gettime)(clockid_t clock, timespec* into);
  // Sleeps while *word == expected; the deadline, which may be null, is a
  // point of CLOCK_MONOTONIC. Fails with EAGAIN, EINTR or ETIMEDOUT.
  int (*futex_wait)(const uint32_t* word, uint32_t expected,
                    const timespec* deadline);
  int (*futex_wake)(const uint32_t* word, int count);
  int (*membarrier)(int command, unsigned flags, int cpu);
  ssize_t (*getrandom)(void* into, size_t size, unsigned flags);
  int (*sigaction)(int signal, const struct sigaction* action,
                   struct sigaction* old);
  int (*sigmask)(int how, const sigset_t* signals, sigset_t* old);
  int (*sigtimedwait)(const sigset_t* signals, siginfo_t* info,
                      const timespec* timeout);
};

// The real calls.
extern const SysTable kProductionSysTable;

// The table in use. Only tests write it, through ScopedSysTable.
extern constinit std::atomic<const SysTable*> sys_table;

inline const SysTable& sys() {
  // [table] acquire: a test may put in its table while threads run. On x86-64
  // this is the same plain load as a relaxed one.
  return *sys_table.load(std::memory_order_acquire);
}

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_SYS_H_
