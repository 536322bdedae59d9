#include "tests/examples/http_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace eddy::examples::http {

HttpClient::HttpClient(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // The last net under a hang.
  const timeval patience = {.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0) {
    fd_ = fd;
  } else {
    ::close(fd);
  }
}

HttpClient::~HttpClient() {
  if (fd_ >= 0) ::close(fd_);
}

void HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return;  // the server has ended: receive() shows what it said
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool HttpClient::read_more() {
  std::array<char, 4096> buffer;
  const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (size <= 0) return false;
  received_.append(buffer.data(), static_cast<size_t>(size));
  return true;
}

HttpClient::Response HttpClient::receive(bool head_only) {
  size_t head_end;
  while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more()) return {};
  }
  head_end += 4;
  Response response;
  response.head = received_.substr(0, head_end);
  response.status = std::atoi(response.head.c_str() + 9);  // "HTTP/1.1 200"
  size_t body_size = 0;
  constexpr std::string_view kLength = "Content-Length: ";
  const size_t length = response.head.find(kLength);
  if (!head_only && length != std::string::npos) {
    body_size = static_cast<size_t>(
        std::atoll(response.head.c_str() + length + kLength.size()));
  }
  while (received_.size() < head_end + body_size) {
    if (!read_more()) return {};
  }
  response.body = received_.substr(head_end, body_size);
  received_.erase(0, head_end + body_size);
  return response;
}

bool HttpClient::is_at_end() { return received_.empty() && !read_more(); }

}  // namespace eddy::examples::http
