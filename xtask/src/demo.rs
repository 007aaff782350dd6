//! `demo`: the filter, what it needs and the whole demo on one command; `--smoke` takes the journey with a client.

use std::os::unix::process::CommandExt;

use crate::step::{Outcome, Problem, announce};
use crate::{build, setup};

/// Builds, sets up, and becomes demo/run.py.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.iter().find(|argument| *argument != "--smoke") {
        return Err(Problem::usage(format!("unknown argument `{unknown}`; there is only --smoke")));
    }
    build::wasm()?;
    let mut python = setup::python()?;
    announce("starting the demo");
    // Becoming the program, not starting it: a Ctrl-C or a SIGTERM then reaches the one that has to tidy up.
    let error = python.arg("demo/run.py").args(arguments).exec();
    Err(Problem::new(format!("starting demo/run.py: {error}")))
}
