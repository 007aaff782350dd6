//! `build`: the filter as target/dashgate.wasm, small enough to be loaded by every Envoy worker.

use std::path::PathBuf;

use crate::step::{Outcome, Problem, announce, cargo, no_arguments, root, run as step, target};
use crate::tools;

/// Envoy compiles the module once for each worker and keeps it in memory; more than this is a mistake somewhere.
const SIZE_LIMIT: u64 = 400 * 1024;

/// Builds the filter.
pub fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    wasm().map(|_| ())
}

/// Builds the filter, small enough, and returns the module's path.
pub fn wasm() -> Outcome<PathBuf> {
    let (module, size) = module()?;
    if size > SIZE_LIMIT {
        return Err(Problem::new(format!("the filter has {size} bytes, more than {SIZE_LIMIT}"))
            .hint("`cargo tree -p dashgate-filter` shows what it pulls in"));
    }
    announce(&format!("target/dashgate.wasm: {size} bytes of at most {SIZE_LIMIT}"));
    Ok(module)
}

/// Builds the filter, of whatever size, and returns the module's path and its bytes.
pub fn module() -> Outcome<(PathBuf, u64)> {
    tools::rust_target("wasm32-wasip1")?;
    announce("building the filter");
    let mut build = cargo(&["build", "--release", "--package", "dashgate-filter", "--target", "wasm32-wasip1"]);
    step("building the filter", build.env("CARGO_ENCODED_RUSTFLAGS", flags()))?;
    let built = target().join("wasm32-wasip1/release/dashgate_filter.wasm");
    let module = target().join("dashgate.wasm");
    // By rename: an Envoy that is just starting sees the old module or the new one, never half of it.
    let draft = target().join("dashgate.wasm.new");
    let size = std::fs::copy(&built, &draft)
        .and_then(|size| std::fs::rename(&draft, &module).map(|()| size))
        .map_err(|error| Problem::new(format!("copying the filter to {}: {error}", module.display())))?;
    Ok((module, size))
}

/// SHA-256 is much of what the filter computes, and sha2 computes it faster with SIMD, which Envoy's V8 has: 5 of 34 µs.
const SIMD: &str = "-Ctarget-feature=+simd128";

/// Less is inlined, unrolled and turned into vectors than by default: that costs 50 KiB and buys 3 % that could be measured.
const SMALL: [&str; 6] = [
    "-Cllvm-args=-inline-threshold=80",
    "-Cllvm-args=-unroll-threshold=60",
    "-Cllvm-args=-unroll-runtime=false",
    "-Cllvm-args=-unroll-allow-partial=false",
    "-Cno-vectorize-loops",
    "-Cno-vectorize-slp",
];

/// Flags that keep the builder's directories out of the panic messages: the module tells nothing about the machine, and
/// the same source makes the same bytes in another directory.
fn flags() -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|user| PathBuf::from(user).join(".cargo")));
    let mut flags: Vec<String> = [SIMD].into_iter().chain(SMALL).map(String::from).collect();
    flags.push(format!("--remap-path-prefix={}=.", root().display()));
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    flags.join("\u{1f}")
}
