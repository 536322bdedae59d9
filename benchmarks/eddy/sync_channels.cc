// The rest of the suite "sync": locks, permits and channels of many senders.

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/runtime.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "sync/mpsc.h"
#include "sync/mutex.h"
#include "sync/rwlock.h"
#include "sync/semaphore.h"

namespace eddy::benchmarks {
namespace {

constexpr uint64_t kLocks = 1'000'000;

// Runs `tasks` of what `make` makes, and waits for all.
template <class Make>
void run_tasks(const Runtime& runtime, uint64_t tasks, Make make) {
  std::vector<JoinHandle<void>> handles;
  for (uint64_t i = 0; i < tasks; ++i) handles.push_back(runtime.spawn(make()));
  for (JoinHandle<void>& handle : handles) {
    expect(runtime.block_on(std::move(handle)).has_value(), "a task's end");
  }
}

Task<> lock_and_add(sync::Mutex<uint64_t>* mutex, uint64_t times) {
  for (uint64_t i = 0; i < times; ++i) {
    auto guard = co_await mutex->lock();
    ++*guard;
  }
}

Measured lock_by(const Runtime& runtime, uint64_t tasks) {
  return time_rounds(1, kLocks, [&] {
    sync::Mutex<uint64_t> mutex;
    run_tasks(runtime, tasks,
              [&] { return lock_and_add(&mutex, kLocks / tasks); });
    expect(mutex.get_unlocked() == kLocks, "a sum under a mutex");
  });
}

Measured mutex_1(const Runtime& runtime, const Arguments&) {
  return lock_by(runtime, 1);
}

Measured mutex_100(const Runtime& runtime, const Arguments&) {
  return lock_by(runtime, 100);
}

Task<> read_often(sync::RwLock<uint64_t>* lock, uint64_t times) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < times; ++i) {
    auto guard = co_await lock->read();
    sum += *guard;
  }
  expect(sum == times, "what a reader adds up");
}

Measured rwlock_read(const Runtime& runtime, const Arguments&) {
  return time_rounds(1, kLocks, [&] {
    sync::RwLock<uint64_t> lock(1);
    run_tasks(runtime, 100, [&] { return read_often(&lock, kLocks / 100); });
  });
}

Task<> take_and_give(sync::Semaphore* semaphore, uint64_t times) {
  for (uint64_t i = 0; i < times; ++i) {
    auto permit = co_await semaphore->acquire();
    expect(permit.has_value(), "a permit of an open semaphore");
  }
}

Measured semaphore(const Runtime& runtime, const Arguments&) {
  return time_rounds(1, kLocks, [&] {
    sync::Semaphore permits(10);
    run_tasks(runtime, 100,
              [&] { return take_and_give(&permits, kLocks / 100); });
    expect(permits.available() == 10, "the permits at the end");
  });
}

constexpr uint64_t kProducers = 5;
constexpr uint64_t kMessages = 1'000'000;

Task<> produce(sync::mpsc::Sender<uint64_t> sender) {
  for (uint64_t i = 0; i < kMessages / kProducers; ++i) {
    expect(co_await sender.send(i), "a send to a receiver that is there");
  }
}

Task<> produce_unbounded(sync::mpsc::UnboundedSender<uint64_t> sender) {
  for (uint64_t i = 0; i < kMessages / kProducers; ++i) {
    expect(sender.send(uint64_t{i}), "a send to a receiver that is there");
  }
  co_return;
}

Task<uint64_t> consume(sync::mpsc::Receiver<uint64_t> receiver) {
  uint64_t sum = 0;
  while (std::optional<uint64_t> value = co_await receiver.recv()) {
    sum += *value;
  }
  co_return sum;
}

template <class Ends, class Produce>
void send_all(const Runtime& runtime, Ends ends, Produce produce) {
  auto consumer = runtime.spawn(consume(std::move(ends.receiver)));
  {
    auto last = std::move(ends.sender);
    run_tasks(runtime, kProducers, [&] { return produce(last); });
  }
  const uint64_t each = kMessages / kProducers;
  expect(runtime.block_on(std::move(consumer)).value() ==
             kProducers * each * (each - 1) / 2,
         "the sum of what was received");
}

std::function<Measured(const Runtime&, const Arguments&)> mpsc(
    uint64_t capacity) {
  return [capacity](const Runtime& runtime, const Arguments&) {
    return time_rounds(1, kMessages, [&] {
      send_all(runtime, sync::mpsc::create<uint64_t>(capacity), produce);
    });
  };
}

Measured mpsc_unbounded(const Runtime& runtime, const Arguments&) {
  return time_rounds(1, kMessages, [&] {
    send_all(runtime, sync::mpsc::create_unbounded<uint64_t>(),
             produce_unbounded);
  });
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(
      argc, argv,
      on_each_flavor("sync", {
                                 {"mutex_1", mutex_1},
                                 {"mutex_100", mutex_100},
                                 {"rwlock_read", rwlock_read},
                                 {"semaphore", semaphore},
                                 {"mpsc_5p_100", mpsc(100)},
                                 {"mpsc_5p_1000", mpsc(1'000)},
                                 {"mpsc_5p_1m", mpsc(1'000'000)},
                                 {"mpsc_5p_unbounded", mpsc_unbounded},
                             }));
}
