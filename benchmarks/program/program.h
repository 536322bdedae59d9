// What makes a C++ program one that benchmarks/compare can run: its arguments,
// its clock, and the line of JSON that it prints. The contract is in
// benchmarks/README.md.
//
//   Measured fib(const Arguments& arguments) {
//     Pool pool(arguments.workers);
//     Stopwatch watch;
//     const int result = pool.run(35);
//     const Measured measured = watch.stop(/*ops=*/1);
//     expect(result == 9'227'465, "fib(35)");
//     return measured;
//   }
//
//   int main(int argc, char** argv) {
//     return run_program(argc, argv, {{"forkjoin", "fib", "tbb", fib}});
//   }
//
// Threads: of the thread that runs main().
// Errors:  what goes wrong ends the process with status 1 and a message.
#ifndef EDDY_BENCHMARKS_PROGRAM_PROGRAM_H_
#define EDDY_BENCHMARKS_PROGRAM_PROGRAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::benchmarks {

struct Arguments {
  std::string bench;
  std::string runtime;
  std::size_t workers = 1;
  std::size_t tasks = 0;  // how big the workload is: as asked for, or as usual
};

// What one repetition gave: a time, or a figure of another kind.
struct Measured {
  static Measured figure(double value, std::string_view unit);

  uint64_t ops = 0;
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};  // of the whole process, kernel included
  std::optional<double> value;
  std::string unit = "ns";
};

// Runs from its construction.
class Stopwatch {
 public:
  Stopwatch();
  Measured stop(uint64_t ops) const;

 private:
  std::chrono::steady_clock::time_point wall_;
  std::chrono::nanoseconds cpu_;
};

// Times `rounds` calls of `round`, of `ops` operations each, after a tenth as
// many that are not timed, and at least one.
template <class Round>
Measured time_rounds(std::size_t rounds, uint64_t ops, Round&& round) {
  for (std::size_t i = 0; i < rounds / 10 + 1; ++i) round();
  const Stopwatch watch;
  for (std::size_t i = 0; i < rounds; ++i) round();
  return watch.stop(rounds * ops);
}

// As many rounds of `ops` operations as make `goal` of them, and at least one.
std::size_t rounds_for(uint64_t goal, uint64_t ops);

// Ends the program if `truth` is false: the workload has a wrong result.
void expect(bool truth, std::string_view what);

// Bytes of memory that the process has in RAM.
std::size_t resident_bytes();

// One workload as one runtime does it.
struct Entry {
  std::string suite;
  std::string bench;
  std::string runtime;
  std::function<Measured(const Arguments&)> run;
  std::size_t usual_tasks = 0;  // 0: the size is fixed, --tasks is an error
};

// The main() of a program: --list, or one repetition of one entry. Returns the
// exit status.
int run_program(int argc, char** argv, const std::vector<Entry>& entries);

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_PROGRAM_PROGRAM_H_
