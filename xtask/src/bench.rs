//! `bench`: the CPU that Envoy spends on a request, without a filter, with its own `jwt_authn`, and with dashgate, side by
//! side. Absolute numbers move with the machine; what counts is the ratio inside one run.

mod backend;
mod bootstrap;
mod envoy;
mod formats;
mod load;
mod machine;
mod scenario;
mod table;

use std::time::{Duration, SystemTime};

use crate::build;
use crate::step::{Outcome, Problem, announce};
use envoy::Envoy;
use load::Load;
use scenario::Scenario;

/// How often one measurement is made anew because other processes were busy; then the least disturbed one counts.
const ATTEMPTS: usize = 3;

/// How much is measured.
struct Effort {
    rounds: usize,
    seconds: f64,
}

/// What is measured, and how it is told.
pub struct Plan {
    /// How often all Envoys are started anew: where code and memory come to lie makes one process dearer than another.
    starts: usize,
    /// One Envoy each.
    settings: Vec<bootstrap::Setting>,
    /// In the table's order.
    scenarios: Vec<Scenario>,
    /// Makes the table and says whether the goals hold.
    text: fn(&[Samples]) -> Outcome<String>,
    /// Envoys whose memory is told, with the words for each.
    memory: Vec<(&'static str, &'static str)>,
    /// What a request looks like, for the last lines.
    request: String,
}

/// What one round of one scenario cost: nanoseconds of Envoy's CPU for a request.
pub struct Samples {
    name: String,
    base: &'static str,
    nanos: Vec<f64>,
}

/// Measures and prints the table. Fails only where it could not measure; whether a goal holds is in the table.
pub fn run(arguments: &[String]) -> Outcome {
    let (make, rest): (fn() -> Outcome<Plan>, _) = match arguments {
        [first, rest @ ..] if first == "formats" => (formats::plan, rest),
        all => (usual, all),
    };
    let effort = effort(rest)?;
    build::wasm()?;
    let plan = make()?;
    machine::pin_this_thread(1);
    let empty = |scenario: &Scenario| Samples { name: scenario.name.clone(), base: scenario.base, nanos: Vec::new() };
    let mut samples: Vec<Samples> = plan.scenarios.iter().map(empty).collect();
    let mut chance = Chance::new();
    let (mut disturbed, mut memory, mut described) = (0usize, String::new(), String::new());
    let (count, starts) = (plan.scenarios.len(), plan.starts.min(effort.rounds));
    announce(&format!(
        "{} rounds of {count} scenarios, {} s each, in random order, after {starts} starts",
        effort.rounds, effort.seconds
    ));
    for start in 0..starts {
        let envoys = plan.settings.iter().map(Envoy::start).collect::<Outcome<Vec<_>>>()?;
        let mut loads = plan.scenarios.iter().map(|scenario| load(scenario, &envoys)).collect::<Outcome<Vec<_>>>()?;
        let mut order: Vec<usize> = (0..loads.len()).collect();
        for round in (start * effort.rounds / starts)..((start + 1) * effort.rounds / starts) {
            chance.shuffle(&mut order);
            for at in &order {
                let (envoy, load) = &mut loads[*at];
                let best = least_disturbed(&envoys[*envoy], load, effort.seconds)?;
                disturbed += usize::from(best.is_disturbed());
                samples[*at].nanos.push(best.nanos);
            }
            eprint!("\r   round {} of {}", round + 1, effort.rounds);
        }
        memory = table::memory(&envoys, &plan.memory)?;
        let disturbed = disturbed as f64 / (effort.rounds * count) as f64;
        described = machine::describe(&envoys, &plan.request, disturbed);
    }
    eprintln!();
    print!("{}\n{memory}{described}", (plan.text)(&samples)?);
    Ok(())
}

/// What `bench` measures when it is told nothing else.
fn usual() -> Outcome<Plan> {
    let tokens = scenario::tokens()?;
    let bytes = tokens.sessions.first().map_or(0, String::len);
    Ok(Plan {
        starts: 4,
        settings: bootstrap::settings(&tokens.key, backend::start()?),
        scenarios: scenario::all(&tokens),
        text: table::text,
        memory: vec![
            ("none", "without a filter"),
            ("jwt_authn", "with jwt_authn"),
            ("upstream-dashgate", "with dashgate"),
            ("dashgate", "with six policies of it in one"),
        ],
        request: format!("3 cookies, a session of {bytes} bytes"),
    })
}

/// A scenario's connections, warm, and the number of its Envoy.
fn load(scenario: &Scenario, envoys: &[Envoy]) -> Outcome<(usize, Load)> {
    let envoy = envoys
        .iter()
        .position(|envoy| envoy.name == scenario.envoy)
        .ok_or_else(|| Problem::new(format!("no Envoy is configured for {}", scenario.envoy)))?;
    let mut load = Load::connect(&envoys[envoy], scenario)?;
    load.warm_up()?;
    Ok((envoy, load))
}

/// One scenario for one stretch of time.
struct Measurement {
    /// Envoy's CPU for a request.
    nanos: f64,
    /// The part of one CPU that other processes used meanwhile.
    others: f64,
}

impl Measurement {
    /// A neighbour takes caches and a shared core's units, which shows in CPU time as well.
    fn is_disturbed(&self) -> bool {
        self.others > 0.1
    }
}

fn least_disturbed(envoy: &Envoy, load: &mut Load, seconds: f64) -> Outcome<Measurement> {
    let mut best = measure(envoy, load, seconds)?;
    for _ in 1..ATTEMPTS {
        if !best.is_disturbed() {
            break;
        }
        let again = measure(envoy, load, seconds)?;
        best = if again.others < best.others { again } else { best };
    }
    Ok(best)
}

fn measure(envoy: &Envoy, load: &mut Load, seconds: f64) -> Outcome<Measurement> {
    let before = envoy.cpu_nanos()?;
    let watch = machine::Watch::start(envoy)?;
    let requests = load.run(Duration::from_secs_f64(seconds))?;
    let others = watch.others(envoy)?;
    let used = envoy.cpu_nanos()?.saturating_sub(before);
    Ok(Measurement { nanos: used as f64 / requests as f64, others })
}

fn effort(arguments: &[String]) -> Outcome<Effort> {
    let mut effort = Effort { rounds: 30, seconds: 0.4 };
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        match argument.as_str() {
            "--quick" => effort = Effort { rounds: 4, seconds: 0.3 },
            "--rounds" => {
                let rounds =
                    left.next().and_then(|text| text.parse().ok()).filter(|rounds| (1..=1000).contains(rounds));
                effort.rounds = rounds.ok_or_else(|| Problem::usage("--rounds takes a number from 1 to 1000"))?;
            }
            unknown => {
                return Err(Problem::usage(format!("unknown argument `{unknown}`"))
                    .hint("cargo xtask bench [formats] [--quick] [--rounds N]"));
            }
        }
    }
    Ok(effort)
}

/// Enough randomness to shuffle (xorshift64): an order that repeats would favour whoever follows a cheap neighbour.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
        Self(nanos | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
