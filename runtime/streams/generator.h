// Generator<T>: a coroutine that gives one item after the other, and a Stream.
//
//   eddy::Generator<std::string> lines(eddy::io::TcpStream peer) {
//     std::array<std::byte, 4096> buffer;
//     std::string rest;
//     while (size_t size = (co_await peer.read(buffer)).value_or(0)) {
//       ... co_yield line; ...
//     }
//   }
//   ...
//   auto incoming = lines(std::move(peer));
//   while (std::optional<std::string> line = co_await incoming.next()) ...
//
// The body runs on when the next item is asked for, and may co_await whatever a
// Task may. It ends with its body, or with co_return.
//
// Threads: may be moved and polled on different threads, one at a time.
// Cancel:  destroying it destroys its frames, as of a Task. A dropped next()
//          loses nothing: the body goes on where it is.
// Errors:  an exception that leaves the body goes to who awaits the item, and
//          ends the stream.
// Owner:   owns its frame; parameters are taken by value, as of a Task. Polled
//          after its end it says the end again.
#ifndef EDDY_RUNTIME_STREAMS_GENERATOR_H_
#define EDDY_RUNTIME_STREAMS_GENERATOR_H_

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/streams/stream.h"
#include "runtime/task/task.h"

namespace eddy {

template <class T>
class Generator;

namespace streams {

// co_yield: to the cursor a leaf that is ready when it is polled, which it is
// when the next item is asked for.
class YieldAwaiter : private task::Suspension {
 public:
  explicit YieldAwaiter(task::PromiseBase& frame)
      : Suspension(&YieldAwaiter::poll_leaf, frame) {}
  YieldAwaiter(const YieldAwaiter&) = delete;
  YieldAwaiter& operator=(const YieldAwaiter&) = delete;

  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept {
    frame->cursor().wait_at(*this);
  }
  void await_resume() noexcept {}

 private:
  static bool poll_leaf(task::Suspension&, Context&) noexcept { return true; }
};

template <class T>
class GeneratorPromise final : public task::AwaitingPromise {
 public:
  GeneratorPromise() {}

  Generator<T> get_return_object();
  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  YieldAwaiter yield_value(U&& value) {
    item_.emplace(std::forward<U>(value));
    return YieldAwaiter(*this);
  }
  void return_void() {}

  // An item, or the end, once run() has come that far.
  std::optional<T>& item() { return item_; }
  void rethrow_at_end() { rethrow_if_failed(); }

 private:
  std::optional<T> item_;
};

}  // namespace streams

template <class T>
class [[nodiscard]] Generator : public StreamBase<Generator<T>> {
 public:
  using Item = T;
  using promise_type = streams::GeneratorPromise<T>;

  Generator(Generator&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)) {}
  Generator& operator=(Generator other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Generator() { end(); }

  PollNext<T> poll_next(Context& cx) {
    if (!frame_) return std::nullopt;
    // One that never has to wait must let others run.
    if (!cx.has_budget()) return cx.yield();
    const uint32_t budget = cx.budget();
    promise_type& promise = frame_.promise();
    if (promise.run(cx)) return take_end();
    if (!promise.item().has_value()) return kPending;
    if (cx.budget() == budget) cx.spend();
    return std::exchange(promise.item(), std::nullopt);
  }

 private:
  friend promise_type;

  explicit Generator(std::coroutine_handle<promise_type> frame)
      : frame_(frame) {
    static_assert(alignof(promise_type) <= 2 * sizeof(void*),
                  "Generator<T>: T is over-aligned; give a std::unique_ptr<T>");
  }

  PollNext<T> take_end() {
    Generator ended(std::move(*this));
    ended.frame_.promise().rethrow_at_end();
    return std::nullopt;
  }
  void end() {
    if (frame_) frame_.promise().destroy();
  }

  std::coroutine_handle<promise_type> frame_;
};

namespace streams {

template <class T>
Generator<T> GeneratorPromise<T>::get_return_object() {
  return Generator<T>(
      std::coroutine_handle<GeneratorPromise>::from_promise(*this));
}

}  // namespace streams
}  // namespace eddy

#endif  // EDDY_RUNTIME_STREAMS_GENERATOR_H_
