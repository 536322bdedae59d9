// The load of the network comparison against servers of ours, as programs, and
// against servers that do wrong.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace eddy::benchmarks::net {
namespace {

constexpr const char* kLoad = "benchmarks/net/load";
constexpr const char* kEddy = "benchmarks/eddy/net_server";
constexpr const char* kRawEpoll = "benchmarks/peers/net/raw_epoll";

// A child, of which stdout and stderr are read. It ends with this object.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    std::array<int, 2> out = {};
    EXPECT_EQ(pipe(out.data()), 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(out[1], STDOUT_FILENO);
      dup2(out[1], STDERR_FILENO);
      std::vector<char*> raw;
      for (std::string& argument : arguments) raw.push_back(argument.data());
      raw.push_back(nullptr);
      execv(raw[0], raw.data());
      _exit(127);
    }
    close(out[1]);
    out_ = out[0];
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    close(out_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }

  // Empty if the program has ended without one.
  std::string next_line() {
    std::string line;
    for (char c = 0; read(out_, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  // Waits for the end.
  int exit_status() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

struct Figures {
  unsigned long long requests = 0;
  double rps = 0;
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
  double cpu = 0;
};

struct Server {
  const char* program;
  const char* runtime;
};

std::vector<std::string> load_command(uint16_t port, pid_t server,
                                      std::vector<std::string> flags) {
  flags.insert(flags.begin(), {kLoad, "--port=" + std::to_string(port),
                               "--server_pids=" + std::to_string(server),
                               "--warm_up=50ms", "--measured=300ms"});
  return flags;
}

// What the load prints about `server`, which runs as for `bench`.
std::string run_load(const Server& server, const std::string& bench,
                     std::vector<std::string> flags) {
  Program program({server.program, "--bench=" + bench,
                   std::string("--runtime=") + server.runtime, "--workers=2"});
  const std::string line = program.next_line();
  unsigned port = 0;
  EXPECT_EQ(std::sscanf(line.c_str(), "port %u", &port), 1) << line;
  Program load(load_command(static_cast<uint16_t>(port), program.pid(),
                            std::move(flags)));
  const std::string figures = load.next_line();
  EXPECT_EQ(load.exit_status(), 0) << figures;
  return figures;
}

// Checks what holds for all loads.
Figures measure(const Server& server, const std::string& bench,
                std::vector<std::string> flags) {
  const std::string line = run_load(server, bench, std::move(flags));
  Figures figures;
  EXPECT_EQ(
      std::sscanf(line.c_str(),
                  "{\"requests\": %llu, \"rps\": %lf, \"p50_us\": %lf, "
                  "\"p99_us\": %lf, \"p999_us\": %lf, \"max_us\": %lf, "
                  "\"cpu_ns\": %lf}",
                  &figures.requests, &figures.rps, &figures.p50, &figures.p99,
                  &figures.p999, &figures.max, &figures.cpu),
      7)
      << line;
  EXPECT_GT(figures.requests, 0u);
  // In 300 ms, or less or more where the load was kept from running.
  EXPECT_GT(static_cast<double>(figures.requests) / figures.rps, 0.1);
  EXPECT_GT(figures.p50, 0);
  EXPECT_LE(figures.p50, figures.p99);
  EXPECT_LE(figures.p99, figures.p999);
  EXPECT_LE(figures.p999, figures.max);
  EXPECT_GT(figures.cpu, 0);
  return figures;
}

class NetLoad : public ::testing::TestWithParam<Server> {};
INSTANTIATE_TEST_SUITE_P(Servers, NetLoad,
                         ::testing::Values(Server{kEddy, "eddy"},
                                           Server{kEddy, "eddy-current"},
                                           Server{kRawEpoll, "raw-epoll"}),
                         [](const auto& info) {
                           std::string name = info.param.runtime;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(NetLoad, ClosedLoop) {
  measure(GetParam(), "echo_c16", {"--load=closed", "--connections=16"});
}

// The server computes what the load expects, and needs the time for it.
TEST_P(NetLoad, ClosedLoopWithComputing) {
  const Figures figures =
      measure(GetParam(), "compute_c16",
              {"--load=closed", "--connections=16", "--steps=100000"});
  EXPECT_GT(figures.cpu, 20'000);
}

TEST_P(NetLoad, OpenLoopKeepsItsRate) {
  const Figures figures =
      measure(GetParam(), "echo_open_1k",
              {"--load=open", "--connections=8", "--rate=1000"});
  EXPECT_NEAR(static_cast<double>(figures.requests), 300, 100);
}

TEST_P(NetLoad, Http) {
  measure(GetParam(), "http_c64", {"--load=http", "--connections=64"});
}

TEST_P(NetLoad, Churn) {
  measure(GetParam(), "churn", {"--load=churn", "--connections=8"});
}

TEST_P(NetLoad, Idle) {
  const std::string line = run_load(GetParam(), "idle_conn_bytes",
                                    {"--load=idle", "--connections=300"});
  unsigned connections = 0;
  double bytes = -1;
  double cpu = -1;
  EXPECT_EQ(std::sscanf(line.c_str(),
                        "{\"connections\": %u, \"bytes_per_connection\": %lf, "
                        "\"idle_cpu_percent\": %lf}",
                        &connections, &bytes, &cpu),
            3)
      << line;
  EXPECT_EQ(connections, 300u);
  EXPECT_LT(bytes, 1 << 20);
  EXPECT_GE(cpu, 0);
}

// A loop that waits for answers before it asks again would show one late answer
// for each connection and stall. Here half of the requests are due while the
// one thread of the server sleeps.
TEST(NetLoad, StallIsSeenByAllRequestsThatFellIntoIt) {
  const Figures figures = measure(
      {kRawEpoll, "raw-epoll"}, "stall_sleep",
      {"--load=open", "--connections=8", "--rate=2000", "--stall_us=50000"});
  EXPECT_GT(figures.p50, 5'000);
  EXPECT_GT(figures.max, 40'000);
}

// Accepts one connection, and answers the first request with `answer`.
class WrongServer {
 public:
  explicit WrongServer(std::string answer)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, raw, length), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    getsockname(listener_, raw, &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer] { serve(answer); });
  }
  WrongServer(const WrongServer&) = delete;
  WrongServer& operator=(const WrongServer&) = delete;
  ~WrongServer() {
    thread_.join();
    close(listener_);
  }

  uint16_t port() const { return port_; }

 private:
  void serve(const std::string& answer) const {
    const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::array<char, 4096> buffer;
    (void)recv(peer, buffer.data(), buffer.size(), 0);
    (void)send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    shutdown(peer, SHUT_WR);
    while (recv(peer, buffer.data(), buffer.size(), 0) > 0) {
    }
    close(peer);
  }

  const int listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

void expect_failure(const std::string& answer, const std::string& load,
                    const std::string& complaint) {
  WrongServer server(answer);
  Program program(load_command(server.port(), getpid(),
                               {"--load=" + load, "--connections=1"}));
  EXPECT_EQ(program.next_line(), "load: " + complaint);
  EXPECT_EQ(program.exit_status(), 1);
}

TEST(NetLoad, WrongBytesAreAFailure) {
  expect_failure(std::string(64, 'x'), "closed",
                 "an answer is not what the request asks for");
}

TEST(NetLoad, AClosedConnectionIsAFailure) {
  expect_failure("", "closed", "the server has closed a connection");
}

TEST(NetLoad, AnotherHttpStatusIsAFailure) {
  expect_failure(
      "HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nHello, World!",
      "http", "an HTTP answer has another status or body");
}

TEST(NetLoad, AnotherHttpBodyIsAFailure) {
  expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, Venus!",
                 "http", "an HTTP answer has another status or body");
}

}  // namespace
}  // namespace eddy::benchmarks::net
