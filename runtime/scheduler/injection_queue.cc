#include "runtime/scheduler/injection_queue.h"

#include <concurrentqueue/concurrentqueue.h>

#include <thread>

#include "runtime/base/check.h"
#include "runtime/base/sanitizer.h"
#include "runtime/task/header.h"
#include "runtime/task/queue_entry.h"

#if EDDY_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace eddy::scheduler {
namespace {

#if EDDY_TSAN
void tell_pushed(task::Header* task) { __tsan_release(task); }
void tell_popped(task::Header* task) { __tsan_acquire(task); }
#else
void tell_pushed(task::Header*) {}
void tell_popped(task::Header*) {}
#endif

}  // namespace

struct InjectionQueue::Queue {
  moodycamel::ConcurrentQueue<task::QueueEntry> tasks;
};

struct InjectionQueue::Consumer::Token {
  moodycamel::ConsumerToken token;
};

InjectionQueue::InjectionQueue() : queue_(new Queue) {}
InjectionQueue::~InjectionQueue() = default;

void InjectionQueue::push(task::Header* task) noexcept {
  tell_pushed(task);
  EDDY_CHECK(queue_->tasks.enqueue(task), "no memory to queue a task");
  set_seems_filled(true);
}

void InjectionQueue::push_all(std::span<task::Header* const> tasks) noexcept {
  for (task::Header* task : tasks) tell_pushed(task);
  EDDY_CHECK(queue_->tasks.enqueue_bulk(tasks.begin(), tasks.size()),
             "no memory to queue tasks");
  set_seems_filled(true);
}

std::size_t InjectionQueue::size() const { return queue_->tasks.size_approx(); }

InjectionQueue::Consumer::Consumer(InjectionQueue& queue)
    : queue_(&queue),
      token_(new Token{moodycamel::ConsumerToken(queue.queue_->tasks)}) {}
InjectionQueue::Consumer::Consumer(Consumer&&) noexcept = default;
InjectionQueue::Consumer::~Consumer() = default;

task::Header* InjectionQueue::Consumer::pop() {
  task::Header* task = nullptr;
  return pop_some({&task, 1}) == 1 ? task : nullptr;
}

task::Header* InjectionQueue::Consumer::pop_until_empty() {
  for (;;) {
    if (task::Header* task = pop()) return task;
    if (queue_->empty()) return nullptr;
    std::this_thread::yield();
  }
}

std::size_t InjectionQueue::Consumer::pop_some(std::span<task::Header*> into) {
  const std::size_t count = queue_->queue_->tasks.try_dequeue_bulk(
      token_->token, into.begin(), into.size());
  for (task::Header* task : into.first(count)) tell_popped(task);
  if (count < into.size()) queue_->set_seems_filled(false);
  return count;
}

}  // namespace eddy::scheduler
