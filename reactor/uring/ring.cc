#include "reactor/uring/ring.h"

#include <fcntl.h>
#include <liburing.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"

namespace eddy::reactor {
namespace {

using base::sys;
using State = IoUringStatus::State;

// The numbers of operation.h are the kernel's.
static_assert(static_cast<int>(Opcode::kFsync) == IORING_OP_FSYNC);
static_assert(static_cast<int>(Opcode::kPollAdd) == IORING_OP_POLL_ADD);
static_assert(static_cast<int>(Opcode::kAccept) == IORING_OP_ACCEPT);
static_assert(static_cast<int>(Opcode::kConnect) == IORING_OP_CONNECT);
static_assert(static_cast<int>(Opcode::kFallocate) == IORING_OP_FALLOCATE);
static_assert(static_cast<int>(Opcode::kStatx) == IORING_OP_STATX);
static_assert(static_cast<int>(Opcode::kFadvise) == IORING_OP_FADVISE);
static_assert(static_cast<int>(Opcode::kOpenat2) == IORING_OP_OPENAT2);
static_assert(static_cast<int>(Opcode::kSplice) == IORING_OP_SPLICE);
static_assert(static_cast<int>(Opcode::kShutdown) == IORING_OP_SHUTDOWN);
static_assert(static_cast<int>(Opcode::kLinkat) == IORING_OP_LINKAT);

// Completions are never lost; iovecs are the kernel's once submitted; offset -1
// is where the file is.
constexpr unsigned kNeeded =
    IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS;

// EPERM has two reasons, of which the administrator wants to know.
bool is_disabled_by_sysctl() {
  const int fd =
      sys().open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  char value = '0';
  const bool read = sys().read(fd, &value, 1) == 1;
  sys().close(fd);
  return read && value != '0';
}

IoUringStatus no_ring(int error) {
  IoUringStatus status;
  status.error = error;
  switch (error) {
    case ENOSYS:
      status.state = State::kUnsupported;
      break;
    case EPERM:
    case EACCES:
      status.state =
          is_disabled_by_sysctl() ? State::kDisabled : State::kForbidden;
      break;
    default:
      status.state = State::kFailed;
  }
  return status;
}

}  // namespace

Ring::Ring() : ring_(std::make_unique<io_uring>()) { ring_->ring_fd = -1; }

Ring::~Ring() {
  if (ring_->sq.sqes != nullptr) {
    sys().munmap(ring_->sq.sqes, ring_->sq.ring_entries * sizeof(io_uring_sqe));
  }
  if (ring_->cq.ring_ptr != nullptr &&
      ring_->cq.ring_ptr != ring_->sq.ring_ptr) {
    sys().munmap(ring_->cq.ring_ptr, ring_->cq.ring_sz);
  }
  if (ring_->sq.ring_ptr != nullptr) {
    sys().munmap(ring_->sq.ring_ptr, ring_->sq.ring_sz);
  }
  if (ring_->ring_fd >= 0) sys().close(ring_->ring_fd);
}

IoUringStatus Ring::open(const IoUringOptions& options) {
  io_uring_params params = {};
  params.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
  params.cq_entries = static_cast<unsigned>(options.completions);
  do {
    ring_->ring_fd = sys().io_uring_setup(
        static_cast<unsigned>(options.submissions), &params);
  } while (ring_->ring_fd < 0 && errno == EINTR);
  if (ring_->ring_fd < 0) {
    // From before Linux 5.5, which knows neither flag.
    if (errno == EINVAL) return {.state = State::kTooOld, .error = EINVAL};
    return no_ring(errno);
  }
  if ((params.features & kNeeded) != kNeeded) return {.state = State::kTooOld};
  if (!map(params)) return no_ring(errno);
  IoUringStatus status;
  status.state = probe(status) ? State::kOk : State::kTooOld;
  return status;
}

bool Ring::map(const io_uring_params& params) {
  io_uring_sq& sq = ring_->sq;
  io_uring_cq& cq = ring_->cq;
  sq.ring_sz = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  cq.ring_sz = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  const bool is_one = (params.features & IORING_FEAT_SINGLE_MMAP) != 0;
  if (is_one) sq.ring_sz = std::max(sq.ring_sz, cq.ring_sz);
  auto map = [&](size_t size, off_t what) -> char* {
    void* at = sys().mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_POPULATE, ring_->ring_fd, what);
    return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
  };
  char* const s = map(sq.ring_sz, IORING_OFF_SQ_RING);
  if (s == nullptr) return false;
  sq.ring_ptr = s;
  char* const c = is_one ? s : map(cq.ring_sz, IORING_OFF_CQ_RING);
  if (c == nullptr) return false;
  cq.ring_ptr = c;
  char* const sqes =
      map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (sqes == nullptr) return false;

  auto word = [](char* base, unsigned offset) {
    return reinterpret_cast<unsigned*>(base + offset);
  };
  sq.khead = word(s, params.sq_off.head);
  sq.ktail = word(s, params.sq_off.tail);
  sq.kflags = word(s, params.sq_off.flags);
  sq.array = word(s, params.sq_off.array);
  sq.sqes = reinterpret_cast<io_uring_sqe*>(sqes);
  sq.ring_entries = params.sq_entries;
  sq.ring_mask = params.sq_entries - 1;
  cq.khead = word(c, params.cq_off.head);
  cq.ktail = word(c, params.cq_off.tail);
  cq.cqes = reinterpret_cast<io_uring_cqe*>(c + params.cq_off.cqes);
  cq.ring_entries = params.cq_entries;
  cq.ring_mask = params.cq_entries - 1;
  // Submissions are used in the order of their places.
  for (unsigned i = 0; i < sq.ring_entries; ++i) sq.array[i] = i;
  return true;
}

bool Ring::probe(IoUringStatus& status) {
  constexpr unsigned kOpcodes = 256;
  alignas(
      io_uring_probe) char memory[sizeof(io_uring_probe) +
                                  kOpcodes * sizeof(io_uring_probe_op)] = {};
  auto* const probe = reinterpret_cast<io_uring_probe*>(memory);
  int result;
  do {
    result = sys().io_uring_register(ring_->ring_fd, IORING_REGISTER_PROBE,
                                     probe, kOpcodes);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return false;
  for (unsigned i = 0; i < probe->ops_len; ++i) {
    const io_uring_probe_op& op = probe->ops[i];
    status.opcodes[op.op] = (op.flags & IO_URING_OP_SUPPORTED) != 0;
  }
  return status.opcodes[IORING_OP_ASYNC_CANCEL];
}

int Ring::fd() const { return ring_->ring_fd; }
uint32_t Ring::completion_entries() const { return ring_->cq.ring_entries; }

bool Ring::has_room() const { return prepared() < ring_->sq.ring_entries; }

uint32_t Ring::prepared() const {
  return ring_->sq.sqe_tail - io_uring_smp_load_acquire(ring_->sq.khead);
}

bool Ring::prepare(const Sqe& what, uint64_t ticket) {
  io_uring_sqe* const sqe = io_uring_get_sqe(ring_.get());
  if (sqe == nullptr) return false;
  std::memset(sqe, 0, sizeof(*sqe));
  sqe->opcode = static_cast<uint8_t>(what.opcode);
  sqe->flags = what.force_async ? IOSQE_ASYNC : 0;
  sqe->fd = what.fd;
  sqe->off = what.offset;
  sqe->addr = what.address;
  sqe->len = what.length;
  sqe->rw_flags = static_cast<int>(what.flags);
  sqe->splice_fd_in = static_cast<int>(what.splice_fd);
  sqe->user_data = ticket;
  return true;
}

bool Ring::prepare_cancel(uint64_t target, uint64_t ticket) {
  return prepare({.opcode = static_cast<Opcode>(IORING_OP_ASYNC_CANCEL),
                  .address = target},
                 ticket);
}

bool Ring::prepare_late_cancel(uint64_t target, uint64_t ticket,
                               uint32_t doublings, uint64_t wait_ticket) {
  // The kernel reads the time when it is handed over.
  static constexpr auto kWaits = [] {
    std::array<__kernel_timespec, 11> waits{};
    for (size_t i = 0; i < waits.size(); ++i) {
      const long long ns = (1LL << i) * 1'000'000;
      waits[i] = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    }
    return waits;
  }();
  // A queue with room for one only has no place for both.
  const uint32_t room = ring_->sq.ring_entries - prepared();
  if (room >= 2) {
    const auto& wait = kWaits[std::min<size_t>(doublings, kWaits.size() - 1)];
    (void)prepare({.opcode = static_cast<Opcode>(IORING_OP_TIMEOUT),
                   .address = Sqe::address_of(&wait),
                   .length = 1},
                  wait_ticket);
    // The cancellation begins when the wait is over, which counts as a failure.
    ring_->sq.sqes[(ring_->sq.sqe_tail - 1) & ring_->sq.ring_mask].flags |=
        IOSQE_IO_HARDLINK;
  } else if (ring_->sq.ring_entries >= 2) {
    return false;
  }
  return prepare_cancel(target, ticket);
}

int Ring::submit() {
  io_uring_smp_store_release(ring_->sq.ktail, ring_->sq.sqe_tail);
  const int taken =
      sys().io_uring_enter(ring_->ring_fd, prepared(), 0, 0, nullptr, 0);
  return taken >= 0 ? taken : -errno;
}

uint64_t Ring::retract() {
  io_uring_sq& sq = ring_->sq;
  EDDY_DCHECK(prepared() > 0);
  --sq.sqe_tail;
  // The kernel looks only while somebody submits.
  io_uring_smp_store_release(sq.ktail, sq.sqe_tail);
  return sq.sqes[sq.sqe_tail & sq.ring_mask].user_data;
}

size_t Ring::reap(std::span<Completion> into) {
  const io_uring_cq& cq = ring_->cq;
  const unsigned head = *cq.khead;
  const unsigned ready = io_uring_smp_load_acquire(cq.ktail) - head;
  const size_t count = std::min<size_t>(ready, into.size());
  for (size_t i = 0; i < count; ++i) {
    const io_uring_cqe& cqe =
        cq.cqes[(head + static_cast<unsigned>(i)) & cq.ring_mask];
    into[i] = {.ticket = cqe.user_data, .result = cqe.res};
  }
  io_uring_cq_advance(ring_.get(), static_cast<unsigned>(count));
  return count;
}

bool Ring::has_completions() const {
  return io_uring_smp_load_acquire(ring_->cq.ktail) !=
         IO_URING_READ_ONCE(*ring_->cq.khead);
}

bool Ring::has_overflow() const {
  return (IO_URING_READ_ONCE(*ring_->sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
}

void Ring::fetch(bool wait) {
  sys().io_uring_enter(ring_->ring_fd, 0, wait ? 1 : 0, IORING_ENTER_GETEVENTS,
                       nullptr, 0);
}

}  // namespace eddy::reactor
