// What the servers among the examples have in common: --address, --port and
// --workers, a runtime made of them, and an end at SIGINT or SIGTERM.
//
//   int main(int argc, char** argv) {
//     return eddy::examples::server_main(
//         argc, argv, "An echo server on TCP.", [](SocketAddr addr) {
//           return serve(addr);
//         });
//   }
#ifndef EDDY_EXAMPLES_SUPPORT_SERVER_MAIN_H_
#define EDDY_EXAMPLES_SUPPORT_SERVER_MAIN_H_

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "io/net/socket_addr.h"
#include "io/signal/signals.h"
#include "runtime/task/task.h"

namespace eddy::examples {

// Parses the flags (--help shows those of the examples, with `usage` above),
// runs `serve` on the runtime that they describe, and returns what main() does:
// 0, or 1 after saying on stderr what went wrong.
int server_main(int argc, char** argv, std::string_view usage,
                const std::function<Task<absl::Status>(io::SocketAddr)>& serve);

// "listening on http://127.0.0.1:8080", at once, for whoever reads a pipe.
void announce(std::string_view scheme, const io::SocketAddr& addr);

// Ready when one of `signals` comes, and says so on stderr.
Task<> until_signal(io::Signals signals);

}  // namespace eddy::examples

#endif  // EDDY_EXAMPLES_SUPPORT_SERVER_MAIN_H_
