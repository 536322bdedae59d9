// back_off(): what to do after another core has won an exchange.
//
//   uint64_t now = word.load(...);
//   while (!word.compare_exchange_weak(now, next_of(now), ...)) {
//     base::back_off(word);
//     now = word.load(...);
//   }
//
// Two cores that change a word in turn pay for its way between them each time,
// 150 to 200 ns, and get less done together than one of them alone, whose changes
// take 5 ns. So who has lost leaves the word to who has won for as long as that
// one goes on: until it has not changed for some two microseconds, and for eight
// times that at most. This is for words that are changed in bursts and in any
// order, and not for a lock, whose holder will soon be done.
//
// Threads: any.
#ifndef EDDY_RUNTIME_BASE_BACKOFF_H_
#define EDDY_RUNTIME_BASE_BACKOFF_H_

#include <atomic>

namespace eddy::base {

// Of a loop that waits for another core: some 30 ns.
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

template <class T>
[[gnu::noinline, gnu::cold]] void back_off(const std::atomic<T>& word) {
  constexpr int kLooks = 8, kPauses = 64;
  // relaxed: only hints.
  T seen = word.load(std::memory_order_relaxed);
  for (int look = 0; look < kLooks; ++look) {
    for (int i = 0; i < kPauses; ++i) pause();
    const T now = word.load(std::memory_order_relaxed);
    if (now == seen) return;
    seen = now;
  }
}

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_BACKOFF_H_
