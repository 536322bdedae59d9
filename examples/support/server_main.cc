#include "examples/support/server_main.h"

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"

ABSL_FLAG(std::string, address, "127.0.0.1",
          "The IPv4 or IPv6 address to listen on; 0.0.0.0 or :: for all.");
ABSL_FLAG(uint16_t, port, 8080, "The port to listen on; 0 for any free one.");
ABSL_FLAG(uint32_t, workers, 0,
          "How many worker threads run the tasks, beside a thread for the "
          "reactor; 0: one thread does everything.");

namespace eddy::examples {
namespace {

void parse_flags(int argc, char** argv, std::string_view usage) {
  absl::SetProgramUsageMessage({usage.data(), usage.size()});
  absl::FlagsUsageConfig config;
  config.contains_help_flags = [](absl::string_view file) {
    return file.find("examples/") != absl::string_view::npos;
  };
  config.contains_helpshort_flags = config.contains_help_flags;
  absl::SetFlagsUsageConfig(config);
  absl::ParseCommandLine(argc, argv);
}

absl::StatusOr<Runtime> build_runtime() {
  const uint32_t workers = absl::GetFlag(FLAGS_workers);
  if (workers == 0) return Builder::current_thread().build();
  return Builder::multi_thread().worker_threads(workers).build();
}

absl::Status run(
    const std::function<Task<absl::Status>(io::SocketAddr)>& serve) {
  EDDY_ASSIGN_OR_RETURN(const io::SocketAddr addr,
                        io::SocketAddr::parse_ip(absl::GetFlag(FLAGS_address),
                                                 absl::GetFlag(FLAGS_port)));
  EDDY_ASSIGN_OR_RETURN(const Runtime runtime, build_runtime());
  return runtime.block_on(serve(addr));
}

}  // namespace

int server_main(
    int argc, char** argv, std::string_view usage,
    const std::function<Task<absl::Status>(io::SocketAddr)>& serve) {
  parse_flags(argc, argv, usage);
  const absl::Status status = run(serve);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

void announce(std::string_view scheme, const io::SocketAddr& addr) {
  std::printf("listening on %.*s://%s\n", static_cast<int>(scheme.size()),
              scheme.data(), addr.to_string().c_str());
  std::fflush(stdout);
}

Task<> until_signal(io::Signals signals) {
  const absl::StatusOr<int> signal = co_await signals.next();
  if (signal.ok()) {
    std::fprintf(stderr, "signal %d: no more connections\n", *signal);
  }
}

}  // namespace eddy::examples
