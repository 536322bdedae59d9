package main

import "sync"

// The rest of the suite "sync": locks, and channels of many senders. A channel
// of ten places is a semaphore; channels have bounds.

var syncChannelsEntries = []entry{
	{"sync", "mutex_1", func(arguments) measured { return lockBy(1) }, 0},
	{"sync", "mutex_100", func(arguments) measured { return lockBy(100) }, 0},
	{"sync", "rwlock_read", rwlockRead, 0},
	{"sync", "semaphore", semaphore, 0},
	{"sync", "mpsc_5p_100", func(arguments) measured { return mpsc(100) }, 0},
	{"sync", "mpsc_5p_1000", func(arguments) measured { return mpsc(1_000) }, 0},
	{"sync", "mpsc_5p_1m", func(arguments) measured { return mpsc(1_000_000) }, 0},
}

const locks = 1_000_000

// Runs `work` in so many goroutines, and waits for all.
func runGoroutines(count int, work func()) {
	var group sync.WaitGroup
	group.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			work()
			group.Done()
		}()
	}
	group.Wait()
}

func lockBy(goroutines int) measured {
	return timeRounds(1, locks, func() {
		var mutex sync.Mutex
		sum := 0
		runGoroutines(goroutines, func() {
			for i := 0; i < locks/goroutines; i++ {
				mutex.Lock()
				sum++
				mutex.Unlock()
			}
		})
		expect(sum == locks, "a sum under a mutex")
	})
}

func rwlockRead(arguments) measured {
	return timeRounds(1, locks, func() {
		var lock sync.RWMutex
		value := 1
		runGoroutines(100, func() {
			sum := 0
			for i := 0; i < locks/100; i++ {
				lock.RLock()
				sum += value
				lock.RUnlock()
			}
			expect(sum == locks/100, "what a reader adds up")
		})
	})
}

func semaphore(arguments) measured {
	return timeRounds(1, locks, func() {
		permits := make(chan struct{}, 10)
		runGoroutines(100, func() {
			for i := 0; i < locks/100; i++ {
				permits <- struct{}{}
				<-permits
			}
		})
		expect(len(permits) == 0, "the permits at the end")
	})
}

func mpsc(capacity int) measured {
	const producers, messages = 5, 1_000_000
	const each = messages / producers
	return timeRounds(1, messages, func() {
		channel := make(chan int, capacity)
		total := make(chan int)
		go func() {
			sum := 0
			for value := range channel {
				sum += value
			}
			total <- sum
		}()
		runGoroutines(producers, func() {
			for i := 0; i < each; i++ {
				channel <- i
			}
		})
		close(channel)
		expect(<-total == producers*each*(each-1)/2,
			"the sum of what was received")
	})
}
