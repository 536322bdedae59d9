// Request and Response: one exchange of HTTP/1.1, as handlers see it.
//
// Threads: belong to the task of their connection.
// Owner:   the connection has one of each, and uses them again for the next
//          exchange: a handler keeps neither, nor views of them.
#ifndef EDDY_EXAMPLES_HTTP_MESSAGE_H_
#define EDDY_EXAMPLES_HTTP_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/fs/file.h"

namespace eddy::examples::http {

class Request {
 public:
  struct Header {
    std::string_view name;
    std::string_view value;
  };

  std::string_view method() const { return method_; }
  // As it came: "/search?q=eddy".
  std::string_view target() const { return view(target_); }
  // The target up to the "?", and what follows it.
  std::string_view path() const;
  std::string_view query() const;
  std::string_view body() const { return body_; }

  std::size_t header_count() const { return headers_.size(); }
  Header header(std::size_t index) const;
  // The first of that name, whatever the case; empty if there is none.
  std::string_view header(std::string_view name) const;

  // 10 for HTTP/1.0, 11 for HTTP/1.1.
  int version() const { return version_; }
  // The client wants to use the connection again.
  bool keep_alive() const { return keep_alive_; }

 private:
  friend class RequestParser;

  // A part of text_, which may move while it grows.
  struct Range {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct HeaderRange {
    Range name;
    Range value;
  };

  std::string_view view(Range range) const {
    return std::string_view(text_).substr(range.begin, range.size);
  }
  void clear();

  std::string_view method_;
  std::string text_;  // target, names and values
  Range target_;
  std::vector<HeaderRange> headers_;
  std::string body_;
  int version_ = 11;
  bool keep_alive_ = false;
};

// A part of a file that is sent in place of a body.
struct FileBody {
  io::File file;
  uint64_t offset;
  uint64_t size;
};

struct Response {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";  // static text
  std::string_view allow;  // for 405: static text
  std::string headers;     // more of them: whole lines, each with its end
  std::string body;
  std::optional<FileBody> file;  // then there is no body
  bool close = false;            // the connection ends after this

  uint64_t content_length() const { return file ? file->size : body.size(); }

  void clear();
  // Sets the status, and a body that says it in words.
  void fail(int error_status);
};

// "Not Found" for 404.
std::string_view reason_phrase(int status);

// Appends the response to `request` to `out`, without its body if the method is
// HEAD or the status 304, and without its file in any case.
void append_response(const Request& request, const Response& response,
                     std::string& out);

bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_MESSAGE_H_
