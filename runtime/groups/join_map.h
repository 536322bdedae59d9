// JoinMap<Key, T>: a JoinSet whose tasks have keys.
//
//   eddy::JoinMap<std::string, Page> pages;
//   for (const std::string& url : urls) pages.spawn(url, load(url));
//   while (auto next = co_await pages.join_next()) {
//     auto& [url, page] = *next;
//     if (page.has_value()) cache(url, *std::move(page));
//   }
//
// There is at most one task of a key: the next one aborts it, and what it gives
// is dropped. A key is free again once its task was joined.
//
// Threads, Cancel, Owner: see JoinSet.
// Errors:  as of a JoinSet; the exception of a task that was replaced goes to
//          the runtime's unhandled-exception policy.
//
// Tokio's JoinMap.
#ifndef EDDY_RUNTIME_GROUPS_JOIN_MAP_H_
#define EDDY_RUNTIME_GROUPS_JOIN_MAP_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "runtime/context/current.h"
#include "runtime/groups/join_set.h"
#include "runtime/groups/member_list.h"
#include "runtime/handle.h"
#include "runtime/task/callable.h"
#include "runtime/task/future.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy {
namespace groups {

template <class Key>
class KeyedMember final : public Member {
 public:
  const Key* key = nullptr;  // in the map; null once it was replaced
};

}  // namespace groups

template <class Key, class T = void, class Hash = std::hash<Key>,
          class Equal = std::equal_to<Key>>
class JoinMap {
 public:
  class JoinNext;
  using Joined = std::pair<Key, JoinResult<T>>;

  JoinMap() {}

  // On the runtime around the caller; what eddy::spawn() takes.
  template <task::Spawnable S>
  AbortHandle spawn(Key key, S&& future) {
    return launch(context::services("JoinMap::spawn()").scheduler,
                  std::move(key), std::forward<S>(future));
  }
  // The same on another runtime, from anywhere.
  template <task::Spawnable S>
  AbortHandle spawn_on(const Handle& runtime, Key key, S&& future) {
    return launch(runtime.scheduler(), std::move(key), std::forward<S>(future));
  }

  // A Future of std::optional<std::pair<Key, JoinResult<T>>>: the next task
  // that has ended, or has yet to; empty if there is no task left.
  JoinNext join_next();
  // A task that has ended; empty if there is none, now.
  std::optional<Joined> try_join_next() {
    while (groups::Member* member = members_->take()) {
      if (std::optional<Joined> joined = join(*member)) return joined;
    }
    return std::nullopt;
  }

  // What has not been joined.
  std::size_t len() const { return tasks_.size(); }
  bool is_empty() const { return tasks_.empty(); }
  bool contains(const Key& key) const { return tasks_.contains(key); }
  // f(key), for all of them, in no order.
  template <class Function>
  void for_each_key(Function f) const {
    for (const auto& entry : tasks_) f(entry.first);
  }

  // The task of that key will be cancelled, and can be joined. False if there
  // is none.
  bool abort(const Key& key) {
    auto entry = tasks_.find(key);
    if (entry == tasks_.end()) return false;
    entry->second->task().abort();
    return true;
  }
  void abort_all() { members_->abort_all(); }
  // Aborts all tasks, and waits until they have ended, those that were replaced
  // included.
  Task<> shutdown() {
    abort_all();
    while (groups::Member* member = co_await members_->take_next()) {
      (void)join(*member);
    }
  }
  // Lets the tasks go on alone; the map is empty then.
  void detach_all() {
    tasks_.clear();
    members_.detach_all();
  }

 private:
  using Member = groups::KeyedMember<Key>;

  template <task::Spawnable S>
  AbortHandle launch(task::Scheduler& scheduler, Key key, S&& future) {
    static_assert(std::is_same_v<OutputOf<task::FutureOf<S>>, T>,
                  "JoinMap<Key, T>: a task gives something else than a T");
    // First, so that nothing has begun if it throws.
    auto entry = tasks_.try_emplace(std::move(key), nullptr).first;
    Member* member;
    try {
      member = &members_->template launch<Member>(
          scheduler, task::into_future(std::forward<S>(future)));
    } catch (...) {
      if (entry->second == nullptr) tasks_.erase(entry);
      throw;
    }
    if (entry->second != nullptr) {
      entry->second->key = nullptr;
      entry->second->task().abort();
    }
    member->key = &entry->first;
    entry->second = member;
    return AbortHandle(member->task());
  }

  // Empty if the task was replaced.
  std::optional<Joined> join(groups::Member& member) {
    const Key* const key = static_cast<Member&>(member).key;
    if (key == nullptr) {
      JoinHandle<T>(member.task()).detach();
      return std::nullopt;
    }
    auto entry = tasks_.extract(*key);
    return std::optional<Joined>(std::in_place, std::move(entry.key()),
                                 groups::take_outcome<T>(member));
  }

  std::unordered_map<Key, Member*, Hash, Equal> tasks_;
  groups::Members members_;
};

template <class Key, class T, class Hash, class Equal>
class [[nodiscard]] JoinMap<Key, T, Hash, Equal>::JoinNext {
 public:
  using Output = std::optional<Joined>;

  explicit JoinNext(JoinMap& map)
      : map_(map), next_(map.members_->take_next()) {}

  Poll<Output> poll(Context& cx) {
    while (!map_.is_empty()) {
      Poll<groups::Member*> next = next_.poll(cx);
      if (next.is_pending()) return kPending;
      if (Output joined = map_.join(**next)) return joined;
    }
    return Output(std::nullopt);
  }

 private:
  JoinMap& map_;
  groups::MemberList::TakeNext next_;
};

template <class Key, class T, class Hash, class Equal>
typename JoinMap<Key, T, Hash, Equal>::JoinNext
JoinMap<Key, T, Hash, Equal>::join_next() {
  return JoinNext(*this);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_GROUPS_JOIN_MAP_H_
