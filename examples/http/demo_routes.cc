#include "examples/http/demo_routes.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "examples/http/router.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/time/sleep.h"

namespace eddy::examples::http {
namespace {

constexpr uint64_t kMaxSleepMs = 10'000;
constexpr uint64_t kMaxTerms = 1'000'000'000;

// 50 for "ms=50" and the key "ms".
std::optional<uint64_t> number_of(std::string_view query,
                                  std::string_view key) {
  if (!query.starts_with(key)) return std::nullopt;
  query.remove_prefix(key.size());
  if (!query.starts_with('=')) return std::nullopt;
  query.remove_prefix(1);
  uint64_t number = 0;
  const char* end = query.data() + query.size();
  const auto [rest, error] = std::from_chars(query.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

Task<> greet(const Request&, Response& response) {
  response.body = "Hello from eddy!\n";
  co_return;
}

Task<> echo(const Request& request, Response& response) {
  response.content_type = "application/octet-stream";
  response.body = request.body();
  co_return;
}

Task<> sleep(const Request& request, Response& response) {
  const auto ms = number_of(request.query(), "ms");
  if (!ms) {
    response.fail(400);
    co_return;
  }
  co_await time::sleep(std::chrono::milliseconds(std::min(*ms, kMaxSleepMs)));
  response.body = "slept\n";
}

Task<> sum(const Request& request, Response& response) {
  const auto terms = number_of(request.query(), "n");
  if (!terms || *terms > kMaxTerms) {
    response.fail(400);
    co_return;
  }
  auto job = spawn_blocking([n = *terms] {
    // Not known to the compiler, which else would find the formula.
    volatile uint64_t step = 1;
    uint64_t total = 0;
    for (uint64_t i = 1; i <= n; i += step) total += i;
    return total;
  });
  response.body = std::to_string((co_await job).value()) + "\n";
}

}  // namespace

Handler demo_routes() {
  Router router;
  router.add("GET", "/", greet);
  router.add("POST", "/echo", echo);
  router.add("GET", "/sleep", sleep);
  router.add("GET", "/sum", sum);
  return std::move(router).into_handler();
}

}  // namespace eddy::examples::http
