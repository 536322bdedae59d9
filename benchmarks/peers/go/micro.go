package main

// The suite "micro": what spawning, waking, yielding and stealing cost. The
// benches with "remote" in their names are missing: every goroutine is inside.

import (
	"runtime"
	"sync"
	"sync/atomic"
)

var microEntries = []entry{
	{"micro", "spawn_join", spawnJoin, 1_000_000},
	{"micro", "spawn_many_local", spawnManyLocal, 10_000},
	{"micro", "yield_many", yieldMany, 200},
	{"micro", "ping_pong", pingPong, 1000},
	{"micro", "chained_spawn", chainedSpawn, 1000},
	{"micro", "skynet_spawn", skynetSpawn, 0},
	{"micro", "idle_task_bytes", idleTaskBytes, 1_000_000},
}

// A goroutine has no handle: its end is counted.
func spawnAndJoin(tasks int) {
	var all sync.WaitGroup
	all.Add(tasks)
	for i := 0; i < tasks; i++ {
		go all.Done()
	}
	all.Wait()
}

func spawnJoin(a arguments) measured {
	return timeRounds(roundsFor(1_000_000, a.tasks), a.tasks, func() {
		spawnAndJoin(a.tasks)
	})
}

func spawnManyLocal(a arguments) measured {
	return timeRounds(roundsFor(1_000_000, a.tasks), a.tasks, func() {
		var left atomic.Int64
		left.Store(int64(a.tasks))
		done := make(chan struct{})
		for i := 0; i < a.tasks; i++ {
			go func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}()
		}
		<-done
	})
}

func yieldMany(a arguments) measured {
	turns := 200_000 / a.tasks
	if turns < 5 {
		turns = 5
	}
	yields := a.tasks * turns
	return timeRounds(roundsFor(4_000_000, yields), yields, func() {
		var all sync.WaitGroup
		all.Add(a.tasks)
		for i := 0; i < a.tasks; i++ {
			go func() {
				for turn := 0; turn < turns; turn++ {
					runtime.Gosched()
				}
				all.Done()
			}()
		}
		all.Wait()
	})
}

func ping(all *sync.WaitGroup) {
	pinged := make(chan int, 1)
	ponged := make(chan int, 1)
	go func() {
		ponged <- <-pinged + 1
	}()
	pinged <- 1
	expect(<-ponged == 2, "a pong")
	all.Done()
}

func pingPong(a arguments) measured {
	return timeRounds(roundsFor(300_000, a.tasks), a.tasks, func() {
		var all sync.WaitGroup
		all.Add(a.tasks)
		go func() {
			for i := 0; i < a.tasks; i++ {
				go ping(&all)
			}
		}()
		all.Wait()
	})
}

func link(left int, done chan struct{}) {
	if left == 0 {
		close(done)
		return
	}
	go link(left-1, done)
}

func chainedSpawn(a arguments) measured {
	return timeRounds(roundsFor(1_000_000, a.tasks), a.tasks, func() {
		done := make(chan struct{})
		go link(a.tasks, done)
		<-done
	})
}

const skynetBranches = 10

func skynet(first, leaves uint64, result chan<- uint64) {
	if leaves == 1 {
		result <- first
		return
	}
	part := leaves / skynetBranches
	parts := make(chan uint64, skynetBranches)
	for i := uint64(0); i < skynetBranches; i++ {
		go skynet(first+i*part, part, parts)
	}
	sum := uint64(0)
	for i := 0; i < skynetBranches; i++ {
		sum += <-parts
	}
	result <- sum
}

func skynetSpawn(arguments) measured {
	const leaves, tasks = 1_000_000, 1_111_111
	return timeRounds(1, tasks, func() {
		result := make(chan uint64, 1)
		go skynet(0, leaves, result)
		expect(<-result == leaves*(leaves-1)/2, "the sum of skynet")
	})
}

func idleTaskBytes(a arguments) measured {
	gate := make(chan struct{})
	var waiting, ended sync.WaitGroup
	waiting.Add(a.tasks)
	ended.Add(a.tasks)
	before := residentBytes()
	for i := 0; i < a.tasks; i++ {
		go func() {
			waiting.Done()
			<-gate
			ended.Done()
		}()
	}
	waiting.Wait()
	after := residentBytes()
	close(gate)
	ended.Wait()
	return measured{
		value: float64(after-before) / float64(a.tasks), unit: "bytes"}
}
