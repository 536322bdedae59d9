// Puts another table of system calls in place, for as long as it lives.
//
//   static SysTable table = kProductionSysTable;
//   table.getrandom = no_randomness;
//   ScopedSysTable scoped(&table);
//
// Threads that run may still be inside a call of the old table afterwards, so
// a table is static, or outlives them in another way. FaultInjector is the
// comfortable way to do this.
#ifndef EDDY_TESTS_SUPPORT_SCOPED_SYS_TABLE_H_
#define EDDY_TESTS_SUPPORT_SCOPED_SYS_TABLE_H_

#include "runtime/base/sys.h"

namespace eddy::testing {

class ScopedSysTable {
 public:
  explicit ScopedSysTable(const base::SysTable* table)
      // [table] release
      : before_(base::sys_table.exchange(table, std::memory_order_acq_rel)) {}
  ScopedSysTable(const ScopedSysTable&) = delete;
  ScopedSysTable& operator=(const ScopedSysTable&) = delete;
  ~ScopedSysTable() {
    base::sys_table.store(before_, std::memory_order_release);
  }

 private:
  const base::SysTable* before_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_SCOPED_SYS_TABLE_H_
