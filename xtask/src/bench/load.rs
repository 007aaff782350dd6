//! The load: 16 kept-alive connections over loopback, a request on each as soon as its last answer is whole.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::envoy::Envoy;
use super::scenario::Scenario;
use crate::step::{Outcome, Problem};

const CONNECTIONS: usize = 16;
/// No answer may take longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connections of one scenario to its Envoy.
pub struct Load {
    name: String,
    requests: Rc<[Vec<u8>]>,
    next: usize,
    /// What every answer must begin with; anything else is not what was to be measured.
    expected: Vec<u8>,
    connections: Vec<TcpStream>,
    buffer: Vec<u8>,
}

impl Load {
    /// Opens the connections.
    pub fn connect(envoy: &Envoy, scenario: &Scenario) -> Outcome<Self> {
        let open = || -> std::io::Result<TcpStream> {
            let port = envoy.ports.get(scenario.listener).ok_or(ErrorKind::NotFound)?;
            let stream = TcpStream::connect(("127.0.0.1", *port))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let connections = (0..CONNECTIONS).map(|_| open()).collect::<std::io::Result<Vec<_>>>();
        Ok(Self {
            name: scenario.name.clone(),
            requests: Rc::clone(&scenario.requests),
            next: 0,
            expected: format!("HTTP/1.1 {} ", scenario.status).into_bytes(),
            connections: connections.map_err(|error| Problem::new(format!("connecting to Envoy: {error}")))?,
            buffer: Vec::new(),
        })
    }

    /// Sends every request there is three times, and a few thousand in all: pools, branch predictors, counters that are
    /// defined late, sessions that are known from then on. Not more than 30,000: of so many none is to be known.
    pub fn warm_up(&mut self) -> Outcome {
        let mut left = self.requests.len().saturating_mul(3).clamp(4000, 30_000);
        while left > 0 {
            left = left.saturating_sub(usize::try_from(self.run(Duration::from_millis(50))?).unwrap_or(usize::MAX));
        }
        Ok(())
    }

    /// Asks for that long and waits for the last answers; returns how many there were.
    pub fn run(&mut self, time: Duration) -> Outcome<u64> {
        let deadline = Instant::now() + time;
        for at in 0..CONNECTIONS {
            self.send(at)?;
        }
        let mut answered = 0;
        // One thread does it all: while it deals with one connection, Envoy works on the fifteen others.
        while Instant::now() < deadline {
            for at in 0..CONNECTIONS {
                self.receive(at)?;
                self.send(at)?;
                answered += 1;
            }
        }
        for at in 0..CONNECTIONS {
            self.receive(at)?;
            answered += 1;
        }
        Ok(answered)
    }

    fn send(&mut self, at: usize) -> Outcome {
        self.next = (self.next + 1) % self.requests.len();
        self.connections[at]
            .write_all(&self.requests[self.next])
            .map_err(|error| Problem::new(format!("`{}`: sending a request: {error}", self.name)))
    }

    fn receive(&mut self, at: usize) -> Outcome {
        self.buffer.clear();
        let mut chunk = [0u8; 8192];
        loop {
            let read = self.connections[at].read(&mut chunk);
            match read {
                Ok(read @ 1..) => self.buffer.extend_from_slice(&chunk[..read]),
                Ok(0) => return Err(self.unexpected("the connection was closed")),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.unexpected(&format!("waiting for an answer: {error}"))),
            }
            let Some(length) = answer_length(&self.buffer) else { continue };
            if self.buffer.len() < length {
                continue;
            }
            return match self.buffer.starts_with(&self.expected) && self.buffer.len() == length {
                true => Ok(()),
                false => Err(self.unexpected("another answer than expected")),
            };
        }
    }

    fn unexpected(&self, what: &str) -> Problem {
        let (got, expected) = (String::from_utf8_lossy(&self.buffer), String::from_utf8_lossy(&self.expected));
        Problem::new(format!("`{}`: {what}; expected {expected}, got:\n{got}", self.name))
    }
}

/// Head and body together, once the head is whole. Every answer here has a Content-Length but those without a body.
fn answer_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let length = text.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    Some(head + length.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0))
}
