//! The gate's own endpoints under `/.dashgate/`: connect by form and by bearer, sign-out, the session's description.

use std::sync::Arc;

use crate::answer::{Answer, refusal};
use crate::carriers::{Found, MAX_COOKIE_BYTES, bearer};
use crate::cookie;
use crate::decide::{Decision, Record};
use crate::json::quoted;
use crate::jwt;
use crate::policy::{Connect, Dashboard, Gate, Site};
use crate::reason::Reason;
use crate::request::{Field, Request};
use crate::session::Session;
use crate::target::{self, Target, percent_decoded, percent_encoded};
use crate::time::Time;

/// The largest connect form in bytes, whatever Envoy's own limits are.
pub const MAX_FORM_BYTES: usize = 16 * 1024;

/// A connect form whose body is still to come. Its origin was checked.
#[derive(Debug)]
pub struct PendingConnect {
    site: Arc<Site>,
    cookies: Vec<Vec<u8>>,
    asker: Asker,
}

/// As much of the request as its answer depends on.
#[derive(Debug)]
struct Asker {
    navigation: bool,
}

impl Asker {
    fn request(&self) -> Request<'static> {
        let navigation: [(&[u8], &[u8]); 3] =
            [(b":method", b"POST"), (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-dest", b"document")];
        Request::new(navigation.into_iter().filter(|_| self.navigation), true)
    }
}

impl Gate {
    pub(crate) fn own_endpoint(
        &self,
        endpoint: &[u8],
        request: &Request<'_>,
        target: &Target<'_>,
        site: &Arc<Site>,
        now: Time,
        record: &mut Record,
    ) -> Result<Decision, Reason> {
        if request.upgrade.is_present() {
            return Err(Reason::EndpointNotFound);
        }
        cookie::check(&request.cookies)?;
        match (endpoint, request.method.once().unwrap_or_default(), &self.connect) {
            (b"connect", b"GET" | b"HEAD", Some(_)) => Ok(Decision::Answer(self.connect_page(record))),
            (b"connect", b"POST", Some(connect)) => self.connect(connect, request, target, site, now, record),
            (b"logout", b"POST", _) => self.sign_out(request, site, record),
            (b"session", b"GET", _) => self.describe_session(request, target, site, now, record),
            _ => Err(Reason::EndpointNotFound),
        }
    }

    fn connect_page(&self, record: &Record) -> Answer {
        Answer::new(200, "connect_page", record)
            .with("content-security-policy", self.pages.connect_policy())
            .with("x-frame-options", "DENY")
            .with("referrer-policy", "same-origin")
            .with_body("text/html; charset=utf-8", self.pages.connect())
    }

    fn connect(
        &self,
        connect: &Connect,
        request: &Request<'_>,
        target: &Target<'_>,
        site: &Arc<Site>,
        now: Time,
        record: &mut Record,
    ) -> Result<Decision, Reason> {
        let origin = one_origin(request, Reason::ConnectOriginNull)?;
        let (is_own, is_portal) = (origin == site.origin.as_bytes(), connect.from.allows(origin));
        if !is_own && !is_portal {
            return Err(Reason::OriginNotAllowed);
        }
        if request.has_body() {
            return self.connect_by_form(connect, request, site, is_portal);
        }
        if !is_own {
            return Err(Reason::ConnectFormInvalid);
        }
        // The page of connect by fragment: it asked the person before it sent this.
        if !matches!(request.site, Field::Absent) && !request.site.is(b"same-origin") {
            return Err(Reason::SiteNotAllowed);
        }
        let token = match request.authorization {
            Field::One(value) => bearer(value).ok_or(Reason::SessionMissing)?,
            Field::Absent => return Err(Reason::SessionMissing),
            Field::Repeated => return Err(Reason::CredentialRepeated),
        };
        let next = form_value(target.query.unwrap_or_default(), b"next")?.unwrap_or_else(|| b"/".to_vec());
        let connection = self.check_connection(connect, site, token, &next, now, record)?;
        Ok(Decision::Answer(connection.answer(now, record)))
    }

    fn connect_by_form(
        &self,
        connect: &Connect,
        request: &Request<'_>,
        site: &Arc<Site>,
        is_portal: bool,
    ) -> Result<Decision, Reason> {
        if !connect.form {
            return Err(Reason::ConnectBodyUnsupported);
        }
        if !is_portal {
            return Err(Reason::OriginNotAllowed);
        }
        let announced = match request.content_length {
            Field::Absent => 0,
            Field::One(length) => decimal(length).ok_or(Reason::ConnectFormInvalid)?,
            Field::Repeated => return Err(Reason::ConnectFormInvalid),
        };
        if announced > MAX_FORM_BYTES {
            return Err(Reason::ConnectBodyTooLarge);
        }
        let kind = request.content_type.once().unwrap_or_default();
        let media_type = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if !media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") || request.ends_with_headers {
            return Err(Reason::ConnectFormInvalid);
        }
        Ok(Decision::AwaitBody(PendingConnect {
            site: Arc::clone(site),
            cookies: request.cookies.iter().map(|field| field.to_vec()).collect(),
            asker: Asker { navigation: request.mode.is(b"navigate") && request.destination.is(b"document") },
        }))
    }

    /// Answers a connect form, its body complete. A body over [`MAX_FORM_BYTES`] is refused; callers need not wait for
    /// the rest of one.
    #[must_use]
    pub fn finish_connect(&self, pending: &PendingConnect, body: &[u8], now: Time) -> Answer {
        let mut record = Record::default();
        match self.judge_form(pending, body, now, &mut record) {
            Ok(answer) => answer,
            Err(reason) => refusal(self, &pending.asker.request(), reason, record),
        }
    }

    fn judge_form(
        &self,
        pending: &PendingConnect,
        body: &[u8],
        now: Time,
        record: &mut Record,
    ) -> Result<Answer, Reason> {
        let connect = self.connect.as_ref().ok_or(Reason::EndpointNotFound)?;
        if body.len() > MAX_FORM_BYTES {
            return Err(Reason::ConnectBodyTooLarge);
        }
        let token = form_value(body, b"token")?.ok_or(Reason::ConnectFormInvalid)?;
        let next = form_value(body, b"next")?.unwrap_or_else(|| b"/".to_vec());
        let connection = self.check_connection(connect, &pending.site, &token, &next, now, record)?;
        let cookies: Vec<&[u8]> = pending.cookies.iter().map(Vec::as_slice).collect();
        if connection.replaces_another_subject(&cookies, now)? {
            // Login CSRF: nobody is made someone else without being asked. The page gets the token as a fragment,
            // which no server and no log ever sees.
            let fragment = format!(
                "/.dashgate/connect#token={}&next={}",
                percent_encoded(&token, target::QUERY_SPECIAL),
                percent_encoded(&next, target::QUERY_SPECIAL)
            );
            return Ok(Answer::new(303, "connect_confirmation", record).with("location", fragment));
        }
        Ok(connection.answer(now, record))
    }

    /// Checks `next` and the token, and that the token is fresh.
    fn check_connection<'a>(
        &'a self,
        connect: &Connect,
        site: &Site,
        token: &'a [u8],
        next: &'a [u8],
        now: Time,
        record: &mut Record,
    ) -> Result<Connection<'a>, Reason> {
        let path = target::parse(next).map_err(|_| Reason::ConnectNextNotAllowed)?;
        // Encoded control bytes have no place in a path, and have turned `/%09/host` into `//host` elsewhere (CVE-2026-83589).
        let has_control = percent_decoded(path.path).iter().any(u8::is_ascii_control);
        if has_control || path.own_endpoint().is_some() {
            return Err(Reason::ConnectNextNotAllowed);
        }
        let index = site.dashboard(path.path).ok_or(Reason::ConnectNextNotAllowed)?;
        let dashboard = self.dashboards.get(index).ok_or(Reason::ConnectNextNotAllowed)?;
        record.dashboard = Some(index);
        let mut verified = Err(Reason::ConnectNextNotAllowed);
        for (policy, _) in dashboard.cookie_kinds() {
            verified = jwt::verify(token, policy, &dashboard.audience, now);
            if verified.is_ok() {
                break;
            }
        }
        let session = verified?;
        record.subject = session.subject().map(str::to_owned);
        record.session = Some(session.fingerprint);
        let issued = session.issued.ok_or(Reason::ConnectIssueTimeMissing)?;
        if now > issued.plus_seconds(connect.max_token_age_seconds) {
            return Err(Reason::ConnectTokenStale);
        }
        if dashboard.cookie.len().saturating_add(token.len()) > MAX_COOKIE_BYTES {
            return Err(Reason::ConnectTokenTooLong);
        }
        record.keys.push(session.key_id().to_owned());
        Ok(Connection { dashboard, session, token, next })
    }

    fn sign_out(&self, request: &Request<'_>, site: &Site, record: &Record) -> Result<Decision, Reason> {
        let origin = one_origin(request, Reason::OriginNull)?;
        let is_portal = self.connect.as_ref().is_some_and(|connect| connect.from.allows(origin));
        if origin != site.origin.as_bytes() && !is_portal {
            return Err(Reason::OriginNotAllowed);
        }
        let mut answer = Answer::new(303, "signed_out", record).with("location", "/");
        for cookie in &site.cookies {
            answer = answer.with("set-cookie", format!("{cookie}=; {COOKIE_ATTRIBUTES}; Max-Age=0"));
        }
        Ok(Decision::Answer(answer))
    }

    /// Tells a dashboard's own page whose session it has and for how long.
    fn describe_session(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
        site: &Site,
        now: Time,
        record: &mut Record,
    ) -> Result<Decision, Reason> {
        match request.origin {
            Field::Absent => {}
            Field::One(origin) if origin == site.origin.as_bytes() => {}
            Field::One(_) => return Err(Reason::OriginNotAllowed),
            Field::Repeated => return Err(Reason::OriginRepeated),
        }
        // Browsers always send it here; a client that does not is none that a foreign page could drive.
        if request.site.is_present() && !request.site.is(b"same-origin") {
            return Err(Reason::SiteNotAllowed);
        }
        let wanted = form_value(target.query.unwrap_or_default(), b"dashboard")?;
        let mut failure = Reason::SessionMissing;
        for index in site.prefixes.values() {
            let Some(dashboard) = self.dashboards.get(*index).filter(|dashboard| !dashboard.open) else { continue };
            if wanted.as_ref().is_some_and(|name| name != dashboard.name.as_bytes()) {
                continue;
            }
            match Found::collect(self, dashboard, request, target)?.sessions(dashboard, false, now) {
                Ok(opened) => {
                    record.dashboard = Some(*index);
                    record.subject = opened.subject().map(str::to_owned);
                    let left = opened.stream_end.unwrap_or(now).nanos_since(now) / 1_000_000_000;
                    let subject = opened.subject().map_or_else(|| "null".to_owned(), quoted);
                    let body = format!(
                        "{{\"dashboard\":{},\"expires_in_seconds\":{left},\"subject\":{subject}}}",
                        quoted(&dashboard.name)
                    );
                    let answer = Answer::new(200, "session_described", record);
                    return Ok(Decision::Answer(answer.with_body("application/json", body)));
                }
                Err(reason) if failure == Reason::SessionMissing => failure = reason,
                Err(_) => {}
            }
        }
        Err(failure)
    }
}

/// The attributes of every cookie the gate sets or clears; a clearing one must carry the same.
const COOKIE_ATTRIBUTES: &str = "Secure; HttpOnly; SameSite=Lax; Path=/";

/// A token that may become a cookie.
struct Connection<'a> {
    dashboard: &'a Dashboard,
    session: Session,
    token: &'a [u8],
    next: &'a [u8],
}

impl Connection<'_> {
    fn answer(&self, now: Time, record: &Record) -> Answer {
        let left = self.session.end().nanos_since(now) / 1_000_000_000;
        let (cookie, token) = (&self.dashboard.cookie, String::from_utf8_lossy(self.token));
        Answer::new(303, "connected", record)
            .with("location", String::from_utf8_lossy(self.next))
            .with("set-cookie", format!("{cookie}={token}; {COOKIE_ATTRIBUTES}; Max-Age={}", left.max(1)))
    }

    fn replaces_another_subject(&self, cookies: &[&[u8]], now: Time) -> Result<bool, Reason> {
        let Some(current) = cookie::find(cookies, self.dashboard.cookie.as_bytes())? else { return Ok(false) };
        let mut live = self
            .dashboard
            .cookie_kinds()
            .filter_map(|(policy, _)| jwt::verify(current, policy, &self.dashboard.audience, now).ok());
        Ok(live.next().is_some_and(|live| live.subject() != self.session.subject()))
    }
}

fn one_origin<'a>(request: &Request<'a>, null: Reason) -> Result<&'a [u8], Reason> {
    match request.origin {
        Field::Absent => Err(Reason::OriginMissing),
        Field::Repeated => Err(Reason::OriginRepeated),
        Field::One(b"null") => Err(null),
        Field::One(origin) if origin.contains(&b',') => Err(Reason::OriginRepeated),
        Field::One(origin) => Ok(origin),
    }
}

fn decimal(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// The one value of a field of an `application/x-www-form-urlencoded` text (WHATWG URL section 5.1).
fn form_value(form: &[u8], name: &[u8]) -> Result<Option<Vec<u8>>, Reason> {
    let decoded = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decoded(&spaced)
    };
    let mut values = form.split(|byte| *byte == b'&').filter_map(|piece| {
        let at = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
        let (field, value) = piece.split_at_checked(at)?;
        (decoded(field) == name).then(|| decoded(value.strip_prefix(b"=").unwrap_or(value)))
    });
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Reason::ConnectFormInvalid),
    }
}
