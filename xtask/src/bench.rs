//! `bench`: the CPU that Envoy spends on a request, without a filter, with its own `jwt_authn`, and with dashgate, side by
//! side. Absolute numbers move with the machine; what counts is the ratio inside one run.

mod backend;
mod bootstrap;
mod envoy;
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

/// How often all Envoys are started anew: where code and memory come to lie makes one process dearer than another.
const STARTS: usize = 4;

/// How much is measured.
struct Effort {
    rounds: usize,
    seconds: f64,
}

/// What one round of one scenario cost: nanoseconds of Envoy's CPU for a request.
pub struct Samples {
    scenario: Scenario,
    nanos: Vec<f64>,
}

/// Measures and prints the table. Fails only where it could not measure; whether a goal holds is in the table.
pub fn run(arguments: &[String]) -> Outcome {
    let effort = effort(arguments)?;
    build::wasm()?;
    let tokens = scenario::tokens()?;
    let backend = backend::start()?;
    machine::pin_this_thread(1);
    let mut samples: Vec<Samples> = Vec::new();
    let mut chance = Chance::new();
    let (mut disturbed, mut memory, mut described) = (0usize, String::new(), String::new());
    announce(&format!(
        "{} rounds of {} scenarios, {} s each, in random order, after {STARTS} starts",
        effort.rounds,
        scenario::all(&tokens).len(),
        effort.seconds
    ));
    for start in 0..STARTS {
        let mut envoys = Vec::new();
        for setting in bootstrap::settings(&tokens.key, backend) {
            envoys.push(Envoy::start(&setting)?);
        }
        let mut loads = Vec::new();
        for (at, scenario) in scenario::all(&tokens).into_iter().enumerate() {
            let envoy = envoys
                .iter()
                .position(|envoy| envoy.name == scenario.envoy)
                .ok_or_else(|| Problem::new(format!("no Envoy is configured for {}", scenario.envoy)))?;
            let mut load = Load::connect(&envoys[envoy], &scenario)?;
            load.warm_up()?;
            loads.push((envoy, load));
            if samples.len() == at {
                samples.push(Samples { scenario, nanos: Vec::new() });
            }
        }
        let mut order: Vec<usize> = (0..loads.len()).collect();
        for round in (start * effort.rounds / STARTS)..((start + 1) * effort.rounds / STARTS) {
            chance.shuffle(&mut order);
            for at in &order {
                let (envoy, load) = &mut loads[*at];
                let mut best = measure(&envoys[*envoy], load, effort.seconds)?;
                for _ in 1..ATTEMPTS {
                    if !best.is_disturbed() {
                        break;
                    }
                    let again = measure(&envoys[*envoy], load, effort.seconds)?;
                    best = if again.others < best.others { again } else { best };
                }
                disturbed += usize::from(best.is_disturbed());
                samples[*at].nanos.push(best.nanos);
            }
            eprint!("\r   round {} of {}", round + 1, effort.rounds);
        }
        memory = table::memory(&envoys)?;
        let disturbed = disturbed as f64 / (effort.rounds * loads.len()) as f64;
        described = machine::describe(&envoys, &tokens, disturbed);
    }
    eprintln!();
    print!("{}", table::text(&samples, &memory, &described)?);
    Ok(())
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
                    .hint("cargo xtask bench [--quick] [--rounds N]"));
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
