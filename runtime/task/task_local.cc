#include "runtime/task/task_local.h"

namespace eddy::task {
namespace {

// Not inlined: a coroutine may go on on another thread, and a compiler may keep
// the address of a thread-local across the suspension.
[[gnu::noinline]] LocalScope*& innermost() {
  thread_local constinit LocalScope* scope = nullptr;
  return scope;
}

}  // namespace

LocalScope::LocalScope(const void* key, void* value)
    : key_(key), value_(value), outer_(std::exchange(innermost(), this)) {}

LocalScope::~LocalScope() { innermost() = outer_; }

void* LocalScope::find(const void* key) {
  for (LocalScope* scope = innermost(); scope != nullptr;
       scope = scope->outer_) {
    if (scope->key_ == key) return scope->value_;
  }
  return nullptr;
}

}  // namespace eddy::task
