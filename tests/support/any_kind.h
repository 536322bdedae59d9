// AnyKind: a kind of wait behind virtual calls, for tests that go over many
// kinds and need not be compiled anew for each.
//
//   class Aborted : public ::testing::TestWithParam<KindName> {};
//   INSTANTIATE_TEST_SUITE_P(
//       Every, Aborted,
//       ::testing::ValuesIn(kinds_of(::testing::Types<OfSemaphore, ...>())),
//       name_of_kind);
//
//   std::unique_ptr<AnyKind> kind = GetParam().make();
//   co_await kind->wait();
//
// wait_traits.h says what a kind of wait is.
#ifndef EDDY_TESTS_SUPPORT_ANY_KIND_H_
#define EDDY_TESTS_SUPPORT_ANY_KIND_H_

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "runtime/task/future.h"
#include "tests/support/wait_traits.h"

namespace eddy::testing {

class AnyKind {
 public:
  class Wait;

  virtual ~AnyKind() = default;

  // A Future of void. What it was given it gives back when it is ready.
  Wait wait();
  virtual void serve() = 0;

  // As in WaitTraits.
  const bool hands_on, leaves_waker;
  const AfterReady after_ready;
  const WithoutBudget without_budget;

 protected:
  class Inner {
   public:
    virtual ~Inner() = default;
    virtual bool poll(Context& cx) = 0;
  };

  AnyKind(bool hands_on, bool leaves_waker, AfterReady after_ready,
          WithoutBudget without_budget)
      : hands_on(hands_on),
        leaves_waker(leaves_waker),
        after_ready(after_ready),
        without_budget(without_budget) {}
  virtual std::unique_ptr<Inner> make_wait() = 0;
};

class [[nodiscard]] AnyKind::Wait {
 public:
  using Output = void;

  explicit Wait(std::unique_ptr<Inner> inner) : inner_(std::move(inner)) {}

  Poll<void> poll(Context& cx) {
    if (!inner_->poll(cx)) return kPending;
    return kReady;
  }

 private:
  std::unique_ptr<Inner> inner_;
};

inline AnyKind::Wait AnyKind::wait() { return Wait(make_wait()); }

template <class T>
class KindOf final : public AnyKind {
 public:
  KindOf()
      : AnyKind(T::kHandsOn, T::kLeavesWaker, T::kAfterReady,
                T::kWithoutBudget) {}
  void serve() override { of_.serve(); }

 private:
  class InnerOf final : public Inner {
   public:
    // Moved once, as combinators do before the first poll.
    explicit InnerOf(T& of) : InnerOf(of.wait()) {}
    bool poll(Context& cx) override { return wait_.poll(cx).is_ready(); }

   private:
    using Wait = decltype(std::declval<T&>().wait());
    explicit InnerOf(Wait&& made) : wait_(std::move(made)) {}

    Wait wait_;
  };
  std::unique_ptr<Inner> make_wait() override {
    return std::make_unique<InnerOf>(of_);
  }

  T of_;
};

// The parameter of a test.
struct KindName {
  std::string name;
  std::unique_ptr<AnyKind> (*make)();
};

template <class T>
KindName kind_name() {
  const std::string name = ::testing::internal::GetTypeName<T>();
  return {name.substr(name.rfind(':') + 1), []() -> std::unique_ptr<AnyKind> {
            return std::make_unique<KindOf<T>>();
          }};
}

template <class... Ts>
std::vector<KindName> kinds_of(::testing::Types<Ts...>) {
  return {kind_name<Ts>()...};
}

inline std::string name_of_kind(
    const ::testing::TestParamInfo<KindName>& info) {
  return info.param.name;
}
inline void PrintTo(const KindName& kind, std::ostream* out) {
  *out << kind.name;
}

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_ANY_KIND_H_
