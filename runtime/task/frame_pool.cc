#include "runtime/task/frame_pool.h"

#include <array>
#include <cstdint>
#include <new>
#include <utility>

#include "runtime/base/mutex.h"

namespace eddy::task::frame_pool {

#if EDDY_FRAME_POOL

namespace {

constexpr std::size_t kClasses = kLargest / kGranule;
constexpr std::size_t kSlabBytes = 64 * 1024;

// A free frame. The first one of a magazine in the depot also links to the next
// magazine; every class has room for both words.
struct Free {
  Free* next;
  Free* next_magazine;
};
static_assert(sizeof(Free) <= kGranule);

std::size_t class_of(std::size_t size) {
  return size == 0 ? 0 : (size - 1) / kGranule;
}

// Full magazines of every class, and fresh memory.
class Depot {
 public:
  // A list of kMagazine frames, or null: then carve() is next.
  Free* take(std::size_t size_class) {
    Shelf& shelf = shelves_[size_class];
    base::MutexLock lock(&shelf.mutex);
    Free* magazine = shelf.magazines;
    if (magazine != nullptr) shelf.magazines = magazine->next_magazine;
    return magazine;
  }

  void give(std::size_t size_class, Free* magazine) {
    Shelf& shelf = shelves_[size_class];
    base::MutexLock lock(&shelf.mutex);
    magazine->next_magazine = shelf.magazines;
    shelf.magazines = magazine;
  }

 private:
  struct Shelf {
    base::Mutex mutex;
    Free* magazines ABSL_GUARDED_BY(mutex) = nullptr;
  };
  std::array<Shelf, kClasses> shelves_;
};

// Never destroyed: threads may outlive static destructors.
Depot& depot() {
  static Depot& depot = *new Depot;
  return depot;
}

// One size class on one thread: a list that is used, and a full one in reserve,
// so that a thread which frees and allocates around the boundary does not visit
// the depot each time.
struct Magazines {
  Free* current = nullptr;
  Free* reserve = nullptr;  // empty, or exactly kMagazine frames
  std::size_t count = 0;    // in `current`
};

class Cache {
 public:
  Cache() { depot(); }
  ~Cache();

  void* allocate(std::size_t size_class) {
    Magazines& own = magazines_[size_class];
    if (own.current == nullptr) [[unlikely]] {
      refill(own, size_class);
    }
    Free* frame = own.current;
    own.current = frame->next;
    --own.count;
    return frame;
  }

  void deallocate(void* memory, std::size_t size_class) noexcept {
    Magazines& own = magazines_[size_class];
    if (own.count == kMagazine) [[unlikely]] {
      retire(own, size_class);
    }
    own.current = ::new (memory) Free{own.current, nullptr};
    ++own.count;
  }

 private:
  void refill(Magazines& own, std::size_t size_class);
  void retire(Magazines& own, std::size_t size_class) noexcept;
  void carve(Magazines& own, std::size_t size_class);

  std::array<Magazines, kClasses> magazines_;
  // What is left of the slab that frames of all classes are cut from.
  std::byte* slab_ = nullptr;
  std::size_t slab_left_ = 0;
};

void Cache::refill(Magazines& own, std::size_t size_class) {
  if (own.reserve != nullptr) {
    own.current = std::exchange(own.reserve, nullptr);
    own.count = kMagazine;
  } else if ((own.current = depot().take(size_class)) != nullptr) {
    own.count = kMagazine;
  } else {
    carve(own, size_class);
  }
}

void Cache::retire(Magazines& own, std::size_t size_class) noexcept {
  if (own.reserve != nullptr) depot().give(size_class, own.reserve);
  own.reserve = std::exchange(own.current, nullptr);
  own.count = 0;
}

// Cuts a few frames off the slab: more of the small ones.
void Cache::carve(Magazines& own, std::size_t size_class) {
  const std::size_t size = (size_class + 1) * kGranule;
  if (slab_left_ < size) {
    slab_ = static_cast<std::byte*>(
        ::operator new (kSlabBytes, std::align_val_t{kGranule}));
    slab_left_ = kSlabBytes;
  }
  std::size_t frames = 1 + 1024 / size;
  while (frames-- > 0 && slab_left_ >= size) {
    own.current = ::new (slab_) Free{own.current, nullptr};
    ++own.count;
    slab_ += size;
    slab_left_ -= size;
  }
}

struct ThreadState {
  Cache* cache = nullptr;
  bool ended = false;  // static destructors of this thread have run
};

// Constant-initialised and without a destructor: usable to the thread's end.
thread_local constinit ThreadState thread_state;

struct CacheEnd {
  ~CacheEnd() {
    delete std::exchange(thread_state.cache, nullptr);
    thread_state.ended = true;
  }
};

Cache* make_cache() {
  if (thread_state.ended) return nullptr;
  static thread_local CacheEnd end;
  (void)&end;
  thread_state.cache = new (std::nothrow) Cache;
  return thread_state.cache;
}

// Not inlined into coroutines: compilers may keep the address of a thread-local
// across a suspension point, after which the coroutine runs on another thread.
[[gnu::noinline]] Cache* this_thread_cache() {
  Cache* cache = thread_state.cache;
  if (cache == nullptr) [[unlikely]] {
    cache = make_cache();
  }
  return cache;
}

}  // namespace

// Loose frames of a thread that ends are bundled into full magazines as far as
// they go; the rest, and what is left of its slab, wait for the process's end
// on the list of a thread-less cache.
namespace {

class Remainders {
 public:
  void add(std::size_t size_class, Free* frame) {
    base::MutexLock lock(&mutex_);
    Magazines& own = magazines_[size_class];
    frame->next = own.current;
    own.current = frame;
    if (++own.count == kMagazine) {
      depot().give(size_class, std::exchange(own.current, nullptr));
      own.count = 0;
    }
  }

 private:
  base::Mutex mutex_;
  std::array<Magazines, kClasses> magazines_ ABSL_GUARDED_BY(mutex_);
};

Remainders& remainders() {
  static Remainders& remainders = *new Remainders;
  return remainders;
}

}  // namespace

Cache::~Cache() {
  for (std::size_t size_class = 0; size_class < kClasses; ++size_class) {
    Magazines& own = magazines_[size_class];
    if (own.reserve != nullptr) depot().give(size_class, own.reserve);
    while (own.current != nullptr) {
      Free* frame = own.current;
      own.current = frame->next;
      remainders().add(size_class, frame);
    }
  }
  for (; slab_left_ >= kGranule; slab_ += kGranule, slab_left_ -= kGranule) {
    remainders().add(0, ::new (slab_) Free{nullptr, nullptr});
  }
}

void* allocate(std::size_t size) {
  if (size > kLargest) [[unlikely]] {
    return ::operator new(size);
  }
  Cache* cache = this_thread_cache();
  if (cache == nullptr) [[unlikely]] {  // in a thread's last destructors
    return ::operator new ((class_of(size) + 1) * kGranule,
                           std::align_val_t{kGranule});
  }
  return cache->allocate(class_of(size));
}

void deallocate(void* memory, std::size_t size) noexcept {
  if (size > kLargest) [[unlikely]] {
    ::operator delete(memory);
    return;
  }
  const std::size_t size_class = class_of(size);
  Cache* cache = this_thread_cache();
  if (cache == nullptr) [[unlikely]] {
    remainders().add(size_class, ::new (memory) Free{nullptr, nullptr});
    return;
  }
  cache->deallocate(memory, size_class);
}

#else

void* allocate(std::size_t size) { return ::operator new(size); }
void deallocate(void* memory, std::size_t) noexcept {
  ::operator delete(memory);
}

#endif

}  // namespace eddy::task::frame_pool
