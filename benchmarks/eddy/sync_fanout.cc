// The rest of the suite "sync": channels whose messages go to many.

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/runtime.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "sync/broadcast.h"
#include "sync/notify.h"
#include "sync/watch.h"

namespace eddy::benchmarks {
namespace {

constexpr uint64_t kReceivers = 10;

// The sender waits here until all receivers have got what it sent. Static,
// where it is used: a task may still be inside notify_one() when another ends.
struct Meeting {
  std::atomic<uint64_t> missing{0};
  sync::Notify all_are_here;

  void expect_all() {
    missing.store(kReceivers, std::memory_order_relaxed);
  }
  void come() {
    if (missing.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      all_are_here.notify_one();
    }
  }
};

// Runs `sender`, and beside it kReceivers of what `make` makes.
template <class Make>
void run_tasks(const Runtime& runtime, Task<> sender, Make make) {
  std::vector<JoinHandle<void>> handles;
  for (uint64_t i = 0; i < kReceivers; ++i) {
    handles.push_back(runtime.spawn(make()));
  }
  handles.push_back(runtime.spawn(std::move(sender)));
  for (JoinHandle<void>& handle : handles) {
    expect(runtime.block_on(std::move(handle)).has_value(), "a task's end");
  }
}

constexpr uint64_t kValues = 20'000;

Task<> show(sync::watch::Sender<uint64_t> sender, Meeting* meeting) {
  for (uint64_t i = 1; i <= kValues; ++i) {
    meeting->expect_all();
    expect(sender.send(uint64_t{i}), "a send to receivers that are there");
    co_await meeting->all_are_here.notified();
  }
}

Task<> watch_values(sync::watch::Receiver<uint64_t> receiver,
                    Meeting* meeting) {
  for (uint64_t i = 1; i <= kValues; ++i) {
    expect(co_await receiver.changed(), "a change");
    expect(*receiver.borrow_and_update() == i, "the value that was sent");
    meeting->come();
  }
}

// One value at a time, which ten tasks wait for.
Measured watch(const Runtime& runtime, const Arguments&) {
  static Meeting meeting;
  return time_rounds(1, kValues * kReceivers, [&] {
    auto [sender, receiver] = sync::watch::create(uint64_t{0});
    auto make = [&first = receiver] { return watch_values(first, &meeting); };
    run_tasks(runtime, show(sender, &meeting), make);
  });
}

constexpr uint64_t kBatches = 1'000, kBatch = 100;

Task<> tell(sync::broadcast::Sender<uint64_t> sender, Meeting* meeting) {
  for (uint64_t i = 0; i < kBatches; ++i) {
    meeting->expect_all();
    for (uint64_t j = 0; j < kBatch; ++j) {
      expect(sender.send(i * kBatch + j), "a send to receivers that are there");
    }
    co_await meeting->all_are_here.notified();
  }
}

Task<> listen(sync::broadcast::Receiver<uint64_t> receiver, Meeting* meeting) {
  for (uint64_t i = 0; i < kBatches * kBatch; ++i) {
    auto received = co_await receiver.recv();
    expect(received->value == i, "the message that was sent");
    if ((i + 1) % kBatch == 0) meeting->come();
  }
}

// A hundred messages at a time, each of which ten tasks get.
Measured broadcast(const Runtime& runtime, const Arguments&) {
  static Meeting meeting;
  return time_rounds(1, kBatches * kBatch * kReceivers, [&] {
    auto [sender, receiver] = sync::broadcast::create<uint64_t>(128);
    auto make = [&first = receiver] { return listen(first, &meeting); };
    run_tasks(runtime, tell(sender, &meeting), make);
  });
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(argc, argv,
                     on_each_flavor("sync", {
                                                {"watch", watch},
                                                {"broadcast", broadcast},
                                            }));
}
