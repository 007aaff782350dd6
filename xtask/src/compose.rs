//! `compose`: docker-compose.yml on a real engine, by the documentation's own commands, with `docker compose` and docker-compose 1.29.
//! It looks for an engine, for both commands and for the images to build on; the tests themselves are in tests/compose.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::setup;
use crate::step::{Outcome, Problem, announce, root, watch};
use crate::summary::{Counts, Ending};

/// The commands that the file is for.
pub const VARIANTS: [&str; 2] = ["docker compose", "docker-compose"];

/// What the images are built on, and Prometheus: by the environment's name, else the official one.
const IMAGES: [(&str, &str); 4] = [
    ("RUST_IMAGE", "rust:1.95-slim-bookworm"),
    ("PYTHON_IMAGE", "python:3.11-slim-bookworm"),
    ("ENVOY_IMAGE", "envoyproxy/envoy:v1.40.0"),
    ("PROMETHEUS_IMAGE", "prom/prometheus:v2.42.0"),
];

/// Runs the tests with each of the commands, or with the one that is named.
pub fn run(arguments: &[String]) -> Outcome {
    let named = arguments.join(" ");
    let chosen: Vec<&str> = VARIANTS.into_iter().filter(|variant| named.is_empty() || *variant == named).collect();
    if chosen.is_empty() {
        return Err(Problem::usage(format!(
            "unknown argument `{named}`; there are `{}` and `{}`",
            VARIANTS[0], VARIANTS[1]
        )));
    }
    if let Some(why) = obstacle() {
        left_out("the compose stack", &why);
        return Ok(());
    }
    let mut total = Counts::default();
    for variant in chosen {
        match tests(variant)? {
            Ending::Ran(counts) => total = total.add(counts),
            Ending::LeftOut(why) => left_out(variant, &why),
        }
    }
    println!("{}", total.line());
    if total.failed == 0 { Ok(()) } else { Err(Problem::said()) }
}

/// The tests with one of the commands, wherever that is possible.
pub fn one(variant: &str) -> Outcome<Ending> {
    match obstacle() {
        Some(why) => Ok(Ending::LeftOut(why)),
        None => tests(variant),
    }
}

fn tests(variant: &str) -> Outcome<Ending> {
    if !command(variant) {
        return Ok(Ending::LeftOut("it is not installed".to_string()));
    }
    announce(&format!("tests: {variant}"));
    let mut python = setup::python()?;
    python.args(["-m", "pytest", "-q", "-rs", "tests/compose"]).env("DASHGATE_COMPOSE", variant);
    let (succeeded, output) = watch("the tests", &mut python)?;
    Ok(Ending::Ran(Counts::read(&output, succeeded)))
}

/// What is missing for either of the commands.
fn obstacle() -> Option<String> {
    if !engine() {
        return Some("there is no container engine here".to_string());
    }
    missing_image().map(|image| format!("{image} is not here and cannot be pulled"))
}

/// Whether an engine answers; one that a neighbouring directory can start is started.
fn engine() -> bool {
    answers("docker", &["info"])
        || (stand_in("stand-in-images", &["debian:bookworm-slim"]) && answers("docker", &["info"]))
}

/// Whether the command is there; `docker compose` can be made where only its source is to be had.
fn command(variant: &str) -> bool {
    let there = || match variant.split_once(' ') {
        Some((program, plugin)) => answers(program, &[plugin, "version"]),
        None => answers(variant, &["version"]),
    };
    there() || (variant == VARIANTS[0] && stand_in("compose-plugin", &[]) && there())
}

/// The first image that is neither here nor to be had.
fn missing_image() -> Option<String> {
    IMAGES.into_iter().find_map(|(variable, official)| {
        let image = std::env::var(variable).unwrap_or_else(|_| official.to_owned());
        let here = answers("docker", &["image", "inspect", &image])
            || answers("docker", &["pull", "--quiet", &image])
            || (image == official && stand_in("stand-in-images", &[official]));
        (!here).then_some(image)
    })
}

/// Runs a tool of a neighbouring directory, which makes what no registry gives here. False where there is none.
fn stand_in(tool: &str, arguments: &[&str]) -> bool {
    let program: PathBuf = root().join("../shared/tools").join(tool);
    if !program.is_file() {
        return false;
    }
    announce(&format!("{tool} {}", arguments.join(" ")));
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Says what is not tested and why.
fn left_out(what: &str, why: &str) {
    announce(&format!("left out: {what}, because {why}"));
}
