//! The suite "micro": what spawning, waking, yielding and stealing cost.

use crate::countdown::Countdown;
use crate::make_runtime;
use crate::program::{resident_bytes, rounds_for, time_rounds, Arguments, Entry, Measured};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, Notify};
use tokio::task::{yield_now, JoinHandle, JoinSet};

pub const ENTRIES: &[Entry] = &[
    entry("spawn_join", spawn_join, 1_000_000),
    entry("join_set", join_set, 1_000_000),
    entry("spawn_remote", spawn_remote, 1_000_000),
    entry("spawn_many_local", spawn_many_local, 10_000),
    entry("remote_idle", remote_idle, 0),
    entry("remote_busy1", remote_busy1, 0),
    entry("remote_busy2", remote_busy2, 0),
    entry("yield_many", yield_many, 200),
    entry("ping_pong", ping_pong, 1000),
    entry("chained_spawn", chained_spawn, 1000),
    entry("skynet_spawn", skynet_spawn, 0),
    entry("idle_task_bytes", idle_task_bytes, 1_000_000),
];

const fn entry(bench: &'static str, run: fn(&Arguments) -> Measured, usual_tasks: usize) -> Entry {
    Entry {
        suite: "micro",
        bench,
        run,
        usual_tasks,
    }
}

async fn join_all(handles: &mut Vec<JoinHandle<()>>) {
    for handle in handles.drain(..) {
        handle.await.unwrap();
    }
}

// --- Spawn and join ---------------------------------------------------------

fn spawn_join(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let tasks = arguments.tasks;
    time_rounds(rounds_for(1_000_000, tasks), tasks, || {
        let work = runtime.spawn(async move {
            let mut handles = Vec::with_capacity(tasks);
            for _ in 0..tasks {
                handles.push(tokio::spawn(async {}));
            }
            join_all(&mut handles).await;
        });
        runtime.block_on(work).unwrap();
    })
}

fn join_set(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let tasks = arguments.tasks;
    time_rounds(rounds_for(1_000_000, tasks), tasks, || {
        let work = runtime.spawn(async move {
            let mut set = JoinSet::new();
            for _ in 0..tasks {
                set.spawn(async {});
            }
            while let Some(next) = set.join_next().await {
                next.unwrap();
            }
        });
        runtime.block_on(work).unwrap();
    })
}

/// From this thread, which belongs to no runtime.
fn spawn_from_outside(runtime: &Runtime, tasks: usize, handles: &mut Vec<JoinHandle<()>>) {
    for _ in 0..tasks {
        handles.push(runtime.spawn(async {}));
    }
    runtime.block_on(join_all(handles));
}

fn spawn_remote(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let tasks = arguments.tasks;
    let mut handles = Vec::with_capacity(tasks);
    time_rounds(rounds_for(1_000_000, tasks), tasks, || {
        spawn_from_outside(&runtime, tasks, &mut handles)
    })
}

// --- Tokio's own set --------------------------------------------------------

fn spawn_many_local(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let tasks = arguments.tasks;
    time_rounds(rounds_for(1_000_000, tasks), tasks, || {
        runtime.block_on(async {
            let countdown = Countdown::new(tasks);
            for _ in 0..tasks {
                let countdown = countdown.clone();
                tokio::spawn(async move { countdown.arrive() });
            }
            countdown.wait().await;
        })
    })
}

const REMOTE_TASKS: usize = 1000;

fn spawn_rounds_from_outside(runtime: &Runtime, rounds: usize) -> Measured {
    let mut handles = Vec::with_capacity(REMOTE_TASKS);
    time_rounds(rounds, REMOTE_TASKS, || {
        spawn_from_outside(runtime, REMOTE_TASKS, &mut handles)
    })
}

fn remote_idle(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    spawn_rounds_from_outside(&runtime, 500)
}

fn stall() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(10) {}
}

/// Two yielding tasks for each worker keep the runtime busy.
fn remote_busy1(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let stop = Arc::new(AtomicBool::new(false));
    let mut busy = Vec::new();
    for _ in 0..2 * arguments.workers {
        let stop = stop.clone();
        busy.push(runtime.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                yield_now().await;
                stall();
            }
        }));
    }
    let measured = spawn_rounds_from_outside(&runtime, 2);
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(join_all(&mut busy));
    measured
}

fn stall_and_spawn(stop: Arc<AtomicBool>, ended: Arc<Countdown>) {
    if stop.load(Ordering::Relaxed) {
        ended.arrive();
        return;
    }
    stall();
    tokio::spawn(async move { stall_and_spawn(stop, ended) });
}

/// For each worker, a task that stalls and spawns its like.
fn remote_busy2(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let stop = Arc::new(AtomicBool::new(false));
    let ended = Countdown::new(arguments.workers);
    for _ in 0..arguments.workers {
        let (stop, ended) = (stop.clone(), ended.clone());
        runtime.spawn(async move { stall_and_spawn(stop, ended) });
    }
    let measured = spawn_rounds_from_outside(&runtime, 2);
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(ended.wait());
    measured
}

fn yield_many(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let tasks = arguments.tasks;
    let turns = (200_000 / tasks).max(5);
    let yields = tasks * turns;
    time_rounds(rounds_for(4_000_000, yields), yields, || {
        let countdown = Countdown::new(tasks);
        for _ in 0..tasks {
            let countdown = countdown.clone();
            runtime.spawn(async move {
                for _ in 0..turns {
                    yield_now().await;
                }
                countdown.arrive();
            });
        }
        runtime.block_on(countdown.wait());
    })
}

async fn ping(countdown: Arc<Countdown>) {
    let (to_pong, pinged) = oneshot::channel::<i32>();
    let (to_ping, ponged) = oneshot::channel::<i32>();
    tokio::spawn(async move {
        let value = pinged.await.unwrap();
        to_ping.send(value + 1).unwrap();
    });
    to_pong.send(1).unwrap();
    assert_eq!(ponged.await.unwrap(), 2);
    countdown.arrive();
}

fn ping_pong(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let pairs = arguments.tasks;
    time_rounds(rounds_for(300_000, pairs), pairs, || {
        runtime.block_on(async {
            let countdown = Countdown::new(pairs);
            let all = countdown.clone();
            tokio::spawn(async move {
                for _ in 0..pairs {
                    tokio::spawn(ping(all.clone()));
                }
            });
            countdown.wait().await;
        })
    })
}

fn link(left: usize, countdown: Arc<Countdown>) {
    if left == 0 {
        countdown.arrive();
    } else {
        tokio::spawn(async move { link(left - 1, countdown) });
    }
}

fn chained_spawn(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let links = arguments.tasks;
    time_rounds(rounds_for(1_000_000, links), links, || {
        runtime.block_on(async {
            let countdown = Countdown::new(1);
            let all = countdown.clone();
            tokio::spawn(async move { link(links, all) });
            countdown.wait().await;
        })
    })
}

// --- Skynet, and what a waiting task takes ----------------------------------

const SKYNET_BRANCHES: u64 = 10;

fn skynet(first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if leaves == 1 {
            return first;
        }
        let part = leaves / SKYNET_BRANCHES;
        let mut children = Vec::with_capacity(SKYNET_BRANCHES as usize);
        for i in 0..SKYNET_BRANCHES {
            children.push(tokio::spawn(skynet(first + i * part, part)));
        }
        let mut sum = 0;
        for child in children {
            sum += child.await.unwrap();
        }
        sum
    })
}

fn skynet_spawn(arguments: &Arguments) -> Measured {
    const LEAVES: u64 = 1_000_000;
    const TASKS: usize = 1_111_111;
    let runtime = make_runtime(arguments);
    time_rounds(1, TASKS, || {
        let root = runtime.spawn(skynet(0, LEAVES));
        let sum = runtime.block_on(root).unwrap();
        assert_eq!(sum, LEAVES * (LEAVES - 1) / 2);
    })
}

fn idle_task_bytes(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let tasks = arguments.tasks;
    let gate = Arc::new(Notify::new());
    let waiting = Countdown::new(tasks);
    let ended = Countdown::new(tasks);
    let before = resident_bytes();
    for _ in 0..tasks {
        let (gate, waiting, ended) = (gate.clone(), waiting.clone(), ended.clone());
        runtime.spawn(async move {
            let open = gate.notified();
            waiting.arrive();
            open.await;
            ended.arrive();
        });
    }
    runtime.block_on(waiting.wait());
    let after = resident_bytes();
    gate.notify_waiters();
    runtime.block_on(ended.wait());
    Measured::figure((after - before) as f64 / tasks as f64, "bytes")
}
