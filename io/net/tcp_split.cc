#include "io/net/tcp_split.h"

#include <sys/socket.h>

#include "io/net/socket.h"

namespace eddy::io {

absl::StatusOr<SocketAddr> ReadHalf::local_addr() const {
  return socket_->local_addr();
}
const SocketAddr& ReadHalf::peer_addr() const { return socket_->addr(); }

absl::StatusOr<SocketAddr> WriteHalf::local_addr() const {
  return socket_->local_addr();
}
const SocketAddr& WriteHalf::peer_addr() const { return socket_->addr(); }

OwnedWriteHalf& OwnedWriteHalf::operator=(OwnedWriteHalf other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(owner_, other.owner_);
  return *this;
}

OwnedWriteHalf::~OwnedWriteHalf() {
  // A peer that is lost already need not be told.
  if (owner_ != nullptr) owner_->shutdown(SHUT_WR).IgnoreError();
}

void OwnedWriteHalf::forget() && { owner_ = nullptr; }

absl::StatusOr<TcpStream> reunite(OwnedReadHalf in, OwnedWriteHalf out) {
  if (in.owner_ != out.owner_) {
    return absl::InvalidArgumentError(
        "reunite(): these are halves of two streams");
  }
  std::move(out).forget();
  return TcpStream(std::move(in.owner_));
}

}  // namespace eddy::io
