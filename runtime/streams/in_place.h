// InPlace<F>: room for a future that a stream makes again and again, and which
// perhaps can't be moved.
//
//   if (!future_) future_.emplace([&] { return make(item); });
//   auto result = future_.poll(cx);  // empty again, unless it is pending
//
// Threads, Owner: part of a stream; may be moved while it is empty.
#ifndef EDDY_RUNTIME_STREAMS_IN_PLACE_H_
#define EDDY_RUNTIME_STREAMS_IN_PLACE_H_

#include <functional>
#include <optional>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/future.h"

namespace eddy::streams {

template <Future F>
class InPlace {
 public:
  InPlace() {}
  InPlace(InPlace&& other) noexcept {
    EDDY_CHECK(!other.future_.has_value(),
               "a stream is moved after its first poll: move it before, or "
               "use it by reference");
  }
  InPlace& operator=(InPlace&&) = delete;
  ~InPlace() = default;

  explicit operator bool() const { return future_.has_value(); }

  // Also where the future throws it is gone then.
  Poll<OutputOf<F>> poll(Context& cx) {
    try {
      Poll<OutputOf<F>> result = future_->poll(cx);
      if (result.is_ready()) future_.reset();
      return result;
    } catch (...) {
      future_.reset();
      throw;
    }
  }

  template <class Make>
  void emplace(Make make) {
    future_.emplace(Made<Make>(make));
  }

 private:
  // Converts to what make() gives, which is so built in place.
  template <class Make>
  class Made {
   public:
    explicit Made(Make& make) : make_(make) {}
    operator F() { return make_(); }

   private:
    Make& make_;
  };

  std::optional<F> future_;
};

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_IN_PLACE_H_
