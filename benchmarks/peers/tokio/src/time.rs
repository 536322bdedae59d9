//! The suite "time": timers that are dropped, as those of time-outs are, and
//! timers that fire.

use crate::countdown::Countdown;
use crate::make_runtime;
use crate::program::{resident_bytes, time_rounds, Arguments, Entry, Measured, Stopwatch};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::{sleep, Sleep};

pub const ENTRIES: &[Entry] = &[
    entry("timer_drop", timer_drop),
    entry("timer_drop_2", timer_drop_2),
    entry("sleeps_100k", sleeps_100k),
    entry("sleeps_late", sleeps_late),
    entry("sleep_bytes", sleep_bytes),
    entry("timer_bytes", timer_bytes),
];

const fn entry(bench: &'static str, run: fn(&Arguments) -> Measured) -> Entry {
    Entry {
        suite: "time",
        bench,
        run,
        usual_tasks: 0,
    }
}

const TIMERS: u64 = 1_000_000;

/// Makes a sleep, polls it once, and drops it.
struct PollOnce(Duration);

impl Future for PollOnce {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let sleep = sleep(self.0);
        tokio::pin!(sleep);
        Poll::Ready(sleep.poll(context).is_pending())
    }
}

async fn drop_timers() -> u64 {
    let mut pending = 0;
    for i in 0..TIMERS {
        pending += PollOnce(Duration::from_millis(10_000 + i % 1000)).await as u64;
    }
    pending
}

/// An operation is one timer of each task.
fn drop_timers_in(arguments: &Arguments, tasks: usize) -> Measured {
    let runtime = make_runtime(arguments);
    time_rounds(1, TIMERS as usize, || {
        let handles: Vec<_> = (0..tasks).map(|_| runtime.spawn(drop_timers())).collect();
        for handle in handles {
            assert_eq!(runtime.block_on(handle).unwrap(), TIMERS);
        }
    })
}

fn timer_drop(arguments: &Arguments) -> Measured {
    drop_timers_in(arguments, 1)
}

fn timer_drop_2(arguments: &Arguments) -> Measured {
    drop_timers_in(arguments, 2)
}

/// The work takes a second whoever does it: what counts is the CPU time.
fn sleeps_100k(arguments: &Arguments) -> Measured {
    const SLEEPS: u64 = 100_000;
    let runtime = make_runtime(arguments);
    let countdown = Countdown::new(SLEEPS as usize);
    let watch = Stopwatch::start();
    for i in 0..SLEEPS {
        let duration = Duration::from_millis(1 + i % 1000);
        let countdown = countdown.clone();
        runtime.spawn(async move {
            let start = Instant::now();
            sleep(duration).await;
            assert!(start.elapsed() >= duration, "a sleep ended early");
            countdown.arrive();
        });
    }
    runtime.block_on(countdown.wait());
    let mut measured = watch.stop(SLEEPS as usize);
    let cpu = measured.time.as_ref().unwrap().cpu;
    measured.figure = Some((cpu.as_secs_f64() * 1000.0, "cpu_ms"));
    measured
}

/// By how much the 99th of a hundred sleeps is late.
fn sleeps_late(arguments: &Arguments) -> Measured {
    const SLEEPS: u64 = 100_000;
    let runtime = make_runtime(arguments);
    let watch = Stopwatch::start();
    let handles: Vec<_> = (0..SLEEPS)
        .map(|i| {
            let duration = Duration::from_millis(1 + i % 1000);
            runtime.spawn(async move {
                let start = Instant::now();
                sleep(duration).await;
                start.elapsed() - duration
            })
        })
        .collect();
    let mut late: Vec<Duration> = runtime.block_on(async move {
        let mut late = Vec::new();
        for handle in handles {
            late.push(handle.await.unwrap());
        }
        late
    });
    let mut measured = watch.stop(SLEEPS as usize);
    late.sort();
    let p99 = late[late.len() * 99 / 100];
    measured.figure = Some((p99.as_secs_f64() * 1e6, "p99_us"));
    measured
}

/// Polls each of the sleeps once, which makes them live.
struct PollEach<'a>(&'a mut [Sleep]);

impl Future for PollEach<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut all_pending = true;
        for sleep in self.0.iter_mut() {
            // They stay where they are, in a vector that does not grow.
            let sleep = unsafe { Pin::new_unchecked(sleep) };
            all_pending &= sleep.poll(context).is_pending();
        }
        Poll::Ready(all_pending)
    }
}

/// Resident bytes: before, with the futures, with the timers.
fn make_sleeps(arguments: &Arguments) -> (f64, f64, f64) {
    let runtime = make_runtime(arguments);
    let work = async {
        let before = resident_bytes() as f64;
        let mut sleeps = Vec::with_capacity(TIMERS as usize);
        for i in 0..TIMERS {
            sleeps.push(sleep(Duration::from_millis(100_000 + i)));
        }
        let made = resident_bytes() as f64;
        assert!(PollEach(&mut sleeps).await, "a timer fired");
        (before, made, resident_bytes() as f64)
    };
    runtime.block_on(runtime.spawn(work)).unwrap()
}

fn sleep_bytes(arguments: &Arguments) -> Measured {
    let (before, _, live) = make_sleeps(arguments);
    Measured::figure((live - before) / TIMERS as f64, "bytes")
}

fn timer_bytes(arguments: &Arguments) -> Measured {
    let (_, made, live) = make_sleeps(arguments);
    Measured::figure((live - made) / TIMERS as f64, "bytes")
}
