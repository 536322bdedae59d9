// AbortAfter<F>: a future that aborts the task around it after so many polls,
// for tests of row D4: what a task holds is given back wherever it is stopped.
#ifndef EDDY_TESTS_SUPPORT_ABORT_AFTER_H_
#define EDDY_TESTS_SUPPORT_ABORT_AFTER_H_

#include <utility>

#include "runtime/context/current.h"
#include "runtime/task/future.h"
#include "runtime/task/header.h"

namespace eddy::testing {

template <Future F>
class AbortAfter {
 public:
  using Output = OutputOf<F>;

  AbortAfter(F future, int polls) : future_(std::move(future)), polls_(polls) {}

  Poll<Output> poll(Context& cx) {
    Poll<Output> poll = future_.poll(cx);
    if (--polls_ == 0) context::current().task->abort();
    return poll;
  }

 private:
  F future_;
  int polls_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_ABORT_AFTER_H_
