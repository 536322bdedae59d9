#include "benchmarks/program/program.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace eddy::benchmarks {
namespace {

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::_Exit(1);  // at once, whatever other threads do
}

std::chrono::nanoseconds process_cpu() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) +
         std::chrono::nanoseconds(time.tv_nsec);
}

std::size_t parse_count(std::string_view option, std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count == 0) {
    fail(std::string(option) + " takes a number from 1, not " +
         std::string(text));
  }
  return count;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string_view option = argument.substr(0, equals);
    const std::string_view value =
        equals == argument.npos ? "" : argument.substr(equals + 1);
    if (option == "--bench") {
      arguments.bench = value;
    } else if (option == "--runtime") {
      arguments.runtime = value;
    } else if (option == "--workers") {
      arguments.workers = parse_count(option, value);
    } else if (option == "--tasks") {
      arguments.tasks = parse_count(option, value);
    } else {
      fail("unknown argument " + std::string(argument));
    }
  }
  return arguments;
}

void print(const Arguments& arguments, const Measured& measured) {
  std::printf("{\"bench\": \"%s\", \"runtime\": \"%s\"",
              arguments.bench.c_str(), arguments.runtime.c_str());
  if (measured.value) {
    std::printf(", \"value\": %.3f, \"unit\": \"%s\"", *measured.value,
                measured.unit.c_str());
  }
  if (measured.ops > 0) {
    std::printf(", \"ops\": %llu, \"wall_ns\": %lld, \"cpu_ns\": %lld",
                static_cast<unsigned long long>(measured.ops),
                static_cast<long long>(measured.wall.count()),
                static_cast<long long>(measured.cpu.count()));
  }
  std::printf("}\n");
}

}  // namespace

Measured Measured::figure(double value, std::string_view unit) {
  Measured measured;
  measured.value = value;
  measured.unit = unit;
  return measured;
}

Stopwatch::Stopwatch()
    : wall_(std::chrono::steady_clock::now()), cpu_(process_cpu()) {}

Measured Stopwatch::stop(uint64_t ops) const {
  Measured measured;
  measured.wall = std::chrono::steady_clock::now() - wall_;
  measured.cpu = process_cpu() - cpu_;
  measured.ops = ops;
  return measured;
}

std::size_t rounds_for(uint64_t goal, uint64_t ops) {
  return std::max<uint64_t>(1, goal / ops);
}

void expect(bool truth, std::string_view what) {
  if (!truth) fail("wrong result: " + std::string(what));
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  expect(resident > 0, "/proc/self/statm");
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

int run_program(int argc, char** argv, const std::vector<Entry>& entries) {
  if (argc == 2 && std::string_view(argv[1]) == "--list") {
    for (const Entry& entry : entries) {
      std::printf("%s %s %s\n", entry.suite.c_str(), entry.bench.c_str(),
                  entry.runtime.c_str());
    }
    return 0;
  }
  Arguments arguments = parse(argc, argv);
  const auto entry =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) {
        return e.bench == arguments.bench && e.runtime == arguments.runtime;
      });
  if (entry == entries.end()) {
    fail("no bench '" + arguments.bench + "' of runtime '" + arguments.runtime +
         "' here; --list names those that there are");
  }
  if (arguments.tasks == 0) {
    arguments.tasks = entry->usual_tasks;
  } else if (entry->usual_tasks == 0) {
    fail(arguments.bench + " takes no --tasks");
  }
  print(arguments, entry->run(arguments));
  return 0;
}

}  // namespace eddy::benchmarks
