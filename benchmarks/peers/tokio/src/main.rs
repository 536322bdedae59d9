//! Tokio's side of the comparison. The workloads are those of benchmarks/eddy,
//! under the same names.

mod blocking;
mod countdown;
mod fs;
mod micro;
mod program;
mod sync;
mod sync_channels;
mod sync_fanout;
mod time;

use program::{Arguments, Entry};
use tokio::runtime::{Builder, Runtime};

/// "tokio-mimalloc" is this program with another malloc loaded before it.
const RUNTIMES: [&str; 3] = ["tokio", "tokio-mimalloc", "tokio-current"];

pub fn make_runtime(arguments: &Arguments) -> Runtime {
    if arguments.runtime == "tokio-mimalloc" {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(maps.contains("libmimalloc"), "mimalloc is not loaded");
    }
    if arguments.runtime == "tokio-current" {
        return Builder::new_current_thread().enable_all().build().unwrap();
    }
    Builder::new_multi_thread()
        .worker_threads(arguments.workers)
        .enable_all()
        .build()
        .unwrap()
}

fn main() {
    let suites = [
        micro::ENTRIES,
        sync::ENTRIES,
        sync_channels::ENTRIES,
        sync_fanout::ENTRIES,
        time::ENTRIES,
        blocking::ENTRIES,
        fs::ENTRIES,
    ];
    program::run_program(&RUNTIMES, &suites.concat());
}
