// connected(): the two ends of a TCP connection over loopback.
//
//   auto [here, there] = co_await connected();
#ifndef EDDY_TESTS_IO_NET_CONNECTED_H_
#define EDDY_TESTS_IO_NET_CONNECTED_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "runtime/base/check.h"
#include "runtime/task/task.h"

namespace eddy::testing {

// The value, or the end of the test with the reason.
template <class T>
T value_of(absl::StatusOr<T> result) {
  EDDY_CHECK(result.ok(), std::string(result.status().message()));
  return *std::move(result);
}

inline io::TcpListener listen_on_loopback() {
  return value_of(io::TcpListener::bind("127.0.0.1:0"));
}

Task<std::pair<io::TcpStream, io::TcpStream>> connected();

}  // namespace eddy::testing

#endif  // EDDY_TESTS_IO_NET_CONNECTED_H_
