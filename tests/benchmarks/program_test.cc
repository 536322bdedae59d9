// The contract of a benchmark program, as benchmarks/program keeps it.
#include "benchmarks/program/program.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace eddy::benchmarks {
namespace {

int run(std::vector<std::string> words, const std::vector<Entry>& entries) {
  words.insert(words.begin(), "program");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return run_program(static_cast<int>(arguments.size()), arguments.data(),
                     entries);
}

std::vector<Entry> two_entries() {
  auto size_of_work = [](const Arguments& arguments) {
    Measured measured;
    measured.ops = arguments.tasks * arguments.workers;
    measured.wall = std::chrono::nanoseconds(20);
    measured.cpu = std::chrono::nanoseconds(30);
    return measured;
  };
  auto bytes = [](const Arguments&) { return Measured::figure(1.5, "bytes"); };
  return {{"suite", "work", "mine", size_of_work, /*usual_tasks=*/10},
          {"suite", "memory", "mine", bytes}};
}

TEST(Program, ListNamesEachEntry) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"--list"}, two_entries()), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "suite work mine\nsuite memory mine\n");
}

TEST(Program, PrintsTheTimeOfTheUsualSize) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"--bench=work", "--runtime=mine", "--workers=3"},
                two_entries()),
            0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\"bench\": \"work\", \"runtime\": \"mine\", \"ops\": 30, "
            "\"wall_ns\": 20, \"cpu_ns\": 30}\n");
}

TEST(Program, TasksSetsTheSize) {
  testing::internal::CaptureStdout();
  run({"--bench=work", "--runtime=mine", "--workers=2", "--tasks=7"},
      two_entries());
  EXPECT_NE(testing::internal::GetCapturedStdout().find("\"ops\": 14,"),
            std::string::npos);
}

TEST(Program, PrintsAFigureWithItsUnit) {
  testing::internal::CaptureStdout();
  run({"--bench=memory", "--runtime=mine", "--workers=2"}, two_entries());
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\"bench\": \"memory\", \"runtime\": \"mine\", "
            "\"value\": 1.500, \"unit\": \"bytes\"}\n");
}

TEST(ProgramDeathTest, SaysWhatIsWrongWithItsArguments) {
  const auto exits = testing::ExitedWithCode(1);
  const std::vector<Entry> entries = two_entries();
  EXPECT_EXIT(run({"--bench=other", "--runtime=mine"}, entries), exits,
              "no bench 'other' of runtime 'mine'");
  EXPECT_EXIT(run({"--bench=work", "--runtime=other"}, entries), exits,
              "no bench 'work' of runtime 'other'");
  EXPECT_EXIT(run({"--bench=memory", "--runtime=mine", "--tasks=5"}, entries),
              exits, "memory takes no --tasks");
  EXPECT_EXIT(run({"--workers=0"}, entries), exits,
              "--workers takes a number from 1, not 0");
  EXPECT_EXIT(run({"--workers=2x"}, entries), exits, "not 2x");
  EXPECT_EXIT(run({"--threads=2"}, entries), exits,
              "unknown argument --threads=2");
}

TEST(ProgramDeathTest, AWrongResultEndsIt) {
  EXPECT_EXIT(expect(false, "the sum"), testing::ExitedWithCode(1),
              "wrong result: the sum");
  expect(true, "the sum");
}

TEST(Program, WarmUpIsATenthAndAtLeastOne) {
  int calls = 0;
  EXPECT_EQ(time_rounds(20, 3, [&] { ++calls; }).ops, 60u);
  EXPECT_EQ(calls, 20 + 3);
  calls = 0;
  EXPECT_EQ(time_rounds(1, 3, [&] { ++calls; }).ops, 3u);
  EXPECT_EQ(calls, 1 + 1);
}

TEST(Program, RoundsMakeTheGoalAndAreAtLeastOne) {
  EXPECT_EQ(rounds_for(1000, 10), 100u);
  EXPECT_EQ(rounds_for(1000, 1001), 1u);
}

TEST(Program, StopwatchCountsWhatTheProcessUses) {
  const Stopwatch watch;
  volatile unsigned sum = 0;
  for (unsigned i = 0; i < 1'000'000; ++i) sum = sum + i;
  const Measured measured = watch.stop(1);
  EXPECT_GT(measured.wall.count(), 0);
  EXPECT_GT(measured.cpu.count(), 0);
}

TEST(Program, MemoryThatIsTouchedIsResident) {
  const std::size_t before = resident_bytes();
  std::vector<char> memory(64 << 20, 'x');
  EXPECT_GT(resident_bytes(), before + (60 << 20));
  EXPECT_EQ(memory.back(), 'x');
}

}  // namespace
}  // namespace eddy::benchmarks
