// A small, fast generator for schedulers and tests: wyrand, by Wang Yi. One
// addition and one wide multiplication a number. Not for secrets.
//
//   Random random(seed);
//   Worker& victim = workers[random.below(workers.size())];
//
// Threads: one at a time. Equal seeds give equal sequences on every machine.
#ifndef EDDY_RUNTIME_BASE_RANDOM_H_
#define EDDY_RUNTIME_BASE_RANDOM_H_

#include <cstdint>

namespace eddy::base {

class Random {
 public:
  using result_type = uint64_t;  // with min(), max(): for std's algorithms

  constexpr explicit Random(uint64_t seed) : state_(seed) {}

  constexpr uint64_t operator()() {
    state_ += 0xa0761d6478bd642f;
    return fold(state_, state_ ^ 0xe7037ed1a0b428db);
  }

  // A number of 0 .. n - 1; 0 if n is 0. The top bits, scaled: no division, and
  // a bias of at most n / 2^32.
  constexpr uint32_t below(uint32_t n) {
    return static_cast<uint32_t>(((*this)() >> 32) * n >> 32);
  }

  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return UINT64_MAX; }

 private:
  static constexpr uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^
           static_cast<uint64_t>(product >> 64);
  }

  uint64_t state_;
};

// A seed that differs from one call to the next. Never fails: where the kernel
// gives no random bytes, the clock has to do.
uint64_t random_seed();

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_RANDOM_H_
