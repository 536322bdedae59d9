// AnyKind: a kind of wait behind virtual calls, for tests that go over all of
// tests/sync/waits.h and need not be compiled anew for each.
//
//   class Aborted : public ::testing::TestWithParam<KindName> {};
//   INSTANTIATE_TEST_SUITE_P(Every, Aborted, ::testing::ValuesIn(all_kinds()),
//                            name_of_kind);
//
//   std::unique_ptr<AnyKind> kind = GetParam().make();
//   co_await kind->wait();
#ifndef EDDY_TESTS_SYNC_ANY_KIND_H_
#define EDDY_TESTS_SYNC_ANY_KIND_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/task/future.h"
#include "tests/sync/waits.h"

namespace eddy::sync {

class AnyKind {
 public:
  class Wait;

  AnyKind(bool hands_on, bool leaves_waker)
      : hands_on(hands_on), leaves_waker(leaves_waker) {}
  virtual ~AnyKind() = default;

  // A Future of void. What it was given it gives back when it is ready.
  Wait wait();
  virtual void serve() = 0;

  // As in WaitTraits.
  const bool hands_on, leaves_waker;

 protected:
  class Inner {
   public:
    virtual ~Inner() = default;
    virtual bool poll(Context& cx) = 0;
  };
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
  KindOf() : AnyKind(T::kHandsOn, T::kLeavesWaker) {}
  void serve() override { of_.serve(); }

 private:
  class InnerOf final : public Inner {
   public:
    explicit InnerOf(T& of) : wait_(of.wait()) {}
    bool poll(Context& cx) override { return wait_.poll(cx).is_ready(); }

   private:
    decltype(std::declval<T&>().wait()) wait_;
  };
  std::unique_ptr<Inner> make_wait() override {
    return std::make_unique<InnerOf>(of_);
  }

  T of_;
};

struct KindName {
  std::string name;
  std::unique_ptr<AnyKind> (*make)();
};

template <class T>
std::unique_ptr<AnyKind> make_kind() {
  return std::make_unique<KindOf<T>>();
}

template <class... Ts>
void add_kinds(std::vector<KindName>& kinds, ::testing::Types<Ts...>) {
  auto last_part = [](const std::string& name) {
    return name.substr(name.rfind(':') + 1);
  };
  (kinds.push_back(KindName{last_part(::testing::internal::GetTypeName<Ts>()),
                            &make_kind<Ts>}),
   ...);
}

inline std::vector<KindName> all_kinds() {
  std::vector<KindName> kinds;
  add_kinds(kinds, WaitsInOrder());
  add_kinds(kinds, WaitsTogether());
  add_kinds(kinds, WaitsAlone());
  return kinds;
}

inline std::string name_of_kind(
    const ::testing::TestParamInfo<KindName>& info) {
  return info.param.name;
}
inline void PrintTo(const KindName& kind, std::ostream* out) {
  *out << kind.name;
}

}  // namespace eddy::sync

#endif  // EDDY_TESTS_SYNC_ANY_KIND_H_
