// Counts what operator new gives, and makes it fail. Linking this replaces
// operator new and delete in the whole test.
//
//   FailAllocation fault(/*nth=*/3);
//   EXPECT_THROW(spawn(), std::bad_alloc);
//   EXPECT_TRUE(fault.happened());
//
// Threads: allocated_bytes() sums up all; a FailAllocation is for the thread
//          that made it.
#ifndef EDDY_TESTS_SUPPORT_ALLOCATIONS_H_
#define EDDY_TESTS_SUPPORT_ALLOCATIONS_H_

#include <cstdint>

namespace eddy::testing {

// False where a sanitizer's runtime insists on its own operator new (clang's
// ThreadSanitizer): then nothing is counted, and nothing fails.
bool allocations_are_counted();

// Since the start of the process; what was freed counts as well.
int64_t allocated_bytes();

// The nth allocation of this thread from now on throws std::bad_alloc.
class FailAllocation {
 public:
  explicit FailAllocation(uint64_t nth);
  FailAllocation(const FailAllocation&) = delete;
  FailAllocation& operator=(const FailAllocation&) = delete;
  ~FailAllocation();

  // From here on nothing fails, as after the end.
  void stop();
  bool happened() const;
};

// Runs `body(fault)` with the first allocation failing, then with the second,
// until it makes no more. Returns how many there were.
template <class Body>
uint64_t fail_each_allocation(Body body) {
  for (uint64_t nth = 1;; ++nth) {
    FailAllocation fault(nth);
    body(fault);
    if (!fault.happened()) return nth - 1;
  }
}

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_ALLOCATIONS_H_
