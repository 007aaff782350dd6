//! `mutants`: cargo-mutants over the gate. A mutant that survives is a rule that no test holds.

use crate::step::{Outcome, announce, cargo, run as step};
use crate::tools;

/// Pinned, so that the list of accepted survivors (.cargo/mutants.toml) stays comparable.
const VERSION: &str = "27.1.0";

/// Mutates the gate; further arguments go to cargo-mutants.
pub fn run(arguments: &[String]) -> Outcome {
    let directory = tools::cargo_tool("cargo-mutants", VERSION, "cargo-mutants", true)?;
    announce("mutating the gate; results go to target/mutants.out");
    let mut path = directory.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = cargo(&["mutants", "--package", "dashgate-gate", "--output", "target"]);
    step("cargo-mutants", command.args(arguments).env("PATH", path))
        .map_err(|problem| problem.hint("target/mutants.out/missed.txt lists the mutants that no test noticed"))
}
