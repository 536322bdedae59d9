// Property: every wake of a child is followed by a poll of it that sees what
// was written before the wake, also where the poller waits with another waker
// each time; and when the poller goes first, the wakes that are still to come
// find memory that is theirs.
//
// The scaffolding adds no order of its own: counters are relaxed, letters are
// plain, and the poller polls only after its waker was called. A round ends
// when nothing is woken any more, and not when some time is over.
//
// E1, E2
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/combinators/child_set.h"
#include "tests/support/stress.h"

namespace eddy::combinators {
namespace {

using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int kWakers = 2, kChildren = 3;

// Whom the poller wants to be woken: another one for each of its polls.
class Poller final : public Wakeable {
 public:
  static Waker make_waker(std::atomic<int>& wakes) {
    return Waker::adopt(new Poller(wakes));
  }

 private:
  explicit Poller(std::atomic<int>& wakes) : letter_(1), wakes_(wakes) {}
  ~Poller() = default;

  void wake() noexcept override {
    EXPECT_EQ(letter_, 1);
    wakes_.fetch_add(1, kRelaxed);
  }
  void wake_and_release() noexcept override {
    wake();
    release();
  }
  void retain() noexcept override { references_.fetch_add(1, kRelaxed); }
  void release() noexcept override {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  int letter_;  // plain: who wakes must see it
  std::atomic<int>& wakes_;
  std::atomic<int> references_{1};
};

struct Round;

// Never ready; notes what it sees when it is polled.
class Reader {
 public:
  using Output = void;
  Reader(Round& round, int me) : round_(round), me_(me) {}
  Poll<void> poll(Context& cx);

 private:
  Round& round_;
  const int me_;
};

struct Round {
  std::atomic<int> wakes{1};  // of the poller
  std::atomic<int> wakers_left{kWakers};
  Waker wakers[kWakers][kChildren];
  // Child c < kWakers is woken by thread c alone, once: its letter is plain.
  // The last child is woken by all, many times.
  int letters[kWakers] = {};
  std::atomic<int> mail[kWakers] = {};
  int polls[kChildren] = {};
  int seen[kChildren] = {};
  int polled = 0;  // the count of wakes at the last poll
  std::optional<ChildSet> children{std::in_place};

  Round() {
    for (int i = 0; i < kChildren; ++i) {
      children->add(task::Child<Reader>(Reader(*this, i)));
    }
    run_one();
  }

  bool run_one(bool once_more = false) {
    const int now = wakes.load(kRelaxed);
    if (now == polled) return false;
    polled = now;
    poll();
    if (once_more) poll();  // another waker takes the place of the first
    return true;
  }

  void poll() {
    const Waker waker = Poller::make_waker(wakes);
    Context cx(waker);
    EXPECT_TRUE(children->poll(cx).is_pending());
    if (cx.wake_requested()) wakes.fetch_add(1, kRelaxed);
  }

  int count_mail() const {
    return mail[0].load(kRelaxed) + mail[1].load(kRelaxed);
  }
};

Poll<void> Reader::poll(Context& cx) {
  if (round_.polls[me_]++ == 0) {
    for (auto& of_thread : round_.wakers) of_thread[me_] = cx.waker();
  } else if (me_ < kWakers) {
    round_.seen[me_] = round_.letters[me_];
  }
  if (me_ == kWakers) round_.seen[me_] = round_.count_mail();
  return kPending;
}

void wake_children(Round& round, int me, Random& random) {
  const int often = 1 + static_cast<int>(random() % 8);
  for (int i = 1; i <= often; ++i) {
    round.mail[me].store(i, kRelaxed);
    round.wakers[me][kWakers].wake();
  }
  round.wakers[me][kWakers] = Waker();
  round.letters[me] = 1;
  std::move(round.wakers[me][me]).wake();
  round.wakers[me][1 - me] = Waker();
  round.wakers_left.fetch_sub(1, kRelaxed);
}

void poll_until_quiet(Round& round, int, Random& random) {
  while (round.run_one(random() % 2 == 0) ||
         round.wakers_left.load(kRelaxed) > 0) {
    std::this_thread::yield();
  }
}

TEST(WokenQueue, NoWakeIsLost) {
  static_assert(kChildren == kWakers + 1);
  Stress<Round> stress(/*rounds=*/40'000);
  stress.threads(kWakers, wake_children);
  stress.threads(1, poll_until_quiet);
  stress.run([](Round& round) {
    while (round.run_one()) {
    }
    for (int i = 0; i < kWakers; ++i) EXPECT_EQ(round.seen[i], 1);
    EXPECT_EQ(round.seen[kWakers], round.count_mail());
  });
}

// Many children, each woken once, while the poller goes.
struct DropRound {
  static constexpr int kEach = 8;  // children of each waker

  // Keeps the waker of its first poll where a thread finds it.
  class Silent {
   public:
    using Output = void;
    explicit Silent(Waker& waker) : waker_(&waker) {}
    Poll<void> poll(Context& cx) {
      if (!std::exchange(is_polled_, true)) *waker_ = cx.waker();
      return kPending;
    }

   private:
    Waker* waker_;
    bool is_polled_ = false;
  };

  std::atomic<int> wakes{0};
  Waker wakers[kWakers][kEach];
  std::optional<ChildSet> children{std::in_place};

  DropRound() {
    for (auto& of_thread : wakers) {
      for (Waker& waker : of_thread) {
        children->add(task::Child<Silent>(Silent(waker)));
      }
    }
    poll();
  }

  void poll() {
    const Waker waker = Poller::make_waker(wakes);
    Context cx(waker);
    EXPECT_TRUE(children->poll(cx).is_pending());
  }
};

TEST(WokenQueue, ThePollerMayGoWhileItsChildrenAreWoken) {
  Stress<DropRound> stress(/*rounds=*/20'000);
  stress.threads(kWakers, [](DropRound& round, int me, Random&) {
    for (Waker& waker : round.wakers[me]) std::move(waker).wake();
  });
  stress.threads(1, [](DropRound& round, int, Random& random) {
    if (random() % 2 == 0) round.poll();
    round.children.reset();
  });
  stress.run([](DropRound&) {});
}

}  // namespace
}  // namespace eddy::combinators
