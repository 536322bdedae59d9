//! The suite "blocking": jobs for the pool of threads that may block.

use crate::{builder_of, make_runtime};
use crate::program::{Arguments, Entry, Measured, Stopwatch};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;

pub const ENTRIES: &[Entry] = &[
    entry("blocking_batch", blocking_batch),
    entry("blocking_roundtrip", blocking_roundtrip),
    entry("blocking_roundtrip_p50", blocking_roundtrip_p50),
    entry("blocking_sleep_512", blocking_sleep_512),
    entry("blocking_queue_1ms", blocking_queue_1ms),
    entry("block_in_place", block_in_place),
];

const fn entry(bench: &'static str, run: fn(&Arguments) -> Measured) -> Entry {
    Entry {
        suite: "blocking",
        bench,
        run,
        usual_tasks: 0,
    }
}

/// Runs so many jobs, `batch` at a time; gives how many have ended.
async fn run_jobs(jobs: usize, batch: usize) -> usize {
    let mut handles = Vec::new();
    let mut done = 0;
    while done < jobs {
        for _ in 0..batch {
            handles.push(spawn_blocking(|| 1));
        }
        for handle in handles.drain(..) {
            done += handle.await.unwrap();
        }
    }
    done
}

fn time_jobs(arguments: &Arguments, jobs: usize, batch: usize) -> Measured {
    let runtime = make_runtime(arguments);
    let run = |n| {
        let work = runtime.spawn(run_jobs(n, batch));
        assert_eq!(runtime.block_on(work).unwrap(), n);
    };
    run(jobs / 10);
    let watch = Stopwatch::start();
    run(jobs);
    watch.stop(jobs)
}

fn blocking_batch(arguments: &Arguments) -> Measured {
    time_jobs(arguments, 200_000, 1000)
}

fn blocking_roundtrip(arguments: &Arguments) -> Measured {
    time_jobs(arguments, 20_000, 1)
}

async fn round_trips_us(count: usize) -> Vec<f64> {
    let mut times = Vec::new();
    while times.len() < count {
        let begin = Instant::now();
        spawn_blocking(|| ()).await.unwrap();
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    times
}

fn blocking_roundtrip_p50(arguments: &Arguments) -> Measured {
    const ROUND_TRIPS: usize = 20_000;
    let runtime = make_runtime(arguments);
    let run = |n| runtime.block_on(runtime.spawn(round_trips_us(n))).unwrap();
    run(ROUND_TRIPS / 10);
    let watch = Stopwatch::start();
    let mut times = run(ROUND_TRIPS);
    let mut measured = watch.stop(ROUND_TRIPS);
    times.sort_by(|a, b| a.partial_cmp(b).unwrap());
    measured.figure = Some((times[ROUND_TRIPS / 2], "p50_us"));
    measured
}

/// As precisely as the kernel can: usually it adds 50 us.
fn sleep_for(time: Duration) {
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    std::thread::sleep(time);
}

/// All at once, from a pool without threads.
fn sleep_together(runtime: &Runtime, jobs: usize, time: Duration) -> Measured {
    let watch = Stopwatch::start();
    let sleepers = runtime.spawn(async move {
        let handles: Vec<_> = (0..jobs)
            .map(|_| spawn_blocking(move || sleep_for(time)))
            .collect();
        let mut done = 0;
        for handle in handles {
            done += handle.await.is_ok() as usize;
        }
        done
    });
    assert_eq!(runtime.block_on(sleepers).unwrap(), jobs);
    watch.stop(1)
}

fn blocking_sleep_512(arguments: &Arguments) -> Measured {
    sleep_together(
        &make_runtime(arguments),
        512,
        Duration::from_millis(100),
    )
}

fn blocking_queue_1ms(arguments: &Arguments) -> Measured {
    let runtime = builder_of(arguments)
        .max_blocking_threads(64)
        .build()
        .unwrap();
    sleep_together(&runtime, 100_000, Duration::from_millis(1))
}

/// Each time another task is there, which goes on on another thread.
fn block_in_place(arguments: &Arguments) -> Measured {
    const CALLS: usize = 20_000;
    let runtime = make_runtime(arguments);
    let run = |n| {
        let blocker = runtime.spawn(async move {
            let mut done = 0;
            while done < n {
                let other = tokio::spawn(async { 1 });
                tokio::task::block_in_place(|| ());
                done += other.await.unwrap();
            }
            done
        });
        assert_eq!(runtime.block_on(blocker).unwrap(), n);
    };
    run(CALLS / 10);
    let watch = Stopwatch::start();
    run(CALLS);
    watch.stop(CALLS)
}
