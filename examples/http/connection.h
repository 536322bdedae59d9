// Connection: one client's requests, answered one after the other.
//
// All requests that one read brought are answered by one write. A client that
// is too slow, or sends what can't be understood, gets the reason and is
// disconnected. While it waits for the next request a connection holds 1 KiB to
// read into, and no more.
//
// Threads: belongs to one task.
// Cancel:  dropping run() drops the connection.
// Errors:  none: what fails ends the connection.
// Owner:   borrows the handler, the limits and the Stop.
#ifndef EDDY_EXAMPLES_HTTP_CONNECTION_H_
#define EDDY_EXAMPLES_HTTP_CONNECTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "examples/http/limits.h"
#include "examples/http/message.h"
#include "examples/http/request_parser.h"
#include "examples/http/stop.h"
#include "io/net/tcp_stream.h"
#include "runtime/task/task.h"
#include "runtime/time/clock.h"

namespace eddy::examples::http {

// Fills in the response, which starts as an empty 200. What it throws is
// answered by 500. Both arguments stay until the task has ended.
using Handler = std::function<Task<>(const Request&, Response&)>;

class Connection {
 public:
  // After `stop`, the connection ends as soon as no request is in progress.
  Connection(io::TcpStream stream, const Handler& handler, const Limits& limits,
             Stop& stop);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Until the connection is at its end; once.
  Task<> run();

 private:
  static constexpr std::size_t kSmallBytes = 1024;
  static constexpr std::size_t kLargeBytes = 16 * 1024;
  static constexpr std::size_t kFlushBytes = 64 * 1024;
  static constexpr std::uint64_t kFileSlice = 1024 * 1024;
  // How long, after an error, the client may go on sending.
  static constexpr std::chrono::seconds kLinger{1};

  Task<> answer_input();
  Task<> answer_request();
  void refuse(int status);
  Task<absl::Status> flush();
  Task<absl::Status> send_file();
  Task<absl::StatusOr<std::size_t>> receive();
  Task<> linger();
  std::span<std::byte> room();

  io::TcpStream stream_;
  const Handler& handler_;
  const Limits& limits_;
  Stop& stop_;
  Stop::Wait stopped_;

  RequestParser parser_;
  Response response_;
  time::Instant request_deadline_;
  std::string_view input_;  // received, not parsed: in small_ or large_
  std::string output_;
  bool ending_ = false;   // no more requests are read
  bool refused_ = false;  // the client may still be sending

  std::array<std::byte, kSmallBytes> small_;
  std::unique_ptr<std::array<std::byte, kLargeBytes>> large_;
};

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_CONNECTION_H_
