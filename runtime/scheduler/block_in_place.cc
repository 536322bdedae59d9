#include "runtime/scheduler/block_in_place.h"

#include "runtime/context/current.h"
#include "runtime/scheduler/flavor.h"

namespace eddy::scheduler {

InPlace::InPlace() : was_polling_(context::current().is_polling) {
  context::Current& here = context::current();
  if (here.core != nullptr) {
    // Whoever has given this thread a core is a Flavor.
    flavor_ = static_cast<Flavor*>(&here.services->scheduler);
    flavor_->leave_core();
  }
  here.is_polling = false;
}

InPlace::~InPlace() {
  context::Current& here = context::current();
  if (flavor_ != nullptr && here.core == nullptr) flavor_->retake_core();
  here.is_polling = was_polling_;
}

}  // namespace eddy::scheduler
