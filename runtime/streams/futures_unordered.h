// FuturesUnordered<F> and FuturesOrdered<F>: futures that are added one by one,
// in one task, and a Stream of their outputs: as they become ready, or in the
// order in which they were added.
//
//   eddy::FuturesUnordered<eddy::Task<Page>> downloads;
//   for (std::string url : urls) downloads.push(download(url));
//   while (std::optional<Page> page = co_await downloads.next()) {
//     for (std::string url : page->links) downloads.push(download(url));
//   }
//
// Each child has a waker of its own, so that a wake polls one child and not
// all, however many there are: a child costs 56 bytes beyond its future. One
// poll goes on until a child is ready, but spends the budget: others get their
// turn, however many children were woken at once.
//
// Threads: belongs to one task; the children run in it, interleaved.
// Cancel:  destroys the children, last first. A dropped next() loses nothing.
// Errors:  what a child throws goes to who awaits the next item; that child is
//          gone, the others go on.
// Owner:   owns its children; may be moved at any time. The end says that there
//          are none: add more, and it goes on. Futures by lvalue, where F is a
//          reference, are used in place.
#ifndef EDDY_RUNTIME_STREAMS_FUTURES_UNORDERED_H_
#define EDDY_RUNTIME_STREAMS_FUTURES_UNORDERED_H_

#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/combinators/child_set.h"
#include "runtime/streams/stream.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {

template <Future F>
class FuturesUnordered : public StreamBase<FuturesUnordered<F>> {
 public:
  using Item = task::Storable<OutputOf<F>>;

  FuturesUnordered() {}

  void push(F future) {
    children_.add(task::Child<F>(std::forward<F>(future)));
  }

  std::size_t size() const { return children_.size(); }
  bool empty() const { return children_.empty(); }
  void clear() { children_.clear(); }

  PollNext<Item> poll_next(Context& cx) {
    if (children_.empty()) return std::nullopt;
    Poll<combinators::ChildNode&> ready = children_.poll(cx);
    if (ready.is_pending()) return kPending;
    std::optional<Item> item(combinators::ChildOf<F>::of(*ready).take());
    children_.remove(*ready);
    return item;
  }

 private:
  combinators::ChildSet children_;
};

template <Future F>
class FuturesOrdered : public StreamBase<FuturesOrdered<F>> {
 public:
  using Item = task::Storable<OutputOf<F>>;

  FuturesOrdered() {}

  void push(F future) {
    children_.add(task::Child<F>(std::forward<F>(future)));
  }

  // With those that are ready, but not the next.
  std::size_t size() const { return children_.size(); }
  bool empty() const { return children_.empty(); }
  void clear() { children_.clear(); }

  PollNext<Item> poll_next(Context& cx) {
    if (children_.empty()) return std::nullopt;
    combinators::ChildNode& first = *children_.first();
    while (!first.is_ready()) {
      if (children_.poll(cx).is_pending()) return kPending;
    }
    std::optional<Item> item(combinators::ChildOf<F>::of(first).take());
    children_.remove(first);
    return item;
  }

 private:
  combinators::ChildSet children_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_STREAMS_FUTURES_UNORDERED_H_
