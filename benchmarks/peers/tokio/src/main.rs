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

pub fn builder_of(arguments: &Arguments) -> Builder {
    if arguments.runtime == "tokio-mimalloc" {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(maps.contains("libmimalloc"), "mimalloc is not loaded");
    }
    if arguments.runtime == "tokio-current" {
        let mut builder = Builder::new_current_thread();
        builder.enable_all();
        return builder;
    }
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(arguments.workers).enable_all();
    builder
}

pub fn make_runtime(arguments: &Arguments) -> Runtime {
    builder_of(arguments).build().unwrap()
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
