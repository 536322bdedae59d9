#include "examples/http/message.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace eddy::examples::http {
namespace {

constexpr std::size_t kKeptBodyBytes = 16 * 1024;

void append_number(std::string& out, uint64_t number) {
  std::array<char, 20> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// "Sun, 06 Nov 1994 08:49:37 GMT", made anew once a second on each thread.
std::string_view http_date() {
  thread_local time_t made_at = -1;
  thread_local std::array<char, 32> text;
  thread_local std::size_t size = 0;
  const time_t now = ::time(nullptr);
  if (now != made_at) {
    struct tm parts = {};
    ::gmtime_r(&now, &parts);
    size = ::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT",
                      &parts);
    made_at = now;
  }
  return {text.data(), size};
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

}  // namespace

std::string_view Request::path() const {
  std::string_view path = target().substr(0, target().find('?'));
  // "http://host/path" is allowed too.
  if (const std::size_t scheme = path.find("://");
      scheme != std::string_view::npos && !path.starts_with('/')) {
    const std::size_t slash = path.find('/', scheme + 3);
    return slash == std::string_view::npos ? "/" : path.substr(slash);
  }
  return path;
}

std::string_view Request::query() const {
  const std::size_t mark = target().find('?');
  return mark == std::string_view::npos ? std::string_view()
                                        : target().substr(mark + 1);
}

Request::Header Request::header(std::size_t index) const {
  return {view(headers_[index].name), view(headers_[index].value)};
}

std::string_view Request::header(std::string_view name) const {
  for (const HeaderRange& header : headers_) {
    if (equals_ignoring_case(view(header.name), name)) {
      return view(header.value);
    }
  }
  return {};
}

void Request::clear() {
  method_ = {};
  text_.clear();
  target_ = {};
  headers_.clear();
  body_.clear();
  // An idle connection does not keep the room of a large upload.
  if (body_.capacity() > kKeptBodyBytes) body_.shrink_to_fit();
  version_ = 11;
  keep_alive_ = false;
}

void Response::clear() {
  status = 200;
  content_type = "text/plain; charset=utf-8";
  allow = {};
  headers.clear();
  body.clear();
  file.reset();
  close = false;
}

void Response::fail(int error_status) {
  clear();
  status = error_status;
  append_number(body, static_cast<std::size_t>(error_status));
  body += ' ';
  body += reason_phrase(error_status);
  body += '\n';
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

void append_response(const Request& request, const Response& response,
                     std::string& out) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\nDate: ";
  out += http_date();
  const bool has_content = response.status != 304;
  if (has_content) {
    out += "\r\nContent-Type: ";
    out += response.content_type;
    out += "\r\nContent-Length: ";
    append_number(out, response.content_length());
  }
  if (!response.allow.empty()) {
    out += "\r\nAllow: ";
    out += response.allow;
  }
  if (response.close) {
    out += "\r\nConnection: close";
  } else if (request.version() == 10) {
    out += "\r\nConnection: keep-alive";
  }
  out += "\r\n";
  out += response.headers;
  out += "\r\n";
  if (has_content && request.method() != "HEAD") out += response.body;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace eddy::examples::http
