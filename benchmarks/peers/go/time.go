package main

// The suite "time": timers that are dropped, as those of time-outs are, and
// timers that fire.

import (
	"sort"
	"sync"
	"time"
)

var timeEntries = []entry{
	{"time", "timer_drop", timerDrop, 0},
	{"time", "timer_drop_2", timerDrop2, 0},
	{"time", "sleeps_100k", sleeps, 0},
	{"time", "sleeps_late", sleepsLate, 0},
}

const timers = 1_000_000

// Makes a timer and stops it, again and again; gives how many had not fired.
func dropTimers() int {
	pending := 0
	for i := 0; i < timers; i++ {
		timer := time.NewTimer(time.Duration(10_000+i%1000) * time.Millisecond)
		if timer.Stop() {
			pending++
		}
	}
	return pending
}

// An operation is one timer of each goroutine.
func dropTimersIn(goroutines int) measured {
	return timeRounds(1, timers, func() {
		pending := make(chan int, goroutines)
		for i := 0; i < goroutines; i++ {
			go func() { pending <- dropTimers() }()
		}
		for i := 0; i < goroutines; i++ {
			expect(<-pending == timers, "a timer fired")
		}
	})
}

func timerDrop(arguments) measured  { return dropTimersIn(1) }
func timerDrop2(arguments) measured { return dropTimersIn(2) }

// The work takes a second whoever does it: what counts is the CPU time.
func sleeps(arguments) measured {
	const count = 100_000
	var all sync.WaitGroup
	all.Add(count)
	watch := start()
	for i := 0; i < count; i++ {
		duration := time.Duration(1+i%1000) * time.Millisecond
		go func() {
			begin := time.Now()
			time.Sleep(duration)
			expect(time.Since(begin) >= duration, "a sleep ended early")
			all.Done()
		}()
	}
	all.Wait()
	result := watch.stop(count)
	result.value, result.unit = float64(result.cpu.Microseconds())/1000, "cpu_ms"
	return result
}

// By how much the 99th of a hundred sleeps is late.
func sleepsLate(arguments) measured {
	const count = 100_000
	late := make([]time.Duration, count)
	var all sync.WaitGroup
	all.Add(count)
	watch := start()
	for i := 0; i < count; i++ {
		i, duration := i, time.Duration(1+i%1000)*time.Millisecond
		go func() {
			begin := time.Now()
			time.Sleep(duration)
			late[i] = time.Since(begin) - duration
			all.Done()
		}()
	}
	all.Wait()
	result := watch.stop(count)
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	p99 := late[count*99/100]
	result.value, result.unit = float64(p99.Nanoseconds())/1000, "p99_us"
	return result
}
