// MemberList: the tasks of a JoinSet or JoinMap: all of them, for abort_all(),
// and those that are complete, in the order of their ends.
//
// The owner launches tasks; whoever completes one delivers it under the lock;
// the owner takes what was delivered, many at a time. When the owner leaves,
// the list stays until the last of its tasks has been delivered, each of which
// then lets go of itself:
//
//   closed   by         then
//   -------  ---------  -------------------------------------------------------
//   no       deliver()  to the complete ones; wake the owner
//   no       close()    detach the complete ones
//   yes      deliver()  detach the task
//   whoever delivers or closes last frees the list
//
// Threads: the owner's, one at a time; deliver() by any.
// Owner:   of each task that was not taken, its JOIN_INTEREST.
#ifndef EDDY_RUNTIME_GROUPS_MEMBER_LIST_H_
#define EDDY_RUNTIME_GROUPS_MEMBER_LIST_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/mutex.h"
#include "runtime/groups/member.h"
#include "runtime/task/cell.h"
#include "runtime/task/future.h"

namespace eddy::groups {

class MemberList {
 public:
  // Ends by close().
  static MemberList& create() { return *new MemberList; }

  // Starts a task.
  template <class M, Future F>
  M& launch(task::Scheduler& scheduler, F future) {
    auto* cell = new task::Cell<F, M>(scheduler, std::move(future), M());
    M& member = cell->beside();
    add(member, *cell);
    return member;
  }

  std::size_t size() const { return size_; }
  // The next one in the order of completion; null if there is none, now.
  Member* take();
  // The same, or null once there is no task left.
  class TakeNext;
  TakeNext take_next();
  void abort_all();
  // The owner leaves; what is left goes on alone.
  void close();

 private:
  friend class Member;

  MemberList() = default;
  ~MemberList() = default;

  void add(Member& member, task::Header& task);
  void deliver(Member& member);
  Poll<Member*> poll_take(Context& cx);
  bool wait(const Waker& waker);
  void forget_owner();
  static void detach(Member* complete);

  // The owner's:
  Member* all_ = nullptr;
  Member* taken_ = nullptr;  // complete, out of the lock's reach
  std::size_t size_ = 0;
  uint64_t launched_ = 0;

  base::Mutex mutex_;
  Member* complete_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Member** complete_end_ ABSL_GUARDED_BY(mutex_) = &complete_;
  Waker owner_ ABSL_GUARDED_BY(mutex_);
  uint64_t delivered_ ABSL_GUARDED_BY(mutex_) = 0;
  // How many there will be, once closed.
  uint64_t expected_ ABSL_GUARDED_BY(mutex_) = kOpen;

  static constexpr uint64_t kOpen = std::numeric_limits<uint64_t>::max();
};

// A Future of Member*. Destroying it leaves nothing behind.
class [[nodiscard]] MemberList::TakeNext {
 public:
  using Output = Member*;

  explicit TakeNext(MemberList& list) : list_(list) {}
  TakeNext(TakeNext&& other) noexcept
      : list_(other.list_), waits_(std::exchange(other.waits_, false)) {}
  TakeNext& operator=(TakeNext&&) = delete;
  ~TakeNext() {
    if (waits_) list_.forget_owner();
  }

  Poll<Member*> poll(Context& cx) {
    Poll<Member*> next = list_.poll_take(cx);
    waits_ = next.is_pending();
    return next;
  }

 private:
  MemberList& list_;
  bool waits_ = false;
};

inline MemberList::TakeNext MemberList::take_next() { return TakeNext(*this); }

// The owner's end of a list.
class Members {
 public:
  Members() : list_(&MemberList::create()) {}
  Members(Members&& other) noexcept
      : list_(std::exchange(other.list_, nullptr)) {}
  Members& operator=(Members other) noexcept {
    std::swap(list_, other.list_);
    return *this;
  }
  ~Members() {  // aborts what is left
    if (list_ == nullptr) return;
    list_->abort_all();
    list_->close();
  }
  MemberList* operator->() const { return list_; }

  void detach_all() { std::exchange(list_, &MemberList::create())->close(); }

 private:
  MemberList* list_;
};

}  // namespace eddy::groups

#endif  // EDDY_RUNTIME_GROUPS_MEMBER_LIST_H_
