// An HTTP/1.1 server of the files below a folder.
//
//   ./bazelw run -c opt //examples:file_server -- --root=$PWD --port=8080
//   curl -i http://127.0.0.1:8080/README.md
//   curl -r 0-99 http://127.0.0.1:8080/README.md

#include <csignal>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "examples/http/server.h"
#include "examples/http/static_files.h"
#include "examples/support/server_main.h"
#include "io/signal/signals.h"
#include "runtime/base/status.h"
#include "runtime/task/task.h"

ABSL_FLAG(std::string, root, ".", "The folder whose files are served.");

namespace eddy::examples {
namespace {

Task<absl::Status> serve(io::SocketAddr addr) {
  EDDY_CO_ASSIGN_OR_RETURN(auto signals,
                           io::Signals::listen({SIGINT, SIGTERM}));
  EDDY_CO_ASSIGN_OR_RETURN(
      auto files, co_await http::StaticFiles::open(absl::GetFlag(FLAGS_root)));
  EDDY_CO_ASSIGN_OR_RETURN(
      auto server, http::Server::bind(addr, std::move(files).into_handler()));
  announce("http", server.local_addr());
  co_return co_await server.serve(until_signal(std::move(signals)));
}

}  // namespace
}  // namespace eddy::examples

int main(int argc, char** argv) {
  return eddy::examples::server_main(
      argc, argv,
      "Serves the files below a folder: GET and HEAD, ranges, conditional "
      "requests.\nSIGINT or SIGTERM ends it after the requests in flight.",
      eddy::examples::serve);
}
