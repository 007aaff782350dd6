//! The decision: one request in, one verdict out. The only place that makes a [`Permit`].

use crate::access;
use crate::answer::{Answer, refusal};
use crate::authority;
use crate::carriers::{Found, Opened, has_session_cookie};
use crate::connect::PendingConnect;
use crate::endpoints::{Call, Handled};
use crate::fetch;
use crate::place::Place;
use crate::policy::{Dashboard, Gate, MissingOrigin};
use crate::reason::Reason;
use crate::record::{Edit, Record, Verdict};
use crate::request::{Field, Request};
use crate::response::ResponsePlan;
use crate::target::{self, Target};
use crate::time::{Time, decode_timeout, encode_timeout};

/// What is to be done with a request.
#[derive(Debug)]
pub enum Decision {
    /// Forward it, changed so.
    Permit(Permit),
    /// Answer it here.
    Answer(Answer),
    /// Collect its body, then call [`Gate::finish_connect`].
    AwaitBody(PendingConnect),
}

/// Leave to forward one request to one dashboard. Nobody else can make one: its fields are private to the gate.
#[derive(Debug)]
pub struct Permit {
    edits: Vec<Edit>,
    response: ResponsePlan,
    record: Record,
}

impl Permit {
    /// Changes to the request's headers, in order.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// What is to be done with the answer.
    #[must_use]
    pub fn response(&self) -> &ResponsePlan {
        &self.response
    }

    /// What to tell the operator.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
}

impl Gate {
    /// Judges one request at one time.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>, now: Time) -> Decision {
        let mut record = Record::default();
        match self.judge(request, now, &mut record) {
            Ok(decision) => decision,
            Err(reason) => Decision::Answer(refusal(self, request, reason, record)),
        }
    }

    /// The answer where the filter itself failed: nothing of the request is known for sure.
    #[must_use]
    pub fn refuse(&self, reason: Reason) -> Answer {
        refusal(self, &Request::default(), reason, Record::default())
    }

    fn judge(&self, request: &Request<'_>, now: Time, record: &mut Record) -> Result<Decision, Reason> {
        let Field::One(authority) = request.authority else { return Err(Reason::AuthorityInvalid) };
        if request.host.is_present() {
            return Err(Reason::AuthorityInvalid);
        }
        // What is written as the configuration writes it was looked at there.
        let (place, dotted) = match self.place(authority) {
            Some(place) => (Some(place), false),
            None => {
                let authority = authority::parse(authority)?;
                (self.place(authority.text.as_bytes()), authority.dotted)
            }
        };
        check_method(request)?;
        let target = target::parse(request.path.once().ok_or(Reason::PathInvalid)?)?;
        let place = place.ok_or(Reason::DashboardNotFound)?;
        if dotted {
            return dotless(request, &place, record);
        }
        if let Some(endpoint) = target.own_endpoint() {
            let call = Call { request, target: &target, place: &place, now };
            return Ok(match self.own_endpoint(endpoint, &call, record)? {
                Handled::Answered(answer) => Decision::Answer(answer),
                Handled::Awaiting(pending) => Decision::AwaitBody(pending),
            });
        }
        let index = place.site.dashboard(target.path).ok_or(Reason::DashboardNotFound)?;
        let dashboard = self.dashboards.get(index).ok_or(Reason::DashboardNotFound)?;
        record.dashboard = Some(index);
        self.judge_for(dashboard, &place, request, &target, now, record)
    }

    fn judge_for(
        &self,
        dashboard: &Dashboard,
        place: &Place,
        request: &Request<'_>,
        target: &Target<'_>,
        now: Time,
        record: &mut Record,
    ) -> Result<Decision, Reason> {
        check_upgrade(request)?;
        let whose = dashboard.whose(place, target.path);
        let found = Found::collect(self, dashboard, &whose, request, target)?;
        let origin = check_origin(dashboard, place, request)?;
        if is_preflight(request) {
            return Ok(Decision::Answer(Answer::preflight(dashboard, request, record)));
        }
        let is_public = dashboard.is_public(target.path)
            && request.reads_only()
            && !request.upgrade.is_present()
            && !request.has_body();
        if !is_public {
            fetch::check(request, dashboard.embeds, origin == Origin::Allowed)?;
        }
        let mut opened = Opened::default();
        record.code = "public";
        if dashboard.open {
            record.code = "open";
        } else if !is_public {
            if dashboard.reads_bokeh() && request.reads_only() && !request.upgrade.is_present() && request.has_body() {
                return Err(Reason::BodyNotAllowed);
            }
            record.carriers = found.shown_for(dashboard);
            opened = found.sessions(self, dashboard, &whose, dashboard.require_all, now, record)?;
            record.carriers = opened.shown;
            record.code = "session";
        }
        let waived = || opened.by_bearer && !has_session_cookie(self, request);
        if origin == Origin::MissingWhereRequired && !waived() {
            return Err(Reason::OriginMissing);
        }
        Ok(Decision::Permit(self.permit(dashboard, request, target, &found, opened, is_public, now, record)))
    }

    #[expect(clippy::too_many_arguments, reason = "all that was found out about the request comes together here")]
    fn permit(
        &self,
        dashboard: &Dashboard,
        request: &Request<'_>,
        target: &Target<'_>,
        found: &Found<'_>,
        opened: Opened,
        is_public: bool,
        now: Time,
        record: &mut Record,
    ) -> Permit {
        let mut edits = found.removals(self, dashboard, request, target);
        identity(dashboard, &opened, &mut edits);
        if dashboard.access.backends.is_some()
            && let Ok(Some(backend)) = access::backend(&opened.sessions)
        {
            edits.push(Edit::Set("x-dashgate-backend", backend.as_bytes().to_vec()));
        }
        edits.push(stream_timeout(request, &opened, now));
        if request.upgrade.is_present() && !request.websocket_key.is_present() {
            edits.push(Edit::Set("sec-websocket-key", WEBSOCKET_KEY.to_vec()));
        }
        record.verdict = Verdict::Permit;
        record.sessions = opened.sessions;
        let response = ResponsePlan {
            dashboard: record.dashboard.unwrap_or_default(),
            marker: found.offers_marker() && !dashboard.keep.marker,
            private: !is_public && !request.upgrade.is_present(),
            frames: !request.upgrade.is_present() && fetch::may_be_framed(request),
            own_cookies: dashboard.shares_host,
        };
        Permit { edits, response, record: std::mem::take(record) }
    }
}

/// Only a plain GET is sent on to the host without the dot.
fn dotless(request: &Request<'_>, place: &Place, record: &mut Record) -> Result<Decision, Reason> {
    match request.path.once() {
        Some(path) if request.has_method("GET") && !request.upgrade.is_present() => {
            Ok(Decision::Answer(Answer::dotless_host(place, path, record)))
        }
        _ => Err(Reason::AuthorityInvalid),
    }
}

fn check_method(request: &Request<'_>) -> Result<(), Reason> {
    let method = request.method.once().unwrap_or_default();
    // Envoy turns an extended CONNECT into a GET before any filter; what is still CONNECT is a tunnel.
    let fine = !method.is_empty()
        && method != b"CONNECT"
        && method.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
    if fine { Ok(()) } else { Err(Reason::MethodNotAllowed) }
}

fn check_upgrade(request: &Request<'_>) -> Result<(), Reason> {
    let websocket = match request.upgrade {
        Field::Absent => return Ok(()),
        Field::One(protocol) => protocol.eq_ignore_ascii_case(b"websocket"),
        Field::Repeated => false,
    };
    let bare = !request.content_length.is_present() && !request.transfer_encoding.is_present();
    if websocket && bare && request.has_method("GET") { Ok(()) } else { Err(Reason::UpgradeNotAllowed) }
}

/// A WebSocket over HTTP/2 has no `Sec-WebSocket-Key` (RFC 8441, section 5). Backends that speak HTTP/1.1, such as Tornado,
/// answer 400 without one, and Envoy adds none. Nobody looks at what the backend makes of it there, so one for all will do.
const WEBSOCKET_KEY: &[u8] = b"ZGFzaGdhdGUtb3Zlci1oMg==";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Allowed,
    Missing,
    /// Missing, required, and to be waived for a bearer only.
    MissingWhereRequired,
}

fn check_origin(dashboard: &Dashboard, place: &Place, request: &Request<'_>) -> Result<Origin, Reason> {
    let required = request.upgrade.is_present()
        || is_preflight(request)
        || !(request.reads_only() || request.has_method("OPTIONS"));
    match request.origin {
        Field::Repeated => Err(Reason::OriginRepeated),
        Field::One(origin) if origin.contains(&b',') => Err(Reason::OriginRepeated),
        Field::One(b"null") if !dashboard.null_origin => Err(Reason::OriginNull),
        Field::One(origin) if origin == b"null" || dashboard.origins.allows(origin) => Ok(Origin::Allowed),
        Field::One(origin) if place.label.is_some() && place.is_own(origin) => Ok(Origin::Allowed),
        Field::One(_) => Err(Reason::OriginNotAllowed),
        Field::Absent if !required => Ok(Origin::Missing),
        Field::Absent if is_preflight(request) => Err(Reason::OriginMissing),
        Field::Absent => match dashboard.missing_origin {
            MissingOrigin::Deny => Err(Reason::OriginMissing),
            MissingOrigin::AllowWithBearer => Ok(Origin::MissingWhereRequired),
            MissingOrigin::Allow => Ok(Origin::Missing),
        },
    }
}

/// A CORS preflight (Fetch, section 4.8). It carries no credential, so none is ever forwarded: TensorBoard answers a
/// forged one with all of its data.
fn is_preflight(request: &Request<'_>) -> bool {
    request.has_method("OPTIONS") && request.preflight_method.is_present()
}

fn identity(dashboard: &Dashboard, opened: &Opened, edits: &mut Vec<Edit>) {
    let listed = dashboard.identity;
    let mut set = |name, value: &str| {
        edits.push(Edit::Set(name, target::percent_encoded(value.as_bytes(), b"%,").into_bytes()));
    };
    if let (true, Some(subject)) = (listed.subject, opened.subject()) {
        set("x-dashgate-subject", subject);
    }
    if let (true, Some(session)) = (listed.session, opened.sessions.first()) {
        set("x-dashgate-session", session.fingerprint());
    }
    if listed.dashboard {
        set("x-dashgate-dashboard", &dashboard.name);
    }
    if let (true, Some(end)) = (listed.expires, opened.stream_end.filter(|end| *end < Time::FAR)) {
        set("x-dashgate-expires", &end.seconds().to_string());
    }
}

/// Envoy ends a stream by this header, WebSockets too, even after the filter's VM is gone. It is always written or
/// removed: a client must not steer it. Only a gRPC client's own shorter deadline counts.
fn stream_timeout(request: &Request<'_>, opened: &Opened, now: Time) -> Edit {
    let client = request.grpc_timeout.once().filter(|_| request.is_grpc()).and_then(decode_timeout);
    let session = opened.stream_end.filter(|end| *end < Time::FAR).map(|end| end.nanos_since(now));
    match session.into_iter().chain(client).min() {
        Some(nanos) => Edit::Set("grpc-timeout", encode_timeout(nanos).into_bytes()),
        None => Edit::Remove("grpc-timeout"),
    }
}
