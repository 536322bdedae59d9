//! What makes a Rust program one that benchmarks/compare can run; the contract
//! is in benchmarks/README.md.

use std::time::{Duration, Instant};

pub struct Arguments {
    pub bench: String,
    pub runtime: String,
    pub workers: usize,
    pub tasks: usize,
}

/// What one repetition gave: a time, or a figure of another kind.
pub struct Measured {
    pub time: Option<Time>,
    pub figure: Option<(f64, &'static str)>,
}

pub struct Time {
    pub ops: usize,
    pub wall: Duration,
    pub cpu: Duration,
}

impl Measured {
    pub fn figure(value: f64, unit: &'static str) -> Measured {
        Measured {
            time: None,
            figure: Some((value, unit)),
        }
    }
}

/// Runs from its start.
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch {
            wall: Instant::now(),
            cpu: process_cpu(),
        }
    }

    pub fn stop(&self, ops: usize) -> Measured {
        let wall = self.wall.elapsed();
        let cpu = process_cpu() - self.cpu;
        Measured {
            time: Some(Time { ops, wall, cpu }),
            figure: None,
        }
    }
}

fn process_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Times `rounds` calls of `round`, of `ops` operations each, after a tenth as
/// many that are not timed, and at least one.
pub fn time_rounds(rounds: usize, ops: usize, mut round: impl FnMut()) -> Measured {
    for _ in 0..rounds / 10 + 1 {
        round();
    }
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        round();
    }
    watch.stop(rounds * ops)
}

/// As many rounds of `ops` operations as make `goal` of them, and at least one.
pub fn rounds_for(goal: usize, ops: usize) -> usize {
    (goal / ops).max(1)
}

/// Bytes of memory that the process has in RAM.
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize
}

#[derive(Clone)]
pub struct Entry {
    pub suite: &'static str,
    pub bench: &'static str,
    pub run: fn(&Arguments) -> Measured,
    /// 0: the size is fixed, and --tasks an error.
    pub usual_tasks: usize,
}

/// Runs one repetition of one entry, or prints what there is. `runtimes` are
/// the names under which each entry runs.
pub fn run_program(runtimes: &[&str], entries: &[Entry]) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["--list"] {
        for entry in entries {
            for runtime in runtimes {
                println!("{} {} {}", entry.suite, entry.bench, runtime);
            }
        }
        return;
    }
    let mut arguments = parse(&arguments);
    let entry = entries.iter().find(|entry| entry.bench == arguments.bench);
    let entry = match entry {
        Some(entry) if runtimes.contains(&arguments.runtime.as_str()) => entry,
        _ => fail(&format!(
            "no bench '{}' of runtime '{}' here; --list names those that there are",
            arguments.bench, arguments.runtime
        )),
    };
    if arguments.tasks == 0 {
        arguments.tasks = entry.usual_tasks;
    } else if entry.usual_tasks == 0 {
        fail(&format!("{} takes no --tasks", arguments.bench));
    }
    // A task that panics must not be the end of that task alone.
    std::panic::set_hook(Box::new(|panic| fail(&panic.to_string())));
    print(&arguments, (entry.run)(&arguments));
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(1);
}

fn parse(arguments: &[String]) -> Arguments {
    let mut parsed = Arguments {
        bench: String::new(),
        runtime: String::new(),
        workers: 1,
        tasks: 0,
    };
    for argument in arguments {
        let (option, value) = argument.split_once('=').unwrap_or((argument, ""));
        match option {
            "--bench" => parsed.bench = value.to_string(),
            "--runtime" => parsed.runtime = value.to_string(),
            "--workers" => parsed.workers = parse_count(option, value),
            "--tasks" => parsed.tasks = parse_count(option, value),
            _ => fail(&format!("unknown argument {argument}")),
        }
    }
    parsed
}

fn parse_count(option: &str, text: &str) -> usize {
    match text.parse() {
        Ok(count) if count > 0 => count,
        _ => fail(&format!("{option} takes a number from 1, not {text}")),
    }
}

fn print(arguments: &Arguments, measured: Measured) {
    let mut line = format!(
        "{{\"bench\": \"{}\", \"runtime\": \"{}\"",
        arguments.bench, arguments.runtime
    );
    if let Some((value, unit)) = measured.figure {
        line += &format!(", \"value\": {value:.3}, \"unit\": \"{unit}\"");
    }
    if let Some(time) = measured.time {
        line += &format!(
            ", \"ops\": {}, \"wall_ns\": {}, \"cpu_ns\": {}",
            time.ops,
            time.wall.as_nanos(),
            time.cpu.as_nanos()
        );
    }
    println!("{line}}}");
}
