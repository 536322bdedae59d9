// Go's side of the comparison. The workloads are those of benchmarks/eddy, under
// the same names, as far as Go has their like: goroutines for tasks, channels
// for oneshots. GOMAXPROCS is the number of workers.
package main

import "runtime"

func main() {
	entries := append(microEntries, syncEntries...)
	entries = append(entries, syncChannelsEntries...)
	entries = append(entries, timeEntries...)
	for i := range entries {
		run := entries[i].run
		entries[i].run = func(a arguments) measured {
			runtime.GOMAXPROCS(a.workers)
			return run(a)
		}
	}
	runProgram(entries)
}
