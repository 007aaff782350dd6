//! `fuzz`: libFuzzer over the gate, target by target. Stable Rust does: what is built for coverage are plain compiler
//! flags, and without `unsafe` in the gate a sanitizer has nothing to find.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::step::{Outcome, Problem, announce, cargo, output, root, run as step, target};
use crate::summary::Counts;

/// How long each target runs unless told otherwise.
const SECONDS: u64 = 10;

/// What cargo-fuzz passes, too: counters at each edge, and comparisons told.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// The longest input in bytes: over all caps for credentials but Bokeh's token, which libFuzzer would spend its time
/// on.
const MAX_LENGTH: u32 = 9000;

/// Builds the targets and runs them, one line each at the end.
pub fn run(arguments: &[String]) -> Outcome {
    let (seconds, only) = read(arguments)?;
    targets(seconds, only)?.close()
}

/// Every target, or that one, for so long each. A target is a test: it ran and found nothing, or it failed.
pub fn targets(seconds: u64, only: Option<&str>) -> Outcome<Counts> {
    let program = build()?;
    let names = output("listing the targets", Command::new(&program).env("DASHGATE_FUZZ", "list"))?;
    let names: Vec<&str> = names.lines().filter(|name| only.is_none_or(|only| only == *name)).collect();
    if names.is_empty() {
        return Err(Problem::usage(format!("there is no fuzz target `{}`", only.unwrap_or_default())));
    }
    let mut counts = Counts::default();
    for name in names {
        let ran = Target { name, program: &program }.run(seconds)?;
        println!("{name:<12}{}", ran.line());
        match ran.verdict() {
            Verdict::Clean => counts.passed += 1,
            Verdict::Found | Verdict::Idle => counts.failed += 1,
        }
    }
    Ok(counts)
}

fn read(arguments: &[String]) -> Outcome<(u64, Option<&str>)> {
    let usage = || Problem::usage("its arguments are odd").hint("cargo xtask fuzz [SECONDS] [TARGET]");
    let (first, rest) = match arguments {
        [] => return Ok((SECONDS, None)),
        [first, rest @ ..] => (first, rest),
    };
    let (seconds, rest) = match first.parse::<u64>() {
        Ok(seconds @ 1..) => (seconds, rest),
        Ok(0) => return Err(usage()),
        Err(_) => (SECONDS, arguments),
    };
    match rest {
        [] => Ok((seconds, None)),
        [name] => Ok((seconds, Some(name))),
        _ => Err(usage()),
    }
}

/// The program that holds all targets. In a build directory of its own: everything in it is built for coverage.
fn build() -> Outcome<PathBuf> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let has_compiler = Command::new(&compiler).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !has_compiler.is_ok_and(|status| status.success()) {
        let message = format!("`{}` is missing: libFuzzer is C++, and is compiled", compiler.to_string_lossy());
        return Err(Problem::new(message).hint("apt-get install g++ (or your distribution's C++ compiler)"));
    }
    let about = output("asking rustc for its host", Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    announce("building the fuzz targets");
    let place = target().join("fuzz/build");
    // With --target, so that the flags reach no build script.
    let mut build = cargo(&["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", host]);
    build.env("CARGO_TARGET_DIR", &place).env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    step("building the fuzz targets", &mut build)?;
    Ok(place.join(host).join("release/dashgate-fuzz"))
}

/// One target, with the program that holds it.
struct Target<'a> {
    name: &'a str,
    program: &'a Path,
}

/// What came of running it.
struct Ran {
    executions: u64,
    seconds: f64,
    inputs: usize,
    is_clean: bool,
}

/// What it means.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    Found,
    /// It ended well and ran no input: nothing is proved.
    Idle,
}

impl Ran {
    fn verdict(&self) -> Verdict {
        match (self.is_clean, self.executions) {
            (false, _) => Verdict::Found,
            (true, 0) => Verdict::Idle,
            (true, _) => Verdict::Clean,
        }
    }

    fn line(&self) -> String {
        let verdict = match self.verdict() {
            Verdict::Clean => "nothing found",
            Verdict::Found => "FOUND SOMETHING",
            Verdict::Idle => "DID NOT RUN",
        };
        let rate = self.executions as f64 / self.seconds.max(0.001);
        format!("{:>10} executions, {rate:>8.0}/s, {:>6} inputs kept: {verdict}", self.executions, self.inputs)
    }
}

impl Target<'_> {
    fn run(&self, seconds: u64) -> Outcome<Ran> {
        let place = |kind: &str| target().join("fuzz").join(kind).join(self.name);
        let (corpus, seeds, artifacts) = (place("corpus"), place("seeds"), place("artifacts"));
        for directory in [&corpus, &artifacts] {
            std::fs::create_dir_all(directory)
                .map_err(|error| Problem::new(format!("making {}: {error}", directory.display())))?;
        }
        // Made anew each time: they are the golden vectors, which are committed once.
        let _ = std::fs::remove_dir_all(&seeds);
        output("writing seeds", self.command().env("DASHGATE_FUZZ_SEEDS", &seeds))?;
        announce(&format!("fuzzing {} for {seconds} s", self.name));
        let started = Instant::now();
        let ran = self
            .command()
            .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=1024"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_LENGTH}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([&corpus, &seeds])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Problem::new(format!("starting {}: {error}", self.program.display())))?;
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        let is_clean = ran.status.success();
        if !is_clean {
            self.tell(&said);
        }
        Ok(Ran {
            executions: executions(&said),
            seconds: started.elapsed().as_secs_f64(),
            inputs: std::fs::read_dir(&corpus).map_or(0, Iterator::count),
            is_clean,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.current_dir(root()).env("DASHGATE_FUZZ", self.name);
        command
    }

    /// What was found, and how to run it again.
    fn tell(&self, said: &str) {
        let from = said.find("panicked at").or_else(|| said.find("ERROR: libFuzzer")).unwrap_or(0);
        said[from..].lines().take(60).for_each(|line| eprintln!("{line}"));
        if let Some(input) = said.split("Test unit written to ").nth(1).and_then(|rest| rest.lines().next()) {
            eprintln!("again: DASHGATE_FUZZ={} {} {input}", self.name, self.program.display());
        }
    }
}

/// How many inputs were run: libFuzzer's statistics, or the last line of its progress where it came to none.
fn executions(said: &str) -> u64 {
    let told = said.split("stat::number_of_executed_units:").nth(1).and_then(|rest| rest.split_whitespace().next());
    let last = said.lines().rev().find_map(|line| line.strip_prefix('#')?.split_whitespace().next());
    told.or(last).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Ran, Verdict, executions, read};

    #[test]
    fn reads_seconds_and_a_target_in_that_order() {
        let check = |words: &[&str], expected: Option<(u64, Option<&str>)>| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_string()).collect();
            assert_eq!(read(&words).ok(), expected, "{words:?}");
        };
        check(&[], Some((10, None)));
        check(&["60"], Some((60, None)));
        check(&["jwt"], Some((10, Some("jwt"))));
        check(&["60", "jwt"], Some((60, Some("jwt"))));
        check(&["0"], None);
        check(&["jwt", "60"], None);
        check(&["60", "jwt", "eddsa"], None);
    }

    #[test]
    fn counts_what_libfuzzer_ran() {
        assert_eq!(executions("#5\tDONE cov: 1\nstat::number_of_executed_units: 1968089\nstat::x: 2\n"), 1_968_089);
        assert_eq!(executions("#2\tINITED cov: 3\n#305\tNEW    cov: 9\nthread panicked\n"), 305);
        assert_eq!(executions("nothing"), 0);
    }

    #[test]
    fn a_target_that_ran_no_input_has_found_nothing_and_proved_nothing() {
        let check = |executions: u64, is_clean: bool, expected: Verdict, line: &str| {
            let ran = Ran { executions, seconds: 1.0, inputs: 0, is_clean };
            assert_eq!(ran.verdict(), expected);
            assert!(ran.line().ends_with(line), "{}", ran.line());
        };
        check(1, true, Verdict::Clean, ": nothing found");
        check(0, true, Verdict::Idle, ": DID NOT RUN");
        check(1, false, Verdict::Found, ": FOUND SOMETHING");
        check(0, false, Verdict::Found, ": FOUND SOMETHING");
    }
}
