// StackSampler: asks another thread where it is, by a signal.
//
// The signal is a real-time one that the process does not use: the highest
// below SIGRTMAX whose action is the default one when the first runtime asks
// for it. Its handler stays until the process ends, since a signal may be on
// its way, and would end the process otherwise. If somebody else takes the
// signal over, it is not sent any more. Threads that are asked unblock it. One
// that comes from elsewhere does nothing.
//
// There is one question at a time in the process, in one word:
//
//   from       by                            to         then
//   ---------  ----------------------------  ---------  --------------------
//   free       sample()                      claimed    writes the question
//   claimed    sample()                      asked      sends the signal
//   asked      the thread, in its handler    answering  answers
//   answering  the thread                    answered   wakes the asker
//   answered   sample()                      free       -
//   asked      sample(), when time is up     free       -
//
// So the question is there as long as somebody answers it, and a signal that
// comes late, or to another thread that has got the number of one that ended,
// finds no question for it. The word also counts the questions.
//
// Memory order: every edge is acq_rel or stronger. [ask] the question is
// written before "asked"; [answer] the answer before "answered".
//
// Threads: any.
// Errors:  no answer: a thread that has ended, is asleep in the kernel where
//          signals don't reach it, or has blocked the signal since.
// Owner:   the process.
#ifndef EDDY_RUNTIME_SCHEDULER_STACK_SAMPLER_H_
#define EDDY_RUNTIME_SCHEDULER_STACK_SAMPLER_H_

#include <sys/types.h>

#include <chrono>

namespace eddy::scheduler {

class StackSampler {
 public:
  class Question {
   public:
    // On the thread that is asked, in a signal handler: async-signal-safe.
    virtual void answer() noexcept = 0;

   protected:
    ~Question() = default;
  };

  // Before the first sample(): installs the handler.
  static void prepare();
  // This thread may be asked from now on; gives its number.
  static pid_t let_in();
  // False: there was no answer, and there will be none.
  static bool sample(pid_t thread, Question& question,
                     std::chrono::nanoseconds patience);
  // 0: there was none to be had.
  static int signal();
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_STACK_SAMPLER_H_
