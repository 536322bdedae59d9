// Children<Fs...>: the futures of one combinator, and their common end.
//
// Threads, Owner: part of a future.
#ifndef EDDY_RUNTIME_COMBINATORS_CHILDREN_H_
#define EDDY_RUNTIME_COMBINATORS_CHILDREN_H_

#include <cstddef>
#include <tuple>
#include <utility>

#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy::combinators {

template <Future... Fs>
class Children {
 public:
  static constexpr std::size_t kCount = sizeof...(Fs);

  explicit Children(task::Child<Fs>&&... children)
      : children_(std::move(children)...) {}
  // Of the futures themselves, which saves moving them once more.
  template <class... Ss>
  explicit Children(std::in_place_t, Ss&&... futures)
      : children_(std::forward<Ss>(futures)...) {}
  Children(Children&&) = default;
  ~Children() { drop(); }

  template <std::size_t kIndex>
  auto& get() {
    return std::get<kIndex>(children_);
  }

  // f(child...), and f(child) for one after the other.
  template <class Function>
  decltype(auto) apply(Function f) {
    return std::apply(f, children_);
  }
  template <class Function>
  void for_each(Function f) {
    std::apply([&](auto&... child) { (f(child), ...); }, children_);
  }

  // Destroys what is left, last first, as C++ does.
  void drop() noexcept { drop(std::make_index_sequence<kCount>()); }

  // What `poll` answers. If that is a value, or an exception, no child is left.
  template <class Function>
  auto drop_unless_pending(Function poll) {
    DropAtEnd end(*this);
    auto result = poll();
    if (result.is_pending()) end.keep();
    return result;
  }

 private:
  class DropAtEnd {
   public:
    explicit DropAtEnd(Children& children) : children_(&children) {}
    DropAtEnd(const DropAtEnd&) = delete;
    DropAtEnd& operator=(const DropAtEnd&) = delete;
    ~DropAtEnd() {
      if (children_ != nullptr) children_->drop();
    }
    void keep() { children_ = nullptr; }

   private:
    Children* children_;
  };

  template <std::size_t... kIndices>
  void drop(std::index_sequence<kIndices...>) noexcept {
    (get<kCount - 1 - kIndices>().drop(), ...);
  }

  std::tuple<task::Child<Fs>...> children_;
};

}  // namespace eddy::combinators

#endif  // EDDY_RUNTIME_COMBINATORS_CHILDREN_H_
