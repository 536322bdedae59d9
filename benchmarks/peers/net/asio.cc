// Boost.Asio's server in the network comparison: coroutines on one io_context,
// which as many threads run as there are workers.

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/net/protocol.h"
#include "benchmarks/net/server.h"

namespace eddy::benchmarks::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket peer) {
  std::array<std::byte, kReadBytes> buffer;
  for (;;) {
    boost::system::error_code error;
    auto or_error = asio::redirect_error(asio::use_awaitable, error);
    const std::size_t size =
        co_await peer.async_read_some(asio::buffer(buffer), or_error);
    if (error) co_return;
    work(std::span(buffer).first(size));
    co_await asio::async_write(peer, asio::buffer(buffer, size), or_error);
    if (error) co_return;
  }
}

asio::awaitable<void> http(tcp::socket peer) {
  std::array<std::byte, kReadBytes> buffer;
  HttpRequests requests;
  for (;;) {
    boost::system::error_code error;
    auto or_error = asio::redirect_error(asio::use_awaitable, error);
    const std::size_t size =
        co_await peer.async_read_some(asio::buffer(buffer), or_error);
    if (error) co_return;
    for (auto n = requests.count(std::span(buffer).first(size)); n > 0; --n) {
      co_await asio::async_write(peer, asio::buffer(kHttpAnswer), or_error);
      if (error) co_return;
    }
  }
}

asio::awaitable<void> serve(tcp::acceptor listener, bool is_http) {
  announce(listener.local_endpoint().port());
  for (;;) {
    tcp::socket peer = co_await listener.async_accept(asio::use_awaitable);
    peer.set_option(tcp::no_delay(true));
    const auto executor = peer.get_executor();
    asio::co_spawn(executor,
                   is_http ? http(std::move(peer)) : echo(std::move(peer)),
                   asio::detached);
  }
}

void run(const ServerOptions& options) {
  const auto workers = static_cast<int>(options.workers);
  asio::io_context context(workers);
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), 0);
  asio::co_spawn(context,
                 serve(tcp::acceptor(context, endpoint), options.http()),
                 asio::detached);
  std::vector<std::jthread> threads;
  for (int i = 1; i < workers; ++i) {
    threads.emplace_back([&context] { context.run(); });
  }
  context.run();
}

}  // namespace
}  // namespace eddy::benchmarks::net

int main(int argc, char** argv) {
  using eddy::benchmarks::net::ServerOptions;
  eddy::benchmarks::net::run(ServerOptions::parse(argc, argv));
}
