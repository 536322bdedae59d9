// RuntimeMetrics: what a runtime counts about itself.
//
//   eddy::RuntimeMetrics metrics = runtime.metrics();
//   std::cout << metrics.scheduler.polls << " polls\n";
//
// Every poll of a task has a cause: once all is quiet,
//   scheduler.polls == scheduler.schedules + scheduler.reschedules.
//
// Threads: a plain value; the counters go on meanwhile.
#ifndef EDDY_RUNTIME_METRICS_H_
#define EDDY_RUNTIME_METRICS_H_

#include <vector>

#include "reactor/reactor.h"
#include "runtime/blocking/options.h"
#include "runtime/scheduler/metrics.h"

namespace eddy {

struct RuntimeMetrics {
  scheduler::Metrics scheduler;
  reactor::Metrics reactor;                // all of them together
  std::vector<reactor::Metrics> reactors;  // each
  blocking::Metrics blocking;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_METRICS_H_
