//! `full`: what `.ci/run` does not run, or may leave out. It says what cannot run here and why, and writes how each part
//! last ended into docs/proof.md, with the day and what it ran on.

mod page;

use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::Instant;

use self::page::{PAGE, Results, written};
use crate::step::{Outcome, Problem, announce, output, root, target, watch};
use crate::summary::{Counts, Ending};
use crate::{build, compose, fuzz, second_host, setup};

/// How long each fuzz target runs: CI has 5 s for it.
const FUZZ_SECONDS: u64 = 60;

/// One part: its name, what the page says that it runs, and what runs it.
struct Part {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome<Ending>,
}

const PARTS: &[Part] = &[
    Part {
        name: "second-host",
        about: "`cargo xtask second-host`, then `tests/portability` with it",
        run: || {
            second_host::run(&[])?;
            pytest("tests/portability", &[("DASHGATE_SECOND_HOST", &target().join("second-host/release/second-host"))])
        },
    },
    Part { name: "compose", about: "`cargo xtask compose docker compose`", run: || compose::one(compose::VARIANTS[0]) },
    Part {
        name: "compose-1.29",
        about: "`cargo xtask compose docker-compose`",
        run: || compose::one(compose::VARIANTS[1]),
    },
    Part {
        name: "tls-grade",
        about: "testssl.sh of 3.2 or newer rates the edge A+: the machine's (`TESTSSL` names one), else Debian 13's",
        run: || {
            let test = "tests/tls/test_vulnerabilities.py::test_a_current_testssl_rates_it_a_plus";
            pytest(test, &[("DASHGATE_TESTSSL_RELEASE", Path::new("trixie"))])
        },
    },
    Part {
        name: "fuzz",
        about: "`cargo xtask fuzz 60`: one test a target",
        run: || fuzz::targets(FUZZ_SECONDS, None).map(Ending::Ran),
    },
];

/// Runs every part, or those that are named.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.iter().find(|name| PARTS.iter().all(|part| part.name != *name)) {
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        return Err(Problem::usage(format!("there is no part `{unknown}`")).hint(names.join(", ")));
    }
    let page = root().join(PAGE);
    let before = std::fs::read_to_string(&page).map_err(|error| Problem::new(format!("reading {PAGE}: {error}")))?;
    // Before anything runs: what is about to be tried, and that the page can take it.
    let place = place();
    written(&before, &Results { endings: &[], day: "", place: &place })?;
    let (mut endings, mut seconds) = (Vec::new(), Vec::new());
    for part in PARTS.iter().filter(|part| arguments.is_empty() || arguments.iter().any(|name| name == part.name)) {
        announce(&format!("full: {}", part.name));
        let started = Instant::now();
        let ending = (part.run)().unwrap_or_else(|problem| {
            eprintln!("{}: {}", part.name, problem.message);
            if let Some(hint) = problem.hint {
                eprintln!("hint: {hint}");
            }
            Ending::Ran(Counts::BROKEN)
        });
        endings.push((part.name, ending));
        seconds.push(started.elapsed().as_secs());
    }
    let day = output("asking for the date", Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let after = written(&before, &Results { endings: &endings, day: day.trim(), place: &place })?;
    std::fs::write(&page, after).map_err(|error| Problem::new(format!("writing {PAGE}: {error}")))?;
    println!();
    for ((name, ending), seconds) in endings.iter().zip(&seconds) {
        println!("{name:<18}{seconds:>5} s   {}", ending.line());
    }
    let total = endings.iter().fold(Counts::default(), |sum, (_, ending)| sum.add(ending.counts()));
    total.close()
}

/// Tests with the filter as it is built now, where nothing is left out that CI must have.
fn pytest(path: &str, environment: &[(&str, &Path)]) -> Outcome<Ending> {
    build::module()?;
    let mut python = setup::python()?;
    python.args(["-m", "pytest", "-q", "-rs", path]).env("CI", "true");
    for (name, value) in environment {
        python.env(name, value);
    }
    let (succeeded, said) = watch("the tests", &mut python)?;
    Ok(Ending::read(&said, succeeded))
}

/// What everything runs on, and of which commit.
fn place() -> String {
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).map(|name| name.trim_matches('"'));
    let cores = available_parallelism().map_or(1, |count| count.get());
    let git = |arguments: &[&str]| output("asking git", Command::new("git").arg("-C").arg(root()).args(arguments));
    let changes = git(&["status", "--porcelain", "--", ".", ":(exclude)docs/proof.md"]);
    let commit = match (git(&["rev-parse", "--short=10", "HEAD"]), changes) {
        (Ok(commit), Ok(changes)) if changes.trim().is_empty() => commit.trim().to_string(),
        (Ok(commit), _) => format!("{} with changes", commit.trim()),
        _ => "no commit".to_string(),
    };
    format!("{}, {}, {cores} CPUs; {commit}", system.unwrap_or(std::env::consts::OS), std::env::consts::ARCH)
}
