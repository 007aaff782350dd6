//! `wasm-tests`: the gate's tests, the very same ones, in wasm under Node: what runs in Envoy is wasm, not native.

use std::process::Command;

use crate::step::{Outcome, Problem, announce, cargo, no_arguments, run as step};
use crate::tools;

/// Runs them with our own output.
pub fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    step("the gate's tests in wasm", &mut command()?)
}

/// The command that runs them, with everything it needs in place.
pub fn command() -> Outcome<Command> {
    tools::rust_target("wasm32-unknown-unknown")?;
    // The runner and the library it talks to must be of the same version. Not --locked: the crate's own lock file names
    // a prerelease that the registry does not have.
    let version = tools::locked_version("wasm-bindgen")?;
    let runner = tools::cargo_tool("wasm-bindgen-cli", &version, "wasm-bindgen-test-runner", false)?;
    let mut command =
        cargo(&["test", "--package", "dashgate-gate", "--target", "wasm32-unknown-unknown", "--no-fail-fast"]);
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner.join("wasm-bindgen-test-runner"));
    if let Some(node) = tools::node()? {
        let mut path = node.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path);
    }
    announce("running the gate's tests in wasm");
    if std::env::var_os("WASM_BINDGEN_USE_BROWSER").is_some() {
        return Err(Problem::new("WASM_BINDGEN_USE_BROWSER is set, but these tests are for Node").hint("unset it"));
    }
    Ok(command)
}
