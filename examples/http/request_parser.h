// RequestParser: makes Requests of bytes, in whatever pieces they come. The
// grammar is http_parser's; this keeps the limits and refuses what could be
// understood in two ways.
//
//   while (!bytes.empty()) {
//     bytes.remove_prefix(parser.feed(bytes));
//     if (parser.state() != RequestParser::State::kPartial) break;
//   }
//
// Threads: belongs to one task.
// Errors:  kFailed: error_status() is the answer to give, and nothing more can
//          be read from the connection.
// Owner:   owns the Request, which is valid until next().
#ifndef EDDY_EXAMPLES_HTTP_REQUEST_PARSER_H_
#define EDDY_EXAMPLES_HTTP_REQUEST_PARSER_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "examples/http/limits.h"
#include "examples/http/message.h"

namespace eddy::examples::http {

class RequestParser {
 public:
  enum class State {
    kIdle,      // between requests: no byte of the next one has come
    kPartial,   // a request has begun
    kComplete,  // request() is whole; next() goes on
    kFailed,    // error_status() says why
  };

  explicit RequestParser(const Limits& limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  // Takes bytes up to the end of a request, and returns how many it took: all,
  // unless the request is complete, or fails.
  std::size_t feed(std::string_view bytes);

  State state() const { return state_; }
  const Request& request() const { return request_; }
  int error_status() const { return error_status_; }

  // Begins with the next request.
  void next();

  // True once for a request whose sender waits for "100 Continue" before it
  // sends the body.
  bool take_expects_continue();

 private:
  struct Callbacks;
  struct Grammar;

  bool fail(int status);
  bool add_text(Request::Range& range, std::string_view text);
  bool check_head();

  const Limits& limits_;
  const std::unique_ptr<Grammar> grammar_;
  Request request_;
  State state_ = State::kIdle;
  int error_status_ = 0;
  bool in_value_ = false;  // the last text belonged to a header's value
  bool head_complete_ = false;
  bool expects_continue_ = false;
};

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_REQUEST_PARSER_H_
