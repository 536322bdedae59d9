package main

// The suite "sync": a channel of one place is Go's oneshot, and its permit.

var syncEntries = []entry{
	{"sync", "oneshot", oneshot, 0},
	{"sync", "notify", notify, 0},
	{"sync", "select2", select2, 0},
}

func oneshot(arguments) measured {
	const channels = 1_000_000
	return timeRounds(1, channels, func() {
		sum := 0
		for i := 0; i < channels; i++ {
			channel := make(chan int, 1)
			channel <- i
			sum += <-channel
		}
		expect(sum == channels*(channels-1)/2, "a oneshot's value")
	})
}

// Two are waited for; now the one is ready, now the other.
func select2(arguments) measured {
	const selects = 1_000_000
	return timeRounds(1, selects, func() {
		permits := [2]chan struct{}{
			make(chan struct{}, 1), make(chan struct{}, 1)}
		ofSecond := 0
		for i := 0; i < selects; i++ {
			permits[i%2] <- struct{}{}
			ready := 0
			select {
			case <-permits[0]:
			case <-permits[1]:
				ready = 1
			}
			expect(ready == i%2, "which case of select was ready")
			ofSecond += ready
		}
		expect(ofSecond == selects/2, "how often select chose the second")
	})
}

const turns = 500_000

func waitAndNotify(mine <-chan struct{}, other chan<- struct{}, done chan<- int) {
	count := 0
	for ; count < turns; count++ {
		<-mine
		other <- struct{}{}
	}
	done <- count
}

// Two goroutines that wake each other in turn.
func notify(arguments) measured {
	return timeRounds(1, 2*turns, func() {
		ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
		done := make(chan int, 2)
		go waitAndNotify(ping, pong, done)
		go waitAndNotify(pong, ping, done)
		ping <- struct{}{}
		expect(<-done+<-done == 2*turns, "how often a goroutine was notified")
	})
}
