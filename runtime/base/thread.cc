#include "runtime/base/thread.h"

#include <memory>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::base {
namespace {

struct Start {
  std::string name;
  std::function<void()> body;
};

void* run(void* argument) {
  std::unique_ptr<Start> start(static_cast<Start*>(argument));
  if (!start->name.empty()) {
    pthread_setname_np(pthread_self(), start->name.substr(0, 15).c_str());
  }
  start->body();
  return nullptr;
}

}  // namespace

absl::StatusOr<Thread> Thread::start(const Options& options,
                                     std::function<void()> body) {
  auto start = std::make_unique<Start>(Start{options.name, std::move(body)});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int error = 0;
  if (options.stack_size != 0) {
    error = pthread_attr_setstacksize(&attributes, options.stack_size);
  }
  pthread_t id{};
  if (error == 0) {
    error = sys().pthread_create(&id, &attributes, run, start.get());
  }
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    return errno_status(error, "creating thread " + options.name);
  }
  start.release();  // run() has it
  return Thread(id);
}

Thread::Thread(Thread&& other) noexcept
    : id_(other.id_), joinable_(std::exchange(other.joinable_, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  EDDY_CHECK(!joinable_, "a Thread is overwritten: join() or detach() first");
  id_ = other.id_;
  joinable_ = std::exchange(other.joinable_, false);
  return *this;
}

Thread::~Thread() {
  EDDY_CHECK(!joinable_, "a Thread is dropped: join() or detach() first");
}

void Thread::join() {
  EDDY_CHECK(std::exchange(joinable_, false), "join() of no thread");
  pthread_join(id_, nullptr);
}

void Thread::detach() {
  EDDY_CHECK(std::exchange(joinable_, false), "detach() of no thread");
  pthread_detach(id_);
}

bool Thread::is_current() const {
  return joinable_ && pthread_equal(id_, pthread_self()) != 0;
}

}  // namespace eddy::base
