#include "runtime/scheduler/blocked_poll.h"

#include "absl/strings/str_cat.h"

namespace eddy {

std::string BlockedPoll::message() const {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(duration);
  std::string text =
      task == TaskId() ? "a poll" : absl::StrCat("task ", task.value());
  if (!task_name.empty()) absl::StrAppend(&text, " \"", task_name, "\"");
  absl::StrAppend(&text, " has blocked thread ", thread_name, " for ",
                  ms.count(), " ms",
                  backtrace.empty() ? ", which does not answer" : ", at");
  for (const std::string& function : backtrace) {
    absl::StrAppend(&text, "\n    ", function);
  }
  return text;
}

}  // namespace eddy
