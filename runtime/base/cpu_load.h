// CpuLoad: whether a thread that is woken now would find a CPU with nothing to
// do, as far as the kernel tells: /proc/loadavg says how many threads run, or
// would if they could.
//
//   const CpuLoad load;
//   if (load.has_idle_cpu()) ...
//
// A look costs about 2 us. It is of the whole machine, so a CPU that is idle
// may be one that this process may not use.
//
// Threads: any.
// Errors:  none: where the kernel does not tell, there is an idle CPU.
#ifndef EDDY_RUNTIME_BASE_CPU_LOAD_H_
#define EDDY_RUNTIME_BASE_CPU_LOAD_H_

namespace eddy::base {

class CpuLoad {
 public:
  CpuLoad();
  CpuLoad(const CpuLoad&) = delete;
  CpuLoad& operator=(const CpuLoad&) = delete;
  ~CpuLoad();

  bool has_idle_cpu() const;

 private:
  const long cpus_;
  int file_ = -1;
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_CPU_LOAD_H_
