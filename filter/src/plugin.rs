//! The order of host calls for one stream. Applies what the gate decides; holds no rule of its own.
//!
//! A request goes on in one place only, [`Plugin::on_request_headers`]'s last line, and only with a permit.

use std::borrow::Cow;
use std::cell::RefCell;

use gate::config::Problem;
use gate::{
    Answer, Decision, Edit, Gate, PendingConnect, Permit, Reason, Record, Request, ResponseHeaders, ResponsePlan, Time,
};

use crate::host::{Host, HostError, HostResult, LocalReply, Map};
use crate::metrics::{Counters, Registry};
use crate::refusals::{self, Limiter};

/// What the host is told about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go on.
    Continue,
    /// Do not: an answer was sent, or more is awaited.
    Pause,
}

/// What all configurations in one VM share.
#[derive(Debug, Default)]
pub struct Shared {
    registry: Registry,
    limiter: Limiter,
}

/// What is remembered of a stream between its callbacks.
#[derive(Debug, Default)]
pub enum Stream {
    /// Nothing was decided yet, or nothing is left to do.
    #[default]
    Quiet,
    /// Permitted; the answer is to be looked at.
    Permitted(ResponsePlan),
    /// A connect form is being collected.
    Collecting(PendingConnect),
    /// Answered here; whatever still comes of the request goes nowhere. With a status where Envoy must not make a gRPC
    /// answer of it (200 with grpc-status), because an upgrade was refused: over HTTP/2 a 200 would mean it was granted.
    Answered(Option<u16>),
}

/// One accepted configuration.
#[derive(Debug)]
pub struct Plugin {
    gate: Gate,
    counters: RefCell<Counters>,
}

impl Plugin {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Every problem it has.
    pub fn load(configuration: &[u8], environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Problem>> {
        Ok(Self { gate: Gate::load(configuration, environment)?, counters: RefCell::default() })
    }

    /// The policy.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// A request's headers have come.
    pub fn on_request_headers(
        &self,
        host: &mut impl Host,
        shared: &mut Shared,
        stream: &mut Stream,
        ends: bool,
    ) -> Action {
        let permitted = self.judge(host, shared, stream, ends);
        match permitted {
            Ok(Some(plan)) => *stream = Stream::Permitted(plan),
            Ok(None) => return Action::Pause,
            Err(HostError) => return self.fail(host, shared, stream),
        }
        Action::Continue
    }

    /// The plan for the answer if the request was permitted and all of the permit was applied; `None` if it was answered.
    fn judge(
        &self,
        host: &mut impl Host,
        shared: &mut Shared,
        stream: &mut Stream,
        ends: bool,
    ) -> HostResult<Option<ResponsePlan>> {
        let headers = host.headers(Map::Request)?;
        let pairs = headers.pairs()?;
        let request = Request::new(pairs.iter().copied(), ends);
        for name in request.forbidden() {
            host.remove_header(Map::Request, name)?;
        }
        let now = Time::from_nanos(host.now()?);
        match self.gate.decide(&request, now) {
            Decision::Permit(permit) => self.apply(host, shared, &permit).map(Some),
            Decision::Answer(answer) => {
                self.answer(host, shared, &answer, now)?;
                let is_refusal = answer.record.reason.is_some();
                *stream = Stream::Answered((is_refusal && answer.grpc_status.is_none()).then_some(answer.status));
                Ok(None)
            }
            Decision::AwaitBody(pending) => {
                *stream = Stream::Collecting(pending);
                Ok(None)
            }
        }
    }

    fn apply(&self, host: &mut impl Host, shared: &mut Shared, permit: &Permit) -> HostResult<ResponsePlan> {
        let record = permit.record();
        self.counters.try_borrow_mut().map_err(|_| HostError)?.count(host, &mut shared.registry, &self.gate, record)?;
        // The lock of the routes: only a permit writes it.
        let name = record.dashboard.and_then(|index| self.gate.dashboard_name(index)).ok_or(HostError)?;
        host.set_state("dashgate_dashboard", name.as_bytes())?;
        write_session(host, record)?;
        write(host, Map::Request, permit.edits())?;
        Ok(*permit.response())
    }

    /// A piece of a request's body has come, `length` bytes being there in all.
    pub fn on_request_body(
        &self,
        host: &mut impl Host,
        shared: &mut Shared,
        stream: &mut Stream,
        length: usize,
        ends: bool,
    ) -> Action {
        let pending = match stream {
            Stream::Collecting(pending) => pending,
            Stream::Answered(_) => return Action::Pause,
            Stream::Quiet => return self.fail(host, shared, stream),
            Stream::Permitted(_) => return Action::Continue,
        };
        if !ends && length <= gate::MAX_FORM_BYTES {
            return Action::Pause;
        }
        let answered = host.request_body(gate::MAX_FORM_BYTES.saturating_add(1)).and_then(|body| {
            let now = Time::from_nanos(host.now()?);
            self.answer(host, shared, &self.gate.finish_connect(pending, &body, now), now)
        });
        *stream = Stream::Answered(None);
        match answered {
            Ok(()) => Action::Pause,
            Err(HostError) => self.fail(host, shared, stream),
        }
    }

    /// A request's trailers have come: what a client may not send as a header it may not send here.
    pub fn on_request_trailers(&self, host: &mut impl Host, shared: &mut Shared, stream: &mut Stream) -> Action {
        match stream {
            Stream::Permitted(_) => {}
            // Trailers end a body as well.
            Stream::Collecting(_) => return self.on_request_body(host, shared, stream, 0, true),
            Stream::Answered(_) => return Action::Pause,
            Stream::Quiet => return self.fail(host, shared, stream),
        }
        let removed = host.headers(Map::RequestTrailers).and_then(|trailers| {
            for (name, _) in trailers.pairs()?.iter().filter(|(name, _)| gate::is_forbidden(name)) {
                host.remove_header(Map::RequestTrailers, name)?;
            }
            Ok(())
        });
        match removed {
            Ok(()) => Action::Continue,
            Err(HostError) => self.fail(host, shared, stream),
        }
    }

    /// An answer's headers have come, the upstream's or one of Envoy's own.
    pub fn on_response_headers(&self, host: &mut impl Host, shared: &mut Shared, stream: &mut Stream) -> Action {
        let edited = match stream {
            Stream::Permitted(plan) => self
                .gate
                .response_edits(plan, &mut Answering(host))
                .and_then(|edits| write(host, Map::Response, &edits)),
            Stream::Answered(Some(status)) => keep_status(host, *status),
            _ => return Action::Continue,
        };
        match edited {
            Ok(()) => Action::Continue,
            Err(HostError) => self.fail(host, shared, stream),
        }
    }

    /// A host call failed: nothing goes on.
    fn fail(&self, host: &mut impl Host, shared: &mut Shared, stream: &mut Stream) -> Action {
        *stream = Stream::Answered(None);
        let answer = self.gate.refuse(Reason::HostCallFailed);
        // If even this fails, the stream stays paused and the host's own timeouts end it.
        let sent = reply(host, &answer);
        let now = host.now().unwrap_or_default();
        let told = self.tell(host, shared, &answer.record, now);
        let _ = sent.and(told);
        Action::Pause
    }

    fn answer(&self, host: &mut impl Host, shared: &mut Shared, answer: &Answer, now: Time) -> HostResult<()> {
        reply(host, answer)?;
        // The answer is on its way: what goes wrong from here on changes nothing for the client.
        let _ = self.tell(host, shared, &answer.record, now.nanos());
        Ok(())
    }

    /// Tells the operator about a request that was not forwarded.
    fn tell(&self, host: &mut impl Host, shared: &mut Shared, record: &Record, now: u64) -> HostResult<()> {
        if record.reason.is_some()
            && let Some(left_out) = shared.limiter.admit(now)
        {
            host.warn(&refusals::line(&self.gate, record, left_out));
        }
        let name = record.dashboard.and_then(|index| self.gate.dashboard_name(index));
        host.set_state("dashgate_reason", record.code.as_bytes())?;
        if let Some(name) = name {
            host.set_state("dashgate_refused", name.as_bytes())?;
        }
        write_session(host, record)?;
        self.counters.try_borrow_mut().map_err(|_| HostError)?.count(host, &mut shared.registry, &self.gate, record)
    }
}

/// Undoes Envoy's making a gRPC answer of a refusal that is none.
fn keep_status(host: &mut impl Host, status: u16) -> HostResult<()> {
    let status = status.to_string();
    match host.header(Map::Response, ":status")? {
        Some(sent) if sent != status.as_bytes() => host.set_header(Map::Response, ":status", status.as_bytes()),
        _ => Ok(()),
    }
}

/// Whose session it was, for the access log.
fn write_session(host: &mut impl Host, record: &Record) -> HostResult<()> {
    if let Some(subject) = record.subject() {
        match refusals::is_plain(subject) {
            true => host.set_state("dashgate_subject", subject.as_bytes())?,
            false => host.set_state("dashgate_subject", unquoted(&refusals::clipped(subject)).as_bytes())?,
        }
    }
    if let Some(fingerprint) = record.fingerprint() {
        host.set_state("dashgate_session", fingerprint.as_bytes())?;
    }
    Ok(())
}

/// Without the one quote at each end; an escaped quote at the end of a subject stays.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn write(host: &mut impl Host, map: Map, edits: &[Edit]) -> HostResult<()> {
    for edit in edits {
        match edit {
            Edit::Remove(name) => host.remove_header(map, name.as_bytes())?,
            Edit::Set(name, value) => host.set_header(map, name, value)?,
            Edit::Add(name, value) => host.add_header(map, name, value)?,
        }
    }
    Ok(())
}

fn reply(host: &mut impl Host, answer: &Answer) -> HostResult<()> {
    let headers: Vec<(&str, &[u8])> = answer.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let details = answer.record.reason.map_or_else(
        || Cow::Owned(format!("dashgate_{}", answer.record.code)),
        |reason| Cow::Borrowed(reason.details()),
    );
    host.reply(&LocalReply {
        status: answer.status,
        details: &details,
        headers: &headers,
        body: &answer.body,
        grpc_status: answer.grpc_status,
    })
}

/// The host's answer headers, as the gate looks at them.
struct Answering<'a, H>(&'a mut H);

impl<H: Host> ResponseHeaders for Answering<'_, H> {
    type Error = HostError;

    fn first(&mut self, name: &str) -> HostResult<Option<Vec<u8>>> {
        self.0.header(Map::Response, name)
    }

    fn all(&mut self, name: &str) -> HostResult<Vec<Vec<u8>>> {
        let headers = self.0.headers(Map::Response)?;
        let pairs = headers.pairs()?;
        Ok(pairs.into_iter().filter(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value.to_vec()).collect())
    }
}
