// OperationList: records in the order in which they came, linked through
// themselves. Inbox: the same for many producers, who take no lock.
//
// Threads: a list belongs to one. Inbox: push() and empty() by any, take_all()
//          by one at a time.
// Owner:   the records are in one list at a time, and outlive their stay.
#ifndef EDDY_REACTOR_URING_OPERATION_LIST_H_
#define EDDY_REACTOR_URING_OPERATION_LIST_H_

#include <atomic>
#include <utility>

#include "reactor/operation.h"
#include "runtime/base/check.h"

namespace eddy::reactor {

class OperationList {
 public:
  OperationList() = default;
  OperationList(const OperationList&) = delete;
  OperationList& operator=(const OperationList&) = delete;
  ~OperationList() { EDDY_DCHECK(empty(), "operations were forgotten"); }

  bool empty() const { return first_ == nullptr; }
  Operation& front() const { return *first_; }

  void push_back(Operation& operation) {
    operation.next_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_) = &operation;
    last_ = &operation;
  }
  void push_front(Operation& operation) {
    operation.next_ = first_;
    if (first_ == nullptr) last_ = &operation;
    first_ = &operation;
  }
  Operation& pop_front() {
    Operation& operation = *first_;
    first_ = std::exchange(operation.next_, nullptr);
    return operation;
  }
  // Moves all of `other` behind what is here.
  void append(OperationList& other) {
    if (other.empty()) return;
    (first_ == nullptr ? first_ : last_->next_) = other.first_;
    last_ = other.last_;
    other.first_ = nullptr;
  }

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;  // if there is a first
};

// A Treiber stack, of which the consumer takes all at once, so that no pointer
// can be mistaken for another that looks the same.
//
// Memory order: seq_cst, for Uring's [combine]; [inbox] push() -> take_all(): a
// record as its producer left it.
class Inbox {
 public:
  void push(Operation& operation) {
    Operation* head = head_.load(std::memory_order_relaxed);
    do {
      operation.next_ = head;
    } while (!head_.compare_exchange_weak(head, &operation,
                                          std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  }
  bool empty() const {
    return head_.load(std::memory_order_seq_cst) == nullptr;
  }
  // In the order of their push().
  void take_all(OperationList& into) {
    Operation* newest = head_.exchange(nullptr, std::memory_order_seq_cst);
    OperationList taken;
    while (newest != nullptr) {
      taken.push_front(*std::exchange(newest, newest->next_));
    }
    into.append(taken);
  }

 private:
  std::atomic<Operation*> head_{nullptr};
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_URING_OPERATION_LIST_H_
