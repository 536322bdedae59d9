// A client: connects by name or address, says hello, and prints the answer.
//
//   ./bazelw run -c opt //examples:greet -- --port=7000

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "io/net/tcp_stream.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/task/task.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "A name, or an address.");
ABSL_FLAG(uint16_t, port, 7000, "The port to connect to.");

namespace eddy::examples {
namespace {

Task<absl::Status> greet(std::string host, uint16_t port) {
  EDDY_CO_ASSIGN_OR_RETURN(auto peer,
                           co_await io::TcpStream::connect(host, port));
  EDDY_CO_RETURN_IF_ERROR(co_await io::write_all(peer, "hello\n"));
  EDDY_CO_RETURN_IF_ERROR(co_await peer.shutdown());
  std::array<std::byte, 4096> buffer;
  for (;;) {
    EDDY_CO_ASSIGN_OR_RETURN(std::size_t size, co_await peer.read(buffer));
    if (size == 0) co_return absl::OkStatus();
    std::fwrite(buffer.data(), 1, size, stdout);
  }
}

absl::Status run() {
  EDDY_ASSIGN_OR_RETURN(const Runtime runtime,
                        Builder::current_thread().build());
  return runtime.block_on(
      greet(absl::GetFlag(FLAGS_host), absl::GetFlag(FLAGS_port)));
}

}  // namespace
}  // namespace eddy::examples

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Says hello to a TCP server, and prints what it answers until it "
      "closes.");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = eddy::examples::run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
