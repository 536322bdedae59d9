#include "runtime/groups/member_list.h"

namespace eddy::groups {

void Member::wake() noexcept { list_->deliver(*this); }

void MemberList::add(Member& member, task::Header& task) {
  member.task_ = &task;
  member.list_ = this;
  member.next_ = all_;
  if (all_ != nullptr) all_->prev_ = &member;
  all_ = &member;
  ++size_;
  ++launched_;
  const Waker waker = Waker::adopt(&member);
  (void)task.poll_join(waker);  // it has not begun
  task.launch();
}

// After complete(): the lock carries on what [done] brought.
void MemberList::deliver(Member& member) {
  Waker owner;
  bool is_closed, is_last;
  {
    base::MutexLock lock(&mutex_);
    is_closed = expected_ != kOpen;
    is_last = ++delivered_ == expected_;
    if (!is_closed) {
      *complete_end_ = &member;
      complete_end_ = &member.next_complete_;
      owner = std::move(owner_);
    }
  }
  // If it is open *this may be gone: the owner may have taken, and closed.
  if (is_closed) member.task_->detach();
  std::move(owner).wake();
  if (is_last) delete this;
}

Member* MemberList::take() {
  if (taken_ == nullptr) {
    base::MutexLock lock(&mutex_);
    taken_ = std::exchange(complete_, nullptr);
    complete_end_ = &complete_;
  }
  Member* const member = taken_;
  if (member == nullptr) return nullptr;
  taken_ = member->next_complete_;
  (member->prev_ != nullptr ? member->prev_->next_ : all_) = member->next_;
  if (member->next_ != nullptr) member->next_->prev_ = member->prev_;
  --size_;
  return member;
}

Poll<Member*> MemberList::poll_take(Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  Member* member = take();
  if (member == nullptr && size_ > 0) {
    if (!wait(cx.waker())) return kPending;
    member = take();
  }
  cx.spend();
  return member;
}

// False if the owner will be woken; true if something was delivered meanwhile.
bool MemberList::wait(const Waker& waker) {
  Waker old;  // ends after the lock
  base::MutexLock lock(&mutex_);
  if (complete_ != nullptr) return true;
  if (!owner_.will_wake(waker)) old = std::exchange(owner_, waker);
  return false;
}

void MemberList::forget_owner() {
  Waker old;  // ends after the lock
  base::MutexLock lock(&mutex_);
  old = std::move(owner_);
}

void MemberList::abort_all() {
  for (Member* member = all_; member != nullptr; member = member->next_) {
    member->task_->abort();
  }
}

void MemberList::close() {
  Waker old;
  Member* const taken = taken_;
  Member* complete;
  bool is_last;
  {
    base::MutexLock lock(&mutex_);
    expected_ = launched_;
    is_last = delivered_ == expected_;
    complete = complete_;
    old = std::move(owner_);
  }
  // Unless it is ours to free, it may be gone.
  detach(taken);
  detach(complete);
  if (is_last) delete this;
}

void MemberList::detach(Member* complete) {
  while (complete != nullptr) {
    std::exchange(complete, complete->next_complete_)->task_->detach();
  }
}

}  // namespace eddy::groups
