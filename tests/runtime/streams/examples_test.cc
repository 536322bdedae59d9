// What the headers of streams, of join_all() and its kind, of DelayQueue and of
// CancelSafe show as examples, compiled and run.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eddy.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

template <class F>
auto run(F main) {
  auto runtime = *Builder::current_thread().start_paused().build();
  return runtime.block_on(std::move(main));
}

// stream.h
Generator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}
Task<int> sum_of_squares() {
  int sum = 0;
  auto squares = count_to(10) | streams::map([](int i) { return i * i; });
  while (std::optional<int> square = co_await squares.next()) sum += *square;
  co_return sum;
}
TEST(Examples, Stream) { EXPECT_EQ(run(sum_of_squares()), 385); }

// generator.h
Generator<std::string> lines(io::TcpStream peer) {
  std::array<std::byte, 4096> buffer;
  std::string rest;
  while (size_t size = (co_await peer.read(buffer)).value_or(0)) {
    rest.append(reinterpret_cast<const char*>(buffer.data()), size);
    size_t end;
    while ((end = rest.find('\n')) != std::string::npos) {
      std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      co_yield line;
    }
  }
}
Task<std::vector<std::string>> talk() {
  auto listener = io::TcpListener::bind("127.0.0.1:0").value();
  auto address = listener.local_addr();
  auto here = (co_await io::TcpStream::connect(address)).value();
  auto there = (co_await listener.accept()).value();
  EXPECT_TRUE((co_await io::write_all(here, "one\ntwo\n")).ok());
  {
    auto closed = std::move(here);
  }
  co_return co_await streams::collect(lines(std::move(there.stream)));
}
TEST(Examples, Generator) {
  auto runtime = *Builder::current_thread().build();
  EXPECT_EQ(runtime.block_on(talk()), (std::vector<std::string>{"one", "two"}));
}

// transform.h, buffered.h, slice.h, combine.h
bool is_text(const std::string& line) { return !line.empty(); }
Task<int> measure(std::string line) {
  co_await yield_now();
  co_return static_cast<int>(line.size());
}
Task<std::vector<int>> adapters() {
  std::vector<std::string> source{"a", "", "bcd", "ef"};
  auto lengths = streams::items(source) | streams::filter(is_text) |
                 streams::then([](std::string line) -> Task<int> {
                   co_return co_await measure(std::move(line));
                 });
  auto pages =
      streams::items(source) | streams::map(measure) | streams::buffered(10);
  auto page = pages | streams::skip(1) | streams::take(2);
  auto both = std::move(page) | streams::merge(std::move(lengths));
  co_return co_await streams::collect(std::move(both));
}
TEST(Examples, Adapters) { EXPECT_EQ(run(adapters()).size(), 5u); }

// sources.h, timed.h
Task<size_t> batches() {
  auto [sender, receiver] = sync::mpsc::create<int>(/*capacity=*/1'000);
  for (int i = 0; i < 250; ++i) co_await sender.send(i);
  {
    auto ended = std::move(sender);
  }
  auto chunks = streams::messages(std::move(receiver)) |
                streams::chunks_timeout(100, 10ms);
  co_return (co_await streams::collect(std::move(chunks))).size();
}
TEST(Examples, Batches) { EXPECT_EQ(run(batches()), 3u); }

// consume.h
Task<int> consumers() {
  std::vector<int> numbers{1, 2, 3};
  int seen = 0;
  auto count = [&](int) { ++seen; };
  co_await streams::for_each(streams::items(numbers), count);
  auto serve = [&](int i) -> Task<> {
    co_await time::sleep(std::chrono::milliseconds(i));
    ++seen;
  };
  co_await streams::for_each_concurrent(streams::items(numbers), 100, serve);
  co_return seen +
      co_await streams::fold(streams::items(numbers), 0, std::plus<>());
}
TEST(Examples, Consumers) { EXPECT_EQ(run(consumers()), 12); }

// futures_unordered.h
struct Page {
  std::vector<std::string> links;
};
Task<Page> download(std::string url) {
  co_await time::sleep(1ms);
  Page page;
  if (url.size() < 3) page.links = {url + "a", url + "b"};
  co_return page;
}
Task<int> crawl(std::vector<std::string> urls) {
  int count = 0;
  FuturesUnordered<Task<Page>> downloads;
  for (std::string url : urls) downloads.push(download(url));
  while (std::optional<Page> page = co_await downloads.next()) {
    ++count;
    for (std::string url : page->links) downloads.push(download(url));
  }
  co_return count;
}
TEST(Examples, FuturesUnordered) { EXPECT_EQ(run(crawl({"a"})), 7); }

// join_all.h, select_all.h
Task<absl::StatusOr<int>> look_up(int user) { co_return user; }
Task<int> ask(int mirror) {
  co_await time::sleep(std::chrono::milliseconds(mirror));
  co_return mirror;
}
template <class Made>
std::vector<Made> each(Made (*make)(int)) {
  std::vector<Made> all;
  for (int i : {3, 1, 2}) all.push_back(make(i));
  return all;
}
Task<int> ranges() {
  auto lookups = each(look_up);
  absl::StatusOr<std::vector<int>> users =
      co_await try_join_all(std::move(lookups));
  auto [index, reply] = co_await select_all(each(ask));
  EXPECT_EQ(index, 1u);
  std::vector<int> sizes = co_await join_all(each(ask));
  co_return users->at(0) + reply + sizes[2];
}
TEST(Examples, Ranges) { EXPECT_EQ(run(ranges()), 6); }

// stream_map.h
Task<std::string> follow() {
  auto stream = [](int count) {
    return streams::ticks(time::interval(1ms)) | streams::take(count);
  };
  std::string seen;
  StreamMap<std::string, decltype(stream(0))> topics;
  topics.insert("weather", stream(2));
  topics.insert("news", stream(1'000));
  while (auto news = co_await topics.next()) {
    auto& [topic, item] = *news;
    seen += topic[0];
    if (seen.size() == 4) topics.remove("news");
  }
  co_return seen;
}
TEST(Examples, StreamMap) { EXPECT_EQ(run(follow()).size(), 4u); }

// delay_queue.h
Task<int> expire() {
  int closed = 0;
  time::DelayQueue<int> idle;
  auto key = idle.insert(1, 30s);
  auto other = idle.insert(2, 30s);
  idle.reset(key, 60s);  // it was used
  std::optional<int> back = idle.remove(other);
  while (auto expired = co_await idle.next()) closed += expired->value;
  co_return closed * 10 + *back;
}
TEST(Examples, DelayQueue) { EXPECT_EQ(run(expire()), 12); }

// cancel_safe.h
Task<size_t> slow_peer() {
  auto listener = io::TcpListener::bind("127.0.0.1:0").value();
  auto address = listener.local_addr();
  auto peer = (co_await io::TcpStream::connect(address)).value();
  auto stream = (co_await listener.accept()).value().stream;
  EXPECT_TRUE((co_await io::write_all(peer, "he")).ok());
  std::array<std::byte, 5> buffer;
  size_t partial = 0;
  auto header = io::read_exact(stream, buffer);
  if (!(co_await time::timeout(50ms, header)).ok()) {
    partial = header.transferred();
    EXPECT_TRUE((co_await io::write_all(peer, "llo")).ok());
    EXPECT_TRUE((co_await header).ok());  // goes on where it was
  }
  EXPECT_TRUE((co_await time::timeout(
                   5s, discard_progress(io::write_all(stream, "bye\n"))))
                  .ok());
  co_return partial;
}
TEST(Examples, CancelSafe) {
  auto runtime = *Builder::current_thread().build();
  EXPECT_EQ(runtime.block_on(slow_peer()), 2u);
}

}  // namespace
}  // namespace eddy
