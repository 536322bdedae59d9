// The examples of the headers of sync/, at work.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eddy.h"

namespace {

eddy::Runtime make_runtime() {
  return *eddy::Builder::multi_thread().worker_threads(2).build();
}

// barrier.h
constexpr int kTasks = 4, kRounds = 10;
eddy::sync::Barrier meeting(kTasks);
std::atomic<int> moves{0};
int added_up = 0;

eddy::Task<> play() {
  for (int i = 0; i < kRounds; ++i) {
    ++moves;
    if (co_await meeting.wait()) added_up += moves.exchange(0);
    co_await meeting.wait();
  }
}

TEST(Examples, Barrier) {
  auto runtime = make_runtime();
  std::vector<eddy::JoinHandle<void>> players;
  for (int i = 0; i < kTasks; ++i) players.push_back(runtime.spawn(play()));
  for (auto& player : players) (void)runtime.block_on(std::move(player));
  EXPECT_EQ(added_up, kTasks * kRounds);
}

// broadcast.h
eddy::Task<std::string> read_news(
    eddy::sync::broadcast::Receiver<std::string> news) {
  std::string all;
  while (auto received = co_await news.recv()) {
    if (received->missed > 0) all += "...";
    all += received->value;
  }
  co_return all;
}

TEST(Examples, Broadcast) {
  auto runtime = make_runtime();
  auto ends = eddy::sync::broadcast::create<std::string>(/*capacity=*/2);
  auto slow = ends.sender.subscribe();
  for (const char* news : {"a", "b", "c"}) ends.sender.send(news);
  ends.sender.close();
  EXPECT_EQ(runtime.block_on(read_news(std::move(slow))), "...bc");
}

// cancellation_token.h
using Connection = std::vector<std::string>;

eddy::Task<std::optional<std::string>> read_request(Connection& peer) {
  if (peer.size() == 2) {
    eddy::sync::Event never;
    co_await never.wait();
  }
  co_return "request";
}
eddy::Task<> answer(Connection& peer, const std::string& request) {
  co_await eddy::yield_now();
  peer.push_back("answer to a " + request);
}
eddy::Task<> serve(Connection& peer, eddy::sync::CancellationToken stop) {
  while (auto request = co_await stop.run_until_cancelled(read_request(peer))) {
    co_await answer(peer, **request);  // not cut off
  }
  peer.push_back("goodbye");
}

TEST(Examples, CancellationToken) {
  auto runtime = make_runtime();
  Connection peer;
  eddy::sync::CancellationToken stop;
  auto server = runtime.spawn(serve(peer, stop.child_token()));
  stop.cancel();
  runtime.block_on(std::move(server)).value();
  EXPECT_EQ(peer.back(), "goodbye");
}

// latch.h
eddy::sync::Latch started(2);

eddy::Task<> start() {
  started.count_down();
  co_return;
}

TEST(Examples, Latch) {
  auto runtime = make_runtime();
  for (int i = 0; i < 2; ++i) runtime.spawn(start()).detach();
  runtime.block_on(started.wait());
  EXPECT_TRUE(started.is_open());
}

// lazy.h, once_cell.h
struct Config {
  int limit = 7;
};
eddy::Task<Config> load_config() { co_return Config(); }

eddy::sync::OnceCell<Config> cell;
eddy::sync::Lazy lazy_config([]() -> eddy::Task<Config> {
  co_return co_await load_config();
});

eddy::Task<int> use_configs() {
  const Config& c = co_await cell.get_or_init(
      []() -> eddy::Task<Config> { co_return co_await load_config(); });
  const Config& d = co_await lazy_config.get();
  co_return c.limit + d.limit;
}

TEST(Examples, OnceCellAndLazy) {
  EXPECT_EQ(make_runtime().block_on(use_configs()), 14);
}

// mpmc.h
using Job = std::unique_ptr<int>;

eddy::Task<int> work(eddy::sync::mpmc::Receiver<Job> jobs) {
  int done = 0;
  while (std::optional<Job> job = co_await jobs.recv()) done += **job;
  co_return done;
}

eddy::Task<int> share_jobs() {
  auto ends = eddy::sync::mpmc::create<Job>(/*capacity=*/10);
  auto one = eddy::spawn(work(ends.receiver));
  auto two = eddy::spawn(work(std::move(ends.receiver)));
  for (int i = 1; i <= 100; ++i) {
    EXPECT_TRUE(co_await ends.sender.send(std::make_unique<int>(i)));
  }
  ends.sender.close();
  const int first = (co_await one).value();
  co_return first + (co_await two).value();
}

TEST(Examples, Mpmc) { EXPECT_EQ(make_runtime().block_on(share_jobs()), 5050); }

// mpsc.h
eddy::Task<> produce(eddy::sync::mpsc::Sender<Job> sender) {
  for (int i = 1; i <= 100; ++i) {
    if (bool sent = co_await sender.send(std::make_unique<int>(i)); !sent)
      break;
  }
}

eddy::Task<int> run_jobs() {
  auto [sender, receiver] = eddy::sync::mpsc::create<Job>(/*capacity=*/100);
  eddy::spawn(produce(sender)).detach();  // any number of copies
  eddy::spawn(produce(std::move(sender))).detach();
  int done = 0;
  while (std::optional<Job> job = co_await receiver.recv()) done += **job;
  co_return done;
}

TEST(Examples, Mpsc) {
  EXPECT_EQ(make_runtime().block_on(run_jobs()), 2 * 5050);
}

// mutex.h, rwlock.h, semaphore.h
struct Session {
  std::string token;
};
eddy::sync::Mutex<Session> session;
eddy::sync::RwLock<Config> config;
eddy::sync::Semaphore connections(100);

eddy::Task<std::string> fetch_token() { co_return "t"; }

eddy::Task<> renew() {
  auto guard = co_await session.lock();
  guard->token = co_await fetch_token();
}

eddy::Task<int> use_locks() {
  co_await renew();
  auto permit = co_await connections.acquire();
  if (!permit) co_return 0;
  int limit = (co_await config.read())->limit;
  auto writing = co_await config.write();
  writing->limit = limit + 1;
  auto reading = std::move(writing).downgrade();
  co_return reading->limit;
}

TEST(Examples, Locks) { EXPECT_EQ(make_runtime().block_on(use_locks()), 8); }

// notify.h, event.h
eddy::sync::Notify changes;
eddy::sync::Event ready;
std::atomic<int> room{0};

eddy::Task<> wait_for_room() {
  for (;;) {
    auto changed = changes.notified();
    if (room > 0) break;
    co_await changed;
  }
  ready.set();
}

TEST(Examples, NotifyAndEvent) {
  auto runtime = make_runtime();
  runtime.spawn(wait_for_room()).detach();
  room = 1;
  changes.notify_waiters();
  runtime.block_on(ready.wait());
  EXPECT_TRUE(ready.is_set());
}

// oneshot.h
eddy::Task<> compute(eddy::sync::oneshot::Sender<int> sender) {
  (void)std::move(sender).send(42);
  co_return;
}

eddy::Task<int> ask() {
  auto [sender, receiver] = eddy::sync::oneshot::create<int>();
  eddy::spawn(compute(std::move(sender))).detach();
  std::optional<int> answer = co_await receiver;
  co_return *answer;
}

TEST(Examples, Oneshot) { EXPECT_EQ(make_runtime().block_on(ask()), 42); }

// watch.h
eddy::Task<int> follow(eddy::sync::watch::Receiver<Config> config) {
  int last = 0;
  while (co_await config.changed()) last = config.borrow_and_update()->limit;
  co_return last;
}

TEST(Examples, Watch) {
  auto runtime = make_runtime();
  auto ends = eddy::sync::watch::create(Config());
  auto follower = runtime.spawn(follow(std::move(ends.receiver)));
  for (int i = 0; i < 100; ++i) ends.sender.send_replace(Config{i});
  {
    auto last = std::move(ends.sender);
  }
  EXPECT_EQ(runtime.block_on(std::move(follower)).value(), 99);
}

}  // namespace
