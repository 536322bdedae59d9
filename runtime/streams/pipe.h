// Pipe: what stands behind a `|`, as in `stream | map(f) | take(3)`.
//
// A stream by value is moved into the adapter. One by lvalue is used in place,
// also if it was polled already: `numbers | take(3)` takes three items of
// `numbers`, which goes on afterwards.
//
// Threads, Owner: part of an expression.
#ifndef EDDY_RUNTIME_STREAMS_PIPE_H_
#define EDDY_RUNTIME_STREAMS_PIPE_H_

#include <utility>

#include "runtime/streams/stream.h"

namespace eddy::streams {

// make(stream) gives the adapter.
template <class Make>
class [[nodiscard]] Pipe {
 public:
  explicit Pipe(Make make) : make_(std::move(make)) {}

  template <Stream S>
  friend auto operator|(S&& stream, Pipe pipe) {
    return pipe.make_(std::forward<S>(stream));
  }

 private:
  Make make_;
};

// The pipe to Adapter<S, ...>(stream, arguments...).
template <template <class...> class Adapter, class... Arguments>
auto pipe_to(Arguments... arguments) {
  auto make = [... arguments =
                   std::move(arguments)]<Stream S>(S&& stream) mutable {
    return Adapter<S, Arguments...>(std::forward<S>(stream),
                                    std::move(arguments)...);
  };
  return Pipe<decltype(make)>(std::move(make));
}

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_PIPE_H_
