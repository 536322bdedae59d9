// Row E3: Notify, Mutex, RwLock and oneshot against models of what their headers
// say. The other channels and the semaphore have such a test in their own files.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "runtime/base/random.h"
#include "sync/mutex.h"
#include "sync/notify.h"
#include "sync/oneshot.h"
#include "sync/rwlock.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

constexpr int kRuns = 500, kSteps = 300, kActors = 4;

// One who waits, and how the model sees it.
template <class Wait, class State>
struct Actor {
  WakeCounter waker;
  std::optional<Wait> wait;
  State state{};
  int wakes = 0;

  void wake(State to) {
    state = to;
    ++wakes;
  }
  bool poll() { return wait->poll(waker.context()).is_ready(); }
};

// --- Notify -----------------------------------------------------------------

enum class Notice { kNone, kNew, kWaiting, kHasPermit, kIsDue };
using Listener = Actor<Notify::Notified, Notice>;

struct NotifyModel {
  Listener actors[kActors];
  std::deque<Listener*> queue;
  bool has_permit = false;

  void notify(bool last) {
    if (queue.empty()) {
      has_permit = true;
      return;
    }
    Listener* served = last ? queue.back() : queue.front();
    std::erase(queue, served);
    served->wake(Notice::kHasPermit);
  }
  void notify_all() {
    for (Listener& actor : actors) {
      if (actor.state == Notice::kNew) actor.state = Notice::kIsDue;
    }
    for (Listener* waiting : std::exchange(queue, {})) {
      waiting->wake(Notice::kIsDue);
    }
  }
  // Of poll() and enable(): it may end.
  bool take(Listener& actor) {
    if (actor.state == Notice::kNew) {
      if (std::exchange(has_permit, false)) {
        actor.state = Notice::kHasPermit;
      } else {
        actor.state = Notice::kWaiting;
        queue.push_back(&actor);
      }
    }
    return actor.state != Notice::kWaiting;
  }
  void drop(Listener& actor) {
    const Notice state = std::exchange(actor.state, Notice::kNone);
    if (state == Notice::kWaiting) std::erase(queue, &actor);
    if (state == Notice::kHasPermit) notify(/*last=*/false);
  }
};

TEST(NotifyModel, Agrees) {
  base::Random random(testing::stress_seed());
  for (int run = 0; run < kRuns; ++run) {
    Notify notify;
    NotifyModel model;
    for (int step = 0; step < kSteps; ++step) {
      Listener& actor = model.actors[random.below(kActors)];
      const bool has_wait = actor.wait.has_value();
      switch (random.below(8)) {
        case 0:
          notify.notify_one();
          model.notify(/*last=*/false);
          break;
        case 1:
          notify.notify_last();
          model.notify(/*last=*/true);
          break;
        case 2:
          if (random.below(3) != 0) break;
          notify.notify_waiters();
          model.notify_all();
          break;
        case 3:
          if (!has_wait) break;
          actor.wait.reset();
          model.drop(actor);
          break;
        case 4:
          if (!has_wait) break;
          ASSERT_EQ(actor.wait->enable(), model.take(actor));
          // Who waits unpolled has no waker: let the next poll bring it.
          if (actor.state == Notice::kWaiting) {
            ASSERT_FALSE(actor.poll());
          }
          break;
        default:
          if (!has_wait) {
            actor.wait.emplace(notify.notified());
            actor.state = Notice::kNew;
            break;
          }
          const bool is_ready = actor.poll();
          ASSERT_EQ(is_ready, model.take(actor));
          if (!is_ready) break;
          actor.state = Notice::kNone;  // it hands on nothing
          actor.wait.reset();
      }
      for (Listener& each : model.actors) {
        ASSERT_EQ(each.waker.wakes(), each.wakes);
      }
    }
    for (Listener& each : model.actors) each.wait.reset();
  }
}

// --- Mutex ------------------------------------------------------------------

enum class Place { kNone, kWaiting, kWoken, kNext, kGranted };
using Locker = Actor<Mutex<int>::Lock, Place>;

// Up to the first in the queue being woken, others may pass; then not.
struct MutexModel {
  Locker actors[kActors];
  std::deque<Locker*> queue;
  bool is_locked = false;

  bool is_reserved() const {
    return !queue.empty() && queue.front()->state == Place::kNext;
  }
  void unlock() {
    is_locked = false;
    if (queue.empty()) return;
    Locker* first = queue.front();
    if (first->state == Place::kNext) {
      queue.pop_front();
      is_locked = true;
      first->wake(Place::kGranted);
    } else if (first->state == Place::kWaiting) {
      first->wake(Place::kWoken);
    }
  }
  bool poll(Locker& actor) {
    if (actor.state == Place::kGranted) return true;
    if (actor.state == Place::kNone && !is_locked && !is_reserved()) {
      return is_locked = true;
    }
    if (actor.state == Place::kNone) {
      actor.state = Place::kWaiting;
      queue.push_back(&actor);
    } else if (actor.state == Place::kWoken) {
      if (!is_locked) {
        queue.pop_front();
        return is_locked = true;
      }
      actor.state = Place::kNext;
    }
    return false;
  }
  void drop(Locker& actor) {
    const Place state = std::exchange(actor.state, Place::kNone);
    if (state == Place::kGranted) {
      unlock();
    } else if (state != Place::kNone) {
      std::erase(queue, &actor);
    }
    if (state == Place::kWoken && !queue.empty()) {
      queue.front()->wake(Place::kWoken);
    }
  }
};

TEST(MutexModel, Agrees) {
  base::Random random(testing::stress_seed());
  for (int run = 0; run < kRuns; ++run) {
    Mutex<int> mutex;
    MutexModel model;
    std::optional<Mutex<int>::Guard> guard;
    for (int step = 0; step < kSteps; ++step) {
      Locker& actor = model.actors[random.below(kActors)];
      switch (random.below(5)) {
        case 0:
          if (!guard.has_value()) break;
          guard.reset();
          model.unlock();
          break;
        case 1: {
          const bool is_free = !model.is_locked && model.queue.empty();
          auto tried = mutex.try_lock();
          ASSERT_EQ(tried.has_value(), is_free);
          if (!is_free) break;
          model.is_locked = true;
          guard = std::move(tried);
          break;
        }
        case 2:
          if (!actor.wait.has_value()) break;
          actor.wait.reset();
          model.drop(actor);
          break;
        default:
          if (!actor.wait.has_value()) actor.wait.emplace(mutex.lock());
          auto polled = actor.wait->poll(actor.waker.context());
          ASSERT_EQ(polled.is_ready(), model.poll(actor));
          if (polled.is_pending()) break;
          ASSERT_FALSE(guard.has_value()) << "two have the lock";
          guard.emplace(*std::move(polled));
          actor.state = Place::kNone;
          actor.wait.reset();
      }
      for (Locker& each : model.actors) {
        ASSERT_EQ(each.waker.wakes(), each.wakes);
      }
    }
    for (Locker& each : model.actors) each.wait.reset();
  }
}

// --- RwLock -----------------------------------------------------------------

enum class Turn { kNone, kWaiting, kGranted };
struct Visitor {
  WakeCounter waker;
  std::optional<RwLock<int>::Read> read;
  std::optional<RwLock<int>::Write> write;
  std::optional<RwLock<int>::ReadGuard> reading;
  std::optional<RwLock<int>::WriteGuard> writing;
  Turn turn = Turn::kNone;
  int wakes = 0;

  bool has_guard() const { return reading || writing; }
  bool has_wait() const { return read || write; }
  bool writes() const { return write || writing; }
  void drop_wait() {
    read.reset();
    write.reset();
    turn = Turn::kNone;
  }
};

struct RwLockModel {
  Visitor actors[kActors];
  std::deque<Visitor*> queue;
  int readers = 0;
  bool has_writer = false;

  bool admits(bool writer) const {
    return !has_writer && (!writer || readers == 0);
  }
  void enter(bool writer) {
    writer ? void(has_writer = true) : void(++readers);
  }
  void leave(bool writer) {
    writer ? void(has_writer = false) : void(--readers);
    admit_next();
  }
  void admit_next() {
    while (!queue.empty() && admits(queue.front()->write.has_value())) {
      Visitor* next = queue.front();
      queue.pop_front();
      enter(next->write.has_value());
      next->turn = Turn::kGranted;
      ++next->wakes;
    }
  }
  bool poll(Visitor& actor) {
    if (actor.turn == Turn::kGranted) return true;
    if (actor.turn == Turn::kWaiting) return false;
    if (queue.empty() && admits(actor.write.has_value())) {
      enter(actor.write.has_value());
      return true;
    }
    actor.turn = Turn::kWaiting;
    queue.push_back(&actor);
    return false;
  }
  // Before its wait is destroyed.
  void drop(Visitor& actor) {
    if (actor.turn == Turn::kGranted) leave(actor.write.has_value());
    if (actor.turn == Turn::kWaiting) {
      std::erase(queue, &actor);
      admit_next();
    }
  }
};

// Makes a wait if there is none, and polls it.
void visit(RwLock<int>& lock, RwLockModel& model, Visitor& actor, bool writes) {
  if (!actor.has_wait()) {
    writes ? void(actor.write.emplace(lock.write()))
           : void(actor.read.emplace(lock.read()));
  }
  const bool expected = model.poll(actor);
  if (actor.write) {
    auto polled = actor.write->poll(actor.waker.context());
    ASSERT_EQ(polled.is_ready(), expected);
    if (expected) actor.writing.emplace(*std::move(polled));
  } else {
    auto polled = actor.read->poll(actor.waker.context());
    ASSERT_EQ(polled.is_ready(), expected);
    if (expected) actor.reading.emplace(*std::move(polled));
  }
  if (expected) actor.drop_wait();
}

TEST(RwLockModel, Agrees) {
  base::Random random(testing::stress_seed());
  for (int run = 0; run < kRuns; ++run) {
    RwLock<int> lock;
    RwLockModel model;
    for (int step = 0; step < kSteps; ++step) {
      Visitor& actor = model.actors[random.below(kActors)];
      if (actor.has_guard()) {
        if (actor.writing && random.below(3) == 0) {
          actor.reading.emplace(std::move(*actor.writing).downgrade());
          actor.writing.reset();
          model.has_writer = false;
          ++model.readers;
          model.admit_next();
        } else if (random.below(2) == 0) {
          const bool writes = actor.writes();
          actor.reading.reset();
          actor.writing.reset();
          model.leave(writes);
        }
      } else if (actor.has_wait() && random.below(4) == 0) {
        model.drop(actor);
        actor.drop_wait();
      } else {
        visit(lock, model, actor, /*writes=*/random.below(2) == 0);
        if (HasFatalFailure()) return;
      }
      ASSERT_EQ(lock.try_read().has_value(),
                model.queue.empty() && model.admits(/*writer=*/false));
      for (Visitor& each : model.actors) {
        ASSERT_EQ(each.waker.wakes(), each.wakes);
      }
    }
    for (Visitor& each : model.actors) {
      each.drop_wait();
      each.reading.reset();
      each.writing.reset();
    }
  }
}

// --- oneshot ----------------------------------------------------------------

TEST(OneshotModel, Agrees) {
  base::Random random(testing::stress_seed());
  for (int run = 0; run < 20 * kRuns; ++run) {
    WakeCounter waker;
    oneshot::Ends<int> ends = oneshot::create<int>();
    std::optional<oneshot::Sender<int>> sender(std::move(ends.sender));
    std::optional<oneshot::Receiver<int>> receiver(std::move(ends.receiver));
    bool is_sent = false, is_closed = false, is_waiting = false;
    int wakes = 0;
    auto end_sender = [&] {
      sender.reset();
      wakes += std::exchange(is_waiting, false) ? 1 : 0;
    };
    for (int step = 0; step < 8; ++step) {
      switch (random.below(6)) {
        case 0:
          if (!sender.has_value()) break;
          is_sent = std::move(*sender).send(int{run});
          ASSERT_EQ(is_sent, !is_closed);
          end_sender();
          break;
        case 1:
          if (random.below(3) == 0) end_sender();
          break;
        case 2:
          if (random.below(3) != 0 || !receiver.has_value()) break;
          if (random.below(2) == 0) {
            wakes += is_waiting && sender.has_value() && !is_closed;
            receiver->close();
          } else {
            receiver.reset();
          }
          is_closed = is_closed || sender.has_value();
          is_waiting = false;
          break;
        default:
          if (!receiver.has_value()) break;
          const bool tries = random.below(2) == 0;
          auto polled =
              tries ? receiver->try_recv() : receiver->poll(waker.context());
          ASSERT_EQ(polled.is_ready(), !sender.has_value() || is_closed);
          is_waiting |= polled.is_pending() && !tries;
          if (polled.is_pending()) break;
          ASSERT_EQ(*polled, is_sent ? std::optional(run) : std::nullopt);
          receiver.reset();
      }
      ASSERT_EQ(waker.wakes(), wakes);
      if (sender.has_value()) {
        ASSERT_EQ(sender->is_closed(), is_closed);
      }
    }
  }
}

}  // namespace
}  // namespace eddy::sync
