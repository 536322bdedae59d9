// Pooled<T>: an owned object whose memory comes from the pool of task frames,
// and goes back to it: for messages, of which there are many, and none for
// long.
//
//   Pooled<Message> message = make_pooled<Message>(std::move(value));
//
// Threads: made on one, it may end on another.
// Errors:  std::bad_alloc, and what the constructor throws.
#ifndef EDDY_SYNC_POOLED_H_
#define EDDY_SYNC_POOLED_H_

#include <memory>
#include <new>
#include <utility>

#include "runtime/task/frame_pool.h"

namespace eddy::sync {

template <class T>
struct PooledMemory {
  static constexpr bool kIsPooled = alignof(T) <= task::frame_pool::kGranule;

  static void* allocate() {
    if constexpr (kIsPooled) {
      return task::frame_pool::allocate(sizeof(T));
    } else {
      return ::operator new(sizeof(T), std::align_val_t(alignof(T)));
    }
  }
  void operator()(void* memory) const noexcept {
    if constexpr (kIsPooled) {
      task::frame_pool::deallocate(memory, sizeof(T));
    } else {
      ::operator delete(memory, std::align_val_t(alignof(T)));
    }
  }
};

template <class T>
struct PooledDelete {
  void operator()(T* object) const noexcept {
    std::destroy_at(object);
    PooledMemory<T>()(object);
  }
};

template <class T>
using Pooled = std::unique_ptr<T, PooledDelete<T>>;

template <class T, class... Arguments>
Pooled<T> make_pooled(Arguments&&... arguments) {
  std::unique_ptr<void, PooledMemory<T>> memory(PooledMemory<T>::allocate());
  Pooled<T> object(::new (memory.get())
                       T(std::forward<Arguments>(arguments)...));
  (void)memory.release();
  return object;
}

}  // namespace eddy::sync

#endif  // EDDY_SYNC_POOLED_H_
