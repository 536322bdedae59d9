// Alive: an object of whose kind a test counts those that live, on all threads.
#ifndef EDDY_TESTS_RUNTIME_GROUPS_ALIVE_H_
#define EDDY_TESTS_RUNTIME_GROUPS_ALIVE_H_

#include <atomic>

namespace eddy::testing {

class Alive {
 public:
  using Count = std::atomic<int>;

  explicit Alive(Count& count) : count_(count) {
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { count_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  Count& count_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_RUNTIME_GROUPS_ALIVE_H_
