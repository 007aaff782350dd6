//! `second-host`: a small program around a proxy-wasm host that is not Envoy, for tests/portability. Apart from the other
//! tasks, because the compiler of wasm that it is made of takes minutes to build.

use crate::step::{Outcome, announce, cargo, no_arguments, run as step, target};

const MANIFEST: &str = "tests/portability/host/Cargo.toml";

/// Builds it into target/second-host, where the tests look for it.
pub fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    announce("building the second host (once; some 7 minutes of CPU)");
    // It asks for a Rust newer than ours by name, and builds with ours.
    let mut build = cargo(&["build", "--release", "--locked", "--ignore-rust-version", "--manifest-path", MANIFEST]);
    step("building the second host", build.env("CARGO_TARGET_DIR", target().join("second-host")))
}
