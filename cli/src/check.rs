//! `dashgate check`: every problem of policies, and of the Envoy files and Kubernetes objects around them, by file, path and
//! line; then the warnings. What a finding is, and where it shows; the rooms `envoy/` and `kubernetes/` find them.

use gate::Gate;
use gate::config::Problem;
use serde_json::{Value, json};

use crate::arguments::Check;
use crate::environment::Environment;
use crate::files::{self, Document, File};
use crate::output::{Failure, Outcome, hint, print, print_json};
use crate::place::Place;
use crate::tree::Node;
use crate::{compose, envoy, kubernetes, unwise};

/// One thing that is wrong or unwise, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which of the files that were given.
    pub file: usize,
    /// Such as `dashboards[2].url`, of a Kubernetes object after its kind and name; empty for the whole file.
    pub path: String,
    /// The line, where the file is YAML.
    pub line: Option<usize>,
    /// What is wrong, in one sentence. Never a secret.
    pub message: String,
}

/// All that was found.
#[derive(Default)]
pub struct Report {
    /// What must be mended.
    pub problems: Vec<Finding>,
    /// What is allowed but unwise.
    pub warnings: Vec<Finding>,
}

impl Report {
    /// Files a problem, once.
    pub fn problem(&mut self, finding: Finding) {
        if !self.problems.contains(&finding) {
            self.problems.push(finding);
        }
    }

    /// Files a warning, once.
    pub fn warning(&mut self, finding: Finding) {
        if !self.warnings.contains(&finding) {
            self.warnings.push(finding);
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Where a file cannot be read.
pub fn run(arguments: &Check) -> Result<Outcome, Failure> {
    let environment = match arguments.no_keys {
        true => Environment::without_keys(),
        false => Environment::with_file(arguments.env_file.as_deref())?,
    };
    let mut report = Report::default();
    let files = files::read_all(&arguments.files, &mut report)?;
    look_at(&files, &environment, &mut report);
    for (index, file) in files.iter().enumerate() {
        if arguments.json {
            print_json(&to_json(&file.name, index, &report))?;
        } else {
            print(&to_text(&file.name, index, &report))?;
        }
    }
    let unset = report.problems.iter().any(|problem| problem.message.contains("is not set in the environment"));
    if unset && !arguments.no_keys && !arguments.json {
        hint("--no-keys checks everything but the keys; --env-file FILE says where they are");
    }
    Ok(if report.problems.is_empty() { Outcome::Fine } else { Outcome::Refused })
}

/// Looks at all files together: what one of them says may be what another lacks.
fn look_at(files: &[File], environment: &Environment, report: &mut Report) {
    let mut has_gate = false;
    let mut resources = Vec::new();
    for (index, file) in files.iter().enumerate() {
        for document in &file.documents {
            match document {
                Document::Policy(policy) => {
                    look_at_policy(policy, &Place::of_file(policy, index), environment, report);
                    has_gate = true;
                }
                Document::Rendered(node) => {
                    if let Some(policy) = Place::of_file(node, index).member("policy") {
                        look_at_policy(policy.node, &policy, environment, report);
                    }
                    has_gate = true;
                }
                Document::Envoy(node) => has_gate |= envoy::check(&Place::of_file(node, index), environment, report),
                Document::Kubernetes(node) => kubernetes::collect(node, index, report, &mut resources),
                Document::Compose(_) | Document::Other => {}
            }
        }
    }
    has_gate |= compose::check(files, environment, report);
    has_gate |= kubernetes::check(&resources, has_gate, environment, report);
    // Of a file that could not be read that alone is told: the gate may be in it.
    if has_gate || files.iter().any(|file| file.documents.is_empty()) {
        return;
    }
    for (index, file) in files.iter().enumerate() {
        let names: Vec<&str> =
            resources.iter().filter(|found| found.place.file == index).map(|found| found.title.as_str()).collect();
        let message = match names.as_slice() {
            [] => "holds neither a policy nor a dashgate filter".to_owned(),
            [names @ .., last] if names.len() < 4 => {
                let names: String = names.iter().map(|name| format!("{name}, ")).collect();
                format!("no dashgate filter found in {names}{last}")
            }
            names => format!("no dashgate filter found in {} and {} more", names[..3].join(", "), names.len() - 3),
        };
        let line = match file.documents.as_slice() {
            [Document::Envoy(node) | Document::Compose(node)] => node.line,
            _ => None,
        };
        report.problem(Finding { file: index, path: String::new(), line, message });
    }
}

/// Loads a policy as the filter would, and files its problems and warnings under the place where it stands.
pub fn look_at_policy(
    policy: &Node,
    place: &Place<'_>,
    environment: &Environment,
    report: &mut Report,
) -> Option<Gate> {
    let finding = |problem: &Problem| Finding {
        path: place.path_of(&problem.path),
        line: policy.line_of(&problem.path),
        ..place.finding(&problem.message)
    };
    match Gate::load(policy.to_json().as_bytes(), &|name| environment.look_up(name)) {
        Ok(gate) => {
            gate.warnings().iter().for_each(|problem| report.warning(finding(problem)));
            unwise::check(&Place { node: policy, ..place.clone() }, report);
            Some(gate)
        }
        Err(problems) => {
            problems.iter().for_each(|problem| report.problem(finding(problem)));
            None
        }
    }
}

fn to_text(file: &str, index: usize, report: &Report) -> String {
    let line = |kind: &str, finding: &Finding| {
        let at = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let path = if finding.path.is_empty() { String::new() } else { format!("{}: ", finding.path) };
        format!("{file}{at}: {kind}: {path}{}\n", finding.message)
    };
    let (problems, warnings) = (of_file(&report.problems, index), of_file(&report.warnings, index));
    let mut text: String = problems.iter().map(|problem| line("problem", problem)).collect();
    text.extend(warnings.iter().map(|warning| line("warning", warning)));
    text + &format!("{file}: {}, {}\n", count(problems.len(), "problem"), count(warnings.len(), "warning"))
}

/// The findings of one file, in its order.
fn of_file(findings: &[Finding], index: usize) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.file == index).collect()
}

fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

fn to_json(file: &str, index: usize, report: &Report) -> Value {
    let list = |findings: &[Finding]| -> Vec<Value> {
        let object =
            |finding: &Finding| json!({"path": finding.path, "line": finding.line, "message": finding.message});
        of_file(findings, index).into_iter().map(object).collect()
    };
    json!({"file": file, "problems": list(&report.problems), "warnings": list(&report.warnings)})
}
