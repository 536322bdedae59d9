// BlockingClass: a kind of blocking jobs of which only so many run at once, so
// that they leave threads to the others.
//
//   static const eddy::BlockingClass fsync_class("fsync", 8);
//   auto job = eddy::spawn_blocking(fsync_class, [fd] { return fsync(fd); });
//
// Copies are the same class. Each runtime that it is used in has a cap of its
// own. Jobs without a class have only max_blocking_threads.
//
// Threads: any.
// Errors:  a cap of 0 is misuse.
// Owner:   a counted reference.
#ifndef EDDY_RUNTIME_BLOCKING_BLOCKING_CLASS_H_
#define EDDY_RUNTIME_BLOCKING_BLOCKING_CLASS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "runtime/base/check.h"

namespace eddy {

class BlockingClass {
 public:
  BlockingClass(std::string name, std::size_t cap)
      : kind_(std::make_shared<const Kind>(Kind{std::move(name), cap})) {
    EDDY_CHECK(cap > 0, "a BlockingClass whose jobs may never run");
  }

  const std::string& name() const { return kind_->name; }
  std::size_t cap() const { return kind_->cap; }
  // Tells it from others, as long as a copy lives.
  const void* identity() const { return kind_.get(); }

 private:
  struct Kind {
    std::string name;
    std::size_t cap;
  };
  std::shared_ptr<const Kind> kind_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_BLOCKING_BLOCKING_CLASS_H_
