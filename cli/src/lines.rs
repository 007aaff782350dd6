//! JSON lines: one question a line on stdin, one answer a line on stdout, in order, thousands in one call.

use std::io::{self, BufRead, BufWriter, Write};

use serde_json::{Map, Value, json};

use crate::output::{Failure, Outcome, not_written};

/// Answers every line. A line that cannot be read is answered `{"verdict":"error",...}`; its text is not repeated.
///
/// # Errors
/// Where stdin or stdout break.
pub fn answer_each(mut answer: impl FnMut(Value) -> Result<Value, String>) -> Result<Outcome, Failure> {
    let mut stdin = io::stdin().lock();
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut outcome = Outcome::Fine;
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = stdin.read_until(b'\n', &mut line).map_err(|error| Failure::new(format!("stdin: {error}")))?;
        if count == 0 {
            break;
        }
        let question = serde_json::from_slice(&line).map_err(|error| format!("is not JSON: {error}"));
        let answered = question.and_then(&mut answer).unwrap_or_else(|message| {
            outcome = Outcome::Unreadable;
            json!({"verdict": "error", "error": message})
        });
        writeln!(stdout, "{answered}").map_err(|error| not_written(&error))?;
    }
    stdout.flush().map_err(|error| not_written(&error))?;
    Ok(outcome)
}

/// One line's members, each taken once; what is left over is not known.
pub struct Members(Map<String, Value>);

impl Members {
    /// The members of an object.
    ///
    /// # Errors
    /// Where it is none.
    pub fn of(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err("is not an object".to_owned()),
        }
    }

    /// Takes a member; `null` counts as none.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a member that must be a string.
    ///
    /// # Errors
    /// Where it is none.
    pub fn take_text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{name} must be a string")),
        }
    }

    /// Takes a member that must be `true` or `false`.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn take_truth(&mut self, name: &str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(_) => Err(format!("{name} must be true or false")),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Where a member is left: a misspelt one must not be a silent default.
    pub fn done(self) -> Result<(), String> {
        match self.0.keys().next() {
            Some(name) => Err(format!("{} is not a known member", name.escape_debug())),
            None => Ok(()),
        }
    }
}
