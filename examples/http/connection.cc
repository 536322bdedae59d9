#include "examples/http/connection.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "io/fs/send_file.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/combinators/select.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/timeout.h"

namespace eddy::examples::http {

using State = RequestParser::State;

Connection::Connection(io::TcpStream stream, const Handler& handler,
                       const Limits& limits, Stop& stop)
    : stream_(std::move(stream)),
      handler_(handler),
      limits_(limits),
      stop_(stop),
      stopped_(stop.wait()),
      parser_(limits) {}

Task<> Connection::run() {
  for (;;) {
    co_await answer_input();
    if (absl::Status status = co_await flush(); !status.ok()) co_return;
    if (ending_) break;
    absl::StatusOr<std::size_t> received = co_await receive();
    if (received.ok()) {
      if (*received == 0) co_return;
    } else if (absl::IsDeadlineExceeded(received.status()) &&
               parser_.state() == State::kPartial) {
      refuse(408);
    } else {
      co_return;
    }
  }
  if (refused_) co_await linger();
}

Task<> Connection::answer_input() {
  while (!input_.empty() && !ending_) {
    const bool was_idle = parser_.state() == State::kIdle;
    input_.remove_prefix(parser_.feed(input_));
    if (was_idle) {
      request_deadline_ =
          time::saturating_add(time::now(), limits_.request_timeout);
    }
    if (parser_.state() == State::kFailed) {
      refuse(parser_.error_status());
    } else if (parser_.state() == State::kComplete) {
      co_await answer_request();
      parser_.next();
      if (output_.size() >= kFlushBytes) {
        if (absl::Status status = co_await flush(); !status.ok()) {
          ending_ = true;
        }
      }
    }
  }
  if (parser_.take_expects_continue()) {
    output_ += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  if (parser_.state() == State::kIdle && input_.empty()) {
    input_ = {};
    large_.reset();
  }
}

Task<> Connection::answer_request() {
  response_.clear();
  try {
    co_await handler_(parser_.request(), response_);
  } catch (...) {
    response_.fail(500);
  }
  // After a stop, what has come is still answered.
  const bool last = stop_.is_set() && input_.empty();
  response_.close |= last || !parser_.request().keep_alive();
  ending_ = response_.close;
  refused_ = ending_ && !input_.empty();
  append_response(parser_.request(), response_, output_);
  if (response_.file && parser_.request().method() != "HEAD" &&
      !(co_await send_file()).ok()) {
    output_.clear();  // it is sent, or can't be
    ending_ = true;
    refused_ = false;
  }
  response_.file.reset();
}

// After what was to be sent before. In slices, each of which the client has to
// take off in time.
Task<absl::Status> Connection::send_file() {
  const FileBody& body = *response_.file;
  for (std::uint64_t sent = 0; sent < body.size;) {
    const std::uint64_t slice = std::min(kFileSlice, body.size - sent);
    const auto before = std::as_bytes(std::span(output_));
    auto sending =
        io::send_file(body.file, body.offset + sent, slice, stream_, before);
    EDDY_CO_ASSIGN_OR_RETURN(
        const std::uint64_t count,
        co_await time::timeout(limits_.write_timeout, sending));
    // What was promised is no longer there: all that is left is to end here.
    if (count < slice) co_return absl::DataLossError("the file was cut off");
    sent += count;
    output_.clear();
  }
  co_return absl::OkStatus();
}

void Connection::refuse(int status) {
  response_.fail(status);
  response_.close = true;
  ending_ = refused_ = true;
  append_response(parser_.request(), response_, output_);
}

Task<absl::Status> Connection::flush() {
  if (output_.empty()) co_return absl::OkStatus();
  // What was not written in time is lost with the connection.
  absl::Status status = co_await time::timeout(
      limits_.write_timeout, discard_progress(io::write_all(stream_, output_)));
  output_.clear();
  if (output_.capacity() > kFlushBytes) output_.shrink_to_fit();
  co_return status;
}

Task<absl::StatusOr<std::size_t>> Connection::receive() {
  const std::span<std::byte> into = room();
  absl::StatusOr<std::size_t> received = 0;
  if (parser_.state() == State::kPartial) {
    received = co_await time::timeout_at(request_deadline_, stream_.read(into));
  } else {
    auto first = co_await time::timeout(
        limits_.idle_timeout, select_biased(stream_.read(into), stopped_));
    if (!first.ok()) co_return first.status();
    if (first->index() == 0) received = std::get<0>(*std::move(first));
  }
  if (received.ok()) {
    input_ = {reinterpret_cast<const char*>(into.data()), *received};
  }
  co_return received;
}

// Large once a request has filled the small one.
std::span<std::byte> Connection::room() {
  if (parser_.state() == State::kPartial && large_ == nullptr &&
      input_.data() + input_.size() ==
          reinterpret_cast<const char*>(small_.data() + small_.size())) {
    large_ =
        std::make_unique_for_overwrite<std::array<std::byte, kLargeBytes>>();
  }
  if (large_ != nullptr) return *large_;
  return small_;
}

// Were the socket closed while the client sends, the client's kernel would be
// told so, and might drop our answer before it was read.
Task<> Connection::linger() {
  if (!(co_await stream_.shutdown()).ok()) co_return;
  const time::Instant deadline = time::saturating_add(time::now(), kLinger);
  for (;;) {
    auto first = co_await time::timeout_at(
        deadline, select_biased(stream_.read(small_), stopped_));
    if (!first.ok() || first->index() == 1) co_return;
    const absl::StatusOr<std::size_t> received = std::get<0>(*first);
    if (!received.ok() || *received == 0) co_return;
  }
}

}  // namespace eddy::examples::http
