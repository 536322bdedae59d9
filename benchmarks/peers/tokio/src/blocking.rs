//! The suite "blocking": jobs for the pool of threads that may block.

use crate::make_runtime;
use crate::program::{Arguments, Entry, Measured, Stopwatch};
use tokio::task::spawn_blocking;

pub const ENTRIES: &[Entry] = &[
    entry("blocking_batch", blocking_batch),
    entry("blocking_roundtrip", blocking_roundtrip),
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
