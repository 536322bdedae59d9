// run_on_pool(): an operation, carried out by the blocking pool.
//
// Threads: any.
// Cancel:  a job that has not started ends the operation with -ECANCELED.
// Errors:  std::bad_alloc: then it has not begun. If the pool has no thread and
//          gets none, the operation ends with that errno.
// Owner:   the record is the pool's until it has ended.
#ifndef EDDY_REACTOR_POOL_RUN_H_
#define EDDY_REACTOR_POOL_RUN_H_

#include "reactor/operation.h"
#include "runtime/blocking/pool.h"

namespace eddy::reactor {

void run_on_pool(blocking::Pool& pool, Operation& operation);

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_POOL_RUN_H_
