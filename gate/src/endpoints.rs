//! The gate's own endpoints under `/.dashgate/`: which there are, sign-out, and the session's description.

use crate::answer::Answer;
use crate::carriers::Found;
use crate::connect::PendingConnect;
use crate::cookie;
use crate::json::quoted;
use crate::place::Place;
use crate::policy::{Dashboard, Gate};
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
    pub place: &'a Place,
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
        let (origin, site) = (one_origin(call.request, Reason::OriginNull)?, &call.place.site);
        let is_portal = self.connect.as_ref().is_some_and(|connect| connect.from.allows(origin));
        if !call.place.is_own(origin) && !is_portal {
            return Err(Reason::OriginNotAllowed);
        }
        let mut answer = Answer::new(303, "signed_out", record).with("location", "/");
        let helpers = [cookie::PENDING, cookie::BOUNCE].map(String::from_utf8_lossy);
        let of_paths = self.path_cookies(call);
        let cookies = site.cookies.iter().chain(&of_paths).map(String::as_str);
        for cookie in cookies.chain(helpers.iter().map(AsRef::as_ref)) {
            answer = answer.with("set-cookie", format!("{cookie}=; {COOKIE_ATTRIBUTES}; Max-Age=0"));
        }
        Ok(Handled::Answered(answer))
    }

    /// The cookies that a request shows of sessions that paths name. A form from another site shows none.
    fn path_cookies(&self, call: &Call<'_>) -> Vec<String> {
        let dashboards = call.place.site.dashboards().filter_map(|index| self.dashboards.get(index));
        let stems: Vec<String> =
            dashboards.filter(|dashboard| dashboard.slot.is_some()).map(Dashboard::cookie_stem).collect();
        let names = call.request.cookies.iter().flat_map(|field| cookie::pairs(field)).map(|pair| pair.name);
        let of_paths = names.filter_map(|name| std::str::from_utf8(name).ok()).filter(|name| {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
            plain && stems.iter().any(|stem| name.starts_with(stem))
        });
        of_paths.map(str::to_owned).collect()
    }

    /// Tells a dashboard's own page whose session it has and for how long. Where the path names whose it is, `path` says which.
    fn describe_session(&self, call: &Call<'_>, record: &mut Record) -> Result<Handled, Reason> {
        let Call { request, target, place, now } = *call;
        match request.origin {
            Field::Absent => {}
            Field::One(origin) if place.is_own(origin) => {}
            Field::One(_) => return Err(Reason::OriginNotAllowed),
            Field::Repeated => return Err(Reason::OriginRepeated),
        }
        // Browsers always send it here; a client that does not is none that a foreign page could drive.
        if request.site.is_present() && !request.site.is(b"same-origin") {
            return Err(Reason::SiteNotAllowed);
        }
        let asked = |name| form_value(call.query(), name).map_err(|_| Reason::EndpointNotFound);
        let (wanted, path) = (asked(b"dashboard")?, asked(b"path")?.unwrap_or_default());
        let mut failure = Reason::SessionMissing;
        for index in place.site.dashboards() {
            let Some(dashboard) = self.dashboards.get(index).filter(|dashboard| !dashboard.open) else { continue };
            if wanted.as_ref().is_some_and(|name| name != dashboard.name.as_bytes()) {
                continue;
            }
            let whose = dashboard.whose(place, &path);
            let found = Found::collect(self, dashboard, &whose, request, target)?;
            match found.sessions(self, dashboard, &whose, false, now, record) {
                Ok(opened) => {
                    record.dashboard = Some(index);
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
