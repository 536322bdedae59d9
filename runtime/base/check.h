// Checks that end the process and say why.
//
//   EDDY_CHECK(!inside_worker,
//              "block_on() inside a worker: use co_await, or "
//              "block_in_place()");
//   EDDY_DCHECK(old == kNotified);
//
// EDDY_CHECK is for misuse, and its message names the remedy. EDDY_DCHECK is
// for our own invariants: where NDEBUG is defined it is compiled but not
// evaluated. The message is anything that converts to std::string_view, is
// evaluated only on failure, and may be left out.
#ifndef EDDY_RUNTIME_BASE_CHECK_H_
#define EDDY_RUNTIME_BASE_CHECK_H_

#include <string_view>

namespace eddy::base {

[[noreturn]] void check_failed(const char* file, int line,
                               const char* condition,
                               std::string_view message = {});

}  // namespace eddy::base

#define EDDY_CHECK(condition, ...)                      \
  (__builtin_expect(static_cast<bool>(condition), true) \
       ? static_cast<void>(0)                           \
       : ::eddy::base::check_failed(__FILE__, __LINE__, \
                                    #condition __VA_OPT__(, ) __VA_ARGS__))

#ifdef NDEBUG
#define EDDY_DCHECK(condition, ...) \
  EDDY_CHECK(true || (condition)__VA_OPT__(, ) __VA_ARGS__)
#else
#define EDDY_DCHECK(condition, ...) \
  EDDY_CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif

#endif  // EDDY_RUNTIME_BASE_CHECK_H_
