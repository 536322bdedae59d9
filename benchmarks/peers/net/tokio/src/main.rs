//! Tokio's servers in the network comparison: runtimes tokio and tokio-current.
//! The protocol is that of benchmarks/net/protocol.h.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const FRAME_BYTES: usize = 64;
const READ_BYTES: usize = 4096;
const HTTP_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\
Content-Length: 13\r\n\r\nHello, World!";

fn advance(mut state: u64, steps: u32) -> u64 {
    for _ in 0..steps {
        state = (state ^ (state >> 32))
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1);
    }
    state
}

/// Does what the frames ask for, in place.
fn work(frames: &mut [u8]) {
    for frame in frames.chunks_exact_mut(FRAME_BYTES) {
        let asked = u64::from_le_bytes(frame[0..8].try_into().unwrap());
        if asked == 0 {
            continue;
        }
        let (steps, sleep_us) = (asked as u32, asked >> 32);
        let state = u64::from_le_bytes(frame[8..16].try_into().unwrap());
        frame[8..16].copy_from_slice(&advance(state, steps).to_le_bytes());
        if sleep_us > 0 {
            std::thread::sleep(Duration::from_micros(sleep_us));
        }
    }
}

async fn echo(mut peer: TcpStream) -> io::Result<()> {
    let mut buffer = [0; READ_BYTES];
    loop {
        let size = peer.read(&mut buffer).await?;
        if size == 0 {
            return Ok(());
        }
        work(&mut buffer[..size]);
        peer.write_all(&buffer[..size]).await?;
    }
}

/// Finds the ends of requests: of a request nothing counts but the empty line
/// at its end.
#[derive(Default)]
struct HttpRequests {
    matched: usize,
}

impl HttpRequests {
    fn count(&mut self, bytes: &[u8]) -> usize {
        const END: &[u8] = b"\r\n\r\n";
        let mut requests = 0;
        for &byte in bytes {
            if byte != END[self.matched] {
                self.matched = usize::from(byte == b'\r');
                continue;
            }
            self.matched += 1;
            if self.matched == END.len() {
                self.matched = 0;
                requests += 1;
            }
        }
        requests
    }
}

async fn http(mut peer: TcpStream) -> io::Result<()> {
    let mut buffer = [0; READ_BYTES];
    let mut requests = HttpRequests::default();
    loop {
        let size = peer.read(&mut buffer).await?;
        if size == 0 {
            return Ok(());
        }
        for _ in 0..requests.count(&buffer[..size]) {
            peer.write_all(HTTP_ANSWER).await?;
        }
    }
}

async fn serve(is_http: bool) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    loop {
        let (peer, _) = listener.accept().await?;
        peer.set_nodelay(true)?;
        if is_http {
            tokio::spawn(http(peer));
        } else {
            tokio::spawn(echo(peer));
        }
    }
}

fn option(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| argument.strip_prefix(name).map(String::from))
}

fn runtime() -> io::Result<Runtime> {
    if option("--runtime=").as_deref() == Some("tokio-current") {
        return Builder::new_current_thread().enable_io().build();
    }
    let workers = option("--workers=").and_then(|text| text.parse().ok());
    Builder::new_multi_thread()
        .worker_threads(workers.unwrap_or(1))
        .enable_io()
        .build()
}

fn main() -> io::Result<()> {
    let is_http = option("--bench=").map_or(false, |bench| bench.starts_with("http_"));
    let runtime = runtime()?;
    // As a task, so that on the multi-thread flavor a worker accepts.
    let serving = runtime.spawn(serve(is_http));
    runtime.block_on(serving).expect("serve() does not panic")
}
