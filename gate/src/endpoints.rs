//! The gate's own endpoints under `/.dashgate/`: which there are, sign-out, and the session's description.

use std::sync::Arc;

use crate::answer::Answer;
use crate::carriers::Found;
use crate::connect::PendingConnect;
use crate::cookie;
use crate::json::quoted;
use crate::policy::{Gate, Site};
use crate::reason::Reason;
use crate::record::Record;
use crate::request::{Field, Request};
use crate::target::{Target, percent_decoded};
use crate::time::Time;

/// What an endpoint makes of a request; none forwards one.
pub(crate) enum Handled {
    Answered(Answer),
    Awaiting(PendingConnect),
}

/// One request to an endpoint: all that its answer depends on.
pub(crate) struct Call<'a> {
    pub request: &'a Request<'a>,
    pub target: &'a Target<'a>,
    pub site: &'a Arc<Site>,
    pub now: Time,
}

impl Call<'_> {
    pub fn query(&self) -> &[u8] {
        self.target.query.unwrap_or_default()
    }
}

impl Gate {
    pub(crate) fn own_endpoint(
        &self,
        endpoint: &[u8],
        call: &Call<'_>,
        record: &mut Record,
    ) -> Result<Handled, Reason> {
        let request = call.request;
        if request.upgrade.is_present() {
            return Err(Reason::EndpointNotFound);
        }
        cookie::check(&request.cookies)?;
        match (endpoint, request.method.once().unwrap_or_default(), &self.connect) {
            (b"connect", b"GET" | b"HEAD", Some(connect)) => self.show_connect_page(connect, call, record),
            (b"connect", b"POST", Some(connect)) => self.connect(connect, call, record),
            (b"logout", b"POST", _) => self.sign_out(call, record),
            (b"session", b"GET", _) => self.describe_session(call, record),
            _ => Err(Reason::EndpointNotFound),
        }
    }

    fn sign_out(&self, call: &Call<'_>, record: &Record) -> Result<Handled, Reason> {
        let (origin, site) = (one_origin(call.request, Reason::OriginNull)?, call.site);
        let is_portal = self.connect.as_ref().is_some_and(|connect| connect.from.allows(origin));
        if origin != site.origin.as_bytes() && !is_portal {
            return Err(Reason::OriginNotAllowed);
        }
        let mut answer = Answer::new(303, "signed_out", record).with("location", "/");
        let helpers = [cookie::PENDING, cookie::BOUNCE].map(String::from_utf8_lossy);
        for cookie in site.cookies.iter().map(String::as_str).chain(helpers.iter().map(AsRef::as_ref)) {
            answer = answer.with("set-cookie", format!("{cookie}=; {COOKIE_ATTRIBUTES}; Max-Age=0"));
        }
        Ok(Handled::Answered(answer))
    }

    /// Tells a dashboard's own page whose session it has and for how long.
    fn describe_session(&self, call: &Call<'_>, record: &mut Record) -> Result<Handled, Reason> {
        let Call { request, target, site, now } = *call;
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
        let wanted = form_value(call.query(), b"dashboard").map_err(|_| Reason::EndpointNotFound)?;
        let mut failure = Reason::SessionMissing;
        for index in site.prefixes.values() {
            let Some(dashboard) = self.dashboards.get(*index).filter(|dashboard| !dashboard.open) else { continue };
            if wanted.as_ref().is_some_and(|name| name != dashboard.name.as_bytes()) {
                continue;
            }
            match Found::collect(self, dashboard, request, target)?.sessions(self, dashboard, false, now) {
                Ok(opened) => {
                    record.dashboard = Some(*index);
                    let left = opened.stream_end.unwrap_or(now).nanos_since(now) / 1_000_000_000;
                    let subject = opened.subject().map_or_else(|| "null".to_owned(), quoted);
                    let body = format!(
                        "{{\"dashboard\":{},\"expires_in_seconds\":{left},\"subject\":{subject}}}",
                        quoted(&dashboard.name)
                    );
                    record.sessions = opened.sessions;
                    let answer = Answer::new(200, "session_described", record);
                    return Ok(Handled::Answered(answer.with_body("application/json", body.into_bytes())));
                }
                Err(reason) if failure == Reason::SessionMissing => failure = reason,
                Err(_) => {}
            }
        }
        Err(failure)
    }
}

/// The attributes of every cookie the gate sets or clears; a clearing one must carry the same.
pub(crate) const COOKIE_ATTRIBUTES: &str = "Secure; HttpOnly; SameSite=Lax; Path=/";

/// The one Origin of a request to an endpoint; `null` has its own reason.
pub(crate) fn one_origin<'a>(request: &Request<'a>, null: Reason) -> Result<&'a [u8], Reason> {
    match request.origin {
        Field::Absent => Err(Reason::OriginMissing),
        Field::Repeated => Err(Reason::OriginRepeated),
        Field::One(b"null") => Err(null),
        Field::One(origin) if origin.contains(&b',') => Err(Reason::OriginRepeated),
        Field::One(origin) => Ok(origin),
    }
}

/// The one value of a field of an `application/x-www-form-urlencoded` text (WHATWG URL section 5.1).
pub(crate) fn form_value(form: &[u8], name: &[u8]) -> Result<Option<Vec<u8>>, Reason> {
    let decoded = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decoded(&spaced)
    };
    let mut values = form.split(|byte| *byte == b'&').filter_map(|piece| {
        let at = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
        let (field, value) = piece.split_at_checked(at)?;
        // A name never grows by decoding: most pieces need none.
        if field.len() < name.len() {
            return None;
        }
        (decoded(field) == name).then(|| decoded(value.strip_prefix(b"=").unwrap_or(value)))
    });
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Reason::ConnectFormInvalid),
    }
}
