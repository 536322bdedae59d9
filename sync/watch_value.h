// The value of a watch channel, and its version: which of the values it is.
//
// A new value is a new object, so that nobody who reads the one before is
// disturbed, and none of T's functions is called under the lock.
//
// Threads: any. Under the lock value and version are of the same time.
#ifndef EDDY_SYNC_WATCH_VALUE_H_
#define EDDY_SYNC_WATCH_VALUE_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/spin_lock.h"
#include "sync/version.h"

namespace eddy::sync::watch {

template <class T>
class Value {
 public:
  struct Read {
    std::shared_ptr<const T> snapshot;
    uint64_t version;
  };

  explicit Value(T value)
      : latest_(std::make_shared<const T>(std::move(value))) {}

  Version& version() { return version_; }

  Read read() {
    base::SpinLockHold hold(&lock_);
    return {latest_, version_.now()};
  }
  // Gives the value before.
  std::shared_ptr<const T> replace(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    bool must_wake;
    {
      base::SpinLockHold hold(&lock_);
      latest_.swap(next);
      must_wake = version_.step();
    }
    if (must_wake) version_.wake_waiters();
    return next;
  }
  // False: the latest is not that of `version` any more.
  bool replace_if(uint64_t version, T value) {
    auto next = std::make_shared<const T>(std::move(value));
    bool must_wake;
    {
      base::SpinLockHold hold(&lock_);
      if (version_.now() != version) return false;
      latest_.swap(next);
      must_wake = version_.step();
    }
    if (must_wake) version_.wake_waiters();
    return true;
  }

 private:
  base::SpinLock lock_;
  std::shared_ptr<const T> latest_ ABSL_GUARDED_BY(lock_);
  Version version_;  // steps under the lock
};

}  // namespace eddy::sync::watch

#endif  // EDDY_SYNC_WATCH_VALUE_H_
