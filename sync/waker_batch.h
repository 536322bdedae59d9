// WakerBatch: wakers that are taken under a lock and woken after it.
//
//   WakerBatch batch;  // before the lock, so that it ends after it
//   {
//     base::MutexLock lock(&mutex_);
//     while (!batch.is_full() && somebody is due) batch.add(waker);
//   }
//   batch.wake_all();
//
// Threads: of one.
// Owner:   what was not woken is dropped with it.
#ifndef EDDY_SYNC_WAKER_BATCH_H_
#define EDDY_SYNC_WAKER_BATCH_H_

#include <array>
#include <cstddef>
#include <utility>

#include "runtime/task/waker.h"

namespace eddy::sync {

class WakerBatch {
 public:
  WakerBatch() {}
  WakerBatch(const WakerBatch&) = delete;
  WakerBatch& operator=(const WakerBatch&) = delete;
  ~WakerBatch() {
    for (std::size_t i = 0; i < size_; ++i) (void)Waker::adopt(targets_[i]);
  }

  bool is_full() const { return size_ == targets_.size(); }
  // Not if it is full.
  void add(Waker waker) { targets_[size_++] = std::move(waker).leak(); }

  // Empties it.
  void wake_all() {
    for (std::size_t i = 0; i < size_; ++i) {
      Waker::adopt(targets_[i]).wake();
    }
    size_ = 0;
  }

 private:
  // References that are its own; set up to size_ only, since most batches are
  // small.
  std::array<Wakeable*, 16> targets_;
  std::size_t size_ = 0;
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_WAKER_BATCH_H_
