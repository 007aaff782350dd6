//! A dashboard that answers everything with `ok`, for what it costs when a request does go up.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::machine;
use crate::step::{Outcome, Problem};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

/// Starts it on a free loopback port, which it returns. Its threads end with the process.
pub fn start() -> Outcome<u16> {
    let failed = |error: std::io::Error| Problem::new(format!("starting the backend: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

/// Only GETs without a body come here, one at a time.
fn serve(mut stream: TcpStream) {
    machine::pin_this_thread(1);
    let _ = stream.set_nodelay(true);
    let mut received = Vec::new();
    let mut chunk = [0u8; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        received.extend_from_slice(&chunk[..read]);
        if received.ends_with(b"\r\n\r\n") {
            received.clear();
            if stream.write_all(ANSWER).is_err() {
                return;
            }
        }
    }
}
