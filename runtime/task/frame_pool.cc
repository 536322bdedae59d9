#include "runtime/task/frame_pool.h"

#include <array>
#include <cstdint>
#include <new>
#include <utility>

#include "runtime/base/mutex.h"

namespace eddy::task::frame_pool {

#if EDDY_FRAME_POOL  // else nothing of this is used

namespace {

constexpr std::size_t kSlabBytes = 64 * 1024;

// A free frame. The first one of a magazine in the depot also links to the next
// magazine; every class has room for both words.
struct Free {
  Free* next;
  Free* next_magazine;
};
static_assert(sizeof(Free) <= kGranule);

std::size_t bytes_of(std::size_t size_class) {
  const std::size_t granules = size_class % kClasses;
  return (granules + (granules == 0 ? 1 : 0)) * kGranule;
}

// Frames that were linked to a list, and how many they are.
struct Batch {
  Free* frames = nullptr;
  std::size_t count = 0;
};

// Memory that frames are cut from; or what is left of it, which then has this
// record at its start.
struct Slab {
  Slab* next;
  std::size_t bytes;
};

// What threads share: full magazines of every class, and what threads that
// ended have left.
class Depot {
 public:
  // A magazine, or less, or nothing: then take_slab() is next.
  Batch take(std::size_t size_class) {
    Shelf& shelf = shelves_[size_class];
    base::MutexLock lock(&shelf.mutex);
    if (Free* magazine = shelf.magazines) {
      shelf.magazines = magazine->next_magazine;
      return {magazine, kMagazine};
    }
    return std::exchange(shelf.loose, {});
  }

  void give(std::size_t size_class, Free* magazine) {
    Shelf& shelf = shelves_[size_class];
    base::MutexLock lock(&shelf.mutex);
    shelf.add(magazine);
  }

  // Fewer than a magazine.
  void give_loose(std::size_t size_class, Free* frames) {
    Shelf& shelf = shelves_[size_class];
    base::MutexLock lock(&shelf.mutex);
    while (Free* frame = frames) {
      frames = frame->next;
      frame->next = shelf.loose.frames;
      shelf.loose.frames = frame;
      if (++shelf.loose.count == kMagazine) {
        shelf.add(std::exchange(shelf.loose, {}).frames);
      }
    }
  }

  // At least kLargest bytes.
  Slab* take_slab() {
    {
      base::MutexLock lock(&slabs_mutex_);
      if (slabs_ != nullptr) return std::exchange(slabs_, slabs_->next);
    }
    void* memory = ::operator new (kSlabBytes, std::align_val_t{kGranule});
    return ::new (memory) Slab{nullptr, kSlabBytes};
  }

  // What is left is forgotten if it is smaller than a frame can be.
  void give_slab(void* memory, std::size_t bytes) {
    if (bytes < kLargest) return;
    base::MutexLock lock(&slabs_mutex_);
    slabs_ = ::new (memory) Slab{slabs_, bytes};
  }

 private:
  struct Shelf {
    void add(Free* magazine) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      magazine->next_magazine = magazines;
      magazines = magazine;
    }

    base::Mutex mutex;
    Free* magazines ABSL_GUARDED_BY(mutex) = nullptr;
    Batch loose ABSL_GUARDED_BY(mutex);
  };

  std::array<Shelf, 2 * kClasses> shelves_;
  base::Mutex slabs_mutex_;
  Slab* slabs_ ABSL_GUARDED_BY(slabs_mutex_) = nullptr;
};

// Never destroyed, since threads may outlive static destructors; in memory of
// its own, since it may be needed first when there is no other.
Depot& depot() {
  alignas(Depot) static std::byte room[sizeof(Depot)];
  static Depot& depot = *::new (room) Depot;
  return depot;
}

// One size class on one thread: a list that is used, and a full one in reserve,
// so that a thread which frees and allocates around the boundary does not visit
// the depot each time.
struct Magazines {
  Free* current = nullptr;
  Free* reserve = nullptr;  // empty, or exactly kMagazine frames
  // For how many frames `current` has room, up to kMagazine of them. Room and
  // not count, so that all zeros means "neither give nor take".
  std::size_t room = 0;
};

class Cache {
 public:
  // The cache of a thread that has none (yet): from and to its lists nothing
  // can go, so that the fast paths need not ask: 10 and 12 instructions instead of
  // 12 and 15.
  struct None {
    explicit None() = default;
  };
  constexpr explicit Cache(None) {}
  Cache() {
    for (Magazines& own : magazines_) own.room = kMagazine;
  }
  void close();

  // Null if the list of this class is empty.
  void* try_allocate(std::size_t size_class) {
    Magazines& own = magazines_[size_class];
    Free* frame = own.current;
    if (frame == nullptr) [[unlikely]]
      return nullptr;
    own.current = frame->next;
    // The next one to give, while the caller fills this one: what is free is
    // cold where many frames live. With the like in LocalQueue::pop(), a task
    // of skynet_spawn takes 275 instead of 318 ns of CPU time.
    __builtin_prefetch(frame->next, /*rw=*/1);
    ++own.room;
    return frame;
  }
  void* allocate(std::size_t size_class) {
    Magazines& own = magazines_[size_class];
    if (own.current == nullptr) refill(own, size_class);
    return try_allocate(size_class);
  }

  // False if the list of this class is full.
  bool try_deallocate(void* memory, std::size_t size_class) noexcept {
    Magazines& own = magazines_[size_class];
    if (own.room == 0) [[unlikely]]
      return false;
    --own.room;
    Free* const frame = ::new (memory) Free;
    frame->next = own.current;
    own.current = frame;
    return true;
  }
  void deallocate(void* memory, std::size_t size_class) noexcept {
    Magazines& own = magazines_[size_class];
    if (own.room == 0) retire(own, size_class);
    try_deallocate(memory, size_class);
  }

 private:
  void refill(Magazines& own, std::size_t size_class);
  void retire(Magazines& own, std::size_t size_class) noexcept;
  void carve(Magazines& own, std::size_t size_class);

  std::array<Magazines, 2 * kClasses> magazines_;
  // What is left of the slab that frames of all classes are cut from.
  std::byte* slab_ = nullptr;
  std::size_t slab_left_ = 0;
};

void Cache::refill(Magazines& own, std::size_t size_class) {
  if (own.reserve != nullptr) {
    own.current = std::exchange(own.reserve, nullptr);
    own.room = 0;
    return;
  }
  const Batch batch = depot().take(size_class);
  own.current = batch.frames;
  own.room = kMagazine - batch.count;
  if (own.current == nullptr) carve(own, size_class);
}

void Cache::retire(Magazines& own, std::size_t size_class) noexcept {
  if (own.reserve != nullptr) depot().give(size_class, own.reserve);
  own.reserve = std::exchange(own.current, nullptr);
  own.room = kMagazine;
}

// Cuts a few frames off the slab: more of the small ones.
void Cache::carve(Magazines& own, std::size_t size_class) {
  const std::size_t size = bytes_of(size_class);
  if (slab_left_ < size) {
    Slab* slab = depot().take_slab();
    slab_left_ = slab->bytes;
    slab_ = reinterpret_cast<std::byte*>(slab);
  }
  std::size_t frames = 1 + 1024 / size;
  while (frames-- > 0 && slab_left_ >= size) {
    own.current = ::new (slab_) Free{own.current, nullptr};
    --own.room;
    slab_ += size;
    slab_left_ -= size;
  }
}

void Cache::close() {
  for (std::size_t size_class = 0; size_class < 2 * kClasses; ++size_class) {
    Magazines& own = magazines_[size_class];
    if (own.reserve != nullptr) depot().give(size_class, own.reserve);
    if (own.room == 0) {
      depot().give(size_class, own.current);
    } else if (own.room < kMagazine) {
      depot().give_loose(size_class, own.current);
    }
  }
  depot().give_slab(slab_, slab_left_);
}

constinit Cache no_cache{Cache::None()};

struct ThreadState {
  Cache* cache = &no_cache;
  bool ended = false;  // static destructors of this thread have run
};

// Constant-initialised and without a destructor: usable to the thread's end.
thread_local constinit ThreadState thread_state;

struct CacheEnd {
  ~CacheEnd() {
    Cache* const cache = std::exchange(thread_state.cache, &no_cache);
    thread_state.ended = true;
    if (cache == &no_cache) return;  // there was no memory for one
    cache->close();
    delete cache;
  }
};

[[gnu::noinline]] Cache* make_cache() {
  if (thread_state.ended) return nullptr;
  static thread_local CacheEnd end;
  (void)&end;
  Cache* const cache = new (std::nothrow) Cache;
  if (cache != nullptr) thread_state.cache = cache;
  return cache;
}

Cache* this_thread_cache() {
  Cache* cache = thread_state.cache;
  return cache != &no_cache ? cache : make_cache();
}

// What the fast paths leave; apart, so that those need no stack frame.
[[gnu::noinline]] void* allocate_slowly(std::size_t size_class) {
  if (Cache* cache = this_thread_cache()) return cache->allocate(size_class);
  // In a thread's last destructors.
  return ::operator new (bytes_of(size_class), std::align_val_t{kGranule});
}

[[gnu::noinline]] void deallocate_slowly(void* memory,
                                         std::size_t size_class) noexcept {
  if (Cache* cache = this_thread_cache()) {
    cache->deallocate(memory, size_class);
  } else {
    depot().give_loose(size_class, ::new (memory) Free{nullptr, nullptr});
  }
}

}  // namespace

// Neither is inlined into coroutines: compilers may keep the address of a
// thread-local across a suspension point, after which the coroutine runs on
// another thread.
[[gnu::noinline]] void* allocate_class(std::size_t size_class) {
  void* const memory = thread_state.cache->try_allocate(size_class);
  if (memory == nullptr) [[unlikely]]
    return allocate_slowly(size_class);
  return memory;
}

[[gnu::noinline]] void deallocate_class(void* memory,
                                        std::size_t size_class) noexcept {
  if (!thread_state.cache->try_deallocate(memory, size_class)) [[unlikely]]
    deallocate_slowly(memory, size_class);
}

#endif

}  // namespace eddy::task::frame_pool
