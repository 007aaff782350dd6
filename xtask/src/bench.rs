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
    let machine = machine::Watch::start();
    machine::pin_this_thread(1);
    announce("starting one Envoy for each configuration");
    let mut envoys = Vec::new();
    for setting in bootstrap::settings(&tokens.key, backend) {
        envoys.push(Envoy::start(&setting)?);
    }
    let mut loads = Vec::new();
    for scenario in scenario::all(&tokens) {
        let envoy = envoys
            .iter()
            .position(|envoy| envoy.name == scenario.envoy)
            .ok_or_else(|| Problem::new(format!("no Envoy is configured for {}", scenario.envoy)))?;
        loads.push((envoy, Load::connect(&envoys[envoy], &scenario)?, Samples { scenario, nanos: Vec::new() }));
    }
    announce(&format!(
        "{} rounds of {} scenarios, {} s each, in random order",
        effort.rounds,
        loads.len(),
        effort.seconds
    ));
    let mut order: Vec<usize> = (0..loads.len()).collect();
    let mut chance = Chance::new();
    for round in 0..=effort.rounds {
        chance.shuffle(&mut order);
        for at in &order {
            let (envoy, load, samples) = &mut loads[*at];
            let before = envoys[*envoy].cpu_nanos()?;
            // The first round only warms up: Envoy's pools, the branch predictors, the counters that are defined late.
            let time = if round == 0 { 0.2 } else { effort.seconds };
            let requests = load.run(Duration::from_secs_f64(time))?;
            let after = envoys[*envoy].cpu_nanos()?;
            if round > 0 {
                samples.nanos.push(after.saturating_sub(before) as f64 / requests as f64);
            }
        }
        eprint!("\r   round {round} of {}", effort.rounds);
    }
    eprintln!();
    let memory = table::memory(&envoys)?;
    let described = machine.describe(&envoys, &tokens);
    let samples: Vec<Samples> = loads.into_iter().map(|(_, _, samples)| samples).collect();
    print!("{}", table::text(&samples, &memory, &described)?);
    Ok(())
}

fn effort(arguments: &[String]) -> Outcome<Effort> {
    let mut effort = Effort { rounds: 12, seconds: 1.0 };
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
