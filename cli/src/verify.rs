//! `dashgate verify`: whether a session is valid for a dashboard, and which check fails if not. The checks are the gate's.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gate::session::Session;
use gate::{Decision, Format, Reason, Request, Time, bokeh, jwt, signed};
use serde_json::{Value, json};

use crate::arguments::Verify;
use crate::environment::Environment;
use crate::instant;
use crate::lines::{self, Members};
use crate::output::{Failure, Outcome, hint, print, print_json};
use crate::policy::{Judge, Policy};
use crate::tree::Node;

/// Runs the command.
///
/// # Errors
/// Where the policy or the credential cannot be read.
pub fn run(arguments: &Verify) -> Result<Outcome, Failure> {
    let environment = Environment::with_file(arguments.env_file.as_deref())?;
    let verifier = Verifier::new(arguments, &environment)?;
    if arguments.jsonl {
        return lines::answer_each(|line| verifier.answer(line));
    }
    let judge = verifier.judge(None, None).map_err(Failure::new)?;
    let credential = match arguments.credential.as_str() {
        "-" => from_stdin()?,
        text => text.as_bytes().to_vec(),
    };
    let now = arguments.now.unwrap_or_else(instant::clock);
    let verdict = verifier.verify(&judge, &credential, now);
    if arguments.json {
        print_json(&described(&verdict, &judge, now))?;
    } else {
        print(&told(&verdict, now))?;
    }
    Ok(if verdict.is_ok() { Outcome::Fine } else { Outcome::Refused })
}

/// Stdin without the line's end.
fn from_stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| Failure::new(format!("stdin: {error}")))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

struct Verifier<'a> {
    arguments: &'a Verify,
    policy: Policy,
}

impl<'a> Verifier<'a> {
    fn new(arguments: &'a Verify, environment: &Environment) -> Result<Self, Failure> {
        let policy = match (&arguments.config, &arguments.format) {
            (Some(path), _) => Policy::load(path, environment)?,
            (None, Some(format)) => Policy::compile("options", one_kind(arguments, format)?, environment)?,
            (None, None) => return Err(Failure::new("give --config FILE, or --format with --key-env and --encoding")),
        };
        if arguments.connect && !policy.connects() {
            return Err(Failure::new("--connect needs a configuration with connect"));
        }
        Ok(Self { arguments, policy })
    }

    fn judge(&self, dashboard: Option<&str>, session: Option<&str>) -> Result<Judge<'_>, String> {
        if self.arguments.format.is_some() {
            return self.policy.judge(Some("dashboard"), Some("session"));
        }
        self.policy
            .judge(dashboard.or(self.arguments.dashboard.as_deref()), session.or(self.arguments.session.as_deref()))
    }

    fn verify(&self, judge: &Judge<'_>, credential: &[u8], now: Time) -> Result<Session, Reason> {
        let session = match judge.format {
            Format::Jwt(policy) => jwt::verify(credential, policy, judge.audience, now)?,
            Format::Bokeh(ring) if self.takes_for_id(credential) => bokeh::verify_id(credential, ring, now)?,
            Format::Bokeh(ring) => bokeh::verify_token(credential, ring, now)?,
            Format::Signed(policy) => signed::verify(credential, policy, &judge.origin(), now)?,
        };
        if self.arguments.connect {
            connect(&self.policy, judge, credential, now)?;
        }
        Ok(session)
    }

    /// A signed id is 44 characters, a dot, 43 characters; a token is longer.
    fn takes_for_id(&self, credential: &[u8]) -> bool {
        let shaped = credential.len() == 88 && credential.get(44) == Some(&b'.');
        self.arguments.id || (shaped && !self.arguments.token)
    }

    fn answer(&self, line: Value) -> Result<Value, String> {
        let question = Question::read(line)?;
        let judge = self.judge(question.dashboard.as_deref(), question.session.as_deref())?;
        let now = question.now.or(self.arguments.now).unwrap_or_else(instant::clock);
        Ok(facts(&self.verify(&judge, &question.credential, now)))
    }
}

/// One line of `--jsonl`.
struct Question {
    credential: Vec<u8>,
    now: Option<Time>,
    session: Option<String>,
    dashboard: Option<String>,
}

impl Question {
    fn read(line: Value) -> Result<Self, String> {
        if let Value::String(token) = line {
            return Ok(Self { credential: token.into_bytes(), now: None, session: None, dashboard: None });
        }
        let mut members = Members::of(line)?;
        let credential = match (members.take_text("token")?, members.take_text("token_base64")?) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).map_err(|_| "token_base64 is not padded base64")?,
            _ => return Err("needs token or token_base64".to_owned()),
        };
        let now = members.take("now").map(|now| instant::from_json(&now)).transpose()?;
        let (session, dashboard) = (members.take_text("session")?, members.take_text("dashboard")?);
        members.done()?;
        Ok(Self { credential, now, session, dashboard })
    }
}

/// The policy that the options of a check without a configuration stand for.
fn one_kind(arguments: &Verify, format: &str) -> Result<Node, Failure> {
    let encoding = arguments.encoding.as_deref().ok_or_else(|| Failure::new("--format needs --encoding"))?;
    let mut session = json!({"format": format, "keys": [arguments.key_id]});
    let mut dashboard = json!({"name": "dashboard", "url": "https://dashboard.invalid/", "sessions": ["session"]});
    match (format, &arguments.audience) {
        ("jwt", None) => return Err(Failure::new("--format jwt needs --audience")),
        ("jwt", Some(audience)) => dashboard["audience"] = json!(audience),
        ("streamlit" | "streamlit_tornado", None) => {
            return Err(Failure::new(format!("--format {format} needs --audience: the dashboard's url")));
        }
        ("streamlit" | "streamlit_tornado", Some(url)) => dashboard["url"] = json!(url),
        (_, Some(_)) => return Err(Failure::new(format!("--audience is not for --format {format}"))),
        ("bokeh" | "express", None) => session["max_stream_seconds"] = json!(1),
        _ => {}
    }
    for option in &arguments.option {
        let (name, value) = option.split_once('=').ok_or_else(|| Failure::new("--option must be NAME=VALUE"))?;
        session[name] = typed(name, value);
    }
    if let Some(issuer) = &arguments.issuer {
        session["issuer"] = json!(issuer);
    }
    let document = json!({
        "keys": [{"id": arguments.key_id, "env": arguments.key_env, "encoding": encoding}],
        "sessions": {"session": session},
        "dashboards": [dashboard],
    });
    Node::parse(&document.to_string()).map_err(Failure::new)
}

/// An option's value as the configuration writes it: a salt of digits is a text. What does not fit the gate refuses by name.
fn typed(name: &str, value: &str) -> Value {
    let schema = gate::config::schema();
    let field = &schema["properties"]["sessions"]["additionalProperties"]["properties"][name];
    match field["type"].as_str() {
        Some("integer" | "boolean") => serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
        Some("array") => json!(value.split(',').collect::<Vec<_>>()),
        _ => json!(value),
    }
}

/// Asks the gate's own connect endpoint, as the page of connect by fragment would.
fn connect(policy: &Policy, judge: &Judge<'_>, token: &[u8], now: Time) -> Result<(), Reason> {
    let (scheme, rest) = judge.url.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = format!("/.dashgate/connect?next={path}");
    let origin = format!("{scheme}://{authority}");
    let bearer = [b"Bearer ", token].concat();
    let headers: [(&[u8], &[u8]); 5] = [
        (b":method", b"POST"),
        (b":authority", authority.as_bytes()),
        (b":path", target.as_bytes()),
        (b"origin", origin.as_bytes()),
        (b"authorization", &bearer),
    ];
    match policy.gate.decide(&Request::new(headers, true), now) {
        Decision::Answer(answer) => answer.record.reason.map_or(Ok(()), Err),
        Decision::Permit(_) | Decision::AwaitBody(_) => Err(Reason::EndpointNotFound),
    }
}

/// A verdict as one object of fixed members.
fn facts(verdict: &Result<Session, Reason>) -> Value {
    let session = verdict.as_ref().ok();
    json!({
        "verdict": if session.is_some() { "accepted" } else { "refused" },
        "reason": verdict.as_ref().err().map(|reason| reason.code()),
        "subject": session.and_then(Session::subject),
        "key": session.map(Session::key_id),
        "end": session.map_or(Value::Null, |session| instant::to_json(session.end())),
        "session": session.map(Session::fingerprint),
    })
}

fn described(verdict: &Result<Session, Reason>, judge: &Judge<'_>, now: Time) -> Value {
    let mut object = facts(verdict);
    object["meaning"] = json!(verdict.as_ref().err().map(|reason| reason.meaning()));
    object["seconds_left"] = json!(verdict.as_ref().ok().and_then(|session| seconds_left(session, now)));
    object["dashboard"] = json!(judge.dashboard);
    object["kind"] = json!(judge.session);
    object
}

fn seconds_left(session: &Session, now: Time) -> Option<u64> {
    (session.end() < Time::FAR).then(|| session.end().nanos_since(now) / 1_000_000_000)
}

fn told(verdict: &Result<Session, Reason>, now: Time) -> String {
    let session = match verdict {
        Ok(session) => session,
        Err(reason) => {
            hint(reason.meaning());
            return format!("refused: {}\n", reason.code());
        }
    };
    let end = match seconds_left(session, now) {
        Some(left) => format!("end: {}\nseconds left: {left}\n", instant::utc(session.end())),
        None => "end: none\n".to_owned(),
    };
    format!(
        "accepted\nsubject: {}\nkey: {}\n{end}session: {}\n",
        session.subject().unwrap_or("none"),
        session.key_id(),
        session.fingerprint()
    )
}
