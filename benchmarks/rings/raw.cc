#include "benchmarks/rings/raw.h"

#include <liburing.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "benchmarks/program/program.h"

namespace eddy::benchmarks {

void run_raw_ring(int fd, uint64_t blocks, std::size_t count, std::size_t depth,
                  bool deferred) {
  io_uring ring;
  const unsigned flags =
      deferred ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0;
  expect(io_uring_queue_init(static_cast<unsigned>(depth), &ring, flags) == 0,
         "io_uring_queue_init");
  char* const buffers =
      static_cast<char*>(std::aligned_alloc(kBlock, depth * kBlock));
  std::minstd_rand random;
  auto submit = [&](std::size_t slot) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    if (fd < 0) {
      io_uring_prep_nop(sqe);
    } else {
      io_uring_prep_read(sqe, fd, buffers + slot * kBlock, kBlock,
                         random() % blocks * kBlock);
    }
    io_uring_sqe_set_data64(sqe, slot);
  };
  std::size_t submitted = 0;
  for (; submitted < depth && submitted < count; ++submitted) submit(submitted);
  for (std::size_t done = 0; done < count;) {
    expect(io_uring_submit_and_wait(&ring, 1) >= 0, "submit");
    io_uring_cqe* cqe;
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
      expect(cqe->res == (fd < 0 ? 0 : static_cast<int>(kBlock)), "result");
      ++seen;
      if (submitted < count) {
        submit(cqe->user_data);
        ++submitted;
      }
    }
    io_uring_cq_advance(&ring, seen);
    done += seen;
  }
  std::free(buffers);
  io_uring_queue_exit(&ring);
}

}  // namespace eddy::benchmarks
