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

/// The neighbouring tool that starts an engine, and makes images on it.
const ENGINE: &str = "stand-in-images";

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
    if let Some(ending) = obstacle() {
        return ending.counts().close();
    }
    let mut total = Counts::default();
    for variant in chosen {
        total = total.add(tests(variant)?.counts());
    }
    total.close()
}

/// The tests with one of the commands, wherever that is possible.
pub fn one(variant: &str) -> Outcome<Ending> {
    match obstacle() {
        Some(ending) => Ok(ending),
        None => tests(variant),
    }
}

fn tests(variant: &str) -> Outcome<Ending> {
    if !command(variant) {
        return Ok(Ending::without(variant, "it is not installed", true));
    }
    announce(&format!("tests: {variant}"));
    let mut python = setup::python()?;
    python.args(["-m", "pytest", "-q", "-rs", "tests/compose"]).env("DASHGATE_COMPOSE", variant);
    let (succeeded, output) = watch("the tests", &mut python)?;
    Ok(Ending::Ran(Counts::read(&output, succeeded)))
}

/// What becomes of the tests where something is missing for either of the commands. CI may be without them only where there
/// is neither an engine nor the tool that brings one: with either of them, the rest can be had.
fn obstacle() -> Option<Ending> {
    let what = "the compose stack";
    if !engine() {
        return Some(Ending::without(what, "there is no container engine here", tool(ENGINE).is_file()));
    }
    missing_image().map(|image| Ending::without(what, &format!("{image} is not here and cannot be pulled"), true))
}

/// Whether an engine answers; one that a neighbouring directory can start is started.
fn engine() -> bool {
    answers("docker", &["info"]) || (stand_in(ENGINE, &["debian:bookworm-slim"]) && answers("docker", &["info"]))
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
            || (image == official && stand_in(ENGINE, &[official]));
        (!here).then_some(image)
    })
}

/// Runs a tool of a neighbouring directory, which makes what no registry gives here. False where there is none.
fn stand_in(name: &str, arguments: &[&str]) -> bool {
    let program = tool(name);
    if !program.is_file() {
        return false;
    }
    announce(&format!("{name} {}", arguments.join(" ")));
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
}

fn tool(name: &str) -> PathBuf {
    root().join("../shared/tools").join(name)
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
