// Property: however tasks, workers and connections interleave, each connection
// carries exactly the bytes that were written to it, in their order, also where
// reads are dropped and begun anew. The end is the end of all tasks; the
// fixture looks that no fd is left and that no task was polled without a wake.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "io/net/tcp_listener.h"
#include "io/net/tcp_split.h"
#include "io/net/tcp_stream.h"
#include "io/read_exact.h"
#include "io/write_all.h"
#include "runtime/base/random.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "tests/io/net/connected.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/stress.h"

namespace eddy::io {
namespace {

using base::Random;
using testing::listen_on_loopback;
using testing::value_of;

constexpr int kConnections = 100;
constexpr size_t kBytes = 60'000;

class TcpStress : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(TcpStress);

std::byte nth_byte(uint64_t key, size_t i) {
  return static_cast<std::byte>(((i + key) * 0x9e3779b97f4a7c15u) >> 56);
}

Task<> echo(TcpStream stream) {
  std::array<std::byte, 5000> buffer;
  for (;;) {
    const size_t count = value_of(co_await stream.read(buffer));
    if (count == 0) break;
    const absl::Status written =
        co_await write_all(stream, std::span(buffer).first(count));
    EXPECT_TRUE(written.ok()) << written;
  }
}

Task<> serve(TcpListener listener) {
  std::vector<JoinHandle<void>> echoes;
  for (int i = 0; i < kConnections; ++i) {
    Accepted accepted = value_of(co_await listener.accept());
    echoes.push_back(spawn(echo(std::move(accepted.stream))));
  }
  for (JoinHandle<void>& handle : echoes) (co_await handle).value();
}

template <class Out>
Task<> send(Out& out, uint64_t key, Random& random) {
  std::vector<std::byte> piece;
  for (size_t sent = 0; sent < kBytes;) {
    piece.resize(std::min<size_t>(1 + random() % 9000, kBytes - sent));
    for (size_t i = 0; i < piece.size(); ++i) {
      piece[i] = nth_byte(key, sent + i);
    }
    const absl::Status written = co_await write_all(out, piece);
    EXPECT_TRUE(written.ok()) << written;
    sent += piece.size();
  }
  const absl::Status ended = co_await out.shutdown();
  EXPECT_TRUE(ended.ok()) << ended;
}

// Drops one read in three as soon as it is pending.
template <class In>
Task<size_t> check(In& in, uint64_t key, Random& random) {
  std::array<std::byte, 4096> buffer;
  size_t got = 0;
  for (;;) {
    const std::span<std::byte> into =
        std::span(buffer).first(1 + random() % buffer.size());
    absl::StatusOr<size_t> read = size_t{0};
    if (random() % 3 == 0) {
      auto first = co_await select_biased(in.read(into), yield_now());
      if (first.index() == 1) continue;
      read = std::get<0>(std::move(first));
    } else {
      read = co_await in.read(into);
    }
    const size_t count = value_of(std::move(read));
    if (count == 0) co_return got;
    for (size_t i = 0; i < count; ++i) {
      if (into[i] != nth_byte(key, got + i)) co_return 0;
    }
    got += count;
  }
}

Task<size_t> talk(SocketAddr server, uint64_t seed) {
  Random write_random(seed), read_random(seed + 1);
  TcpStream stream = value_of(co_await TcpStream::connect(server));
  if (seed % 2 == 0) {
    auto [in, out] = stream.split();
    auto [nothing, got] = co_await join(send(out, seed, write_random),
                                        check(in, seed, read_random));
    co_return got;
  }
  auto [in, out] = std::move(stream).into_split();
  auto sender = spawn([](OwnedWriteHalf out, uint64_t seed) -> Task<> {
    Random random(seed);
    co_await send(out, seed, random);
  }(std::move(out), seed));
  const size_t got = co_await check(in, seed, read_random);
  (co_await sender).value();
  co_return got;
}

TEST_P(TcpStress, EveryConnectionCarriesItsBytes) {
  const uint64_t seed = testing::stress_seed();
  runtime().block_on([seed]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    const SocketAddr addr = listener.local_addr();
    auto server = spawn(serve(std::move(listener)));
    std::vector<JoinHandle<size_t>> talks;
    for (int i = 0; i < kConnections; ++i) {
      talks.push_back(spawn(talk(addr, seed + i)));
    }
    for (JoinHandle<size_t>& handle : talks) {
      const size_t got = (co_await handle).value();
      EXPECT_EQ(got, kBytes);
    }
    (co_await server).value();
  });
}

// Connections that come and go at random: the peer may be gone at any step.
TEST_P(TcpStress, ConnectionsThatEndAnywhereLeaveNothing) {
  const uint64_t seed = testing::stress_seed();
  runtime().block_on([seed]() -> Task<> {
    TcpListener listener = listen_on_loopback();
    const SocketAddr addr = listener.local_addr();
    // Ends at any error: the other end may be gone.
    auto careless = [](TcpStream stream, uint64_t seed) -> Task<> {
      Random random(seed);
      std::array<std::byte, 1000> buffer = {};
      while (random() % 8 != 0) {
        if (random() % 2 == 0) {
          const auto written = co_await stream.write(buffer);
          if (!written.ok()) break;
        } else {
          auto read = co_await select_biased(stream.read(buffer), yield_now());
          if (read.index() == 0 && !std::get<0>(read).ok()) break;
        }
      }
      if (random() % 3 == 0) {
        (void)stream.set_linger(std::chrono::seconds(0));
      }
    };
    std::vector<JoinHandle<void>> ends;
    for (int i = 0; i < 300; ++i) {
      auto [accepted, stream] =
          co_await join(listener.accept(), TcpStream::connect(addr));
      ends.push_back(
          spawn(careless(value_of(std::move(stream)), seed + 2 * i)));
      ends.push_back(spawn(
          careless(value_of(std::move(accepted)).stream, seed + 2 * i + 1)));
    }
    for (JoinHandle<void>& handle : ends) (co_await handle).value();
  });
}

}  // namespace
}  // namespace eddy::io
