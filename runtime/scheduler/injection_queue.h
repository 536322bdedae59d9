// InjectionQueue: tasks that come from outside the workers, and what their
// local queues have no room for.
//
// A moodycamel::ConcurrentQueue. It is first in, first out per producer, not
// across producers; a consumer with a token goes round the producers, so none
// of them is starved (tests/scheduler: fairness under a flood).
//
// Threads: push by any; a Consumer belongs to one thread at a time.
// Errors:  std::bad_alloc ends the process: a task that can be neither queued
//          nor refused is lost.
// Memory order: [inject] push releases, pop acquires: moodycamel's, told to
//          ThreadSanitizer by hand, since it rests on fences in places.
#ifndef EDDY_RUNTIME_SCHEDULER_INJECTION_QUEUE_H_
#define EDDY_RUNTIME_SCHEDULER_INJECTION_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

namespace eddy::task {
class Header;
}

namespace eddy::scheduler {

class InjectionQueue {
 public:
  // A place from which one thread takes: remembers whose turn it is.
  class Consumer {
   public:
    explicit Consumer(InjectionQueue& queue);
    Consumer(Consumer&&) noexcept;
    ~Consumer();

    task::Header* pop();
    // Null only if the queue is empty. One pop() that finds nothing may have
    // met a consumer that tried to take more than there was, and has not said
    // so yet: what is pushed meanwhile seems to be taken.
    task::Header* pop_until_empty();
    // Up to `into.size()` tasks; returns how many.
    std::size_t pop_some(std::span<task::Header*> into);
    bool seems_filled() const { return queue_->seems_filled(); }

   private:
    struct Token;
    InjectionQueue* queue_;
    std::unique_ptr<Token> token_;
  };

  InjectionQueue();
  InjectionQueue(const InjectionQueue&) = delete;
  InjectionQueue& operator=(const InjectionQueue&) = delete;
  ~InjectionQueue();

  void push(task::Header* task) noexcept;
  void push_all(std::span<task::Header* const> tasks) noexcept;

  // Whether there seem to be tasks: one load. It may be wrong for a while:
  // push() sets it, and who finds the queue empty clears it, maybe at once
  // after a push. Written seldom, so that it stays in the caches of all
  // workers.
  bool seems_filled() const {
    return seems_filled_.load(std::memory_order_relaxed);
  }
  void set_seems_filled(bool filled) {
    if (seems_filled() != filled) {
      seems_filled_.store(filled, std::memory_order_relaxed);
    }
  }
  // A hint; exact when nobody pushes or pops.
  std::size_t size() const;
  bool empty() const { return size() == 0; }

 private:
  struct Queue;

  std::unique_ptr<Queue> queue_;
  std::atomic<bool> seems_filled_{false};
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_INJECTION_QUEUE_H_
