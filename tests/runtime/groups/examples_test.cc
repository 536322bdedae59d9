// What the headers of groups, of join(), select() and try_join(), and of time
// show as examples, compiled and run.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "eddy.h"

namespace {

using namespace std::chrono_literals;

// On a clock that stands still, so that no sleep takes time.
template <class Main>
auto run(Main main) {
  auto runtime = *eddy::Builder::current_thread().start_paused().build();
  return runtime.block_on(std::move(main));
}

struct Page {
  std::string text;
};
using Url = std::string;

eddy::Task<Page> load(Url url) {
  co_await eddy::time::sleep(std::chrono::milliseconds(url.size()));
  co_return Page{"<" + url + ">"};
}

// join_set.h
eddy::Task<std::string> show_in_order_of_arrival() {
  std::vector<Url> urls{"long", "b"};
  std::string shown;
  auto show = [&](const Page& page) { shown += page.text; };
  eddy::JoinSet<Page> pages;
  for (const Url& url : urls) pages.spawn(load(url));
  while (std::optional<eddy::JoinResult<Page>> page =
             co_await pages.join_next()) {
    if (page->has_value()) show(**std::move(page));
  }
  co_return shown;
}
TEST(Examples, JoinSet) {
  EXPECT_EQ(run(show_in_order_of_arrival()), "<b><long>");
}

// join_map.h
eddy::Task<std::string> cache_by_key() {
  std::vector<Url> urls{"long", "b"};
  std::string cached;
  auto cache = [&](const Url& url, const Page& page) {
    cached += url + page.text;
  };
  eddy::JoinMap<std::string, Page> pages;
  for (const std::string& url : urls) pages.spawn(url, load(url));
  while (auto next = co_await pages.join_next()) {
    auto& [url, page] = *next;
    if (page.has_value()) cache(url, *std::move(page));
  }
  co_return cached;
}
TEST(Examples, JoinMap) { EXPECT_EQ(run(cache_by_key()), "b<b>long<long>"); }

// scope.h
eddy::Task<> load_into(const Url& url, Page& page, std::atomic<int>& failures) {
  if (url.empty()) ++failures;
  page = co_await load(url);
}
eddy::Task<int> load_all(std::span<const Url> urls, std::span<Page> pages) {
  std::atomic<int> failures = 0;
  co_await eddy::scope([&](eddy::Scope& scope) {
    for (std::size_t i = 0; i < urls.size(); ++i) {
      scope.spawn(load_into(urls[i], pages[i], failures));
    }
  });
  co_return failures;  // all of them have ended
}
TEST(Examples, Scope) {
  const std::vector<Url> urls{"a", ""};
  std::vector<Page> pages(urls.size());
  EXPECT_EQ(run(load_all(urls, pages)), 1);
  EXPECT_EQ(pages[0].text + pages[1].text, "<a><>");
}

// task_tracker.h
eddy::Task<> serve(int& served, eddy::sync::CancellationToken stop) {
  co_await stop.run_until_cancelled(eddy::time::sleep(1h));
  ++served;
}
eddy::Task<int> serve_until_the_end() {
  int served = 0;
  eddy::sync::CancellationToken stop;
  eddy::TaskTracker connections;
  for (int i = 0; i < 3; ++i) connections.spawn(serve(served, stop)).detach();
  stop.cancel();
  connections.close();
  co_await connections.wait();  // until none is left
  co_return served;
}
TEST(Examples, TaskTracker) { EXPECT_EQ(run(serve_until_the_end()), 3); }

// graceful.h
eddy::Task<std::string> session() {
  auto stop = eddy::this_task::cancellation_token();
  co_await stop.run_until_cancelled(eddy::time::sleep(1h));
  co_await eddy::time::sleep(1s);  // shielded: it runs for the grace time
  co_return "goodbye";
}
eddy::Task<std::string> end_session(std::chrono::nanoseconds grace) {
  auto handle = eddy::spawn_graceful(session());
  auto outcome = co_await handle.abort_and_wait(grace);
  co_return outcome.has_value() ? *std::move(outcome) : "cut off";
}
TEST(Examples, Graceful) {
  EXPECT_EQ(run(end_session(5s)), "goodbye");
  EXPECT_EQ(run(end_session(500ms)), "cut off");
}

// join.h, try_join.h, select.h
struct User {
  int id;
};
struct Orders {
  int count;
};
eddy::Task<User> load_user(int id) { co_return User{id}; }
eddy::Task<Orders> load_orders(int id) { co_return Orders{10 * id}; }
eddy::Task<absl::StatusOr<User>> find_user(int id) { co_return User{id}; }
eddy::Task<absl::StatusOr<Orders>> find_orders(int id) {
  if (id == 0) co_return absl::NotFoundError("nobody");
  co_return Orders{10 * id};
}
eddy::Task<int> read(std::chrono::nanoseconds duration) {
  co_await eddy::time::sleep(duration);
  co_return 3;
}
eddy::Task<absl::StatusOr<int>> read_or_give_up(
    std::chrono::nanoseconds duration) {
  auto first = co_await eddy::select(read(duration), eddy::time::sleep(5s));
  if (first.index() == 1) co_return absl::DeadlineExceededError("idle");
  co_return std::get<0>(std::move(first));
}
eddy::Task<int> several() {
  auto [user, orders] = co_await eddy::join(load_user(1), load_orders(1));
  absl::StatusOr<std::tuple<User, Orders>> both =
      co_await eddy::try_join(find_user(2), find_orders(2));
  auto neither = co_await eddy::try_join(find_user(0), find_orders(0));
  EXPECT_TRUE(absl::IsNotFound(neither.status()));
  co_return user.id + orders.count + std::get<1>(*both).count;
}
TEST(Examples, Several) {
  EXPECT_EQ(run(several()), 31);
  EXPECT_EQ(*run(read_or_give_up(1s)), 3);
  EXPECT_TRUE(absl::IsDeadlineExceeded(run(read_or_give_up(6s)).status()));
}

// clock.h
TEST(Examples, Clock) {
  eddy::time::Clock clock;
  clock.pause();
  eddy::time::Instant start = clock.now();
  clock.advance_to(start + std::chrono::hours(1));
  EXPECT_EQ(clock.now(), start + std::chrono::hours(1));
}

// current_clock.h, sleep.h
eddy::Task<> sleep() {
  eddy::time::pause();
  eddy::time::Instant start = eddy::time::now();
  co_await eddy::time::sleep(std::chrono::hours(1));  // takes no time
  EXPECT_EQ(eddy::time::now() - start, std::chrono::hours(1));

  auto idle = eddy::time::sleep(1s);
  for (int i = 0; i < 3; ++i) {
    auto first = co_await eddy::select_biased(read(900ms), idle);
    EXPECT_EQ(first.index(), 0u);
    idle.reset(eddy::time::now() + 1s);
  }
  auto last = co_await eddy::select_biased(read(1100ms), idle);
  EXPECT_EQ(last.index(), 1u);
}
TEST(Examples, Sleep) { run(sleep()); }

// interval.h
eddy::Task<eddy::time::Duration> report() {
  const eddy::time::Instant start = eddy::time::now();
  auto every = eddy::time::interval(100ms);
  for (int i = 0; i < 3; ++i) co_await every.tick();  // the first time at once
  co_return eddy::time::now() - start;
}
TEST(Examples, Interval) { EXPECT_EQ(run(report()), 200ms); }

// timeout.h
eddy::Task<bool> is_late(std::chrono::nanoseconds duration) {
  absl::StatusOr<int> result = co_await eddy::time::timeout(5s, read(duration));
  co_return absl::IsDeadlineExceeded(result.status());
}
TEST(Examples, Timeout) {
  EXPECT_FALSE(run(is_late(1s)));
  EXPECT_TRUE(run(is_late(6s)));
}

}  // namespace
