#include "tests/support/runtime_fixture.h"

#include <time.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/random.h"

namespace eddy::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// Makes sums of ids tell two ids from two others.
uint64_t mix(uint64_t id) { return base::Random(id)(); }

std::string name_of_thread(const std::filesystem::path& thread) {
  std::string name;
  std::getline(std::ifstream(thread / "comm"), name);
  return name;
}

nanoseconds cpu_time() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + nanoseconds(used.tv_nsec);
}

// What goes up when a runtime does anything.
uint64_t activity(const RuntimeMetrics& metrics) {
  return metrics.scheduler.polls + metrics.scheduler.parks +
         metrics.scheduler.notifications + metrics.scheduler.failed_searches +
         metrics.reactor.polls;
}

// True if nothing moved in `window`, and hardly any CPU was used.
bool is_still_for(const Runtime& runtime, milliseconds window) {
  const uint64_t before = activity(runtime.metrics());
  const nanoseconds cpu_before = cpu_time();
  std::this_thread::sleep_for(window);
  return activity(runtime.metrics()) == before &&
         cpu_time() - cpu_before < window / 2;
}

}  // namespace

void TaskLedger::count(Sums& sums, TaskId id) {
  sums.tasks.fetch_add(1, kRelaxed);
  sums.ids.fetch_add(mix(id.value()), kRelaxed);
}

ProcessState ProcessState::now() {
  using Folder = std::filesystem::directory_iterator;
  ProcessState state;
  for ([[maybe_unused]] const auto& fd : Folder("/proc/self/fd")) ++state.fds;
  std::error_code gone;  // a thread may end while we look
  for (Folder it("/proc/self/task"), end; it != end; it.increment(gone)) {
    state.threads.push_back(name_of_thread(it->path()));
  }
  std::sort(state.threads.begin(), state.threads.end());
  return state;
}

void expect_back_to(const ProcessState& before) {
  const bool back = eventually([&] {
    const ProcessState now = ProcessState::now();
    return now.fds <= before.fds && now.threads.size() <= before.threads.size();
  });
  if (back) return;
  const ProcessState now = ProcessState::now();
  EXPECT_EQ(now.fds, before.fds) << "fds leak";
  EXPECT_EQ(now.threads, before.threads) << "threads leak";
}

namespace {

// ThreadSanitizer starts a thread of its own beside a process's first one: that
// must not look like a leak of the test which happens to start it.
ProcessState state_before_test() {
  [[maybe_unused]] static const bool had_a_thread = [] {
    std::thread([] {}).join();
    return true;
  }();
  return ProcessState::now();
}

}  // namespace

RuntimeTest::RuntimeTest() : before_(state_before_test()) {}

RuntimeTest::~RuntimeTest() = default;

void RuntimeTest::TearDown() {
  while (!started_.empty()) stop(*started_.back().runtime);
  expect_back_to(before_);
}

Runtime& RuntimeTest::start(Builder builder) {
  Started started;
  const std::shared_ptr<TaskLedger> ledger = started.ledger;
  builder
      .on_task_spawn(
          [ledger](const TaskInfo& task) { ledger->count_spawn(task.id); })
      .on_task_terminate(
          [ledger](const TaskInfo& task) { ledger->count_end(task.id); });
  absl::StatusOr<Runtime> runtime = builder.build();
  EDDY_CHECK(runtime.ok(), std::string(runtime.status().message()));
  started.runtime = std::make_unique<Runtime>(*std::move(runtime));
  started_.push_back(std::move(started));
  return *started_.back().runtime;
}

std::vector<RuntimeTest::Started>::iterator RuntimeTest::find(
    const Runtime& runtime) {
  auto it = std::find_if(
      started_.begin(), started_.end(),
      [&](const Started& s) { return s.runtime.get() == &runtime; });
  EDDY_CHECK(it != started_.end(), "not a runtime that start() gave");
  return it;
}

const TaskLedger& RuntimeTest::ledger(const Runtime& runtime) const {
  return *const_cast<RuntimeTest*>(this)->find(runtime)->ledger;
}

void RuntimeTest::stop(Runtime& runtime) {
  if (runtime.metrics().scheduler.live_tasks == 0) expect_idle(runtime);
  const steady_clock::time_point start = steady_clock::now();
  EXPECT_TRUE(runtime.shutdown_timeout(kShutdownBound).empty());
  EXPECT_LT(steady_clock::now() - start, kShutdownBound);

  const RuntimeMetrics metrics = runtime.metrics();
  EXPECT_EQ(metrics.scheduler.live_tasks, 0u);
  EXPECT_EQ(metrics.scheduler.injection_queue_depth, 0u);
  EXPECT_EQ(metrics.scheduler.local_queue_depth, 0u);
  EXPECT_EQ(metrics.blocking.queued_jobs, 0u);
  EXPECT_EQ(metrics.reactor.registrations, 0u);
  EXPECT_EQ(metrics.reactor.io_uring.in_flight, 0u);
  expect_every_poll_had_a_cause(metrics);
  forget(runtime);
}

void RuntimeTest::forget(Runtime& runtime) {
  auto it = find(runtime);
  const Started started = std::move(*it);
  started_.erase(it);
  EXPECT_TRUE(started.ledger->is_balanced())
      << started.ledger->spawned() << " tasks were spawned, "
      << started.ledger->ended() << " have ended";
}

void RuntimeTest::expect_every_poll_had_a_cause(const RuntimeMetrics& metrics) {
  EXPECT_EQ(metrics.scheduler.polls,
            metrics.scheduler.schedules + metrics.scheduler.reschedules);
}

void RuntimeTest::expect_idle(const Runtime& runtime) {
  // Threads that were just started or woken go to sleep some time later.
  EXPECT_TRUE(eventually([&] {
    return is_still_for(runtime, milliseconds(5));
  })) << "a runtime without tasks is not idle";
}

Builder FlavorTest::builder(uint32_t workers) {
  if (workers == 0) return Builder::current_thread();
  return Builder::multi_thread()
      .worker_threads(workers % kDedicated)
      .reactor_assist(workers < kDedicated);
}

Runtime& FlavorTest::runtime() {
  if (runtime_ == nullptr) runtime_ = &start(builder());
  return *runtime_;
}

std::string flavor_name(const ::testing::TestParamInfo<uint32_t>& info) {
  if (info.param == 0) return "CurrentThread";
  return "MultiThread" + std::to_string(info.param % kDedicated) +
         (info.param < kDedicated ? "" : "Dedicated");
}

}  // namespace eddy::testing
