//! The machine that is measured on: pinning, what it is, and how busy others kept it meanwhile.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::available_parallelism;
use std::time::Instant;

use super::envoy::{Envoy, cpu_nanos_of};
use crate::step::Outcome;

/// CPUs of the machine, asked before anything is pinned: afterwards it would be one.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| available_parallelism().map_or(1, |count| count.get()))
}

/// Whether work can be kept on one CPU: Envoy on 0, what loads it on 1.
pub fn pins() -> bool {
    static PINS: OnceLock<bool> = OnceLock::new();
    *PINS.get_or_init(|| cores() > 1 && quietly(Command::new("taskset").arg("--version")))
}

/// Keeps the calling thread on that CPU, where the machine can.
pub fn pin_this_thread(cpu: usize) {
    let Ok(place) = fs::read_link("/proc/thread-self") else { return };
    if let (true, Some(thread)) = (pins(), place.file_name()) {
        quietly(Command::new("taskset").args(["--cpu-list", "--pid", &cpu.to_string()]).arg(thread));
    }
}

fn quietly(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|done| done.success())
}

/// Measures how much CPU others use.
pub struct Watch {
    started: Instant,
    busy: f64,
    own: f64,
}

impl Watch {
    /// From now on, beside this process and that Envoy.
    pub fn start(envoy: &Envoy) -> Outcome<Self> {
        Ok(Self { started: Instant::now(), busy: busy_seconds(), own: own_seconds(envoy)? })
    }

    /// The part of one CPU that others used since.
    pub fn others(&self, envoy: &Envoy) -> Outcome<f64> {
        let others = (busy_seconds() - self.busy) - (own_seconds(envoy)? - self.own);
        // The kernel counts busy time in ticks of 10 ms: two of them are within its error.
        Ok(((others - 0.02) / self.started.elapsed().as_secs_f64()).max(0.0))
    }
}

fn own_seconds(envoy: &Envoy) -> Outcome<f64> {
    Ok((cpu_nanos_of(&envoy.id())? + cpu_nanos_of("self")?) as f64 / 1e9)
}

/// What was measured on, in a few lines.
pub fn describe(envoys: &[Envoy], request: &str, disturbed: f64) -> String {
    let quiet = match disturbed {
        part if part > 0.2 => ": too many, run it again on a quiet machine",
        _ => "",
    };
    format!(
        "measured on: {}, {} CPUs{}, {}, {}\n\
         request: GET, HTTP/1.1, 16 connections, 8 browser headers, {request}; Envoy with one worker\n\
         measurements that other processes disturbed: {:.0} %{quiet}\n",
        processor(),
        cores(),
        if pins() { " (Envoy on CPU 0, load on CPU 1)" } else { " (not pinned)" },
        envoys.first().map_or_else(|| "Envoy".to_string(), Envoy::version),
        date(),
        disturbed * 100.0,
    )
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or_else(|| "unknown CPU".to_string(), |(_, name)| name.to_string())
}

fn date() -> String {
    let output = Command::new("date").arg("+%Y-%m-%d").output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// CPU time that all processes used since boot: user, nice, system, irq and softirq of /proc/stat, in 1/100 s.
fn busy_seconds() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers: Vec<f64> =
        text.lines().next().unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok()).collect();
    [0, 1, 2, 5, 6].iter().filter_map(|at| numbers.get(*at)).sum::<f64>() / 100.0
}
