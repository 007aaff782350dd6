//! The machine that is measured on: pinning, what it is, and how busy others kept it meanwhile.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::available_parallelism;
use std::time::Instant;

use super::envoy::Envoy;
use super::scenario::Tokens;

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

/// Measures how much CPU others used.
pub struct Watch {
    started: Instant,
    busy: f64,
}

impl Watch {
    /// From now on.
    pub fn start() -> Self {
        Self { started: Instant::now(), busy: busy_seconds() }
    }

    /// What was measured on, in a few lines.
    pub fn describe(&self, envoys: &[Envoy], tokens: &Tokens) -> String {
        let cores = cores();
        let own: f64 = envoys.iter().filter_map(|envoy| envoy.cpu_nanos().ok()).sum::<u64>() as f64 / 1e9;
        let own = own + super::envoy::cpu_nanos_of("self").unwrap_or(0) as f64 / 1e9;
        let whole = self.started.elapsed().as_secs_f64() * cores as f64;
        let others = ((busy_seconds() - self.busy - own) / whole * 100.0).max(0.0);
        format!(
            "measured on: {}, {cores} CPUs{}, {}, {}\n\
             request: GET, HTTP/1.1, 16 connections, 8 browser headers, 3 cookies, a session of {} bytes; Envoy with one worker\n\
             other processes used {others:.0} % of the machine meanwhile{}\n",
            processor(),
            if pins() { " (Envoy on CPU 0, load on CPU 1)" } else { " (not pinned)" },
            envoys.first().map_or_else(|| "Envoy".to_string(), Envoy::version),
            date(),
            tokens.sessions.first().map_or(0, String::len),
            if others > 10.0 { ": more than is good for the numbers; ratios bear it better" } else { "" },
        )
    }
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
