// Which sanitizer this build has: EDDY_TSAN and EDDY_ASAN are 0 or 1.
#ifndef EDDY_RUNTIME_BASE_SANITIZER_H_
#define EDDY_RUNTIME_BASE_SANITIZER_H_

#if defined(__has_feature)
#define EDDY_HAS_FEATURE(feature) __has_feature(feature)
#else
#define EDDY_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || EDDY_HAS_FEATURE(thread_sanitizer)
#define EDDY_TSAN 1
#else
#define EDDY_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__) || EDDY_HAS_FEATURE(address_sanitizer)
#define EDDY_ASAN 1
#else
#define EDDY_ASAN 0
#endif

#endif  // EDDY_RUNTIME_BASE_SANITIZER_H_
