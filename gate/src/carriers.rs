//! Where credentials travel: finding those a dashboard reads, verifying them, and listing what must not go up.

use std::borrow::Cow;
use std::sync::Arc;

use crate::place::Whose;
use crate::policy::{Dashboard, Format, Gate, Kind};
use crate::query;
use crate::reason::Reason;
use crate::record::{Edit, Record};
use crate::request::{Field, Request};
use crate::session::Session;
use crate::shown::Shown;
use crate::subprotocol::{self, Offer};
use crate::target::Target;
use crate::time::Time;
use crate::{bokeh, cookie, jwt, signed};

/// The longest cookie value read: browsers store no longer ones (RFC 6265 section 6.1, name and value together).
pub(crate) const MAX_COOKIE_BYTES: usize = 4096;

/// Credentials found in a request, unverified.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    cookie: Option<&'a [u8]>,
    bearer: Option<&'a [u8]>,
    offer: Offer<'a>,
    query: query::Found<'a>,
    bokeh_header: Option<&'a [u8]>,
    /// By session kind of the dashboard, what its own cookie holds; empty where no kind has one.
    signed: Vec<Option<&'a [u8]>>,
    /// All Cookie fields, where a login among them may be in chunks.
    cookies: Vec<&'a [u8]>,
    is_upgrade: bool,
}

impl<'a> Found<'a> {
    /// Collects what `dashboard` reads, and refuses what some server could read differently, on any dashboard.
    pub fn collect(
        gate: &Gate,
        dashboard: &Dashboard,
        whose: &Whose<'_>,
        request: &Request<'a>,
        target: &Target<'a>,
    ) -> Result<Self, Reason> {
        let readable = gate.readable.carriers;
        cookie::check(&request.cookies)?;
        let bearer = if readable.bearer { one_bearer(request.authorization)? } else { None };
        let mut found = Self {
            cookie: cookie::find(&request.cookies, dashboard.cookie_for(whose).as_bytes())?,
            bearer: bearer.filter(|_| dashboard.reads(|carriers| carriers.bearer)),
            offer: subprotocol::parse(&request.subprotocols, readable.marker, readable.bokeh)?,
            is_upgrade: request.upgrade.is_present(),
            ..Self::default()
        };
        if readable.bokeh {
            found.query = query::find(target.query.unwrap_or_default())?;
            if request.bokeh_session_id == Field::Repeated {
                return Err(Reason::CredentialRepeated);
            }
            found.bokeh_header = request.bokeh_session_id.once();
        }
        if dashboard.kinds.iter().any(|kind| kind.own_cookie().is_some()) {
            for kind in &dashboard.kinds {
                let name = kind.own_cookie();
                let value = name.map(|name| cookie::find(&request.cookies, name)).transpose()?.flatten();
                found.signed.push(value);
                if value.is_some() && kind.takes_chunks() {
                    found.cookies.clone_from(&request.cookies);
                }
            }
        }
        Ok(found)
    }

    /// The sessions that open `dashboard`, or the part of it that the URL names: of one of its kinds, or of all of them. Those
    /// that are good and do not open it are left in `record`.
    pub fn sessions(
        &self,
        gate: &Gate,
        dashboard: &Dashboard,
        whose: &Whose<'_>,
        require_all: bool,
        now: Time,
        record: &mut Record,
    ) -> Result<Opened, Reason> {
        if dashboard.kinds.len() > 1 {
            self.check_unambiguous(dashboard)?;
        }
        let mut opened = Opened::default();
        let mut failure = None;
        for (place, kind) in dashboard.kinds.iter().enumerate() {
            let by_bearer = self.bearer.is_some() && kind.carriers.bearer;
            match self.session(gate, kind, (dashboard, place), now) {
                Ok(session) if require_all => {
                    opened.add(session, kind, now, by_bearer);
                    opened.shown.join(self.shown(kind, place));
                }
                Ok(session) => match dashboard.admit(std::slice::from_ref(&session), whose) {
                    Ok(()) => {
                        opened.add(session, kind, now, by_bearer);
                        opened.shown.join(self.shown(kind, place));
                    }
                    Err(reason) => {
                        record.sessions.push(session);
                        failure = prefer(failure, reason);
                    }
                },
                // What is ambiguous is refused, whatever another kind would say.
                Err(reason @ (Reason::CredentialRepeated | Reason::CredentialConflict)) => return Err(reason),
                Err(reason) if require_all => return Err(reason),
                Err(reason) => failure = prefer(failure, reason),
            }
            if !require_all && !opened.sessions.is_empty() {
                break;
            }
        }
        if opened.names_two() {
            return Err(Reason::CredentialConflict);
        }
        if opened.sessions.is_empty() {
            return Err(failure.unwrap_or(Reason::SessionMissing));
        }
        if require_all && let Err(reason) = dashboard.admit(&opened.sessions, whose) {
            record.sessions = opened.sessions;
            return Err(reason);
        }
        Ok(opened)
    }

    /// What is ambiguous for one kind is refused, even if another kind before it would do.
    fn check_unambiguous(&self, dashboard: &Dashboard) -> Result<(), Reason> {
        for kind in &dashboard.kinds {
            match kind.format {
                Format::Jwt(_) if self.token(kind) == Err(Reason::CredentialConflict) => {
                    return Err(Reason::CredentialConflict);
                }
                Format::Bokeh(_) if !self.is_upgrade => {
                    let shown = [self.query.session_id, self.query.token, self.bokeh_header];
                    if shown.into_iter().flatten().count() > 1 {
                        return Err(Reason::CredentialRepeated);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Which of a dashboard's carriers hold anything, good or bad.
    pub fn shown_for(&self, dashboard: &Dashboard) -> Shown {
        let mut shown = Shown::default();
        dashboard.kinds.iter().enumerate().for_each(|(place, kind)| shown.join(self.shown(kind, place)));
        shown
    }

    /// What the cookie of the kind at that place holds.
    fn signed(&self, place: usize) -> Option<&'a [u8]> {
        self.signed.get(place).copied().flatten()
    }

    /// A value with its chunks, where it is a login in chunks, and the kind takes such.
    fn with_chunks(&self, value: &'a [u8], policy: &signed::Policy, now: Time) -> Result<Cow<'a, [u8]>, Reason> {
        if policy.chunks.is_empty() {
            return Ok(Cow::Borrowed(value));
        }
        let Some(count) = signed::chunk_count(value, policy, now)? else { return Ok(Cow::Borrowed(value)) };
        let whole = cookie::with_chunks(&self.cookies, policy.cookie.as_bytes(), value, count)?;
        match whole.split(|byte| *byte == b';').any(|cookie| cookie.len() > MAX_COOKIE_BYTES) {
            true => Err(Reason::CredentialTooLong),
            false => Ok(Cow::Owned(whole)),
        }
    }

    fn shown(&self, kind: &Kind, place: usize) -> Shown {
        let reads = kind.carriers;
        Shown {
            cookie: (reads.cookie && self.cookie.is_some()) || self.signed(place).is_some(),
            bearer: reads.bearer && self.bearer.is_some(),
            subprotocol: reads.marker && self.is_upgrade && self.offer.marked.is_some(),
            bokeh_subprotocol: reads.bokeh && self.is_upgrade && self.offer.bokeh.is_some(),
            bokeh_session_id: reads.bokeh && self.query.session_id.is_some(),
            bokeh_token: reads.bokeh && self.query.token.is_some(),
            bokeh_header: reads.bokeh && self.bokeh_header.is_some(),
        }
    }

    fn session(
        &self,
        gate: &Gate,
        kind: &Kind,
        (dashboard, place): (&Dashboard, usize),
        now: Time,
    ) -> Result<Arc<Session>, Reason> {
        match &kind.format {
            Format::Jwt(policy) => {
                let token = self.token(kind)?;
                remembered(gate, token, (dashboard, place), now, || {
                    jwt::verify(token, policy, &dashboard.audience, now)
                })
            }
            Format::Signed(policy) => {
                let value = self.signed(place).ok_or(Reason::SessionMissing)?;
                if value.len() > MAX_COOKIE_BYTES {
                    return Err(Reason::CredentialTooLong);
                }
                let value = self.with_chunks(value, policy, now)?;
                remembered(gate, &value, (dashboard, place), now, || {
                    signed::verify(&value, policy, &dashboard.origin, now)
                })
            }
            Format::Bokeh(ring) if self.is_upgrade => {
                if self.bokeh_header.is_some() {
                    return Err(Reason::CredentialRepeated);
                }
                let token = self.offer.bokeh.ok_or(Reason::SessionMissing)?;
                let session = bokeh::verify_token(token, ring, now)?;
                if !bokeh::names_same_session(&session, self.query.session_id, self.query.token, ring, now) {
                    return Err(Reason::CredentialConflict);
                }
                Ok(Arc::new(session))
            }
            Format::Bokeh(ring) => match (self.query.session_id, self.query.token, self.bokeh_header) {
                (None, None, None) => Err(Reason::SessionMissing),
                (Some(id), None, None) | (None, None, Some(id)) => bokeh::verify_id(id, ring, now).map(Arc::new),
                (None, Some(token), None) => bokeh::verify_token(token, ring, now).map(Arc::new),
                _ => Err(Reason::CredentialRepeated),
            },
        }
    }

    /// The one token of a JWT kind, from whichever of its carriers; the same token in two is one token.
    fn token(&self, kind: &Kind) -> Result<&'a [u8], Reason> {
        let cookie = self.cookie.filter(|_| kind.carriers.cookie);
        let bearer = self.bearer.filter(|_| kind.carriers.bearer);
        let marked = self.offer.marked.filter(|_| kind.carriers.marker && self.is_upgrade);
        let mut tokens = [cookie, bearer, marked].into_iter().flatten();
        let token = tokens.next().ok_or(Reason::SessionMissing)?;
        if tokens.any(|other| other != token) {
            return Err(Reason::CredentialConflict);
        }
        if cookie.is_some_and(|cookie| cookie.len() > MAX_COOKIE_BYTES) {
            return Err(Reason::CredentialTooLong);
        }
        Ok(token)
    }

    /// Whether a client that shows no subprotocol of its own will need the marker as the answer.
    pub fn offers_marker(&self) -> bool {
        self.is_upgrade && self.offer.marked.is_some()
    }

    /// What must be taken out on the way up: every credential any kind of any dashboard could read, but what is kept.
    pub fn removals(
        &self,
        gate: &Gate,
        dashboard: &Dashboard,
        request: &Request<'a>,
        target: &Target<'a>,
    ) -> Vec<Edit> {
        let (readable, keep) = (gate.readable.carriers, dashboard.keep);
        // Room for all that a request usually needs, those after this included.
        let mut edits = Vec::with_capacity(8);
        remove_cookies(gate, dashboard, &request.cookies, &mut edits);
        let is_bearer = request.authorization.once().is_some_and(|value| bearer(value).is_some());
        if readable.bearer && is_bearer && !keep.bearer {
            edits.push(Edit::Remove("authorization"));
        }
        if let Some(kept) = self.offer.without(!keep.marker, !keep.bokeh) {
            edits.push(set_or_remove("sec-websocket-protocol", kept));
        }
        if readable.bokeh && !keep.bokeh {
            if request.bokeh_session_id.is_present() {
                edits.push(Edit::Remove("bokeh-session-id"));
            }
            if self.query.any() {
                edits.push(Edit::Set(":path", query::without(target.path, target.query.unwrap_or_default())));
            }
        }
        edits
    }
}

/// What verifying a credential says, or said a moment ago.
fn remembered(
    gate: &Gate,
    credential: &[u8],
    (dashboard, place): (&Dashboard, usize),
    now: Time,
    verify: impl FnOnce() -> Result<Session, Reason>,
) -> Result<Arc<Session>, Reason> {
    match gate.cache.try_lock() {
        Ok(mut cache) => cache.session(credential, (dashboard.index, place), now, verify),
        Err(_) => verify().map(Arc::new),
    }
}

/// Whether a session cookie came along, of whichever dashboard, valid or not.
pub(crate) fn has_session_cookie(gate: &Gate, request: &Request<'_>) -> bool {
    let mut pairs = request.cookies.iter().flat_map(|field| cookie::pairs(field));
    pairs.any(|pair| gate.is_credential_cookie(pair.name) && pair.name != cookie::BOUNCE)
}

/// The credential of an Authorization value with the scheme Bearer (RFC 6750 section 2.1; schemes ignore case).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let separated = rest.is_empty() || rest.starts_with(b" ") || rest.starts_with(b"\t");
    (scheme.eq_ignore_ascii_case(b"bearer") && separated).then(|| rest.trim_ascii())
}

/// The one bearer of a request. Envoy joins two Authorization lines with a comma, so a list with a bearer anywhere in it
/// is two credentials; a list without one (Digest) is not ours.
pub(crate) fn one_bearer<'a>(authorization: Field<'a>) -> Result<Option<&'a [u8]>, Reason> {
    let value = match authorization {
        Field::Absent => return Ok(None),
        Field::One(value) => value,
        Field::Repeated => return Err(Reason::CredentialRepeated),
    };
    let mut items = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if value.contains(&b',') && items.any(|item| bearer(item).is_some()) {
        return Err(Reason::CredentialRepeated);
    }
    Ok(bearer(value))
}

fn remove_cookies(gate: &Gate, dashboard: &Dashboard, fields: &[&[u8]], edits: &mut Vec<Edit>) {
    let is_credential = |name: &[u8]| gate.is_credential_cookie(name) && !dashboard.keep_cookies.contains(name);
    if let [field] = fields {
        edits.extend(cookie::without(field, is_credential).map(|kept| set_or_remove("cookie", kept)));
        return;
    }
    let kept: Vec<Option<Vec<u8>>> = fields.iter().map(|field| cookie::without(field, is_credential)).collect();
    if kept.iter().all(Option::is_none) {
        return;
    }
    // Several Cookie fields stay several: setting one would remove the others.
    edits.push(Edit::Remove("cookie"));
    for (field, kept) in fields.iter().zip(kept) {
        let kept = kept.unwrap_or_else(|| field.to_vec());
        if !kept.is_empty() {
            edits.push(Edit::Add("cookie", kept));
        }
    }
}

fn set_or_remove(name: &'static str, value: Vec<u8>) -> Edit {
    if value.is_empty() { Edit::Remove(name) } else { Edit::Set(name, value) }
}

/// Of two alternatives' failures the one that says more: anything but "missing", and the first of those.
fn prefer(known: Option<Reason>, next: Reason) -> Option<Reason> {
    match known {
        None | Some(Reason::SessionMissing) => Some(next),
        known => known,
    }
}

/// The sessions that open a dashboard, and what they bound.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub sessions: Vec<Arc<Session>>,
    /// When a stream opened now must end.
    pub stream_end: Option<Time>,
    /// Whether the session that verified was shown as a bearer.
    pub by_bearer: bool,
    /// Where the sessions were found.
    pub shown: Shown,
}

impl Opened {
    fn add(&mut self, session: Arc<Session>, kind: &Arc<Kind>, now: Time, by_bearer: bool) {
        let bound = kind.max_stream_seconds.map_or(Time::FAR, |seconds| now.plus_seconds(seconds));
        let end = session.end().min(bound);
        self.stream_end = Some(self.stream_end.map_or(end, |known| known.min(end)));
        self.by_bearer |= by_bearer;
        self.sessions.push(session);
    }

    /// Whether two of the sessions name somebody, and not the same one: whose request it is would be a matter of their order.
    fn names_two(&self) -> bool {
        let mut subjects = self.sessions.iter().filter_map(|session| session.subject());
        let first = subjects.next();
        subjects.any(|other| Some(other) != first)
    }

    pub fn subject(&self) -> Option<&str> {
        self.sessions.iter().find_map(|session| session.subject())
    }
}
