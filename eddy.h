// eddy: an asynchronous runtime for C++20 on Linux. This header is all of it;
// each part has a header of its own as well.
//
//   #include "eddy/eddy.h"
//
//   eddy::Task<int> answer() {
//     co_await eddy::time::sleep(std::chrono::milliseconds(10));
//     co_return 42;
//   }
//
//   int main() {
//     auto runtime = eddy::Builder::multi_thread().build();
//     return runtime->block_on(answer()) == 42 ? 0 : 1;
//   }
#ifndef EDDY_EDDY_H_
#define EDDY_EDDY_H_

// Futures and tasks.
#include "runtime/task/cancel_safe.h"
#include "runtime/task/future.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/poll.h"
#include "runtime/task/task.h"
#include "runtime/task/task_local.h"
#include "runtime/task/waker.h"
#include "runtime/task/yield.h"

// The runtime.
#include "runtime/base/status.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/handle.h"
#include "runtime/metrics.h"
#include "runtime/runtime.h"
#include "runtime/scheduler/block_in_place.h"
#include "runtime/spawn.h"

// Several futures in one task.
#include "runtime/combinators/join.h"
#include "runtime/combinators/join_all.h"
#include "runtime/combinators/select.h"
#include "runtime/combinators/select_all.h"
#include "runtime/combinators/try_join.h"

// Groups of tasks, and how they end.
#include "runtime/groups/graceful.h"
#include "runtime/groups/join_map.h"
#include "runtime/groups/join_set.h"
#include "runtime/groups/scope.h"
#include "runtime/groups/task_tracker.h"

// Streams.
#include "runtime/streams/buffered.h"
#include "runtime/streams/combine.h"
#include "runtime/streams/consume.h"
#include "runtime/streams/futures_unordered.h"
#include "runtime/streams/generator.h"
#include "runtime/streams/slice.h"
#include "runtime/streams/sources.h"
#include "runtime/streams/stream.h"
#include "runtime/streams/stream_map.h"
#include "runtime/streams/timed.h"
#include "runtime/streams/transform.h"

// Parallel work in one task.
#include "runtime/fork_join/fork_join.h"
#include "runtime/fork_join/fork_join_each.h"
#include "runtime/fork_join/parallel_for.h"

// What tasks tell each other with.
#include "sync/barrier.h"
#include "sync/broadcast.h"
#include "sync/cancellation_token.h"
#include "sync/event.h"
#include "sync/latch.h"
#include "sync/lazy.h"
#include "sync/mpmc.h"
#include "sync/mpsc.h"
#include "sync/mutex.h"
#include "sync/notify.h"
#include "sync/once_cell.h"
#include "sync/oneshot.h"
#include "sync/rwlock.h"
#include "sync/semaphore.h"
#include "sync/watch.h"

// Time.
#include "runtime/time/delay_queue.h"
#include "runtime/time/interval.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"

// Files and folders.
#include "io/fs/file.h"
#include "io/fs/fs.h"
#include "io/fs/send_file.h"
#include "io/fs/temporary.h"

// TCP and signals.
#include "io/net/resolve.h"
#include "io/net/socket_addr.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_split.h"
#include "io/net/tcp_stream.h"
#include "io/net/udp_socket.h"
#include "io/read_exact.h"
#include "io/signal/signals.h"
#include "io/write_all.h"

#endif  // EDDY_EDDY_H_
