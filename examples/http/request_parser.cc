#include "examples/http/request_parser.h"

#include <http_parser.h>

#include <climits>
#include <utility>

namespace eddy::examples::http {
namespace {

constexpr int kGoOn = 0;
constexpr int kStop = -1;

}  // namespace

struct RequestParser::Grammar {
  explicit Grammar(RequestParser& owner) {
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &owner;
  }
  http_parser parser;
};

// What http_parser calls. A request is "partial" from its first byte on, but
// not by the empty lines that may precede it.
struct RequestParser::Callbacks {
  static RequestParser& self(http_parser* parser) {
    return *static_cast<RequestParser*>(parser->data);
  }

  static int on_begin(http_parser* parser) {
    self(parser).state_ = State::kPartial;
    return kGoOn;
  }

  static int on_target(http_parser* parser, const char* text, size_t size) {
    RequestParser& me = self(parser);
    return me.add_text(me.request_.target_, {text, size}) ? kGoOn : kStop;
  }

  static int on_name(http_parser* parser, const char* text, size_t size) {
    RequestParser& me = self(parser);
    if (me.head_complete_) return kGoOn;  // a trailer, of which we use none
    auto& headers = me.request_.headers_;
    if (headers.empty() || me.in_value_) {
      if (headers.size() == me.limits_.max_headers) {
        me.fail(431);
        return kStop;
      }
      headers.emplace_back();
      me.in_value_ = false;
    }
    return me.add_text(headers.back().name, {text, size}) ? kGoOn : kStop;
  }

  static int on_value(http_parser* parser, const char* text, size_t size) {
    RequestParser& me = self(parser);
    if (me.head_complete_) return kGoOn;
    me.in_value_ = true;
    Request::Range& value = me.request_.headers_.back().value;
    return me.add_text(value, {text, size}) ? kGoOn : kStop;
  }

  static int on_head_complete(http_parser* parser) {
    RequestParser& me = self(parser);
    Request& request = me.request_;
    request.method_ =
        http_method_str(static_cast<enum http_method>(parser->method));
    request.version_ = parser->http_major * 10 + parser->http_minor;
    me.head_complete_ = true;
    if (!me.check_head()) return kStop;
    const bool sized = parser->content_length != ULLONG_MAX;
    if (sized && parser->content_length > me.limits_.max_body_bytes) {
      me.fail(413);
      return kStop;
    }
    return kGoOn;
  }

  static int on_body(http_parser* parser, const char* text, size_t size) {
    RequestParser& me = self(parser);
    me.expects_continue_ = false;  // it did not wait
    std::string& body = me.request_.body_;
    if (size > me.limits_.max_body_bytes - body.size()) {
      me.fail(413);
      return kStop;
    }
    body.append(text, size);
    return kGoOn;
  }

  static int on_complete(http_parser* parser) {
    RequestParser& me = self(parser);
    me.expects_continue_ = false;
    me.request_.keep_alive_ = http_should_keep_alive(parser) != 0;
    me.state_ = State::kComplete;
    http_parser_pause(parser, 1);
    return kGoOn;
  }

  static const http_parser_settings& settings() {
    static const http_parser_settings settings = [] {
      http_parser_settings made;
      http_parser_settings_init(&made);
      made.on_message_begin = on_begin;
      made.on_url = on_target;
      made.on_header_field = on_name;
      made.on_header_value = on_value;
      made.on_headers_complete = on_head_complete;
      made.on_body = on_body;
      made.on_message_complete = on_complete;
      return made;
    }();
    return settings;
  }
};

RequestParser::RequestParser(const Limits& limits)
    : limits_(limits), grammar_(std::make_unique<Grammar>(*this)) {}

RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view bytes) {
  if (bytes.empty()) return 0;  // would mean the end of the stream
  http_parser* parser = &grammar_->parser;
  const std::size_t taken = http_parser_execute(parser, &Callbacks::settings(),
                                                bytes.data(), bytes.size());
  switch (HTTP_PARSER_ERRNO(parser)) {
    case HPE_OK:
    case HPE_PAUSED:
    case HPE_CB_message_begin:
    case HPE_CB_url:
    case HPE_CB_header_field:
    case HPE_CB_header_value:
    case HPE_CB_headers_complete:
    case HPE_CB_body:
      break;  // fail() has said why
    case HPE_HEADER_OVERFLOW:
      fail(431);
      break;
    case HPE_INVALID_VERSION:
      fail(505);
      break;
    case HPE_INVALID_TRANSFER_ENCODING:
      fail(501);
      break;
    default:
      fail(400);
  }
  return taken;
}

void RequestParser::next() {
  request_.clear();
  in_value_ = false;
  head_complete_ = false;
  state_ = State::kIdle;
  http_parser_pause(&grammar_->parser, 0);
}

bool RequestParser::take_expects_continue() {
  return std::exchange(expects_continue_, false);
}

bool RequestParser::fail(int status) {
  error_status_ = status;
  expects_continue_ = false;
  state_ = State::kFailed;
  return false;
}

bool RequestParser::add_text(Request::Range& range, std::string_view text) {
  std::string& all = request_.text_;
  if (text.size() > limits_.max_head_bytes - all.size()) return fail(431);
  if (range.size == 0) range.begin = all.size();
  all += text;
  range.size += text.size();
  return true;
}

// http_parser has refused a length beside a coding, and two lengths.
bool RequestParser::check_head() {
  if (request_.version_ != 10 && request_.version_ != 11) return fail(505);
  if (request_.method_ == "CONNECT") return fail(405);
  int hosts = 0;
  for (std::size_t i = 0; i < request_.header_count(); ++i) {
    const auto [name, value] = request_.header(i);
    if (equals_ignoring_case(name, "Host")) {
      ++hosts;
    } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
      if (!equals_ignoring_case(value, "chunked")) return fail(501);
    } else if (equals_ignoring_case(name, "Expect")) {
      if (!equals_ignoring_case(value, "100-continue")) return fail(417);
      expects_continue_ = request_.version_ == 11;
    }
  }
  if (hosts > 1 || (hosts == 0 && request_.version_ == 11)) return fail(400);
  return true;
}

}  // namespace eddy::examples::http
