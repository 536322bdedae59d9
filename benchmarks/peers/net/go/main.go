// Go's servers in the network comparison. The protocol is that of
// benchmarks/net/protocol.h.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"net"
	"runtime"
	"strings"
	"syscall"
)

const (
	frameBytes = 64
	readBytes  = 4096
	httpAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" +
		"Content-Length: 13\r\n\r\nHello, World!"
)

func advance(state uint64, steps uint32) uint64 {
	for i := uint32(0); i < steps; i++ {
		state = (state^(state>>32))*6364136223846793005 + 1
	}
	return state
}

// work does what the frames ask for, in place.
func work(frames []byte) {
	for ; len(frames) >= frameBytes; frames = frames[frameBytes:] {
		if binary.LittleEndian.Uint64(frames) == 0 {
			continue
		}
		steps := binary.LittleEndian.Uint32(frames)
		sleepUs := binary.LittleEndian.Uint32(frames[4:])
		state := binary.LittleEndian.Uint64(frames[8:])
		binary.LittleEndian.PutUint64(frames[8:], advance(state, steps))
		if sleepUs > 0 {
			// Not time.Sleep(), which blocks the goroutine alone.
			time := syscall.NsecToTimespec(int64(sleepUs) * 1000)
			syscall.Nanosleep(&time, nil)
		}
	}
}

func echo(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, readBytes)
	for {
		size, err := peer.Read(buffer)
		if err != nil {
			return
		}
		work(buffer[:size])
		if _, err := peer.Write(buffer[:size]); err != nil {
			return
		}
	}
}

// httpRequests finds the ends of requests: of a request nothing counts but the
// empty line at its end.
type httpRequests struct {
	matched int
}

func (r *httpRequests) count(bytes []byte) int {
	const end = "\r\n\r\n"
	requests := 0
	for _, b := range bytes {
		if b != end[r.matched] {
			r.matched = 0
			if b == '\r' {
				r.matched = 1
			}
			continue
		}
		r.matched++
		if r.matched == len(end) {
			r.matched = 0
			requests++
		}
	}
	return requests
}

func http(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, readBytes)
	answer := []byte(httpAnswer)
	var requests httpRequests
	for {
		size, err := peer.Read(buffer)
		if err != nil {
			return
		}
		for n := requests.count(buffer[:size]); n > 0; n-- {
			if _, err := peer.Write(answer); err != nil {
				return
			}
		}
	}
}

func main() {
	bench := flag.String("bench", "", "")
	_ = flag.String("runtime", "go", "")
	workers := flag.Int("workers", 1, "")
	flag.Parse()
	runtime.GOMAXPROCS(*workers)
	serve := echo
	if strings.HasPrefix(*bench, "http_") {
		serve = http
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		peer, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(peer) // Go sets TCP_NODELAY by itself
	}
}
