// HttpClient: a blocking socket that sends what a test says, byte by byte if it
// likes, and reads responses. It uses the kernel directly, so that faults and
// counters of a test concern the server alone.
#ifndef EDDY_TESTS_EXAMPLES_HTTP_CLIENT_H_
#define EDDY_TESTS_EXAMPLES_HTTP_CLIENT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace eddy::examples::http {

class HttpClient {
 public:
  struct Response {
    int status = 0;  // 0: the connection ended before a whole response
    std::string head;
    std::string body;
  };

  // To 127.0.0.1. is_connected() is false if nobody listens.
  explicit HttpClient(uint16_t port);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  bool is_connected() const { return fd_ >= 0; }
  void send(std::string_view bytes);

  // The next response; of one to HEAD, the body is not waited for.
  Response receive(bool head_only = false);
  Response exchange(std::string_view request) {
    send(request);
    return receive();
  }

  // True if the server closes without another byte.
  bool is_at_end();

 private:
  bool read_more();

  int fd_ = -1;
  std::string received_;
};

}  // namespace eddy::examples::http

#endif  // EDDY_TESTS_EXAMPLES_HTTP_CLIENT_H_
