// eventually(): waits for what is bound to come, without sleeping.
#ifndef EDDY_TESTS_SUPPORT_EVENTUALLY_H_
#define EDDY_TESTS_SUPPORT_EVENTUALLY_H_

#include <chrono>
#include <thread>

namespace eddy::testing {

// Gives up the CPU until `done()`, a failure of the test after a minute: the
// last net under a hang. Waits for an end that is coming, and not for time.
template <class Done>
[[nodiscard]] bool eventually(Done done) {
  const auto net = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() >= net) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_EVENTUALLY_H_
