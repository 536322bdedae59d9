// ChildSet: any number of futures in one task, each with a waker of its own: a
// poll of the set polls those that were woken, and no others. What join_all(),
// select_all() and FuturesUnordered are made of.
//
//   ChildSet children;
//   children.add<F>(task::as_child(std::move(future)));
//   ...
//   Poll<ChildNode&> ready = children.poll(cx);
//   ... ChildOf<F>::of(*ready).take() ...
//   children.remove(*ready);
//
// Children are polled in the order of their wakes. One poll of the set goes on
// until a child is ready or the budget is spent: a poll of a child costs 1 of
// it at least, so that ten thousand wakes at once don't hold up other tasks. A
// child that yields has its next turn in the next poll of the set.
//
// Threads: belongs to one task; wakes may come from any.
// Cancel:  clear() and the destructor destroy the children, last first.
// Errors:  what a child throws goes to the caller of poll(); that child is
//          removed, the others stay.
// Owner:   owns its children, which never move; may be moved at any time.
#ifndef EDDY_RUNTIME_COMBINATORS_CHILD_SET_H_
#define EDDY_RUNTIME_COMBINATORS_CHILD_SET_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/combinators/woken_queue.h"
#include "runtime/task/child.h"
#include "runtime/task/frame_pool.h"
#include "runtime/task/future.h"

namespace eddy::combinators {

// A place in a set, whatever its future is: 48 bytes.
class ChildNode : public WokenNode {
 public:
  // The one that was added after it; null if it was the last.
  ChildNode* next() const { return next_; }
  bool is_ready() const { return state_ == State::kReady; }

 protected:
  using WokenNode::WokenNode;
  ~ChildNode() = default;

  // True when the value is there.
  virtual bool poll_child(Context& cx) = 0;
  // Destroys the future, or its value.
  virtual void drop_child() noexcept = 0;

 private:
  friend class ChildSet;
  enum class State : uint8_t { kRunning, kReady, kRemoved };

  State state_ = State::kRunning;
  ChildNode* next_ = nullptr;
  ChildNode* prev_ = nullptr;
};

template <Future F>
class ChildOf final : public ChildNode {
 public:
  ChildOf(WokenQueue& queue, task::Child<F>&& child)
      : ChildNode(queue), child_(std::move(child)) {
    static_assert(alignof(F) <= task::frame_pool::kGranule,
                  "a future in a set is over-aligned: pass a "
                  "std::unique_ptr to what needs that");
  }

  static ChildOf& of(ChildNode& node) { return static_cast<ChildOf&>(node); }

  // Once it is ready.
  auto& value() { return child_.value(); }
  auto take() { return child_.take(); }

  static void* operator new(std::size_t size) {
    return task::frame_pool::allocate(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    task::frame_pool::deallocate(memory, size);
  }

 private:
  ~ChildOf() = default;
  bool poll_child(Context& cx) override { return child_.poll(cx); }
  void drop_child() noexcept override { child_.drop(); }
  void free() noexcept override { delete this; }

  task::Child<F> child_;
};

class ChildSet {
 public:
  ChildSet() {}
  ChildSet(ChildSet&& other) noexcept { swap(other); }
  ChildSet& operator=(ChildSet&& other) noexcept {
    ChildSet moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~ChildSet();

  // Behind the others. Whoever waits for the set is woken, to poll it.
  template <Future F>
  void add(task::Child<F>&& child) {
    emplace<ChildOf<F>>(std::move(child));
  }
  // A node of another kind.
  template <class Node, class... Arguments>
  Node& emplace(Arguments&&... arguments) {
    auto* node = new Node(queue(), std::forward<Arguments>(arguments)...);
    link(*node);
    return *node;
  }

  // A child that has become ready, and stays in the set. Each is given once.
  Poll<ChildNode&> poll(Context& cx);

  // The child that poll() has just given runs on: it is polled again, behind
  // the others. To be called before the next poll().
  void run_again(ChildNode& node);
  // Destroys what the child is, or its value.
  void remove(ChildNode& node) noexcept;
  void clear() noexcept;

  // The one that was added first.
  ChildNode* first() const { return first_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // What was added first has its first poll last: for a random start.
  void rotate_first_polls(std::size_t count);

 private:
  void swap(ChildSet& other) noexcept;
  WokenQueue& queue();
  void link(ChildNode& node);
  void enqueue(WokenNode& node);
  ChildNode* take_woken(Context& cx);
  bool poll_child(ChildNode& node, Context& cx, bool& yielded);

  WokenQueue* queue_ = nullptr;  // made with the first child
  // To be polled, in this order.
  WokenNode* woken_ = nullptr;
  WokenNode* last_woken_ = nullptr;
  // All children.
  ChildNode* first_ = nullptr;
  ChildNode* last_ = nullptr;
  std::size_t size_ = 0;
  std::size_t owed_ = 0;  // removed, but not yet taken out of the queue
};

// What join_all(range) keeps of each element: of a range by lvalue what its
// iterators give, so that futures in a container are used in place; of a range
// by value, futures that are moved out of it.
template <class Range>
using ElementOf = decltype(*std::begin(std::declval<Range&>()));
template <class Range>
using ChildOfRange = task::ChildFuture<
    std::conditional_t<std::is_lvalue_reference_v<Range>, ElementOf<Range>,
                       std::remove_reference_t<ElementOf<Range>>>>;

template <class Range>
concept ChildRange = requires(Range& range) {
  std::begin(range);
  std::end(range);
  typename ChildOfRange<Range>;
};

template <class Range>
ChildSet children_of(Range&& range) {
  ChildSet children;
  for (auto&& element : range) {
    using Element = decltype(element);
    if constexpr (std::is_lvalue_reference_v<Range>) {
      children.add(task::as_child(std::forward<Element>(element)));
    } else {
      children.add(task::as_child(std::move(element)));
    }
  }
  return children;
}

}  // namespace eddy::combinators

#endif  // EDDY_RUNTIME_COMBINATORS_CHILD_SET_H_
