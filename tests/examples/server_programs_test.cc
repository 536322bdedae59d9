// The servers among the examples, as programs.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/examples/http_client.h"

namespace eddy::examples {
namespace {

// A program whose first line of output ends in ":PORT".
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    int out[2];
    EXPECT_EQ(pipe(out), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      close(out[0]);
      close(out[1]);
      std::vector<char*> raw;
      for (std::string& argument : arguments) raw.push_back(argument.data());
      raw.push_back(nullptr);
      execv(raw[0], raw.data());
      _exit(127);
    }
    close(out[1]);
    for (char c; read(out[0], &c, 1) == 1 && c != '\n';) line_ += c;
    close(out[0]);
  }
  ~Program() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  const std::string& line() const { return line_; }
  uint16_t port() const {
    return static_cast<uint16_t>(
        std::atoi(line_.c_str() + line_.rfind(':') + 1));
  }

  // Its exit code after `signal`; -1 if it did not exit by itself.
  int end_with(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  std::string line_;
};

class ServerPrograms : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Workers, ServerPrograms,
                         ::testing::Values("--workers=0", "--workers=2"));

TEST_P(ServerPrograms, HttpServerServesAndEndsBySigterm) {
  Program server({"examples/http_server", "--port=0", GetParam()});
  ASSERT_TRUE(server.line().starts_with("listening on http://127.0.0.1:"));
  http::HttpClient client(server.port());
  EXPECT_EQ(client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  EXPECT_EQ(server.end_with(SIGTERM), 0);
  EXPECT_TRUE(client.is_at_end());
}

TEST_P(ServerPrograms, HttpServerFinishesItsRequests) {
  Program server({"examples/http_server", "--port=0", GetParam()});
  http::HttpClient client(server.port());
  // By the answer to the first, the second has been received too.
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 100);
  client.send("o");
  std::thread end([&] { EXPECT_EQ(server.end_with(SIGINT), 0); });
  EXPECT_EQ(client.exchange("k").body, "ok");
  EXPECT_TRUE(client.is_at_end());
  end.join();
}

TEST_P(ServerPrograms, EchoServerServesAndEndsBySigterm) {
  Program server({"examples/echo_server", "--port=0", GetParam()});
  ASSERT_TRUE(server.line().starts_with("listening on tcp://127.0.0.1:"));
  http::HttpClient client(server.port());
  // What comes back looks like a response.
  EXPECT_EQ(client.exchange("HTTP/1.1 299 Echo\r\n\r\n").status, 299);
  EXPECT_EQ(server.end_with(SIGTERM), 0);
  EXPECT_TRUE(client.is_at_end());
}

TEST(ServerPrograms, APortInUseIsSaidAndExits1) {
  Program first({"examples/echo_server", "--port=0"});
  Program second(
      {"examples/http_server", "--port=" + std::to_string(first.port())});
  EXPECT_EQ(second.line(), "");
  EXPECT_EQ(second.end_with(SIGTERM), 1);
}

}  // namespace
}  // namespace eddy::examples
