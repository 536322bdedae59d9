// Thread: an OS thread with a name and a stack size, whose creation may fail.
//
//   absl::StatusOr<Thread> thread = Thread::start(
//       {.name = "eddy-worker-0"}, [core] { core->run(); });
//
// Threads: the object belongs to one thread.
// Errors:  start() reports what pthread_create says, EAGAIN above all.
// Owner:   join() or detach() before the end; nothing is joined by surprise.
#ifndef EDDY_RUNTIME_BASE_THREAD_H_
#define EDDY_RUNTIME_BASE_THREAD_H_

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace eddy::base {

class Thread {
 public:
  struct Options {
    std::string name;            // the kernel keeps 15 bytes of it
    std::size_t stack_size = 0;  // bytes; 0: the system's default
  };

  // The least stack that start() accepts, in bytes.
  static constexpr std::size_t kMinStackSize = 128 * 1024;

  static absl::StatusOr<Thread> start(const Options& options,
                                      std::function<void()> body);

  Thread() = default;
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&& other) noexcept;
  ~Thread();

  bool joinable() const { return joinable_; }
  void join();
  void detach();
  bool is_current() const;

 private:
  explicit Thread(pthread_t id) : id_(id), joinable_(true) {}

  pthread_t id_{};
  bool joinable_ = false;
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_THREAD_H_
