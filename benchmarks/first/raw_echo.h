// RawEcho: the least that an echo server can do on one thread: epoll, recv,
// send. What a runtime costs is measured against it.
#ifndef EDDY_BENCHMARKS_FIRST_RAW_ECHO_H_
#define EDDY_BENCHMARKS_FIRST_RAW_ECHO_H_

#include <cstdint>
#include <set>

namespace eddy::benchmarks {

class RawEcho {
 public:
  RawEcho();
  RawEcho(const RawEcho&) = delete;
  RawEcho& operator=(const RawEcho&) = delete;
  ~RawEcho();

  uint16_t port() const { return port_; }
  // Serves until stop(), which any thread may call.
  void run();
  void stop();

 private:
  void add(int fd, uint32_t events);
  void accept_one();
  void echo(int fd);

  int epoll_ = -1;
  int listener_ = -1;
  int stop_ = -1;  // an eventfd
  uint16_t port_ = 0;
  std::set<int> peers_;
};

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_FIRST_RAW_ECHO_H_
