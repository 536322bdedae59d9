//! The rest of the suite "sync": locks, permits and channels of many senders.

use crate::make_runtime;
use crate::program::{time_rounds, Arguments, Entry, Measured};
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, Mutex, RwLock, Semaphore};

pub const ENTRIES: &[Entry] = &[
    entry("mutex_1", |arguments| lock_by(arguments, 1)),
    entry("mutex_100", |arguments| lock_by(arguments, 100)),
    entry("rwlock_read", rwlock_read),
    entry("semaphore", semaphore),
    entry("mpsc_5p_100", |arguments| bounded(arguments, 100)),
    entry("mpsc_5p_1000", |arguments| bounded(arguments, 1_000)),
    entry("mpsc_5p_1m", |arguments| bounded(arguments, 1_000_000)),
    entry("mpsc_5p_unbounded", unbounded),
];

const fn entry(bench: &'static str, run: fn(&Arguments) -> Measured) -> Entry {
    Entry {
        suite: "sync",
        bench,
        run,
        usual_tasks: 0,
    }
}

const LOCKS: u64 = 1_000_000;

/// Runs `tasks` of what `make` makes, and waits for all.
fn run_tasks<F>(runtime: &Runtime, tasks: u64, make: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let handles: Vec<_> = (0..tasks).map(|_| runtime.spawn(make())).collect();
    for handle in handles {
        runtime.block_on(handle).unwrap();
    }
}

async fn lock_and_add(mutex: Arc<Mutex<u64>>, times: u64) {
    for _ in 0..times {
        *mutex.lock().await += 1;
    }
}

fn lock_by(arguments: &Arguments, tasks: u64) -> Measured {
    let runtime = make_runtime(arguments);
    time_rounds(1, LOCKS as usize, || {
        let mutex = Arc::new(Mutex::new(0));
        run_tasks(&runtime, tasks, || {
            lock_and_add(mutex.clone(), LOCKS / tasks)
        });
        assert_eq!(*mutex.try_lock().unwrap(), LOCKS);
    })
}

async fn read_often(lock: Arc<RwLock<u64>>, times: u64) {
    let mut sum = 0;
    for _ in 0..times {
        sum += *lock.read().await;
    }
    assert_eq!(sum, times);
}

fn rwlock_read(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    time_rounds(1, LOCKS as usize, || {
        let lock = Arc::new(RwLock::new(1));
        run_tasks(&runtime, 100, || read_often(lock.clone(), LOCKS / 100));
    })
}

async fn take_and_give(semaphore: Arc<Semaphore>, times: u64) {
    for _ in 0..times {
        let _permit = semaphore.acquire().await.unwrap();
    }
}

fn semaphore(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    time_rounds(1, LOCKS as usize, || {
        let permits = Arc::new(Semaphore::new(10));
        run_tasks(&runtime, 100, || {
            take_and_give(permits.clone(), LOCKS / 100)
        });
        assert_eq!(permits.available_permits(), 10);
    })
}

const PRODUCERS: u64 = 5;
const MESSAGES: u64 = 1_000_000;
const OF_EACH: u64 = MESSAGES / PRODUCERS;
const SUM: u64 = PRODUCERS * OF_EACH * (OF_EACH - 1) / 2;

fn bounded(arguments: &Arguments, capacity: usize) -> Measured {
    let runtime = make_runtime(arguments);
    time_rounds(1, MESSAGES as usize, || {
        let (sender, mut receiver) = mpsc::channel(capacity);
        let consumer = runtime.spawn(async move {
            let mut sum = 0;
            while let Some(value) = receiver.recv().await {
                sum += value;
            }
            sum
        });
        run_tasks(&runtime, PRODUCERS, || {
            let sender = sender.clone();
            async move {
                for i in 0..OF_EACH {
                    sender.send(i).await.unwrap();
                }
            }
        });
        drop(sender);
        assert_eq!(runtime.block_on(consumer).unwrap(), SUM);
    })
}

fn unbounded(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    time_rounds(1, MESSAGES as usize, || {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let consumer = runtime.spawn(async move {
            let mut sum = 0;
            while let Some(value) = receiver.recv().await {
                sum += value;
            }
            sum
        });
        run_tasks(&runtime, PRODUCERS, || {
            let sender = sender.clone();
            async move {
                for i in 0..OF_EACH {
                    sender.send(i).unwrap();
                }
            }
        });
        drop(sender);
        assert_eq!(runtime.block_on(consumer).unwrap(), SUM);
    })
}
