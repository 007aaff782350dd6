//! What goes on the wire when the gate answers itself: the one function from a reason to a refusal, and the few good answers.

use std::borrow::Cow;
use std::fmt;

use crate::cookie;
use crate::place::Place;
use crate::policy::{Dashboard, Gate};
use crate::query;
use crate::reason::Reason;
use crate::record::{Record, Verdict};
use crate::request::Request;
use crate::target;

/// An answer of the gate's own.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, in order.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// Body.
    pub body: Cow<'static, [u8]>,
    /// The gRPC status that stands for it if the request is a gRPC call.
    pub grpc_status: Option<u32>,
    /// What to tell the operator.
    pub record: Record,
}

impl fmt::Debug for Answer {
    /// Without what headers and body hold: a session, where somebody was connected.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        let mut told = formatter.debug_struct("Answer");
        told.field("status", &self.status).field("headers", &headers).field("record", &self.record);
        told.finish_non_exhaustive()
    }
}

impl Answer {
    /// An answer that no cache keeps.
    pub(crate) fn new(status: u16, code: &'static str, record: &Record) -> Self {
        Self {
            status,
            headers: vec![("cache-control", "no-store".into())],
            body: Cow::default(),
            grpc_status: None,
            record: Record { verdict: Verdict::Answer, code, ..record.clone() },
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn with_body(mut self, kind: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        self.headers.push(("content-type", kind.into()));
        self.body = body.into();
        self
    }

    /// The answer to an allowed Origin's preflight.
    pub(crate) fn preflight(dashboard: &Dashboard, request: &Request<'_>, record: &Record) -> Self {
        let origin = String::from_utf8_lossy(request.origin.once().unwrap_or_default()).into_owned();
        Self::new(204, "preflight", record)
            .with("access-control-allow-origin", origin)
            .with("access-control-allow-methods", dashboard.preflight.methods.clone())
            .with("access-control-allow-headers", dashboard.preflight.headers.clone())
            .with("access-control-allow-credentials", "true")
            .with("access-control-max-age", dashboard.preflight.max_age.clone())
            .with("vary", "Origin")
    }

    /// To the same place on the host without its trailing dot; `path` was checked to be plain.
    pub(crate) fn dotless_host(place: &Place, path: &[u8], record: &Record) -> Self {
        let location = format!("{}{}", place.origin(), String::from_utf8_lossy(path));
        Self::new(308, "host_redirect", record).with("location", location)
    }
}

/// Who asks: each gets the form of answer it can read.
enum Asker {
    Upgrade,
    Grpc,
    Navigation,
    Program,
}

fn asker(request: &Request<'_>) -> Asker {
    if request.upgrade.is_present() {
        Asker::Upgrade
    } else if request.is_grpc() {
        Asker::Grpc
    } else if request.is_for_a_person() {
        Asker::Navigation
    } else {
        Asker::Program
    }
}

/// The one way from a reason to what a client gets: fixed sentences, nothing of the request in it.
pub(crate) fn refusal(gate: &Gate, request: &Request<'_>, reason: Reason, record: Record) -> Answer {
    let asker = asker(request);
    let status = match asker {
        Asker::Upgrade if reason.status() != 401 => 403,
        _ => reason.status(),
    };
    let mut answer = Answer::new(status, reason.code(), &record);
    answer.record.verdict = Verdict::Refuse;
    answer.record.reason = Some(reason);
    answer.grpc_status = match asker {
        Asker::Upgrade => None,
        _ => Some(if status == 401 { 16 } else { 7 }),
    };
    if gate.reason_header {
        answer = answer.with("x-dashgate-reason", reason.code());
    }
    if let Asker::Navigation = asker {
        match to_login(gate, request, reason, &record) {
            Some((location, bounces)) => {
                answer.status = 302;
                return answer.with("location", location).with("set-cookie", bounces);
            }
            None => return with_page(answer, gate, reason),
        }
    }
    if status == 401 {
        answer = answer.with("www-authenticate", "Bearer realm=\"dashgate\"");
    }
    match asker {
        // A gRPC client gets the body as its grpc-message.
        Asker::Grpc => answer.with_body("text/plain", reason.advice().sentence().as_bytes()),
        _ => answer.with_body("application/json", reason.advice().json().as_bytes()),
    }
}

fn with_page(answer: Answer, gate: &Gate, reason: Reason) -> Answer {
    let answer =
        if answer.status == 401 { answer.with("www-authenticate", "Bearer realm=\"dashgate\"") } else { answer };
    answer
        .with("content-security-policy", gate.pages.refusal_policy().to_owned())
        .with("x-frame-options", "DENY")
        .with("referrer-policy", "same-origin")
        .with_body("text/html; charset=utf-8", gate.pages.refusal(reason.advice()).as_bytes().to_vec())
}

/// Where a person without a session is sent, and the cookie that counts: after two times within a minute the page is
/// shown instead, so that a portal that sends people straight back makes no loop.
fn to_login(gate: &Gate, request: &Request<'_>, reason: Reason, record: &Record) -> Option<(String, String)> {
    if !reason.is_ended_session() || !request.has_method("GET") {
        return None;
    }
    let bounces: &str = match cookie::find(&request.cookies, cookie::BOUNCE) {
        Ok(None) => "1",
        Ok(Some(b"1")) => "2",
        _ => return None,
    };
    let dashboard = gate.dashboards.get(record.dashboard?)?;
    let target = target::parse(request.path.once()?).ok()?;
    let mut next = match target.query {
        Some(query) => query::without(target.path, query),
        None => target.path.to_vec(),
    };
    if next.len() > 2048 {
        next = dashboard.path.to_vec();
    }
    let place = request.authority.once().and_then(|authority| gate.place(&authority.to_ascii_lowercase()));
    let label = place.as_ref().and_then(|place| place.label.as_deref());
    let location = gate.connect.as_ref()?.login_location(dashboard, label, &next)?;
    let name = String::from_utf8_lossy(cookie::BOUNCE);
    Some((location, format!("{name}={bounces}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=60")))
}
