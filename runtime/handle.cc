#include "runtime/handle.h"

#include "runtime/base/check.h"

namespace eddy {

std::optional<Handle> Handle::try_current() {
  auto* core = static_cast<RuntimeCore*>(context::current().runtime);
  if (core == nullptr) return std::nullopt;
  return Handle(core->shared_from_this());
}

Handle Handle::current() {
  std::optional<Handle> handle = try_current();
  EDDY_CHECK(handle.has_value(),
             "Handle::current() outside of a runtime: call it from a task, "
             "inside Runtime::block_on(), or after Handle::enter()");
  return *std::move(handle);
}

Handle::EnterGuard Handle::enter() const { return EnterGuard(core_); }

}  // namespace eddy
