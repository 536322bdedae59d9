#include "tests/support/fault_injector.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <mutex>
#include <vector>

#include "runtime/base/check.h"

namespace eddy::testing {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

struct Rule {
  Rule(When w, int e) : when(w), error(e) {}

  const When when;
  const int error;
  std::atomic<uint64_t> calls{0};
};

// What is to happen to one call. Constant but for the rules' counters: a change
// makes a new plan.
struct Plan {
  std::vector<std::shared_ptr<Rule>> rules;
  std::shared_ptr<const void> hook;
};

struct Entry {
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> failures{0};
  std::atomic<const Plan*> plan{nullptr};
};

constinit std::array<Entry, kCallCount> entries;
constinit std::atomic<bool> injecting{false};

Entry& entry_of(Call call) { return entries[static_cast<size_t>(call)]; }

// Plans live on until the process ends, since a call may be in one at any time.
void set_plan(Call call, Plan plan) {
  static std::mutex mu;
  static auto& plans = *new std::deque<Plan>;
  std::lock_guard lock(mu);
  // [plan] release
  entry_of(call).plan.store(&plans.emplace_back(std::move(plan)),
                            std::memory_order_release);
}

Plan plan_of(Call call) {
  const Plan* plan = entry_of(call).plan.load(std::memory_order_acquire);
  return plan != nullptr ? *plan : Plan();
}

// The error of the first rule that is due, or 0. Every rule counts every call.
int due_error(const Plan& plan) {
  int error = 0;
  for (const std::shared_ptr<Rule>& rule : plan.rules) {
    const uint64_t call = rule->calls.fetch_add(1, kRelaxed) + 1;
    if (error == 0 && rule->when.due(call)) error = rule->error;
  }
  return error;
}

template <Call kCall, class Result>
Result failure(int error) {
  if constexpr (kCall == Call::kPthreadCreate || kCall == Call::kGetaddrinfo) {
    return error;
  } else if constexpr (kCall == Call::kMmap) {
    errno = error;
    return MAP_FAILED;
  } else if constexpr (std::is_same_v<Result, char*>) {
    errno = error;
    return nullptr;
  } else if constexpr (!std::is_void_v<Result>) {
    errno = error;
    return -1;
  }
}

template <Call kCall, class Function>
struct Thunk;

template <Call kCall, class Result, class... Args>
struct Thunk<kCall, Result(Args...)> {
  static Result call(Args... args) {
    Entry& entry = entry_of(kCall);
    entry.calls.fetch_add(1, kRelaxed);
    const Plan* plan = entry.plan.load(std::memory_order_acquire);  // [plan]
    if (plan != nullptr) {
      if (const int error = due_error(*plan); error != 0) {
        entry.failures.fetch_add(1, kRelaxed);
        return failure<kCall, Result>(error);
      }
      if (plan->hook != nullptr) {
        using Hook = std::function<Result(Args...)>;
        return (*static_cast<const Hook*>(plan->hook.get()))(args...);
      }
    }
    return (real_sys().*EntryOf<kCall>::kMember)(args...);
  }
};

constinit const base::SysTable kInjectedSysTable = {
#define EDDY_SYS_ENTRY(call_name, name) \
  .name = Thunk<Call::call_name, Signature<Call::call_name>>::call,
    EDDY_SYS_ENTRIES(EDDY_SYS_ENTRY)
#undef EDDY_SYS_ENTRY
};

constexpr const char* kNames[] = {
#define EDDY_SYS_ENTRY(call, name) #name,
    EDDY_SYS_ENTRIES(EDDY_SYS_ENTRY)
#undef EDDY_SYS_ENTRY
};
static_assert(std::size(kNames) == kCallCount,
              "EDDY_SYS_ENTRIES lacks an entry of SysTable");

}  // namespace

const char* name_of(Call call) { return kNames[static_cast<size_t>(call)]; }

FaultInjector::FaultInjector() : table_(&kInjectedSysTable) {
  EDDY_CHECK(!injecting.exchange(true, std::memory_order_acq_rel),
             "a FaultInjector inside another: share one");
  for (Entry& entry : entries) {
    entry.calls.store(0, kRelaxed);
    entry.failures.store(0, kRelaxed);
  }
}

FaultInjector::~FaultInjector() {
  for (Entry& entry : entries) {
    entry.plan.store(nullptr, std::memory_order_release);
  }
  injecting.store(false, std::memory_order_release);
}

void FaultInjector::fail(Call call, When when, int error) {
  EDDY_CHECK(error != 0 && call != Call::kFreeaddrinfo,
             "no failure: name an errno, and a call that returns");
  Plan plan = plan_of(call);
  plan.rules.push_back(std::make_shared<Rule>(when, error));
  set_plan(call, std::move(plan));
}

void FaultInjector::clear(Call call) {
  entry_of(call).plan.store(nullptr, std::memory_order_release);
}

void FaultInjector::set_hook(Call call, std::shared_ptr<const void> hook) {
  Plan plan = plan_of(call);
  plan.hook = std::move(hook);
  set_plan(call, std::move(plan));
}

uint64_t FaultInjector::calls(Call call) const {
  return entry_of(call).calls.load(kRelaxed);
}

uint64_t FaultInjector::failures(Call call) const {
  return entry_of(call).failures.load(kRelaxed);
}

}  // namespace eddy::testing
