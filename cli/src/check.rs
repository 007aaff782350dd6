//! `dashgate check`: every problem of a policy, or of an Envoy file around it, by path and line; then the warnings.

use gate::Gate;
use gate::config::Problem;
use serde_json::{Value, json};

use crate::arguments::Check;
use crate::environment::Environment;
use crate::envoy;
use crate::output::{Failure, Outcome, hint, print, print_json};
use crate::policy::{is_policy, read};
use crate::tree::Node;

/// One thing that is wrong or unwise, and where.
pub struct Finding {
    /// Such as `dashboards[2].url`; empty for the whole file.
    pub path: String,
    /// The line, where the file is YAML.
    pub line: Option<usize>,
    /// What is wrong, in one sentence. Never a secret.
    pub message: String,
}

/// All that was found in one file.
#[derive(Default)]
pub struct Report {
    /// What must be mended.
    pub problems: Vec<Finding>,
    /// What is allowed but unwise.
    pub warnings: Vec<Finding>,
    /// How many policies were looked at.
    pub policies: usize,
}

/// Runs the command.
///
/// # Errors
/// Where the file cannot be read.
pub fn run(arguments: &Check) -> Result<Outcome, Failure> {
    let environment = match arguments.no_keys {
        true => Environment::without_keys(),
        false => Environment::with_file(arguments.env_file.as_deref())?,
    };
    let report = match Node::parse(&read(&arguments.file)?) {
        Ok(document) => look_at(&document, &environment),
        Err(message) => {
            let finding = Finding { path: String::new(), line: line_in(&message), message };
            Report { problems: vec![finding], ..Report::default() }
        }
    };
    if arguments.json {
        print_json(&to_json(&arguments.file, &report))?;
    } else {
        print(&to_text(&arguments.file, &report))?;
        let unset = report.problems.iter().any(|problem| problem.message.contains("is not set in the environment"));
        if unset && !arguments.no_keys {
            hint("--no-keys checks everything but the keys; --env-file FILE says where they are");
        }
    }
    Ok(if report.problems.is_empty() { Outcome::Fine } else { Outcome::Refused })
}

fn look_at(document: &Node, environment: &Environment) -> Report {
    let mut report = Report::default();
    if is_policy(document) {
        look_at_policy(document, "", environment, &mut report);
    } else {
        envoy::check(document, environment, &mut report);
    }
    report
}

/// Loads a policy as the filter would, and files its problems and warnings under `place`.
pub fn look_at_policy(policy: &Node, place: &str, environment: &Environment, report: &mut Report) -> Option<Gate> {
    let finding = |problem: &Problem| Finding {
        path: [place, &problem.path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("."),
        line: policy.line_of(&problem.path),
        message: problem.message.clone(),
    };
    report.policies += 1;
    match Gate::load(policy.to_json().as_bytes(), &|name| environment.look_up(name)) {
        Ok(gate) => {
            report.warnings.extend(gate.warnings().iter().map(finding));
            Some(gate)
        }
        Err(problems) => {
            report.problems.extend(problems.iter().map(finding));
            None
        }
    }
}

/// The line that a parser's message names.
fn line_in(message: &str) -> Option<usize> {
    let (_, rest) = message.rsplit_once("at line ")?;
    rest.split(' ').next()?.parse().ok()
}

fn to_text(file: &str, report: &Report) -> String {
    let line = |kind: &str, finding: &Finding| {
        let at = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let path = if finding.path.is_empty() { String::new() } else { format!("{}: ", finding.path) };
        format!("{file}{at}: {kind}: {path}{}\n", finding.message)
    };
    let mut text: String = report.problems.iter().map(|problem| line("problem", problem)).collect();
    text.extend(report.warnings.iter().map(|warning| line("warning", warning)));
    text + &format!(
        "{file}: {}, {}\n",
        count(report.problems.len(), "problem"),
        count(report.warnings.len(), "warning")
    )
}

fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

fn to_json(file: &str, report: &Report) -> Value {
    let list = |findings: &[Finding]| -> Vec<Value> {
        let object =
            |finding: &Finding| json!({"path": finding.path, "line": finding.line, "message": finding.message});
        findings.iter().map(object).collect()
    };
    json!({"file": file, "problems": list(&report.problems), "warnings": list(&report.warnings)})
}
