//! Fuzz targets over the gate: what no bytes may bring it to say. `cargo xtask fuzz` builds and runs them.
//!
//! One program, because one build takes long enough. `DASHGATE_FUZZ` names the target, or is `list`; with
//! `DASHGATE_FUZZ_SEEDS` it writes that target's seeds into the directory named there and ends.
#![no_main]

mod bokeh;
mod config;
mod golden;
mod jwt;
mod request;
mod signed;
mod stage;
mod texts;
mod upward;

use std::sync::LazyLock;

/// A target: its name, what becomes of one input, and the inputs it begins with.
struct Target {
    name: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

const TARGETS: &[Target] = &[
    Target { name: "jwt", run: jwt::run_hs256, seeds: jwt::seeds_hs256 },
    Target { name: "eddsa", run: jwt::run_eddsa, seeds: jwt::seeds_eddsa },
    Target { name: "bokeh", run: bokeh::run, seeds: bokeh::seeds },
    Target { name: "signed", run: signed::run, seeds: signed::seeds },
    Target { name: "request", run: request::run, seeds: request::seeds },
    Target { name: "config", run: config::run, seeds: config::seeds },
    Target { name: "cookie", run: texts::cookie, seeds: texts::cookies },
    Target { name: "query", run: texts::query, seeds: texts::queries },
    Target { name: "authority", run: texts::authority, seeds: texts::authorities },
    Target { name: "target", run: texts::target, seeds: texts::targets },
    Target { name: "time", run: texts::time, seeds: texts::times },
];

/// The one that is run.
static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("DASHGATE_FUZZ").unwrap_or_default();
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| {
        eprintln!("DASHGATE_FUZZ must be `list` or one of {}", names().join(", "));
        std::process::exit(2);
    })
});

fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

/// Lists the targets or writes the target's seeds, and ends, where that is asked for.
fn begin() {
    if std::env::var("DASHGATE_FUZZ").is_ok_and(|name| name == "list") {
        println!("{}", names().join("\n"));
        std::process::exit(0);
    }
    let Some(directory) = std::env::var_os("DASHGATE_FUZZ_SEEDS") else { return };
    let directory = std::path::PathBuf::from(directory);
    let written = std::fs::create_dir_all(&directory).and_then(|()| {
        let mut seeds = (TARGET.seeds)().into_iter().enumerate();
        seeds.try_for_each(|(number, seed)| std::fs::write(directory.join(format!("{number:05}")), seed))
    });
    match written {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("writing seeds to {}: {error}", directory.display());
            std::process::exit(1);
        }
    }
}

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| (TARGET.run)(data));
