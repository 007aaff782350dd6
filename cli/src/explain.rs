//! `dashgate explain`: what the gate would do with a request, and why. The decision is the gate's own.

use gate::{Answer, Decision, Edit, Gate, Permit, Reason, Record, Time, Verdict};
use serde_json::{Value, json};

use crate::arguments::Explain;
use crate::environment::Environment;
use crate::instant;
use crate::lines;
use crate::output::{Failure, Outcome, hint, print, print_json};
use crate::policy::Policy;
use crate::request::Description;
use crate::veil;

/// Runs the command.
///
/// # Errors
/// Where the policy or the request cannot be read.
pub fn run(arguments: &Explain) -> Result<Outcome, Failure> {
    let environment = Environment::with_file(arguments.source.env_file.as_deref())?;
    let gate = Policy::load(&arguments.source.config, &environment)?.gate;
    if arguments.jsonl {
        let start = arguments.now;
        return lines::answer_each(|line| {
            let request = Description::from_json(line)?;
            let now = request.now.or(start).unwrap_or_else(instant::clock);
            Ok(Explanation::of(&gate, &request, now).to_json())
        });
    }
    let request = Description::of(arguments)?;
    let explanation = Explanation::of(&gate, &request, request.now.unwrap_or_else(instant::clock));
    if arguments.json {
        print_json(&explanation.to_json())?;
    } else {
        print(&explanation.to_text())?;
        if let Some(reason) = explanation.record.reason {
            hint(reason.meaning());
        }
    }
    Ok(if explanation.record.verdict == Verdict::Refuse { Outcome::Refused } else { Outcome::Fine })
}

/// One header change or header line; what could be a credential is veiled already.
struct Change {
    action: &'static str,
    name: String,
    value: Option<String>,
}

struct Explanation<'a> {
    record: Record,
    dashboard: Option<&'a str>,
    edits: Vec<Change>,
    answer: Option<Shown>,
}

/// An answer of the gate's own, veiled.
struct Shown {
    status: u16,
    headers: Vec<(&'static str, String)>,
    /// What it becomes if the request is a gRPC call.
    grpc_status: Option<u32>,
}

impl<'a> Explanation<'a> {
    fn of(gate: &'a Gate, description: &Description, now: Time) -> Self {
        let request = description.view();
        // The filter takes these out before it asks the gate, whatever the verdict.
        let mut edits: Vec<Change> = request
            .forbidden()
            .iter()
            .map(|name| Change { action: "remove", name: String::from_utf8_lossy(name).into_owned(), value: None })
            .collect();
        let (record, answer) = match gate.decide(&request, now) {
            Decision::Permit(permit) => {
                edits.extend(changes(&permit));
                (permit.record().clone(), None)
            }
            Decision::Answer(answer) => (answer.record.clone(), Some(shown(&answer))),
            Decision::AwaitBody(pending) => {
                let answer = gate.finish_connect(&pending, description.body.as_deref().unwrap_or_default(), now);
                (answer.record.clone(), Some(shown(&answer)))
            }
        };
        let dashboard = record.dashboard.and_then(|index| gate.dashboard_names().nth(index));
        Self { record, dashboard, edits, answer }
    }

    fn to_json(&self) -> Value {
        let edits = self.edits.iter().map(|edit| match &edit.value {
            Some(value) => json!({"action": edit.action, "name": edit.name, "value": value}),
            None => json!({"action": edit.action, "name": edit.name}),
        });
        let answer = self.answer.as_ref();
        json!({
            "verdict": self.record.verdict.word(),
            "reason": self.record.code,
            "meaning": self.record.reason.map(Reason::meaning),
            "dashboard": self.dashboard,
            "carriers": self.record.carriers.words().collect::<Vec<_>>(),
            "subject": self.record.subject(),
            "session": self.record.fingerprint(),
            "keys": self.record.keys().collect::<Vec<_>>(),
            "edits": edits.collect::<Vec<_>>(),
            "status": answer.map(|answer| answer.status),
            "headers": answer.map(|answer| &answer.headers),
            "grpc_status": answer.and_then(|answer| answer.grpc_status),
        })
    }

    fn to_text(&self) -> String {
        let record = &self.record;
        let mut lines = vec![
            format!("verdict: {}", record.verdict.word()),
            format!("reason: {}", record.code),
            format!("dashboard: {}", self.dashboard.unwrap_or("none")),
        ];
        let carriers: Vec<&str> = record.carriers.words().collect();
        if !carriers.is_empty() {
            lines.push(format!("carriers: {}", carriers.join(", ")));
        }
        if let Some(subject) = record.subject() {
            lines.push(format!("subject: {subject}"));
        }
        if let Some(session) = record.fingerprint() {
            lines.push(format!("session: {session}"));
        }
        let keys: Vec<&str> = record.keys().collect();
        if !keys.is_empty() {
            lines.push(format!("keys: {}", keys.join(", ")));
        }
        for edit in &self.edits {
            let value = edit.value.as_ref().map(|value| format!(": {value}")).unwrap_or_default();
            lines.push(format!("request: {} {}{value}", edit.action, edit.name));
        }
        if let Some(answer) = &self.answer {
            lines.push(format!("status: {}", answer.status));
            lines.extend(answer.headers.iter().map(|(name, value)| format!("response: {name}: {value}")));
        }
        lines.join("\n") + "\n"
    }
}

fn changes(permit: &Permit) -> impl Iterator<Item = Change> {
    permit.edits().iter().map(|edit| {
        let (action, name, value) = match edit {
            Edit::Remove(name) => ("remove", *name, None),
            Edit::Set(name, value) => ("set", *name, Some(veil::header(name, value))),
            Edit::Add(name, value) => ("add", *name, Some(veil::header(name, value))),
        };
        Change { action, name: name.to_owned(), value }
    })
}

fn shown(answer: &Answer) -> Shown {
    let headers = answer.headers.iter().map(|(name, value)| (*name, veil::text(name, value)));
    Shown { status: answer.status, headers: headers.collect(), grpc_status: answer.grpc_status }
}
