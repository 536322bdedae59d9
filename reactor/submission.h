// Submission<Op>: the future of one Operation. Its first poll hands the record
// to the ring of the runtime around it, or to the blocking pool; it is ready
// with the result, and then has the record again.
//
//   Submission read(std::make_unique<Read>(fd, std::move(buffer), offset));
//   const int64_t n = co_await read;  // the result, or the negative errno
//   if (n < 0) co_return errno_status(-n, "read");
//   co_return std::move(read.operation().buffer());
//
// The ring is not to be had (see IoUringStatus), or does not know the opcode:
// then the pool carries it out, with the same result.
//
// Threads: belongs to one task, which may move between threads.
// Cancel:  a drop before the first poll: nothing happened, and the record is
//          destroyed. Later: what has not started never will; a ring is asked
//          to cancel what has, and what a thread of the pool does goes on to
//          its end. The record lives until then, and is told to discard() its
//          result. Nothing waits.
// Errors:  the result is -ECANCELED if the runtime has shut down, and
//          -EAGAIN or the like if the pool had no thread and got none.
// Owner:   owns the record, but for the time in between. May be moved. A record
//          that was taken may be submitted once more.
#ifndef EDDY_REACTOR_SUBMISSION_H_
#define EDDY_REACTOR_SUBMISSION_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "reactor/operation.h"
#include "runtime/task/context.h"
#include "runtime/task/poll.h"

namespace eddy::context {
struct Services;
}

namespace eddy::reactor {

class Uring;

// Who carries an operation out, if it can be had.
enum class Prefer : uint8_t { kRing, kPool };

class SubmissionBase {
 public:
  using Output = int64_t;

  SubmissionBase(SubmissionBase&& other) noexcept;
  SubmissionBase& operator=(SubmissionBase&&) = delete;
  ~SubmissionBase();

  Poll<int64_t> poll(Context& cx);

 protected:
  SubmissionBase(Operation* operation, Prefer prefer);

  // The caller has it: not pending.
  Operation* operation() const;
  Operation* release();

 private:
  enum class Progress : uint8_t { kNew, kPending, kReady };

  void start();
  void drop() noexcept;
  static std::shared_ptr<Uring> ring_of_thread(
      const context::Services& services, Opcode opcode);
  static void flush_soon(Uring& uring);

  Operation* operation_;          // null after a move, or release()
  std::shared_ptr<Uring> uring_;  // that has it; null: the pool does
  const Prefer prefer_;
  Progress progress_ = Progress::kNew;
};

template <class Op>
class [[nodiscard]] Submission final : public SubmissionBase {
 public:
  explicit Submission(std::unique_ptr<Op> operation,
                      Prefer prefer = Prefer::kRing)
      : SubmissionBase(operation.release(), prefer) {}
  Submission(Submission&&) noexcept = default;

  // The record: before the first poll, and when it is ready.
  Op& operation() const {
    return static_cast<Op&>(*SubmissionBase::operation());
  }
  // Likewise, and for good.
  std::unique_ptr<Op> take() {
    return std::unique_ptr<Op>(static_cast<Op*>(release()));
  }
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_SUBMISSION_H_
