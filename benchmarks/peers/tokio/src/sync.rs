//! The suite "sync": channels and what tasks wait with.

use crate::make_runtime;
use crate::program::{time_rounds, Arguments, Entry, Measured};
use std::sync::Arc;
use tokio::sync::{oneshot, Notify};

pub const ENTRIES: &[Entry] = &[
    entry("oneshot", send_and_receive),
    entry("notify", notify),
    entry("select2", select2),
];

const fn entry(bench: &'static str, run: fn(&Arguments) -> Measured) -> Entry {
    Entry {
        suite: "sync",
        bench,
        run,
        usual_tasks: 0,
    }
}

fn send_and_receive(arguments: &Arguments) -> Measured {
    const CHANNELS: u64 = 1_000_000;
    let runtime = make_runtime(arguments);
    time_rounds(1, CHANNELS as usize, || {
        let work = runtime.spawn(async {
            let mut sum = 0;
            for i in 0..CHANNELS {
                let (sender, receiver) = oneshot::channel();
                sender.send(i).unwrap();
                sum += receiver.await.unwrap();
            }
            sum
        });
        let sum = runtime.block_on(work).unwrap();
        assert_eq!(sum, CHANNELS * (CHANNELS - 1) / 2);
    })
}

/// Two are waited for; now the one is ready, now the other.
fn select2(arguments: &Arguments) -> Measured {
    const SELECTS: u64 = 1_000_000;
    let runtime = make_runtime(arguments);
    time_rounds(1, SELECTS as usize, || {
        let work = runtime.spawn(async {
            let (first, second) = (Notify::new(), Notify::new());
            let mut of_second = 0;
            for i in 0..SELECTS {
                if i % 2 == 0 { &first } else { &second }.notify_one();
                let ready = tokio::select! {
                    _ = first.notified() => 0,
                    _ = second.notified() => 1,
                };
                assert_eq!(ready, i % 2);
                of_second += ready;
            }
            of_second
        });
        assert_eq!(runtime.block_on(work).unwrap(), SELECTS / 2);
    })
}

const TURNS: u64 = 500_000;

async fn wait_and_notify(mine: Arc<Notify>, other: Arc<Notify>) -> u64 {
    let mut done = 0;
    while done < TURNS {
        mine.notified().await;
        other.notify_one();
        done += 1;
    }
    done
}

/// Two tasks that wake each other in turn.
fn notify(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    time_rounds(1, 2 * TURNS as usize, || {
        let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let tasks = [
            runtime.spawn(wait_and_notify(ping.clone(), pong.clone())),
            runtime.spawn(wait_and_notify(pong, ping.clone())),
        ];
        ping.notify_one();
        for task in tasks {
            assert_eq!(runtime.block_on(task).unwrap(), TURNS);
        }
    })
}
