// Connects as many streams as asked for, some at a time: each batch has been
// served once before the next one, so that the server's backlog does not
// overflow, which would cost a second.
#ifndef EDDY_BENCHMARKS_NET_CONNECT_H_
#define EDDY_BENCHMARKS_NET_CONNECT_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "benchmarks/net/closed_loop.h"

namespace eddy::benchmarks::net {

// `make(i)` connects the ith stream.
template <class Make>
auto connect_streams(std::size_t count, Make make) {
  constexpr std::size_t kBatch = 256;
  using Stream = decltype(make(std::size_t{0}));
  std::vector<Stream> streams;
  streams.reserve(count);
  while (streams.size() < count) {
    const std::size_t first = streams.size();
    const std::size_t last = std::min(count, first + kBatch);
    for (std::size_t i = first; i < last; ++i) streams.push_back(make(i));
    ClosedLoop<Stream>(std::span(streams).subspan(first)).run_once();
  }
  return streams;
}

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_CONNECT_H_
