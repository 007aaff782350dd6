//! `test`: every suite, one after the other, none left out for another's failure, and one line that counts them all.

use std::process::Command;
use std::time::Instant;

use crate::step::{Outcome, Problem, announce, cargo, no_arguments, root, run as run_step, watch};
use crate::summary::Counts;
use crate::{build, setup, tools, wasm_tests};

/// One suite: its name in the table, the file that makes it exist, and what runs it.
struct Suite {
    name: &'static str,
    needs: &'static str,
    run: fn() -> Outcome<Counts>,
}

const SUITES: &[Suite] = &[
    Suite { name: "native", needs: "Cargo.toml", run: native },
    Suite { name: "wasm under Node", needs: "gate/Cargo.toml", run: || count(&mut wasm_tests::command()?) },
    Suite { name: "filter's size", needs: "filter/Cargo.toml", run: size },
    Suite { name: "golden vectors", needs: "tests/golden/make.py", run: golden },
    Suite { name: "module", needs: "tests/module", run: || pytest(setup::python()?, "tests/module") },
    Suite { name: "portability", needs: "tests/portability", run: || pytest(setup::python()?, "tests/portability") },
    Suite { name: "OCI image", needs: "tests/image", run: || pytest(setup::python()?, "tests/image") },
    Suite { name: "bootstraps", needs: "tests/bootstraps", run: bootstraps },
    Suite { name: "end to end", needs: "tests/e2e", run: || pytest(setup::python()?, "tests/e2e") },
    Suite { name: "edge TLS", needs: "tests/tls", run: tls },
    Suite { name: "HTTP/3", needs: "tests/http3", run: http3 },
    Suite { name: "sidecar", needs: "tests/sidecar", run: || pytest(setup::python()?, "tests/sidecar") },
    Suite { name: "changes", needs: "tests/change", run: || pytest(setup::python()?, "tests/change") },
    Suite { name: "observability", needs: "tests/observability", run: observability },
    Suite { name: "control planes", needs: "tests/control_planes", run: control_planes },
    Suite { name: "portal helpers", needs: "tests/portal", run: portal },
    Suite { name: "browser", needs: "tests/browser", run: || pytest(setup::python()?, "tests/browser") },
    Suite { name: "dashboards", needs: "tests/dashboards", run: dashboards },
    Suite { name: "demo smoke", needs: "demo/run.py", run: || edge(setup::python()?.args(["demo/run.py", "--smoke"])) },
];

/// Runs them all.
pub fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let mut rows = Vec::new();
    for suite in SUITES {
        announce(&format!("tests: {}", suite.name));
        let started = Instant::now();
        let counts = suite.counts().unwrap_or_else(|problem| {
            eprintln!("{}: {}", suite.name, problem.message);
            if let Some(hint) = problem.hint {
                eprintln!("hint: {hint}");
            }
            Counts::BROKEN
        });
        rows.push((suite.name, counts, started.elapsed().as_secs()));
    }
    let total = rows.iter().fold(Counts::default(), |sum, (_, counts, _)| sum.add(*counts));
    println!();
    for (name, counts, seconds) in &rows {
        println!("{name:<18}{seconds:>5} s   {}", counts.line());
    }
    total.close()
}

impl Suite {
    fn counts(&self) -> Outcome<Counts> {
        if !root().join(self.needs).exists() {
            return Err(Problem::new(format!("{} is missing", self.needs)));
        }
        (self.run)()
    }
}

fn native() -> Outcome<Counts> {
    count(&mut cargo(&["test", "--workspace", "--no-fail-fast"]))
}

/// One test: the module is under its limit. Apart, so that a module that is too big is one failure, not all of them.
fn size() -> Outcome<Counts> {
    build::wasm().map(|_| Counts { passed: 1, ..Counts::default() })
}

fn golden() -> Outcome<Counts> {
    let mut make = setup::python()?;
    make.args(["tests/golden/make.py", "--check"]);
    if !tools::npm_packages(&["cookie-signature@1.0.7", "cookie@0.7.2"])? {
        announce(
            "left out: Express's golden vectors are not made anew, because npm is not here or reaches no registry",
        );
        make.env("DASHGATE_GOLDEN_WITHOUT", "cookie-signature");
    }
    if let Some(directory) = tools::node()? {
        make.env("PATH", tools::path_with(&[directory]));
    }
    count(&mut make)
}

/// Real control planes in front of a real Envoy. Their programs are built before the tests, the first time for minutes, in plain
/// sight; what cannot be built is said, and the tests say it again.
fn control_planes() -> Outcome<Counts> {
    run_step("building dashgate", &mut cargo(&["build", "--package", "dashgate"]))?;
    run_step("building the control planes", setup::python()?.arg("tests/control_planes/build.py"))?;
    pytest(setup::python()?, "tests/control_planes")
}

/// The code of docs/portal.md and docs/identity.md, run against the filter and the command line as they are built now.
fn portal() -> Outcome<Counts> {
    run_step("building dashgate", &mut cargo(&["build", "--package", "dashgate"]))?;
    let mut python = setup::python()?;
    if !tools::npm_packages(&["jose@6.2.17"])? {
        announce("left out: passes made with jose, because npm is not here or reaches no registry");
        python.env("DASHGATE_PORTAL_WITHOUT", "jose");
    }
    if let Some(directory) = tools::node()? {
        python.env("PATH", tools::path_with(&[directory]));
    }
    pytest(python, "tests/portal")
}

/// What an operator sees. The pages on reason codes are held against the command line as it is built now.
fn observability() -> Outcome<Counts> {
    run_step("building dashgate", &mut cargo(&["build", "--package", "dashgate"]))?;
    let has_prometheus = Command::new("prometheus").arg("--version").output().is_ok();
    if !has_prometheus && !tools::debian_package("prometheus")? {
        announce("left out: what needs Prometheus, because it is not installed and Debian's package cannot be had");
    }
    pytest(setup::python()?, "tests/observability")
}

/// What TensorFlow Serving's messages are made of, both without what they ask for: that is all of TensorFlow.
const TF_SERVING: &[&str] = &["tensorflow-serving-api==2.21.0", "tensorflow-protobuf==2.11.0"];

/// The real dashboards. JupyterHub's comes with a proxy that is a program of Node's.
fn dashboards() -> Outcome<Counts> {
    let mut python = setup::DASHBOARDS.python()?;
    if tools::npm_packages(&["configurable-http-proxy@5.3.0"])? {
        python.env("PATH", tools::path_with_npm()?);
    } else {
        announce("left out: JupyterHub, because npm is not here or reaches no registry");
    }
    if !setup::DASHBOARDS.apart("tf-serving", TF_SERVING)? {
        announce("left out: TensorFlow Serving, because its messages cannot be installed");
    }
    pytest(python, "tests/dashboards")
}

/// What the edge negotiates, by hand-made handshakes and by scanners.
fn tls() -> Outcome<Counts> {
    setup::SCANNERS.install()?;
    pytest(setup::python()?, "tests/tls")
}

/// What Envoy itself says of every bootstrap, also of those that `dashgate render` prints now.
fn bootstraps() -> Outcome<Counts> {
    run_step("building dashgate", &mut cargo(&["build", "--package", "dashgate"]))?;
    pytest(setup::python()?, "tests/bootstraps")
}

/// The edge with HTTP/3, as `dashgate render` makes it.
fn http3() -> Outcome<Counts> {
    run_step("building dashgate", &mut cargo(&["build", "--package", "dashgate"]))?;
    pytest(setup::python()?, "tests/http3")
}

/// The tests in a directory, run by a Python that has pytest.
fn pytest(mut python: Command, directory: &str) -> Outcome<Counts> {
    edge(python.args(["-m", "pytest", "-q", "-rs", directory]))
}

/// A program that tests the filter as it is built now, in Envoy.
fn edge(command: &mut Command) -> Outcome<Counts> {
    build::module()?;
    count(command)
}

/// Runs a test program, shows what it says, and counts it.
fn count(command: &mut Command) -> Outcome<Counts> {
    let (succeeded, output) = watch("the tests", command)?;
    Ok(Counts::read(&output, succeeded))
}

#[cfg(test)]
mod tests {
    use super::SUITES;

    #[test]
    fn the_page_of_proofs_names_every_suite() {
        let page = include_str!("../../docs/proof.md").replace(['_', '\n'], " ").to_lowercase();
        for suite in SUITES {
            assert!(page.contains(&suite.name.to_lowercase()), "docs/proof.md does not name {}", suite.name);
        }
    }
}
