// The suite "fs": how late echoes are while a file of 1 GiB is copied in the
// same runtime, beside how late they are without, and while another process
// copies it: what the machine has left then no runtime can better. The load is
// an open loop of 20,000 requests/s over 64 connections, from a thread of this
// process.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/net/connect.h"
#include "benchmarks/net/echo_stream.h"
#include "benchmarks/net/open_loop.h"
#include "benchmarks/net/protocol.h"
#include "benchmarks/net/window.h"
#include "benchmarks/program/program.h"
#include "benchmarks/workloads/files.h"
#include "io/fs/fs.h"
#include "io/net/socket_addr.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/write_all.h"
#include "runtime/runtime.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "sync/oneshot.h"

namespace eddy::benchmarks {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kConnections = 64;
constexpr uint64_t kPerSecond = 20'000;
constexpr auto kWarmUp = 300ms;
constexpr auto kWindow = 3s;

Task<> echo(io::TcpStream peer) {
  std::array<std::byte, net::kReadBytes> buffer;
  while (std::size_t size = (co_await peer.read(buffer)).value_or(0)) {
    const auto bytes = std::span(buffer).first(size);
    if (!(co_await io::write_all(peer, bytes)).ok()) co_return;
  }
}

Task<> serve(io::TcpListener listener) {
  for (;;) {
    auto accepted = (co_await listener.accept()).value();
    (void)accepted.stream.set_nodelay(true);
    spawn(echo(std::move(accepted.stream))).detach();
  }
}

using Flag = std::shared_ptr<std::atomic<bool>>;

// Again and again; one copy at least is made as a whole.
Task<> copy(std::string from, std::string to, Flag stop) {
  while (!stop->load(std::memory_order_relaxed)) {
    expect((co_await io::fs::copy(from, to)).value() == kLargeBytes, "a copy");
  }
}

void copy_by_cp(const std::string& from, const std::string& to,
                const std::atomic<bool>& stop) {
  std::string parts[] = {"cp", from, to};
  char* const arguments[] = {parts[0].data(), parts[1].data(), parts[2].data(),
                             nullptr};
  while (!stop.load(std::memory_order_relaxed)) {
    pid_t process;
    int status;
    expect(::posix_spawnp(&process, "cp", nullptr, nullptr, arguments,
                          environ) == 0,
           "start cp");
    expect(::waitpid(process, &status, 0) == process && status == 0,
           "a copy by cp");
  }
}

net::Result load(uint16_t port) {
  const net::Target target = {.port = port, .processes = {::getpid()}};
  auto streams = net::connect_streams(kConnections, [&](std::size_t i) {
    return net::EchoStream(port, i, net::Work{});
  });
  return net::run_open_loop(streams, nullptr, kPerSecond, target,
                            {.warm_up = kWarmUp, .measured = kWindow});
}

enum class Beside : uint8_t { kNothing, kCopy, kCp };

Measured measure(const Runtime& runtime, Beside beside) {
  const Folder folder;
  const std::string from = large_file();
  auto listener = runtime.block_on([]() -> Task<io::TcpListener> {
    co_return *io::TcpListener::bind(io::SocketAddr::loopback_v4(0));
  });
  const uint16_t port = listener.local_addr().port();
  const auto stop =
      std::make_shared<std::atomic<bool>>(beside != Beside::kCopy);
  std::atomic<bool> stop_cp{beside != Beside::kCp};
  JoinHandle<void> server = runtime.spawn(serve(std::move(listener)));
  JoinHandle<void> copies = runtime.spawn(copy(from, folder.file(0), stop));
  std::thread cp([&] { copy_by_cp(from, folder.file(1), stop_cp); });
  auto [result, receiver] = sync::oneshot::create<net::Result>();
  std::thread client([port, result = std::move(result)]() mutable {
    (void)std::move(result).send(load(port));
  });
  // The one thread of a current-thread runtime serves meanwhile.
  const net::Result loaded = *runtime.block_on(std::move(receiver));
  stop->store(true, std::memory_order_relaxed);
  stop_cp.store(true, std::memory_order_relaxed);
  client.join();
  cp.join();
  runtime.block_on(std::move(copies)).value();
  server.abort();
  const std::chrono::duration<double, std::micro> late =
      loaded.latency.quantile(0.99);
  return Measured::figure(late.count(), "p99_us");
}

template <Beside kBeside>
Measured echo_beside(const Runtime& runtime, const Arguments&) {
  return measure(runtime, kBeside);
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(
      argc, argv,
      on_each_flavor("fs", {{"fs_echo_alone", echo_beside<Beside::kNothing>},
                            {"fs_echo_copying", echo_beside<Beside::kCopy>},
                            {"fs_echo_beside_cp", echo_beside<Beside::kCp>}}));
}
