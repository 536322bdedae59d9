#include "examples/http/router.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace eddy::examples::http {
namespace {

Task<> refuse(Response& response, int status, std::string_view allow) {
  response.fail(status);
  response.allow = allow;
  co_return;
}

}  // namespace

void Router::add(std::string_view method, std::string path, Handler handler) {
  auto route =
      std::find_if(routes_.begin(), routes_.end(),
                   [&](const Route& known) { return known.path == path; });
  if (route == routes_.end()) {
    route = routes_.insert(route, {.path = std::move(path)});
  } else {
    route->allow += ", ";
  }
  route->allow += method;
  if (method == "GET") route->allow += ", HEAD";
  route->methods.push_back({method, std::move(handler)});
}

Handler Router::into_handler() && {
  auto router = std::make_shared<const Router>(std::move(*this));
  return [router](const Request& request, Response& response) {
    return router->handle(request, response);
  };
}

Task<> Router::handle(const Request& request, Response& response) const {
  const std::string_view path = request.path();
  const auto route =
      std::find_if(routes_.begin(), routes_.end(),
                   [&](const Route& known) { return known.path == path; });
  if (route == routes_.end()) return refuse(response, 404, {});
  const std::string_view method =
      request.method() == "HEAD" ? "GET" : request.method();
  for (const Method& candidate : route->methods) {
    if (candidate.name == method) return candidate.handler(request, response);
  }
  return refuse(response, 405, route->allow);
}

}  // namespace eddy::examples::http
