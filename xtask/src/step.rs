//! Running other programs: each as a named step, whose failure says which step it was and what to do about it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task stopped: what failed, what to do, and the exit code to end with.
#[derive(Debug)]
pub struct Problem {
    /// The step that failed and how.
    pub message: String,
    /// What the reader can do about it.
    pub hint: Option<String>,
    /// 1 for a failure, 2 for wrong usage.
    pub code: u8,
}

/// What a task ends with.
pub type Outcome<T = ()> = Result<T, Problem>;

impl Problem {
    /// A failure of the named step.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1 }
    }

    /// A failure whose text is out already, so that nothing follows it.
    pub fn said() -> Self {
        Self::new("")
    }

    /// Wrong arguments.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 2 }
    }

    /// The same with advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Says on stderr what happens next.
pub fn announce(text: &str) {
    eprintln!("== {text}");
}

/// Refuses arguments, for tasks that take none.
pub fn no_arguments(arguments: &[String]) -> Outcome {
    match arguments.first() {
        None => Ok(()),
        Some(unknown) => Err(Problem::usage(format!("unknown argument `{unknown}`"))),
    }
}

/// The repository's root. Cargo says where this package is; it lies one below.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_else(|| PathBuf::from("."))
}

/// The repository's own build directory, whatever CARGO_TARGET_DIR says: the configurations name files in it.
pub fn target() -> PathBuf {
    root().join("target")
}

/// Cargo, the one that runs this, in the root and with the repository's own target directory.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()).env("CARGO_TARGET_DIR", target());
    // These describe the package xtask; a build script of another one must not see them.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the command with our own output; anything but success is the step's problem.
pub fn run(step: &str, command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| not_started(step, command, &error))?;
    if status.success() { Ok(()) } else { Err(Problem::new(format!("{step}: ended with {status}"))) }
}

/// The command's standard output, whole, if it succeeds.
pub fn output(step: &str, command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(step, command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
        return Err(Problem::new(format!("{step}: ended with {}: {said}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs the command, shows its standard output as it comes, and returns it with whether the command succeeded.
pub fn watch(step: &str, command: &mut Command) -> Outcome<(bool, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(step, command, &error))?;
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let shown = String::from_utf8_lossy(&line);
            print!("{shown}");
            text.push_str(&shown);
            line.clear();
        }
    }
    let status = child.wait().map_err(|error| Problem::new(format!("{step}: {error}")))?;
    Ok((status.success(), text))
}

fn not_started(step: &str, command: &Command, error: &std::io::Error) -> Problem {
    Problem::new(format!("{step}: `{}` did not start: {error}", command.get_program().to_string_lossy()))
}
