//! Runs the built `dashgate` and hands back all that it said.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Base64url of 32 bytes, and a secret as Bokeh makes them: no key of anyone's.
pub const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
pub const BOKEH_KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH";
/// 2027-01-15T08:00:00Z
pub const NOW: &str = "1800000000";

pub const POLICY: &str = "\
keys:
- {id: portal-1, env: DASHGATE_KEY, encoding: base64url}
- {id: bokeh, env: BOKEH_SECRET_KEY, encoding: utf8}
sessions:
  portal: {format: jwt, keys: [portal-1], issuer: https://portal.example.org, carriers: [cookie, bearer, subprotocol]}
  bokeh: {format: bokeh, keys: [bokeh], max_stream_seconds: 43200}
connect: {from: [https://portal.example.org]}
dashboards:
- {name: portal, url: https://portal.example.org/, open: true}
- {name: training, url: https://tensorboard.example.org/, sessions: [portal]}
- {name: report, url: https://bokeh.example.org/, sessions: [portal, bokeh], keep: [bokeh], public: [/static/]}
";

/// What a run said.
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Run {
    /// stdout, where the exit code is as expected.
    #[track_caller]
    pub fn expect(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Runs with the two keys in the environment, and nothing on stdin.
pub fn dashgate(arguments: &[&str]) -> Run {
    run(arguments, "", &[("DASHGATE_KEY", KEY), ("BOKEH_SECRET_KEY", BOKEH_KEY)])
}

/// Runs with the two keys in the environment.
pub fn dashgate_reading(arguments: &[&str], stdin: &str) -> Run {
    run(arguments, stdin, &[("DASHGATE_KEY", KEY), ("BOKEH_SECRET_KEY", BOKEH_KEY)])
}

/// Runs with exactly this environment, from the repository's root.
pub fn run(arguments: &[&str], stdin: &str, environment: &[(&str, &str)]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dashgate"))
        .args(arguments)
        .current_dir(repository(""))
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_owned();
    // Beside the reading, so that neither side waits for the other's full pipe; a command may also not read it at all.
    let writer = std::thread::spawn(move || pipe.write_all(stdin.as_bytes()).is_ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// A file for one test, in the directory cargo keeps for that.
pub fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The policy above in a file.
pub fn policy(name: &str) -> String {
    file(name, POLICY)
}

/// A portal session for a dashboard, made at `NOW`.
pub fn session(policy: &str, dashboard: &str, more: &[&str]) -> String {
    let mut arguments = vec!["mint", "--config", policy, "--dashboard", dashboard, "--session", "portal", "--now", NOW];
    arguments.extend(["--subject", "ada"]);
    arguments.extend(more);
    dashgate(&arguments).expect(0).trim_end().to_owned()
}

/// All lines as JSON.
pub fn objects(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
