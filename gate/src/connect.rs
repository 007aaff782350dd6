//! Connect: how a portal's token becomes a dashboard's session cookie, by form and by fragment.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::answer::{Answer, refusal};
use crate::carriers::{MAX_COOKIE_BYTES, one_bearer};
use crate::cookie;
use crate::endpoints::{COOKIE_ATTRIBUTES, Call, Handled, form_value, one_origin};
use crate::jwt;
use crate::place::Place;
use crate::policy::{Connect, Dashboard, Gate};
use crate::reason::Reason;
use crate::record::Record;
use crate::request::{Field, Request};
use crate::session::Session;
use crate::target::{self, percent_decoded, percent_encoded};
use crate::time::Time;

/// The largest connect form in bytes, whatever Envoy's own limits are.
pub const MAX_FORM_BYTES: usize = 16 * 1024;

/// A connect form whose body is still to come. Its origin was checked.
pub struct PendingConnect {
    place: Place,
    cookies: Vec<Vec<u8>>,
    /// A person's tab waits for the answer: it gets pages.
    for_a_person: bool,
    /// The form came from a page of another site, so the browser kept its SameSite=Lax cookies to itself.
    hides_cookies: bool,
}

impl fmt::Debug for PendingConnect {
    /// Without the cookies, which hold sessions.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PendingConnect").field("place", &self.place).finish_non_exhaustive()
    }
}

impl PendingConnect {
    /// As much of the request as a refusal's form depends on.
    fn asker(&self) -> Request<'static> {
        let navigation: [(&[u8], &[u8]); 3] =
            [(b":method", b"POST"), (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-dest", b"document")];
        Request::new(navigation.into_iter().filter(|_| self.for_a_person), true)
    }
}

impl Gate {
    /// The page of connect by fragment, or the second step of a form from another site.
    pub(crate) fn show_connect_page(
        &self,
        connect: &Connect,
        call: &Call<'_>,
        record: &mut Record,
    ) -> Result<Handled, Reason> {
        let request = call.request;
        // Only a tab's own navigation, as the form's answer asked for: no page's image or script may finish what it began.
        let by_person = request.is_for_a_person() || !(request.mode.is_present() || request.destination.is_present());
        if connect.form
            && request.has_method("GET")
            && by_person
            && let Some(token) = cookie::find(&request.cookies, cookie::PENDING)?
        {
            let next = next_in(call.query())?;
            if let Ok(connection) = self.check_connection(call.place, token, &next, call.now, record) {
                let answer = connection.answer_to_form(&request.cookies, call.now, record)?;
                return Ok(Handled::Answered(answer.with("set-cookie", pending_cookie("", 0))));
            }
            *record = Record::default();
        }
        let page = Answer::new(200, "connect_page", record)
            .with("content-security-policy", self.pages.connect_policy().to_owned())
            .with("x-frame-options", "DENY")
            .with("referrer-policy", "same-origin")
            .with_body("text/html; charset=utf-8", self.pages.connect().as_bytes().to_vec());
        Ok(Handled::Answered(page))
    }

    pub(crate) fn connect(&self, connect: &Connect, call: &Call<'_>, record: &mut Record) -> Result<Handled, Reason> {
        let Call { request, place, now, .. } = *call;
        let origin = one_origin(request, Reason::ConnectOriginNull)?;
        let (is_own, is_portal) = (place.is_own(origin), connect.from.allows(origin));
        if !is_own && !is_portal {
            return Err(Reason::OriginNotAllowed);
        }
        if request.has_body() {
            return connect_by_form(connect, call, is_portal);
        }
        if !is_own {
            return Err(Reason::ConnectFormInvalid);
        }
        // The page of connect by fragment: it asked the person before it sent this.
        if !matches!(request.site, Field::Absent) && !request.site.is(b"same-origin") {
            return Err(Reason::SiteNotAllowed);
        }
        let token = one_bearer(request.authorization)?.ok_or(Reason::SessionMissing)?;
        let next = next_in(call.query())?;
        let connection = self.check_connection(place, token, &next, now, record)?;
        Ok(Handled::Answered(connection.answer(now, record)))
    }

    /// Answers a connect form, its body complete. A body over [`MAX_FORM_BYTES`] is refused; callers need not wait for
    /// the rest of one.
    #[must_use]
    pub fn finish_connect(&self, pending: &PendingConnect, body: &[u8], now: Time) -> Answer {
        let mut record = Record::default();
        match self.judge_form(pending, body, now, &mut record) {
            Ok(answer) => answer,
            Err(reason) => refusal(self, &pending.asker(), reason, record),
        }
    }

    fn judge_form(
        &self,
        pending: &PendingConnect,
        body: &[u8],
        now: Time,
        record: &mut Record,
    ) -> Result<Answer, Reason> {
        if body.len() > MAX_FORM_BYTES {
            return Err(Reason::ConnectBodyTooLarge);
        }
        let token = form_value(body, b"token")?.ok_or(Reason::ConnectFormInvalid)?;
        let next = next_in(body)?;
        let connection = self.check_connection(&pending.place, &token, &next, now, record)?;
        if pending.hides_cookies {
            return connection.ask_again(record);
        }
        let cookies: Vec<&[u8]> = pending.cookies.iter().map(Vec::as_slice).collect();
        connection.answer_to_form(&cookies, now, record)
    }

    /// Checks `next` and the token, and that the token is fresh.
    fn check_connection<'a>(
        &'a self,
        place: &'a Place,
        token: &'a [u8],
        next: &'a [u8],
        now: Time,
        record: &mut Record,
    ) -> Result<Connection<'a>, Reason> {
        let connect = self.connect.as_ref().ok_or(Reason::EndpointNotFound)?;
        let path = target::parse(next).map_err(|_| Reason::ConnectNextNotAllowed)?;
        // Encoded control bytes have no place in a path, and have turned `/%09/host` into `//host` elsewhere (CVE-2026-83589).
        let has_control = percent_decoded(path.path).iter().any(u8::is_ascii_control);
        if has_control || path.own_endpoint().is_some() {
            return Err(Reason::ConnectNextNotAllowed);
        }
        let index = place.site.dashboard(path.path).ok_or(Reason::ConnectNextNotAllowed)?;
        let dashboard = self.dashboards.get(index).ok_or(Reason::ConnectNextNotAllowed)?;
        record.dashboard = Some(index);
        let mut verified = Err(Reason::ConnectNextNotAllowed);
        for policy in dashboard.cookie_policies() {
            verified = jwt::verify(token, policy, &dashboard.audience, now);
            if verified.is_ok() {
                break;
            }
        }
        let session = Arc::new(verified?);
        record.sessions.push(Arc::clone(&session));
        let whose = dashboard.whose(place, path.path);
        if !dashboard.require_all {
            dashboard.admit(std::slice::from_ref(&session), &whose)?;
        }
        let issued = session.issued.ok_or(Reason::ConnectIssueTimeMissing)?;
        if now > issued.plus_seconds(connect.max_token_age_seconds) {
            return Err(Reason::ConnectTokenStale);
        }
        let cookie = dashboard.cookie_for(&whose);
        if cookie.len().saturating_add(token.len()) > MAX_COOKIE_BYTES {
            return Err(Reason::ConnectTokenTooLong);
        }
        Ok(Connection { dashboard, cookie, session, token, next })
    }
}

/// Takes a portal's form up: its token is in the body, which is still to come.
fn connect_by_form(connect: &Connect, call: &Call<'_>, is_portal: bool) -> Result<Handled, Reason> {
    let request = call.request;
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
    Ok(Handled::Awaiting(PendingConnect {
        place: call.place.clone(),
        cookies: request.cookies.iter().map(|field| field.to_vec()).collect(),
        hides_cookies: match request.site {
            Field::Absent => false,
            Field::One(site) => site == b"cross-site",
            Field::Repeated => true,
        },
        for_a_person: request.is_for_a_person(),
    }))
}

/// A token that may become a cookie.
struct Connection<'a> {
    dashboard: &'a Dashboard,
    /// The name of the cookie it becomes.
    cookie: Cow<'a, str>,
    session: Arc<Session>,
    token: &'a [u8],
    next: &'a [u8],
}

impl Connection<'_> {
    fn answer(&self, now: Time, record: &Record) -> Answer {
        let left = self.session.end().nanos_since(now) / 1_000_000_000;
        let (cookie, token) = (&self.cookie, String::from_utf8_lossy(self.token));
        Answer::new(303, "connected", record)
            .with("location", String::from_utf8_lossy(self.next).into_owned())
            .with("set-cookie", format!("{cookie}={token}; {COOKIE_ATTRIBUTES}; Max-Age={}", left.max(1)))
    }

    /// Login CSRF: nobody is made someone else without being asked. The page gets the token as a fragment, which no
    /// server and no log ever sees.
    fn answer_to_form(&self, cookies: &[&[u8]], now: Time, record: &Record) -> Result<Answer, Reason> {
        if !self.replaces_another_subject(cookies, now)? {
            return Ok(self.answer(now, record));
        }
        let (token, next) = (encoded(self.token), encoded(self.next));
        let fragment = format!("/.dashgate/connect#token={token}&next={next}");
        Ok(Answer::new(303, "connect_confirmation", record).with("location", fragment))
    }

    /// A form from another site's page shows no Lax cookie, so whose session is live cannot be seen. The browser is sent
    /// to ask once more, by a GET of its own, which does show it; a cookie holds the token until then, which no page of
    /// another host can set or read.
    fn ask_again(&self, record: &Record) -> Result<Answer, Reason> {
        if cookie::PENDING.len().saturating_add(self.token.len()) > MAX_COOKIE_BYTES {
            return Err(Reason::ConnectTokenTooLong);
        }
        Ok(Answer::new(303, "connect_pending", record)
            .with("location", format!("/.dashgate/connect?next={}", encoded(self.next)))
            .with("set-cookie", pending_cookie(&String::from_utf8_lossy(self.token), 60)))
    }

    fn replaces_another_subject(&self, cookies: &[&[u8]], now: Time) -> Result<bool, Reason> {
        let Some(current) = cookie::find(cookies, self.cookie.as_bytes())? else { return Ok(false) };
        let mut live = self
            .dashboard
            .cookie_policies()
            .filter_map(|policy| jwt::verify(current, policy, &self.dashboard.audience, now).ok());
        // Two sessions without a name are the same person's only if they are the same session.
        let is_same = |live: &Session| match (live.subject(), self.session.subject()) {
            (None, None) => live.fingerprint() == self.session.fingerprint(),
            (live, new) => live == new,
        };
        Ok(live.next().is_some_and(|live| !is_same(&live)))
    }
}

/// Where a form or a query says to go: the root if it does not say.
fn next_in(form: &[u8]) -> Result<Vec<u8>, Reason> {
    Ok(form_value(form, b"next")?.unwrap_or_else(|| b"/".to_vec()))
}

fn decimal(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

fn encoded(text: &[u8]) -> String {
    percent_encoded(text, target::QUERY_SPECIAL)
}

fn pending_cookie(token: &str, seconds: u64) -> String {
    let name = String::from_utf8_lossy(cookie::PENDING);
    format!("{name}={token}; {COOKIE_ATTRIBUTES}; Max-Age={seconds}")
}
