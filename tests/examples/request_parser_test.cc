#include "examples/http/request_parser.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace eddy::examples::http {
namespace {

using State = RequestParser::State;

constexpr std::string_view kRequests =
    "\r\nPOST /a?b=1 HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-Last: v w\r\n"
    "Content-Length: 4\r\n\r\nbody"
    "PUT /c HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "a;x=y\r\n0123456789\r\n1\r\n!\r\n0\r\nHost: trailer\r\n\r\n"
    "GET http://h/d HTTP/1.0\r\n\r\n";

// What was understood, in words.
std::string describe(const Request& request) {
  std::string text = std::string(request.method()) + " " +
                     std::string(request.path()) + " ? " +
                     std::string(request.query()) + " " +
                     std::to_string(request.version());
  for (size_t i = 0; i < request.header_count(); ++i) {
    const auto [name, value] = request.header(i);
    text += "|" + std::string(name) + "=" + std::string(value);
  }
  return text + "|" + std::string(request.body()) +
         (request.keep_alive() ? "|keep" : "|close");
}

void feed_all(RequestParser& parser, std::string_view bytes,
              std::vector<std::string>& requests) {
  while (!bytes.empty()) {
    bytes.remove_prefix(parser.feed(bytes));
    ASSERT_NE(parser.state(), State::kFailed) << parser.error_status();
    if (parser.state() == State::kComplete) {
      requests.push_back(describe(parser.request()));
      parser.next();
    }
  }
}

const std::vector<std::string> kExpected = {
    "POST /a ? b=1 11|Host=h|X-Empty=|X-Last=v w|Content-Length=4|body|keep",
    "PUT /c ?  11|host=h|Transfer-Encoding=chunked|0123456789!|keep",
    "GET /d ?  10||close",
};

// A5
TEST(RequestParser, ItDoesNotMatterWhereTheBytesAreCut) {
  const Limits limits;
  for (size_t cut = 0; cut <= kRequests.size(); ++cut) {
    RequestParser parser(limits);
    std::vector<std::string> requests;
    feed_all(parser, kRequests.substr(0, cut), requests);
    feed_all(parser, kRequests.substr(cut), requests);
    ASSERT_EQ(requests, kExpected) << "cut at " << cut;
  }
}

TEST(RequestParser, PiecesOfEverySizeGiveTheSame) {
  const Limits limits;
  for (size_t size = 1; size <= 64; ++size) {
    RequestParser parser(limits);
    std::vector<std::string> requests;
    for (size_t at = 0; at < kRequests.size(); at += size) {
      feed_all(parser, kRequests.substr(at, size), requests);
    }
    ASSERT_EQ(requests, kExpected) << "pieces of " << size;
  }
}

TEST(RequestParser, IsIdleUntilARequestBegins) {
  const Limits limits;
  RequestParser parser(limits);
  EXPECT_EQ(parser.state(), State::kIdle);
  parser.feed("\r\n");
  EXPECT_EQ(parser.state(), State::kIdle);
  parser.feed("G");
  EXPECT_EQ(parser.state(), State::kPartial);
}

// K1: whatever comes, it ends in an error or in requests, within its limits.
TEST(RequestParser, SurvivesDamagedRequests) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Limits limits;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(kRequests);
    for (int damage = 0; damage < 3; ++damage) {
      const size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, random() % 8);
          break;
        default:
          bytes.insert(at, bytes.substr(random() % bytes.size(), 8));
      }
    }
    RequestParser parser(limits);
    std::string_view rest = bytes;
    while (!rest.empty() && parser.state() != State::kFailed) {
      const std::string_view piece = rest.substr(0, 1 + random() % rest.size());
      const size_t taken = parser.feed(piece);
      ASSERT_LE(taken, piece.size());
      rest.remove_prefix(taken);
      if (parser.state() == State::kComplete) {
        (void)describe(parser.request());
        parser.next();
      }
    }
    if (parser.state() == State::kFailed) {
      ASSERT_GE(parser.error_status(), 400);
    }
  }
}

}  // namespace
}  // namespace eddy::examples::http
