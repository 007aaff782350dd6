//! What a command hands back: data for stdout, hints for stderr, and one of three exit codes.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0: accepted, permitted, nothing wrong.
    Fine,
    /// 1: refused, or problems found.
    Refused,
    /// 2: some of the input could not be read; the rest was answered.
    Unreadable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Fine => 0,
            Outcome::Refused => 1,
            Outcome::Unreadable => 2,
        })
    }
}

/// Bad arguments or an unreadable file: exit code 2. The message names the file and the place, never a secret.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Writes a command's data.
///
/// # Errors
/// Where stdout is closed.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| not_written(&error))
}

/// Writes one JSON object on a line of its own.
///
/// # Errors
/// Where stdout is closed.
pub fn print_json(object: &serde_json::Value) -> Result<(), Failure> {
    print(&format!("{object}\n"))
}

/// A failure to write to stdout.
pub fn not_written(error: &io::Error) -> Failure {
    Failure::new(format!("stdout: {error}"))
}

/// Tells the person, beside the data, what to do next.
pub fn hint(text: &str) {
    eprintln!("hint: {text}");
}
