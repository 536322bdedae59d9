// The suite "sync": channels and what tasks wait with. What each workload does
// is in benchmarks/README.md; the programs of the peers do the same.

#include <cstdint>
#include <optional>
#include <utility>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/combinators/select.h"
#include "runtime/runtime.h"
#include "runtime/task/task.h"
#include "sync/notify.h"
#include "sync/oneshot.h"

namespace eddy::benchmarks {
namespace {

// Runs `work` as a task; gives what it returns.
template <class T>
T run_as_task(const Runtime& runtime, Task<T> work) {
  return runtime.block_on(runtime.spawn(std::move(work))).value();
}

constexpr uint64_t kChannels = 1'000'000;

Task<uint64_t> send_and_receive(uint64_t channels) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < channels; ++i) {
    auto [sender, receiver] = sync::oneshot::create<uint64_t>();
    (void)std::move(sender).send(uint64_t{i});
    std::optional<uint64_t> value = co_await receiver;
    sum += value.value();
  }
  co_return sum;
}

Measured oneshot(const Runtime& runtime, const Arguments&) {
  return time_rounds(1, kChannels, [&] {
    const uint64_t sum = run_as_task(runtime, send_and_receive(kChannels));
    expect(sum == kChannels * (kChannels - 1) / 2, "a oneshot's value");
  });
}

constexpr uint64_t kSelects = 1'000'000;

// Two are waited for; now the one is ready, now the other.
Task<uint64_t> select_in_turn(uint64_t turns) {
  sync::Notify first;
  sync::Notify second;
  uint64_t of_second = 0;
  for (uint64_t i = 0; i < turns; ++i) {
    (i % 2 == 0 ? first : second).notify_one();
    const auto ready = co_await select(first.notified(), second.notified());
    expect(ready.index() == i % 2, "which future of select() was ready");
    of_second += ready.index();
  }
  co_return of_second;
}

Measured select2(const Runtime& runtime, const Arguments&) {
  return time_rounds(1, kSelects, [&] {
    const uint64_t sum = run_as_task(runtime, select_in_turn(kSelects));
    expect(sum == kSelects / 2, "how often select() chose the second");
  });
}

constexpr uint64_t kTurns = 500'000;

// Static: a task may still be inside notify_one() when the other one ends.
struct Table {
  sync::Notify ping;
  sync::Notify pong;
};

Task<uint64_t> wait_and_notify(sync::Notify& mine, sync::Notify& other,
                               uint64_t turns) {
  uint64_t done = 0;
  for (; done < turns; ++done) {
    co_await mine.notified();
    other.notify_one();
  }
  co_return done;
}

// Two tasks that wake each other in turn.
Measured notify(const Runtime& runtime, const Arguments&) {
  static Table table;
  return time_rounds(1, 2 * kTurns, [&] {
    auto ping = runtime.spawn(wait_and_notify(table.ping, table.pong, kTurns));
    auto pong = runtime.spawn(wait_and_notify(table.pong, table.ping, kTurns));
    table.ping.notify_one();
    const uint64_t turns = runtime.block_on(std::move(ping)).value() +
                           runtime.block_on(std::move(pong)).value();
    expect(turns == 2 * kTurns, "how often a task was notified");
    // The last notification is of a task that has ended.
    runtime.block_on(table.ping.notified());
  });
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(argc, argv,
                     on_each_flavor("sync", {
                                                {"oneshot", oneshot},
                                                {"notify", notify},
                                                {"select2", select2},
                                            }));
}
