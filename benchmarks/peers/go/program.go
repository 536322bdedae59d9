package main

// What makes a Go program one that benchmarks/compare can run; the contract is
// in benchmarks/README.md.

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type arguments struct {
	bench, runtime string
	workers, tasks int
}

// What one repetition gave: a time, or a figure of another kind.
type measured struct {
	ops       int
	wall, cpu time.Duration
	value     float64
	unit      string // empty: there is no value
}

type entry struct {
	suite, bench string
	run          func(arguments) measured
	usualTasks   int // 0: the size is fixed, and --tasks an error
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}

// Ends the program if truth is false: the workload has a wrong result.
func expect(truth bool, what string) {
	if !truth {
		fail("wrong result: %s", what)
	}
}

func processCPU() time.Duration {
	var usage syscall.Rusage
	expect(syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil, "getrusage")
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Bytes of memory that the process has in RAM.
func residentBytes() int {
	statm, err := os.ReadFile("/proc/self/statm")
	expect(err == nil, "/proc/self/statm")
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	expect(err == nil, "/proc/self/statm")
	return pages * os.Getpagesize()
}

// Runs from its start.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func start() stopwatch { return stopwatch{time.Now(), processCPU()} }

func (s stopwatch) stop(ops int) measured {
	return measured{ops: ops, wall: time.Since(s.wall), cpu: processCPU() - s.cpu}
}

// Times calls of round, of ops operations each, after a tenth as many that are
// not timed, and at least one.
func timeRounds(rounds, ops int, round func()) measured {
	for i := 0; i < rounds/10+1; i++ {
		round()
	}
	watch := start()
	for i := 0; i < rounds; i++ {
		round()
	}
	return watch.stop(rounds * ops)
}

// As many rounds of ops operations as make goal of them, and at least one.
func roundsFor(goal, ops int) int {
	if goal < ops {
		return 1
	}
	return goal / ops
}

func parseCount(option, text string) int {
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 {
		fail("%s takes a number from 1, not %s", option, text)
	}
	return count
}

func parse(words []string) arguments {
	parsed := arguments{workers: 1}
	for _, word := range words {
		option, value, _ := strings.Cut(word, "=")
		switch option {
		case "--bench":
			parsed.bench = value
		case "--runtime":
			parsed.runtime = value
		case "--workers":
			parsed.workers = parseCount(option, value)
		case "--tasks":
			parsed.tasks = parseCount(option, value)
		default:
			fail("unknown argument %s", word)
		}
	}
	return parsed
}

func (m measured) print(of arguments) {
	fmt.Printf(`{"bench": "%s", "runtime": "%s"`, of.bench, of.runtime)
	if m.unit != "" {
		fmt.Printf(`, "value": %.3f, "unit": "%s"`, m.value, m.unit)
	}
	if m.ops > 0 {
		fmt.Printf(`, "ops": %d, "wall_ns": %d, "cpu_ns": %d`,
			m.ops, m.wall.Nanoseconds(), m.cpu.Nanoseconds())
	}
	fmt.Println("}")
}

// One repetition of one entry, or a list of them.
func runProgram(entries []entry) {
	if len(os.Args) == 2 && os.Args[1] == "--list" {
		for _, e := range entries {
			fmt.Println(e.suite, e.bench, "go")
		}
		return
	}
	parsed := parse(os.Args[1:])
	for _, e := range entries {
		if e.bench != parsed.bench || parsed.runtime != "go" {
			continue
		}
		if parsed.tasks == 0 {
			parsed.tasks = e.usualTasks
		} else if e.usualTasks == 0 {
			fail("%s takes no --tasks", e.bench)
		}
		e.run(parsed).print(parsed)
		return
	}
	fail("no bench '%s' of runtime '%s' here; --list names those that there are",
		parsed.bench, parsed.runtime)
}
