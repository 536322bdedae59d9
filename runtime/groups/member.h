// Member: a task of a group, in the place where others have their name: so a
// task and its place in the group are one allocation.
//
// It is the waker of whoever joins the task: Header calls it once, when the
// task is complete. Nobody counts it, since the group holds the JOIN_INTEREST
// of the task, with its reference, until then.
//
// Threads: the group's owner, and by wake() whoever completes the task.
// Owner:   the task.
#ifndef EDDY_RUNTIME_GROUPS_MEMBER_H_
#define EDDY_RUNTIME_GROUPS_MEMBER_H_

#include <string_view>

#include "runtime/task/header.h"
#include "runtime/task/waker.h"

namespace eddy::groups {

class MemberList;

class Member : public Wakeable {
 public:
  Member() = default;
  // Before it is added.
  Member(Member&&) noexcept : Wakeable() {}

  task::Header& task() const { return *task_; }

  // As the name of its task.
  operator std::string_view() const { return {}; }

 protected:
  ~Member() = default;

 private:
  friend class MemberList;

  void wake() noexcept final;
  void wake_and_release() noexcept final { wake(); }
  void retain() noexcept final {}
  void release() noexcept final {}

  task::Header* task_ = nullptr;
  MemberList* list_ = nullptr;
  // The owner's.
  Member* next_ = nullptr;
  Member* prev_ = nullptr;
  // Of those that are complete: guarded by the list's mutex until the owner
  // takes it.
  Member* next_complete_ = nullptr;
};

}  // namespace eddy::groups

#endif  // EDDY_RUNTIME_GROUPS_MEMBER_H_
