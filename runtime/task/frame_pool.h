// Memory for coroutine frames and task headers: thread-local free lists by size
// class.
//
// Allocating and freeing touch no shared word. A frame that is freed on another
// thread than it was made on goes to that thread's list; a list that grows
// beyond kMagazine entries hands half of them to a global depot in one go, and
// an empty one takes a batch from there. So memory that one thread makes and
// another frees comes back, and what a thread holds is bounded. The design is
// that of the magazines and depots of Bonwick's vmem allocator (2001).
//
// -DEDDY_FRAME_POOL=0 hands everything to operator new, so that
// AddressSanitizer sees each frame on its own.
//
// Threads: any. A thread that ends gives its lists to the depot, and what is
//          left of the memory that it cut its frames from.
// Errors:  std::bad_alloc. Sizes above kLargest go to operator new.
#ifndef EDDY_RUNTIME_TASK_FRAME_POOL_H_
#define EDDY_RUNTIME_TASK_FRAME_POOL_H_

#include <cstddef>
#include <new>

#ifndef EDDY_FRAME_POOL
#define EDDY_FRAME_POOL 1
#endif

namespace eddy::task::frame_pool {

inline constexpr std::size_t kGranule = 16;  // bytes between size classes
inline constexpr std::size_t kLargest = 2048;
inline constexpr std::size_t kMagazine = 128;  // frames moved at once

// Class n has frames of n granules; class 0, of no bytes, has one as well. Then
// the same again, for the cells of tasks.
inline constexpr std::size_t kClasses = kLargest / kGranule + 1;
constexpr std::size_t class_of(std::size_t size) {
  return (size + kGranule - 1) / kGranule;
}
void* allocate_class(std::size_t size_class);
void deallocate_class(void* memory, std::size_t size_class) noexcept;

// Aligned to 16 bytes. Inline, since compilers know the sizes of frames.
inline void* allocate(std::size_t size) {
  if (size > kLargest || !EDDY_FRAME_POOL) return ::operator new(size);
  return allocate_class(class_of(size));
}
// `size` is what was asked for.
inline void deallocate(void* memory, std::size_t size) noexcept {
  if (size > kLargest || !EDDY_FRAME_POOL) return ::operator delete(memory);
  deallocate_class(memory, class_of(size));
}

// For the cells of tasks, which live as long as somebody joins them, and not as
// the frames that are made beside them. From the lists of frames, where both
// are of one size: 482 instead of 344 ns of CPU time for each of 10^6 spawns
// and joins, since what is free lies about in the order in which either ended.
inline void* allocate_cell(std::size_t size) {
  if (size > kLargest || !EDDY_FRAME_POOL) return ::operator new(size);
  return allocate_class(kClasses + class_of(size));
}
inline void deallocate_cell(void* memory, std::size_t size) noexcept {
  if (size > kLargest || !EDDY_FRAME_POOL) return ::operator delete(memory);
  deallocate_class(memory, kClasses + class_of(size));
}

}  // namespace eddy::task::frame_pool

#endif  // EDDY_RUNTIME_TASK_FRAME_POOL_H_
