#include "runtime/base/symbols.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "runtime/base/stack_trace.h"
#include "tests/support/fault_injector.h"

namespace eddy::base {
namespace {

[[gnu::noinline]] StackTrace trace_of(int depth) {
  StackTrace trace;
  if (depth > 0) {
    trace = trace_of(depth - 1);
  } else {
    trace.capture();
  }
  asm volatile("");  // no tail call
  return trace;
}

int count(const std::vector<std::string>& names, const std::string& part) {
  int found = 0;
  for (const std::string& name : names)
    found += name == part || name.ends_with("::" + part);
  return found;
}

std::vector<std::string> names_of(const StackTrace& trace) {
  Symbols symbols;
  std::vector<std::string> names;
  for (const StackTrace::Frame& frame : trace.frames()) {
    names.push_back(symbols.describe(frame.inside()));
  }
  return names;
}

TEST(Symbols, NameLocalFunctionsToo) {
  const std::vector<std::string> names = names_of(trace_of(2));
  EXPECT_EQ(count(names, "trace_of"), 3) << names[0];
  EXPECT_EQ(count(names, "TestBody"), 1);
  EXPECT_EQ(count(names, "main"), 1);
}

TEST(Symbols, AStackThatIsTooDeepLosesItsOutermost) {
  const StackTrace trace = trace_of(200);
  EXPECT_EQ(trace.frames().size(), StackTrace::kMaxFrames);
  const std::vector<std::string> names = names_of(trace);
  EXPECT_EQ(count(names, "main"), 0);
}

TEST(Symbols, TheFunctionsOfAStack) {
  const StackTrace trace = trace_of(2);
  const auto frames = trace.frames();
  const auto first = StackTrace::function_of(frames[1]);
  EXPECT_NE(first, 0u);
  EXPECT_LT(first, frames[1].pc);
  EXPECT_EQ(first, StackTrace::function_of(frames[2]));
}

TEST(Symbols, CodeThatIsNowhere) {
  EXPECT_EQ(Symbols().describe(0x10), "0x10");
}

// C1: without a file there are places.
TEST(Symbols, AFileThatCannotBeRead) {
  const auto here = reinterpret_cast<uintptr_t>(&names_of) + 1;
  for (const testing::Call call :
       {testing::Call::kOpen, testing::Call::kPread}) {
    testing::FaultInjector faults;
    faults.fail(call, testing::always(), EIO);
    EXPECT_EQ(Symbols().describe(here).substr(0, 6), "exe+0x");
  }
  EXPECT_NE(Symbols().describe(here).find("::names_of"), std::string::npos);
}

TEST(Symbols, AreReadable) {
  const struct {
    const char *mangled, *readable;
  } kCases[] = {
      {"main", "main"},
      {"_ZN4eddy4task11PromiseBase5go_onEv", "eddy::task::PromiseBase::go_on"},
      {"_ZNKSt8functionIFvvEEclEv", "std::function<>::operator()"},
      {"_ZNSt16coroutine_handleIvE6resumeEv",
       "std::coroutine_handle<>::resume"},
      {"_ZN12_GLOBAL__N_11fEi", "(anonymous namespace)::f"},
      {"_ZlsRSoi", "operator<<"},
      {"_ZN1AltERKS_", "A::operator<"},
      {"_ZN1AptEv", "A::operator->"},
      {"_Z1fPFviE.actor", "f"},
  };
  for (const auto& example : kCases) {
    EXPECT_EQ(Symbols::readable(example.mangled), example.readable);
  }
}

}  // namespace
}  // namespace eddy::base
