// Small facts about machine words and memory.
#ifndef EDDY_RUNTIME_BASE_BITS_H_
#define EDDY_RUNTIME_BASE_BITS_H_

#include <cstddef>

namespace eddy::base {

// What two threads that both write must not share, in bytes.
inline constexpr std::size_t kCacheLine = 64;

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_BITS_H_
