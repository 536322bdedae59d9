//! The rest of the suite "sync": channels whose messages go to many.

use crate::make_runtime;
use crate::program::{time_rounds, Arguments, Entry, Measured};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, watch, Notify};

pub const ENTRIES: &[Entry] = &[
    entry("watch", watch_values),
    entry("broadcast", broadcast_messages),
];

const fn entry(bench: &'static str, run: fn(&Arguments) -> Measured) -> Entry {
    Entry {
        suite: "sync",
        bench,
        run,
        usual_tasks: 0,
    }
}

const RECEIVERS: u64 = 10;

/// The sender waits here until all receivers have got what it sent.
#[derive(Default)]
struct Meeting {
    missing: AtomicU64,
    all_are_here: Notify,
}

impl Meeting {
    fn expect_all(&self) {
        self.missing.store(RECEIVERS, Ordering::Relaxed);
    }
    fn come(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_are_here.notify_one();
        }
    }
}

/// Runs `sender`, and beside it RECEIVERS of what `make` makes.
fn run_tasks<S, R>(runtime: &Runtime, sender: S, make: impl Fn() -> R)
where
    S: Future<Output = ()> + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let mut handles: Vec<_> = (0..RECEIVERS).map(|_| runtime.spawn(make())).collect();
    handles.push(runtime.spawn(sender));
    for handle in handles {
        runtime.block_on(handle).unwrap();
    }
}

/// One value at a time, which ten tasks wait for.
fn watch_values(arguments: &Arguments) -> Measured {
    const VALUES: u64 = 20_000;
    let runtime = make_runtime(arguments);
    time_rounds(1, (VALUES * RECEIVERS) as usize, || {
        let (sender, receiver) = watch::channel(0);
        let meeting = Arc::new(Meeting::default());
        let here = meeting.clone();
        let show = async move {
            for i in 1..=VALUES {
                here.expect_all();
                sender.send(i).unwrap();
                here.all_are_here.notified().await;
            }
        };
        run_tasks(&runtime, show, || {
            let (mut receiver, meeting) = (receiver.clone(), meeting.clone());
            async move {
                for i in 1..=VALUES {
                    receiver.changed().await.unwrap();
                    assert_eq!(*receiver.borrow_and_update(), i);
                    meeting.come();
                }
            }
        });
    })
}

/// A hundred messages at a time, each of which ten tasks get.
fn broadcast_messages(arguments: &Arguments) -> Measured {
    const BATCHES: u64 = 1_000;
    const BATCH: u64 = 100;
    let runtime = make_runtime(arguments);
    time_rounds(1, (BATCHES * BATCH * RECEIVERS) as usize, || {
        let (sender, receiver) = broadcast::channel(128);
        let meeting = Arc::new(Meeting::default());
        let here = meeting.clone();
        let sends = sender.clone();
        let tell = async move {
            for i in 0..BATCHES {
                here.expect_all();
                for j in 0..BATCH {
                    sends.send(i * BATCH + j).unwrap();
                }
                here.all_are_here.notified().await;
            }
        };
        run_tasks(&runtime, tell, || {
            let (mut receiver, meeting) = (sender.subscribe(), meeting.clone());
            async move {
                for i in 0..BATCHES * BATCH {
                    assert_eq!(receiver.recv().await.unwrap(), i);
                    if (i + 1) % BATCH == 0 {
                        meeting.come();
                    }
                }
            }
        });
        drop(receiver);
    })
}
