#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "examples/http/demo_routes.h"
#include "examples/http/server.h"
#include "gtest/gtest.h"
#include "tests/examples/http_client.h"
#include "tests/examples/running_server.h"
#include "tests/support/fault_injector.h"

namespace eddy::examples::http {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::Call;
using testing::FaultInjector;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGreeting = "Hello from eddy!\n";

std::string post(std::string_view body) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// With both flavors.
class HttpServer : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, HttpServer, ::testing::Values(0, 2));

TEST_P(HttpServer, AnswersManyRequestsOnOneConnection) {
  RunningServer server(demo_routes(), {}, GetParam());
  HttpClient client(server.port());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.exchange(kGet).body, kGreeting);
    EXPECT_EQ(client.exchange(post("x=1")).body, "x=1");
  }
  EXPECT_TRUE(server.end().ok());
}

TEST_P(HttpServer, ServesManyConnections) {
  RunningServer server(demo_routes(), {}, GetParam());
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.port()));
    clients.back()->send(post(std::to_string(i)));
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(clients[i]->receive().body, std::to_string(i));
  }
  EXPECT_TRUE(server.end().ok());
}

TEST_P(HttpServer, AnswersPipelinedRequestsInOrder) {
  RunningServer server(demo_routes(), {}, GetParam());
  HttpClient client(server.port());
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += post(std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(client.receive().body, std::to_string(i));
  }
}

TEST(HttpServer, AnswersPipelinedRequestsByOneWrite) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  FaultInjector faults;
  std::string requests;
  for (int i = 0; i < 10; ++i) requests += kGet;
  client.send(requests);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(faults.calls(Call::kSend), 1u);
}

TEST(HttpServer, ReadsBodiesThatAreSizedOrChunked) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  const std::string body(100'000, 'b');
  EXPECT_EQ(client.exchange(post(body)).body, body);
  EXPECT_EQ(client
                .exchange("POST /echo HTTP/1.1\r\nHost: a\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n"
                          "5;note=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n"
                          "Trailer: ignored\r\n\r\n")
                .body,
            "hello world");
  EXPECT_EQ(client.exchange(post("")).body, "");
  EXPECT_EQ(client.exchange(kGet).body, kGreeting);
}

// A5: in segments of every size. Where the server's reads end is up to the
// kernel; request_parser_test.cc cuts at every byte.
TEST(HttpServer, PiecesOfEverySizeChangeNothing) {
  const std::string requests =
      post("hello") + std::string(kGet) +
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\n\r\n";
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  for (size_t size = 1; size <= requests.size(); ++size) {
    for (size_t at = 0; at < requests.size(); at += size) {
      client.send(std::string_view(requests).substr(at, size));
    }
    ASSERT_EQ(client.receive().body, "hello") << size;
    ASSERT_EQ(client.receive().body, kGreeting) << size;
    ASSERT_EQ(client.receive().body, "abc") << size;
  }
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto response = client.receive(/*head_only=*/true);
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.head.find("Content-Length: 17\r\n"), std::string::npos);
  EXPECT_EQ(client.exchange(kGet).body, kGreeting);
}

TEST(HttpServer, Http10ClosesUnlessAskedToKeep) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  const auto kept =
      client.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(kept.head.find("Connection: keep-alive"), std::string::npos);
  EXPECT_EQ(client.exchange("GET / HTTP/1.0\r\n\r\n").body, kGreeting);
  EXPECT_TRUE(client.is_at_end());
}

TEST(HttpServer, ConnectionCloseIsTheLastRequest) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" +
              std::string(kGet));
  const auto response = client.receive();
  EXPECT_EQ(response.body, kGreeting);
  EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.is_at_end());
}

TEST(HttpServer, AsksForTheBodyThatIsHeldBack) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  EXPECT_EQ(client.exchange("ok").body, "ok");
  // One who does not wait is not asked.
  EXPECT_EQ(client
                .exchange("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
                          "2\r\nExpect: 100-continue\r\n\r\nok")
                .body,
            "ok");
}

struct Refusal {
  const char* name;
  std::string request;
  int status;
};

class HttpServerRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(HttpServerRefuses, AndSaysWhy) {
  Limits limits;
  limits.max_head_bytes = 2000;
  limits.max_headers = 10;
  limits.max_body_bytes = 1000;
  RunningServer server(demo_routes(), limits);
  HttpClient client(server.port());
  const auto response = client.exchange(GetParam().request);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.is_at_end());
  EXPECT_TRUE(server.end().ok());
}

std::string head(std::string_view lines) {
  return "POST /echo HTTP/1.1\r\n" + std::string(lines) + "\r\n";
}

std::string many_headers() {
  std::string lines = "Host: a\r\n";
  for (int i = 0; i < 10; ++i) lines += "X: y\r\n";
  return head(lines);
}

INSTANTIATE_TEST_SUITE_P(
    Requests, HttpServerRefuses,
    ::testing::Values(
        Refusal{"Garbage", "\x16\x03\x01 is TLS\r\n\r\n", 400},
        Refusal{"NoHost", head(""), 400},
        Refusal{"TwoHosts", head("Host: a\r\nHost: b\r\n"), 400},
        Refusal{"TwoLengths",
                head("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
                400},
        Refusal{"LengthAndCoding",
                head("Host: a\r\nContent-Length: 3\r\n"
                     "Transfer-Encoding: chunked\r\n"),
                400},
        Refusal{"BadLength", head("Host: a\r\nContent-Length: -1\r\n"), 400},
        Refusal{"BadChunk",
                head("Host: a\r\nTransfer-Encoding: chunked\r\n") + "zz\r\n",
                400},
        Refusal{"Connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        Refusal{"LargeBody", head("Host: a\r\nContent-Length: 1001\r\n"), 413},
        Refusal{"LargeChunkedBody",
                head("Host: a\r\nTransfer-Encoding: chunked\r\n") + "3e9\r\n" +
                    std::string(1001, 'x'),
                413},
        Refusal{"LargeBodyAnnounced",
                head("Host: a\r\nContent-Length: 1001\r\n"
                     "Expect: 100-continue\r\n"),
                413},
        Refusal{"OtherExpectation", head("Host: a\r\nExpect: cake\r\n"), 417},
        Refusal{"LongHeader",
                head("Host: a\r\nX: " + std::string(2000, 'x') + "\r\n"), 431},
        Refusal{"LongTarget", "GET /" + std::string(2000, 'x'), 431},
        Refusal{"ManyHeaders", many_headers(), 431},
        Refusal{"OtherCoding",
                head("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n"), 501},
        Refusal{"OtherVersion", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505}),
    [](const auto& info) { return info.param.name; });

TEST(HttpServer, WrongPathOrMethodKeepsTheConnection) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  EXPECT_EQ(client.exchange("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
  const auto response =
      client.exchange("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(response.status, 405);
  EXPECT_NE(response.head.find("Allow: POST\r\n"), std::string::npos);
  EXPECT_EQ(client.exchange(kGet).status, 200);
}

TEST(HttpServer, WhatAHandlerThrowsIsAnsweredBy500) {
  RunningServer server([](const Request&, Response&) -> Task<> {
    throw std::runtime_error("not today");
    co_return;
  });
  HttpClient client(server.port());
  EXPECT_EQ(client.exchange(kGet).status, 500);
  EXPECT_EQ(client.exchange(kGet).status, 500);
}

// A7
TEST(HttpServer, ASlowRequestIsAnsweredBy408) {
  Limits limits;
  limits.request_timeout = milliseconds(20);
  RunningServer server(demo_routes(), limits);
  for (std::string_view begin : {kGet.substr(0, 1), kGet.substr(0, 20)}) {
    HttpClient client(server.port());
    EXPECT_EQ(client.exchange(begin).status, 408);
    EXPECT_TRUE(client.is_at_end());
  }
}

TEST(HttpServer, AnIdleConnectionIsClosed) {
  Limits limits;
  limits.idle_timeout = milliseconds(20);
  RunningServer server(demo_routes(), limits);
  HttpClient client(server.port());
  EXPECT_EQ(client.exchange(kGet).status, 200);
  EXPECT_TRUE(client.is_at_end());
}

// A7: a reader that never reads.
TEST(HttpServer, AClientThatDoesNotReadIsDisconnected) {
  Limits limits;
  limits.write_timeout = milliseconds(20);
  limits.idle_timeout = limits.request_timeout = hours(1);
  RunningServer server(demo_routes(), limits);
  HttpClient client(server.port());
  const std::string request = post(std::string(1'000'000, 'x'));
  for (int i = 0; i < 100; ++i) client.send(request);  // until it is refused
  EXPECT_TRUE(server.end().ok());
}

// Tells when it was called, and answers when it is let.
struct Gate {
  Handler handler() {
    return [this](const Request&, Response& response) -> Task<> {
      reached.set_value();
      co_await open.wait();
      response.body = "done";
    };
  }
  std::promise<void> reached;
  Stop open;
};

TEST_P(HttpServer, StopFinishesWhatIsInFlight) {
  Gate gate;
  RunningServer server(gate.handler(), {}, GetParam());
  HttpClient idle(server.port());
  HttpClient busy(server.port());
  busy.send(kGet);
  gate.reached.get_future().wait();
  server.stop();
  EXPECT_TRUE(idle.is_at_end());
  EXPECT_FALSE(HttpClient(server.port()).is_connected());
  gate.open.set();
  const auto response = busy.receive();
  EXPECT_EQ(response.body, "done");
  EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(busy.is_at_end());
  EXPECT_TRUE(server.end().ok());
}

// F1
TEST_P(HttpServer, StopIsBoundedByTheGrace) {
  Gate gate;
  Limits limits;
  limits.grace = milliseconds(20);
  RunningServer server(gate.handler(), limits, GetParam());
  HttpClient client(server.port());
  client.send(kGet);
  gate.reached.get_future().wait();
  EXPECT_TRUE(server.end().ok());
  EXPECT_TRUE(client.is_at_end());
}

TEST(HttpServer, StopWaitsForARequestThatIsStillArriving) {
  RunningServer server(demo_routes());
  HttpClient client(server.port());
  HttpClient idle(server.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);  // it has begun
  server.stop();
  EXPECT_TRUE(idle.is_at_end());
  EXPECT_EQ(client.exchange("ok").body, "ok");
  EXPECT_TRUE(client.is_at_end());
  EXPECT_TRUE(server.end().ok());
}

// A6
TEST(HttpServer, ClientsThatGoAwayHarmNobody) {
  RunningServer server(demo_routes());
  for (int i = 0; i < 20; ++i) {
    HttpClient client(server.port());
    client.send(post(std::string(1000, 'x')).substr(0, 100 + i * 40));
  }
  HttpClient client(server.port());
  EXPECT_EQ(client.exchange(kGet).status, 200);
  EXPECT_TRUE(server.end().ok());
}

}  // namespace
}  // namespace eddy::examples::http
