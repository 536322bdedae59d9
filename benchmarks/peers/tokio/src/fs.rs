//! The suite "fs": files, by tokio::fs.

use crate::make_runtime;
use crate::program::{time_rounds, Arguments, Entry, Measured, Stopwatch, Time};
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

pub const ENTRIES: &[Entry] = &[
    entry("fs_write_100", fs_write),
    entry("fs_fsync_100", fs_fsync),
    entry("fs_read_100", fs_read),
    entry("fs_random_4k", fs_random),
];

const FILES: usize = 100;
const FILE_BYTES: usize = 1 << 20;
const ROUNDS: usize = 5;
const LARGE_BYTES: u64 = 1 << 30;
const PAGE: usize = 4096;
const IN_FLIGHT: usize = 64;
const READS: usize = 100_000;

const fn entry(bench: &'static str, run: fn(&Arguments) -> Measured) -> Entry {
    Entry {
        suite: "fs",
        bench,
        run,
        usual_tasks: 0,
    }
}

/// Removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(round: usize) -> Folder {
        let name = format!("bench-tokio-{}-{round}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn file(&self, index: usize) -> PathBuf {
        self.0.join(index.to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn write_file(path: PathBuf, bytes: Arc<Vec<u8>>, sync: bool) {
    if !sync {
        return tokio::fs::write(path, &bytes[..]).await.unwrap();
    }
    let mut file = File::create(path).await.unwrap();
    file.write_all(&bytes).await.unwrap();
    file.sync_all().await.unwrap();
}

fn write_files(arguments: &Arguments, sync: bool) -> Measured {
    let runtime = make_runtime(arguments);
    let bytes = Arc::new(vec![b'e'; FILE_BYTES]);
    let mut sum = Time {
        ops: 0,
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
    };
    for round in 0..ROUNDS + 1 {
        let folder = Folder::new(round);
        let paths: Vec<_> = (0..FILES).map(|i| folder.file(i)).collect();
        let bytes = bytes.clone();
        let watch = Stopwatch::start();
        runtime
            .block_on(runtime.spawn(async move {
                let files: Vec<_> = paths
                    .into_iter()
                    .map(|path| tokio::spawn(write_file(path, bytes.clone(), sync)))
                    .collect();
                for file in files {
                    file.await.unwrap();
                }
            }))
            .unwrap();
        let time = watch.stop(FILES).time.unwrap();
        // The first to warm up.
        if round > 0 {
            sum.ops += time.ops;
            sum.wall += time.wall;
            sum.cpu += time.cpu;
        }
    }
    Measured {
        time: Some(sum),
        figure: None,
    }
}

fn fs_write(arguments: &Arguments) -> Measured {
    write_files(arguments, false)
}

fn fs_fsync(arguments: &Arguments) -> Measured {
    write_files(arguments, true)
}

fn fs_read(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let folder = Folder::new(0);
    for i in 0..FILES {
        std::fs::write(folder.file(i), vec![b'e'; FILE_BYTES]).unwrap();
    }
    time_rounds(10 * ROUNDS, FILES, || {
        let paths: Vec<_> = (0..FILES).map(|i| folder.file(i)).collect();
        runtime
            .block_on(runtime.spawn(async move {
                let files: Vec<_> = paths
                    .into_iter()
                    .map(|path| tokio::spawn(tokio::fs::read(path)))
                    .collect();
                for file in files {
                    assert_eq!(file.await.unwrap().unwrap().len(), FILE_BYTES);
                }
            }))
            .unwrap();
    })
}

/// A file of 1 GiB, which the other programs use too.
fn large_file() -> PathBuf {
    let path = std::env::temp_dir().join("bench-large-1g");
    let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    if size != LARGE_BYTES {
        std::fs::write(&path, vec![b'l'; LARGE_BYTES as usize]).unwrap();
    }
    // Into the page cache.
    std::io::copy(
        &mut std::fs::File::open(&path).unwrap(),
        &mut std::io::sink(),
    )
    .unwrap();
    path
}

async fn read_pages(path: PathBuf, seed: u64) {
    let mut file = File::open(path).await.unwrap();
    let mut page = vec![0; PAGE];
    let mut state = seed * 2 + 1;
    for _ in 0..READS / IN_FLIGHT {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let place = (state >> 33) % (LARGE_BYTES / PAGE as u64) * PAGE as u64;
        file.seek(SeekFrom::Start(place)).await.unwrap();
        file.read_exact(&mut page).await.unwrap();
    }
}

fn fs_random(arguments: &Arguments) -> Measured {
    let runtime = make_runtime(arguments);
    let path: Arc<Path> = large_file().into();
    time_rounds(1, READS / IN_FLIGHT * IN_FLIGHT, || {
        let path = path.clone();
        runtime
            .block_on(runtime.spawn(async move {
                let readers: Vec<_> = (0..IN_FLIGHT)
                    .map(|i| tokio::spawn(read_pages(path.to_path_buf(), i as u64)))
                    .collect();
                for reader in readers {
                    reader.await.unwrap();
                }
            }))
            .unwrap();
    })
}
