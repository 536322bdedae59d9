// Gate: jobs wait at it until the test opens it, and the test knows how many
// do.
//
// Threads: any.
#ifndef EDDY_TESTS_RUNTIME_BLOCKING_GATE_H_
#define EDDY_TESTS_RUNTIME_BLOCKING_GATE_H_

#include <cstddef>

#include "runtime/base/mutex.h"

namespace eddy::blocking {

class Gate {
 public:
  void pass() {
    base::MutexLock lock(&mu_);
    ++arrived_;
    changed_.notify_all();
    while (!open_) changed_.wait(mu_);
  }

  void open() {
    base::MutexLock lock(&mu_);
    open_ = true;
    changed_.notify_all();
  }

  void wait_for_arrivals(size_t count) {
    base::MutexLock lock(&mu_);
    while (arrived_ < count) changed_.wait(mu_);
  }

  size_t arrived() {
    base::MutexLock lock(&mu_);
    return arrived_;
  }

 private:
  base::Mutex mu_;
  base::CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  size_t arrived_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace eddy::blocking

#endif  // EDDY_TESTS_RUNTIME_BLOCKING_GATE_H_
