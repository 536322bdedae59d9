// Groups of tasks, and how they end: a little crawler, whose pages are numbers.
// Prints what it found; ends with 1 if something is not as it should be.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/builder.h"
#include "runtime/groups/graceful.h"
#include "runtime/groups/join_map.h"
#include "runtime/groups/join_set.h"
#include "runtime/groups/scope.h"
#include "runtime/groups/task_tracker.h"
#include "runtime/runtime.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "sync/cancellation_token.h"

namespace {

using namespace std::chrono_literals;

using Url = std::string;
using Page = std::size_t;

eddy::Task<Page> load(Url url) {
  co_await eddy::yield_now();
  co_return url.size();
}

// JoinSet: outcomes in the order in which they come.
eddy::Task<Page> total_of(std::span<const Url> urls) {
  eddy::JoinSet<Page> pages;
  for (const Url& url : urls) pages.spawn(load(url));
  Page total = 0;
  while (std::optional<eddy::JoinResult<Page>> page =
             co_await pages.join_next()) {
    if (page->has_value()) total += **std::move(page);
  }
  co_return total;
}

// JoinMap: outcomes with the key of their task.
eddy::Task<std::string> longest_of(std::span<const Url> urls) {
  eddy::JoinMap<Url, Page> pages;
  for (const Url& url : urls) pages.spawn(url, load(url));
  std::pair<Url, Page> longest;
  while (auto next = co_await pages.join_next()) {
    Page page = std::move(next->second).value();
    if (page > longest.second) longest = {std::move(next->first), page};
  }
  co_return longest.first;
}

// scope(): children that borrow from the caller.
eddy::Task<> load_into(const Url& url, Page& page, std::atomic<int>& loaded) {
  page = co_await load(url);
  ++loaded;
}

eddy::Task<int> load_all(std::span<const Url> urls, std::span<Page> pages) {
  std::atomic<int> loaded = 0;
  co_await eddy::scope([&](eddy::Scope& scope) {
    for (std::size_t i = 0; i < urls.size(); ++i) {
      scope.spawn(load_into(urls[i], pages[i], loaded));
    }
  });
  co_return loaded;  // all of them have ended
}

// CancellationToken and TaskTracker: tasks that are asked to stop, and awaited.
eddy::Task<> crawl(Url url, eddy::sync::CancellationToken stop,
                   std::atomic<int>& ended) {
  while (std::optional<Page> page =
             co_await stop.run_until_cancelled(load(url))) {
    co_await eddy::time::sleep(1ms);  // not cut off
  }
  ++ended;
}

eddy::Task<int> crawl_for_a_while(std::span<const Url> urls) {
  std::atomic<int> ended = 0;
  eddy::sync::CancellationToken stop;
  eddy::TaskTracker crawlers;
  for (const Url& url : urls) {
    crawlers.spawn(crawl(url, stop.child_token(), ended)).detach();
  }
  co_await eddy::time::sleep(5ms);
  stop.cancel();
  crawlers.close();
  co_await crawlers.wait();  // until none is left
  co_return ended;
}

// spawn_graceful(): a task that cleans up when it is aborted.
eddy::Task<std::string> session() {
  auto stop = eddy::this_task::cancellation_token();
  co_await stop.run_until_cancelled(eddy::time::sleep(1h));
  co_await eddy::time::sleep(1ms);  // shielded: it runs for the grace time
  co_return "goodbye";
}

eddy::Task<std::string> end_a_session() {
  auto handle = eddy::spawn_graceful(session());
  auto outcome = co_await handle.abort_and_wait(5s);
  co_return outcome.has_value() ? *std::move(outcome) : "too late";
}

template <class T>
bool report(const char* what, const T& is, const T& should_be) {
  std::cout << what << ": " << is << "\n";
  return is == should_be;
}

}  // namespace

int main() {
  const std::vector<Url> urls = {"one", "three", "eleven"};
  std::vector<Page> pages(urls.size());
  eddy::Runtime runtime = *eddy::Builder::multi_thread().build();
  bool ok =
      report("bytes of all pages", runtime.block_on(total_of(urls)), Page{14});
  ok &= report("longest page", runtime.block_on(longest_of(urls)),
               std::string("eleven"));
  ok &= report("loaded", runtime.block_on(load_all(urls, pages)), 3);
  ok &= report("bytes of the last", pages.back(), Page{6});
  ok &= report("stopped", runtime.block_on(crawl_for_a_while(urls)), 3);
  ok &= report("a session says", runtime.block_on(end_a_session()),
               std::string("goodbye"));
  return ok ? 0 : 1;
}
