// A tour of eddy: four questions that people ask about asynchronous IO, acted
// out on this machine, with the figures. Takes some five seconds, needs no
// network but loopback, and removes the files that it writes.
//
//   ./bazelw run -c opt //examples:tour

#include <csignal>
#include <cstdio>
#include <exception>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "examples/tour/acts.h"
#include "examples/tour/report.h"

namespace eddy::examples::tour {
namespace {

// An act is short, and cleans up: Ctrl-C waits for its end.
volatile std::sig_atomic_t interrupted = 0;

int play() {
  Report report;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  for (auto* act : {play_requests, play_files, play_sleepers, play_cpu_hog}) {
    if (const absl::Status status = act(report); !status.ok()) {
      std::fprintf(stderr, "\n%s\n", status.ToString().c_str());
      return 1;
    }
    if (interrupted != 0) return 130;
  }
  report.print();
  return 0;
}

// Caught here, an exception has cleaned up behind it.
int play_safely() {
  try {
    return play();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\n%s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace eddy::examples::tour

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Shows what eddy does, and what it costs, in five seconds. No flags.");
  absl::ParseCommandLine(argc, argv);
  return eddy::examples::tour::play_safely();
}
