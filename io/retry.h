// retry(): a system call, again and again while a signal interrupts it.
//
//   int result = retry([&] { return sys().listen(fd, backlog); });
#ifndef EDDY_IO_RETRY_H_
#define EDDY_IO_RETRY_H_

#include <cerrno>

namespace eddy::io {

template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace eddy::io

#endif  // EDDY_IO_RETRY_H_
