#include "tests/io/net/connected.h"

#include "runtime/combinators/join.h"

namespace eddy::testing {

Task<std::pair<io::TcpStream, io::TcpStream>> connected() {
  io::TcpListener listener = listen_on_loopback();
  auto [accepted, stream] = co_await join(
      listener.accept(), io::TcpStream::connect(listener.local_addr()));
  co_return std::pair(value_of(std::move(stream)),
                      value_of(std::move(accepted)).stream);
}

}  // namespace eddy::testing
