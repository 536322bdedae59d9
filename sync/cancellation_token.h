// CancellationToken: tells tasks that they are asked to stop. Stopping is up to
// them: to be cancelled without being asked is to be dropped, or aborted.
//
//   eddy::Task<> serve(Connection peer, eddy::sync::CancellationToken stop) {
//     while (auto request =
//                co_await stop.run_until_cancelled(read_request(peer))) {
//       co_await answer(peer, *request);  // not cut off
//     }
//     co_await say_goodbye(peer);
//   }
//
//   eddy::sync::CancellationToken stop;
//   eddy::spawn(serve(std::move(peer), stop.child_token())).detach();
//   ...
//   stop.cancel();
//
// Copies are the same token. Tokens form a tree: to cancel one cancels those
// below it, and none above. A token that is cancelled stays so.
//
// To and from std::stop_token:
//   CancellationToken(stop)   is cancelled when that stop is requested;
//   token.child_token(stop)   when either of them is;
//   token.stop_token()        its stop is requested when the token is
//                             cancelled: for code that knows nothing of eddy.
// A request travels in these directions only.
//
// Threads: any; a Wait belongs to one task. What was written before cancel(),
//          whoever finds the token cancelled sees.
// Cancel:  a dropped Wait leaves nothing behind, nor does a dropped
//          run_until_cancelled(), which drops its future.
// Errors:  none. Callbacks of stop_token() run inside of cancel(), and may end
//          the token itself.
// Owner:   a token is a counted reference. One that was moved from may only be
//          assigned to, or destroyed. A Wait keeps what it needs; it may be
//          moved until its first poll.
//
// The tree and the words are those of Tokio's CancellationToken.
#ifndef EDDY_SYNC_CANCELLATION_TOKEN_H_
#define EDDY_SYNC_CANCELLATION_TOKEN_H_

#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "runtime/task/child.h"
#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/cancellation_node.h"
#include "sync/wait_list.h"

namespace eddy::sync {

class CancellationToken {
 public:
  class Wait;
  class DropGuard;
  template <Future F>
  class RunUntilCancelled;

  CancellationToken() : node_(CancellationNode::create()) {}
  explicit CancellationToken(std::stop_token stop) : CancellationToken() {
    node_->follow(std::move(stop));
  }

  CancellationToken child_token() const {
    return CancellationToken(node_->create_child());
  }
  CancellationToken child_token(std::stop_token stop) const {
    CancellationToken child = child_token();
    child.node_->follow(std::move(stop));
    return child;
  }

  // The tokens below are cancelled too when it returns, unless another thread
  // is about to.
  void cancel() const { node_->cancel(); }
  bool is_cancelled() const { return node_->is_cancelled(); }

  // A Future of void: ready once the token is cancelled.
  Wait cancelled() const;
  // For threads that may block.
  void blocking_cancelled() const;

  // A future of a std::optional: what `future` gives, or nothing if the token
  // was cancelled before it was ready; then the future is dropped. One of void
  // gives a std::monostate. Takes what select() takes.
  template <task::ChildLike S>
  RunUntilCancelled<task::ChildFuture<S>> run_until_cancelled(S&& future) const;

  // Cancels the token when it goes.
  DropGuard drop_guard() const;

  std::stop_token stop_token() const { return node_->stop_token(); }

 private:
  explicit CancellationToken(CancellationNode::Ref node)
      : node_(std::move(node)) {}

  CancellationNode::Ref node_;
};

class [[nodiscard]] CancellationToken::Wait {
 public:
  using Output = void;

  explicit Wait(CancellationNode::Ref node) : node_(std::move(node)) {}
  Wait(Wait&& other) = default;
  Wait& operator=(Wait&&) = delete;
  ~Wait() { forget(); }

  Poll<void> poll(Context& cx) { return node_->poll_cancelled(wait_, cx); }

 private:
  template <Future F>
  friend class RunUntilCancelled;

  // Nobody waits any more.
  void forget() {
    if (wait_.is_used()) node_->forget(wait_);
  }

  CancellationNode::Ref node_;
  WaitNode wait_;
};

class [[nodiscard]] CancellationToken::DropGuard {
 public:
  explicit DropGuard(CancellationToken token) : token_(std::move(token)) {}
  DropGuard(DropGuard&& other) noexcept
      : token_(std::exchange(other.token_, std::nullopt)) {}
  DropGuard& operator=(DropGuard other) noexcept {
    std::swap(token_, other.token_);
    return *this;
  }
  ~DropGuard() {
    if (token_.has_value()) token_->cancel();
  }

  // Cancels nothing any more.
  void disarm() { token_.reset(); }

 private:
  std::optional<CancellationToken> token_;
};

template <Future F>
class [[nodiscard]] CancellationToken::RunUntilCancelled {
 public:
  using Output = std::optional<task::Storable<OutputOf<F>>>;

  explicit RunUntilCancelled(CancellationNode::Ref node, task::Child<F> child)
      : wait_(std::move(node)), child_(std::move(child)) {}

  Poll<Output> poll(Context& cx) {
    try {
      // A token that was cancelled before does not even begin the future; after
      // that, one that is ready wins.
      const bool begins = !std::exchange(is_begun_, true);
      if (!(begins && wait_.node_->is_cancelled()) && child_.poll(cx)) {
        wait_.forget();
        return Output(child_.take());
      }
    } catch (...) {
      drop();
      throw;
    }
    if (!wait_.node_->is_cancelled() && wait_.poll(cx).is_pending()) {
      return kPending;
    }
    drop();
    // In place: g++ 12 warns of the value that an empty optional would move.
    return Poll<Output>(std::nullopt);
  }

 private:
  void drop() noexcept {
    child_.drop();
    wait_.forget();
  }

  Wait wait_;
  task::Child<F> child_;
  bool is_begun_ = false;
};

inline CancellationToken::Wait CancellationToken::cancelled() const {
  return Wait(node_);
}

inline void CancellationToken::blocking_cancelled() const {
  blocking_wait(cancelled(), "blocking_cancelled()");
}

template <task::ChildLike S>
CancellationToken::RunUntilCancelled<task::ChildFuture<S>>
CancellationToken::run_until_cancelled(S&& future) const {
  return RunUntilCancelled<task::ChildFuture<S>>(
      node_, task::as_child(std::forward<S>(future)));
}

inline CancellationToken::DropGuard CancellationToken::drop_guard() const {
  return DropGuard(*this);
}

}  // namespace eddy::sync

#endif  // EDDY_SYNC_CANCELLATION_TOKEN_H_
