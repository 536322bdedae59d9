#include "sync/once_cell.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "runtime/builder.h"
#include "runtime/runtime.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/event.h"
#include "sync/lazy.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

// Makes `value`, once `gate` is open.
struct Make {
  Event* gate;
  int value;
  Task<int> operator()() const { return make(gate, value); }
  static Task<int> make(Event* gate, int value) {
    co_await gate->wait();
    if (value < 0) throw std::runtime_error("no value");
    co_return value;
  }
};

TEST(OnceCell, TheFirstMakesTheValue) {
  OnceCell<int> cell;
  Event gate;
  WakeCounter first, second;
  EXPECT_EQ(cell.get(), nullptr);
  Task<int&> a = cell.get_or_init(Make{&gate, 1});
  Task<int&> b = cell.get_or_init(Make{&gate, 2});
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  EXPECT_FALSE(cell.set(3));
  gate.set();
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_EQ(*a.poll(first.context()), 1);
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_EQ(*b.poll(second.context()), 1);
  EXPECT_EQ(*cell.get(), 1);
  Task<int&> later = cell.get_or_init([] { return 7; });
  EXPECT_EQ(&*later.poll(first.context()), cell.get());
}

// D4, E2: the turn of an initialiser that is dropped goes to the next.
TEST(OnceCell, ADroppedInitialiserHandsOnItsTurn) {
  OnceCell<int> cell;
  Event never, gate;
  gate.set();
  WakeCounter first, second;
  std::optional<Task<int&>> a(cell.get_or_init(Make{&never, 1}));
  Task<int&> b = cell.get_or_init(Make{&gate, 2});
  EXPECT_TRUE(a->poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  a.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_EQ(*b.poll(second.context()), 2);
  EXPECT_EQ(first.kept_wakers(), 0);
}

// D2
TEST(OnceCell, AThrowingInitialiserHandsOnItsTurn) {
  OnceCell<int> cell;
  Event gate;
  WakeCounter first, second;
  Task<int&> a = cell.get_or_init(Make{&gate, -1});
  Task<int&> b = cell.get_or_init(Make{&gate, 2});
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  gate.set();
  EXPECT_THROW((void)a.poll(first.context()), std::runtime_error);
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_EQ(*b.poll(second.context()), 2);
}

// D2: the value is made, and its move throws.
TEST(OnceCell, AValueThatThrowsWhenItIsKeptHandsOnTheTurn) {
  struct Fragile {
    explicit Fragile(int moves) : moves_left(moves) {}
    Fragile(Fragile&& other) : moves_left(other.moves_left - 1) {
      if (moves_left < 0) throw std::runtime_error("moved too often");
    }
    int moves_left;
  };
  OnceCell<Fragile> cell;
  WakeCounter waker;
  auto make = [](int moves) { return [moves] { return Fragile(moves); }; };
  Task<Fragile&> fails = cell.get_or_init(make(0));
  EXPECT_THROW((void)fails.poll(waker.context()), std::runtime_error);
  EXPECT_EQ(cell.get(), nullptr);
  EXPECT_THROW(cell.set(Fragile(1)), std::runtime_error);
  Task<Fragile&> works = cell.get_or_init(make(5));
  EXPECT_TRUE(works.poll(waker.context()).is_ready());
}

TEST(OnceCell, AnErrorIsOfOneAndTheNextTries) {
  OnceCell<std::unique_ptr<int>> cell;
  WakeCounter waker;
  using Made = absl::StatusOr<std::unique_ptr<int>>;
  auto fails = cell.get_or_try_init(
      []() -> Task<Made> { co_return absl::InternalError("no"); });
  EXPECT_FALSE((*fails.poll(waker.context())).ok());
  auto works =
      cell.get_or_try_init([]() -> Made { return std::make_unique<int>(5); });
  EXPECT_EQ(**(*works.poll(waker.context())).value(), 5);
}

TEST(OnceCell, ASetValueIsThere) {
  OnceCell<std::unique_ptr<int>> cell;
  EXPECT_TRUE(cell.set(std::make_unique<int>(4)));
  auto refused = std::make_unique<int>(5);
  EXPECT_FALSE(cell.set(std::move(refused)));
  EXPECT_EQ(*refused, 5);
  EXPECT_EQ(**cell.get(), 4);
  EXPECT_EQ(*OnceCell<int>(3).get(), 3);
}

Task<> count(OnceCell<int>* cell, int* made) {
  const int& value = co_await cell->get_or_init([made]() -> Task<int> {
    co_await yield_now();
    co_return ++*made;
  });
  EXPECT_EQ(value, 1);
}

// E2: of a hundred tasks on two workers one makes the value.
TEST(OnceCell, OneOfManyMakesTheValue) {
  auto runtime = Builder::multi_thread().worker_threads(2).build();
  for (int round = 0; round < 50; ++round) {
    OnceCell<int> cell;
    int made = 0;
    std::vector<JoinHandle<void>> tasks;
    for (int i = 0; i < 100; ++i) {
      tasks.push_back(runtime->spawn(count(&cell, &made)));
    }
    for (JoinHandle<void>& task : tasks) {
      EXPECT_TRUE(runtime->block_on(std::move(task)).has_value());
    }
    EXPECT_EQ(made, 1);
  }
}

TEST(Lazy, MakesItsValueWhenAsked) {
  int calls = 0;
  Lazy of_task([&calls]() -> Task<int> {
    ++calls;
    co_return 42;
  });
  Lazy of_value([] { return 1; });
  WakeCounter waker;
  EXPECT_EQ(of_task.get_if_made(), nullptr);
  for (int i = 0; i < 3; ++i) {
    Task<int&> get = of_task.get();
    EXPECT_EQ(*get.poll(waker.context()), 42);
  }
  EXPECT_EQ(calls, 1);
  Task<int&> get = of_value.get();
  EXPECT_EQ(*get.poll(waker.context()), 1);
}

}  // namespace
}  // namespace eddy::sync
