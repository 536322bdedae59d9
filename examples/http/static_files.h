// StaticFiles: the files below a folder, as a Handler: GET and HEAD, ranges,
// If-None-Match, If-Modified-Since, If-Range.
//
//   EDDY_CO_ASSIGN_OR_RETURN(auto files, co_await StaticFiles::open("site"));
//   auto server = Server::bind(addr, std::move(files).into_handler());
//
// Nothing outside of the folder is served, whatever a path or a symlink says:
// the kernel refuses (RESOLVE_BENEATH). What is no file is not found.
//
// Threads: any connection's.
// Errors:  400, 404, 405, 416, 503 (too many open files), 500.
// Owner:   the folder, open.
#ifndef EDDY_EXAMPLES_HTTP_STATIC_FILES_H_
#define EDDY_EXAMPLES_HTTP_STATIC_FILES_H_

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "examples/http/connection.h"
#include "io/fs/file.h"
#include "runtime/task/task.h"

namespace eddy::examples::http {

class StaticFiles {
 public:
  static Task<absl::StatusOr<StaticFiles>> open(std::string_view root);

  Handler into_handler() &&;

 private:
  explicit StaticFiles(std::shared_ptr<const io::File> root)
      : root_(std::move(root)) {}

  static Task<> handle(std::shared_ptr<const io::File> root,
                       const Request& request, Response& response);

  std::shared_ptr<const io::File> root_;
};

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_STATIC_FILES_H_
