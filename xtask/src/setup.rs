//! `setup`: a private Python environment in target/venv with Envoy, the dashboards and the test tools, all pinned.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::step::{Outcome, Problem, announce, no_arguments, root, run as step, target};

/// Installs what is missing.
pub fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    environment()
}

/// Makes target/venv hold what tests/requirements.txt says. A second run compares one file and returns.
pub fn environment() -> Outcome {
    let requirements = root().join("tests/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .map_err(|error| Problem::new(format!("reading tests/requirements.txt: {error}")))?;
    let stamp = directory().join(".installed");
    if interpreter().is_file() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut pip = installer()?;
    announce("installing tests/requirements.txt into target/venv (once; some 200 MB)");
    pip.args(["install", "--disable-pip-version-check", "--requirement"]).arg(&requirements);
    step("installing tests/requirements.txt", &mut pip)
        .map_err(|problem| problem.hint("a package index must be reachable; remove target/venv to start afresh"))?;
    std::fs::write(&stamp, wanted).map_err(|error| Problem::new(format!("writing {}: {error}", stamp.display())))
}

/// The environment's Python, for programs that need what setup installs.
pub fn python() -> Outcome<Command> {
    environment()?;
    let mut python = Command::new(interpreter());
    python.current_dir(root());
    Ok(python)
}

fn directory() -> PathBuf {
    target().join("venv")
}

fn interpreter() -> PathBuf {
    directory().join("bin/python")
}

/// A pip that installs into the environment, which is made first. Debian splits venv and pip off python3, so three
/// ways are tried: venv as it should be; venv without pip, filled by the machine's pip; virtualenv.
fn installer() -> Outcome<Command> {
    let mut own = Command::new(interpreter());
    own.args(["-m", "pip"]);
    if quietly(Command::new(interpreter()).args(["-m", "pip", "--version"])) {
        return Ok(own);
    }
    announce("making target/venv");
    std::fs::create_dir_all(target()).map_err(|error| Problem::new(format!("making target/: {error}")))?;
    if quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(directory())) {
        return Ok(own);
    }
    if quietly(Command::new("python3").args(["-m", "venv", "--clear", "--without-pip"]).arg(directory()))
        && quietly(Command::new("python3").args(["-m", "pip", "--python"]).arg(interpreter()).arg("--version"))
    {
        let mut outer = Command::new("python3");
        outer.args(["-m", "pip", "--python"]).arg(interpreter());
        return Ok(outer);
    }
    if quietly(Command::new("python3").args(["-m", "virtualenv", "--clear"]).arg(directory())) {
        return Ok(own);
    }
    Err(Problem::new("making target/venv: python3 has neither venv with pip, nor pip, nor virtualenv")
        .hint("apt-get install python3-venv (or your distribution's Python 3.11 or later with venv), then try again"))
}

fn quietly(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
