// Router: chooses a handler by method and path; 404 and 405 for the rest.
//
//   Router router;
//   router.add("GET", "/", hello);
//   auto server = Server::bind(addr, std::move(router).into_handler());
//
// A route for GET answers HEAD too.
//
// Threads: a plain value; as a Handler it is only read.
#ifndef EDDY_EXAMPLES_HTTP_ROUTER_H_
#define EDDY_EXAMPLES_HTTP_ROUTER_H_

#include <string>
#include <string_view>
#include <vector>

#include "examples/http/connection.h"

namespace eddy::examples::http {

class Router {
 public:
  // `method` is static text; `path` is compared as a whole, without a query.
  void add(std::string_view method, std::string path, Handler handler);

  Handler into_handler() &&;

 private:
  struct Method {
    std::string_view name;
    Handler handler;
  };
  struct Route {
    std::string path;
    std::string allow = {};  // "GET, HEAD, POST"
    std::vector<Method> methods = {};
  };

  Task<> handle(const Request& request, Response& response) const;

  std::vector<Route> routes_;
};

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_ROUTER_H_
