// The runtimes of eddy that the comparison measures, by their names there.
#ifndef EDDY_BENCHMARKS_EDDY_RUNTIMES_H_
#define EDDY_BENCHMARKS_EDDY_RUNTIMES_H_

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/program/program.h"
#include "runtime/builder.h"
#include "runtime/runtime.h"

namespace eddy::benchmarks {

inline constexpr std::array kFlavors = {"eddy", "eddy-current"};

inline Builder builder_of(const Arguments& arguments) {
  if (arguments.runtime == "eddy-current") return Builder::current_thread();
  return Builder::multi_thread().worker_threads(arguments.workers);
}

inline Runtime make_runtime(const Arguments& arguments) {
  return *builder_of(arguments).build();
}

// A workload that is given a runtime.
struct Workload {
  std::string bench;
  std::function<Measured(const Runtime&, const Arguments&)> run;
  std::size_t usual_tasks = 0;  // as in Entry
};

// Each of the workloads on each of the flavors.
inline std::vector<Entry> on_each_flavor(
    const std::string& suite, const std::vector<Workload>& workloads) {
  std::vector<Entry> entries;
  for (const Workload& workload : workloads) {
    for (const char* flavor : kFlavors) {
      auto run = [run = workload.run](const Arguments& arguments) {
        const Runtime runtime = make_runtime(arguments);
        return run(runtime, arguments);
      };
      entries.push_back(
          {suite, workload.bench, flavor, run, workload.usual_tasks});
    }
  }
  return entries;
}

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_EDDY_RUNTIMES_H_
