#include "runtime/base/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/sanitizer.h"

namespace eddy::base {
namespace {

// What is variadic in libc, or not there at all.

int open_mode(const char* path, int flags, mode_t mode) {
  return ::open(path, flags, mode);
}

int openat_mode(int folder, const char* path, int flags, mode_t mode) {
  return ::openat(folder, path, flags, mode);
}

// libc's are points of cancellation, which costs four locked instructions for a
// request and its answer as soon as there is a second thread. Sanitizers,
// though, know libc's only.
#if EDDY_TSAN || EDDY_ASAN
constexpr auto receive = ::recv;
constexpr auto transmit = ::send;
#else
ssize_t receive(int fd, void* into, size_t size, int flags) {
  return ::syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}

ssize_t transmit(int fd, const void* from, size_t size, int flags) {
  return ::syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
}
#endif

int fcntl_long(int fd, int command, long argument) {
  return ::fcntl(fd, command, argument);
}

int ioctl_pointer(int fd, unsigned long request, void* argument) {
  return ::ioctl(fd, request, argument);
}

int io_uring_setup(unsigned entries, io_uring_params* params) {
  return static_cast<int>(::syscall(SYS_io_uring_setup, entries, params));
}

int io_uring_enter(int ring, unsigned submit, unsigned complete, unsigned flags,
                   const void* argument, size_t size) {
  return static_cast<int>(::syscall(SYS_io_uring_enter, ring, submit, complete,
                                    flags, argument, size));
}

int io_uring_register(int ring, unsigned operation, void* argument,
                      unsigned count) {
  return static_cast<int>(
      ::syscall(SYS_io_uring_register, ring, operation, argument, count));
}

int futex_wait(const uint32_t* word, uint32_t expected,
               const timespec* deadline) {
  // The bitset form is the one whose deadline is absolute.
  return static_cast<int>(
      ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY));
}

int futex_wake(const uint32_t* word, int count) {
  return static_cast<int>(
      ::syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count));
}

int openat2(int folder, const char* path, const open_how* how, size_t size) {
  return static_cast<int>(::syscall(SYS_openat2, folder, path, how, size));
}

// libc's returns its error.
int fadvise(int fd, off_t offset, off_t length, int advice) {
  const int error = ::posix_fadvise(fd, offset, length, advice);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

ssize_t read_proc(int file, void* into, size_t size) {
  return ::pread(file, into, size, 0);
}

int membarrier(int command, unsigned flags, int cpu) {
  return static_cast<int>(::syscall(SYS_membarrier, command, flags, cpu));
}

}  // namespace

constinit const SysTable kProductionSysTable = {
    .socket = ::socket,
    .socketpair = ::socketpair,
    .bind = ::bind,
    .listen = ::listen,
    .accept4 = ::accept4,
    .connect = ::connect,
    .getsockopt = ::getsockopt,
    .setsockopt = ::setsockopt,
    .getsockname = ::getsockname,
    .getpeername = ::getpeername,
    .shutdown = ::shutdown,
    .recv = receive,
    .send = transmit,
    .recvmsg = ::recvmsg,
    .sendmsg = ::sendmsg,
    .recvfrom = ::recvfrom,
    .sendto = ::sendto,
    .getaddrinfo = ::getaddrinfo,
    .freeaddrinfo = ::freeaddrinfo,
    .close = ::close,
    .read = ::read,
    .write = ::write,
    .readv = ::readv,
    .writev = ::writev,
    .pipe2 = ::pipe2,
    .eventfd = ::eventfd,
    .fcntl = fcntl_long,
    .ioctl = ioctl_pointer,
    .poll = ::poll,
    .epoll_create1 = ::epoll_create1,
    .epoll_ctl = ::epoll_ctl,
    .epoll_wait = ::epoll_wait,
    .epoll_pwait2 = ::epoll_pwait2,
    .io_uring_setup = io_uring_setup,
    .io_uring_enter = io_uring_enter,
    .io_uring_register = io_uring_register,
    .mmap = ::mmap,
    .munmap = ::munmap,
    .open = open_mode,
    .openat = openat_mode,
    .fstat = ::fstat,
    .pread = ::pread,
    .pwrite = ::pwrite,
    .preadv2 = ::preadv2,
    .pwritev2 = ::pwritev2,
    .fsync = ::fsync,
    .fdatasync = ::fdatasync,
    .ftruncate = ::ftruncate,
    .unlink = ::unlink,
    .rename = ::rename,
    .openat2 = openat2,
    .statx = ::statx,
    .mkdirat = ::mkdirat,
    .unlinkat = ::unlinkat,
    .symlinkat = ::symlinkat,
    .linkat = ::linkat,
    .readlinkat = ::readlinkat,
    .chmod = ::chmod,
    .fchmod = ::fchmod,
    .realpath = ::realpath,
    .lseek = ::lseek,
    .getdents64 = ::getdents64,
    .fallocate = ::fallocate,
    .fadvise = fadvise,
    .copy_file_range = ::copy_file_range,
    .sendfile = ::sendfile,
    .tee = ::tee,
    .inotify_init1 = ::inotify_init1,
    .inotify_add_watch = ::inotify_add_watch,
    .pthread_create = ::pthread_create,
    .read_proc = read_proc,
    .sched_getaffinity = ::sched_getaffinity,
    .clock_gettime = ::clock_gettime,
    .futex_wait = futex_wait,
    .futex_wake = futex_wake,
    .membarrier = membarrier,
    .getrandom = ::getrandom,
    .sigaction = ::sigaction,
    .sigmask = ::pthread_sigmask,
    .sigtimedwait = ::sigtimedwait,
};

constinit std::atomic<const SysTable*> sys_table = &kProductionSysTable;

}  // namespace eddy::base
