//! What is asked of which Envoy, and what each answer must be.

use std::rc::Rc;

use crate::setup;
use crate::step::{Outcome, Problem, output};

/// The dashboard all requests are for.
pub const URL: &str = "https://report.example.org/";
/// The portal that signs sessions.
pub const PORTAL: &str = "https://portal.example.org";
/// The key id all sessions name.
pub const KEY_ID: &str = "portal-2026-11";
/// The dashboard's cookie.
pub const COOKIE: &str = "__Host-dashgate-report";
/// An origin that the settings allow besides the dashboard's own; the last of many.
pub const FRIEND: &str = "https://notebook-09999.example.org";

/// How many different sessions are in play where it is not one.
const MANY_SESSIONS: usize = 10_000;
/// So many in turn that each, but for a few in a hundred, is forgotten before it comes again and verified as if it had
/// never been seen.
pub const TOO_MANY_SESSIONS: usize = 20_000;

/// A key, and sessions it signed.
pub struct Tokens {
    /// base64url.
    pub key: String,
    /// JWTs, each of another subject.
    pub sessions: Vec<String>,
}

/// Makes a fresh key and sessions. In Python: xtask has no crates, and Python has HMAC.
pub fn tokens() -> Outcome<Tokens> {
    let mut python = setup::python()?;
    python.args(["-c", include_str!("mint.py"), &TOO_MANY_SESSIONS.to_string(), KEY_ID, PORTAL, URL]);
    let text = output("making sessions", &mut python)?;
    let mut lines = text.lines().map(str::to_string);
    let key = lines.next().ok_or_else(|| Problem::new("making sessions: no key came"))?;
    Ok(Tokens { key, sessions: lines.collect() })
}

/// One line of the table.
pub struct Scenario {
    /// What it is called there.
    pub name: String,
    /// The setting its Envoy runs.
    pub envoy: &'static str,
    /// Which of its listeners is asked.
    pub listener: usize,
    /// The scenario whose cost is subtracted.
    pub base: &'static str,
    /// The status of every answer.
    pub status: u16,
    /// Requests, sent in turn.
    pub requests: Rc<[Vec<u8>]>,
}

/// What differs from one request to another.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// A pair of the Cookie header.
    pub cookie: &'a str,
    /// The Origin, if any.
    pub origin: Option<&'a str>,
    /// Sec-Fetch-Site.
    pub site: &'a str,
    /// A navigation rather than a script's fetch.
    pub page: bool,
    /// What the query has beside a parameter of the dashboard's own.
    pub query: &'a str,
}

/// All scenarios, in the table's order.
pub fn all(tokens: &Tokens) -> Vec<Scenario> {
    let session = tokens.sessions.first().map(|token| format!("{COOKIE}={token}")).unwrap_or_default();
    let forged = forged(&session);
    let data = Ask { cookie: &session, origin: None, site: "same-origin", page: false, query: "" };
    let page = Ask { page: true, ..data };
    let many = |count| {
        let sessions = tokens.sessions.iter().take(count);
        sessions.map(|token| request(&Ask { cookie: &format!("{COOKIE}={token}"), ..data })).collect()
    };
    let one = |name: &str, envoy: &'static str, status, ask: Ask<'_>| Scenario {
        name: name.to_string(),
        envoy,
        listener: 0,
        base: if envoy.starts_with("upstream") { "no filter, to a backend" } else { "no filter" },
        status,
        requests: vec![request(&ask)].into(),
    };
    let friendly = Ask { origin: Some(FRIEND), site: "same-site", ..data };
    let foreign = Ask { origin: Some("https://evil.example.net"), site: "cross-site", ..data };
    vec![
        one("no filter", "none", 200, data),
        one("jwt_authn", "jwt_authn", 200, data),
        Scenario {
            requests: many(TOO_MANY_SESSIONS),
            ..one("jwt_authn, each session for the first time", "jwt_authn", 200, data)
        },
        Scenario { listener: 1, ..one("jwt_authn with its own cache", "jwt_authn", 200, data) },
        Scenario {
            listener: 1,
            requests: many(MANY_SESSIONS),
            ..one("jwt_authn with its own cache, 10,000 in turn", "jwt_authn", 200, data)
        },
        one("permit", "dashgate", 200, data),
        one("permit, a page", "dashgate", 200, page),
        one("permit, an allowed Origin", "dashgate", 200, friendly),
        Scenario { listener: 1, ..one("permit, 1,000 dashboards", "dashgate", 200, data) },
        Scenario { listener: 2, ..one("permit, 100 keys", "dashgate", 200, data) },
        Scenario { listener: 3, ..one("permit, 10,000 origins", "dashgate", 200, friendly) },
        Scenario {
            listener: 4,
            requests: many(MANY_SESSIONS),
            ..one("permit, 10,000 sessions in turn", "dashgate", 200, data)
        },
        Scenario {
            listener: 5,
            requests: many(TOO_MANY_SESSIONS),
            ..one("permit, each session for the first time", "dashgate", 200, data)
        },
        one("refusal, no session", "dashgate", 401, Ask { cookie: "other=1", ..data }),
        one("refusal, no session, sent to sign in", "dashgate", 302, Ask { cookie: "other=1", ..page }),
        one("refusal, no session, a page", "dashgate", 401, Ask { cookie: "__Host-dashgate_bounce=2", ..page }),
        one("refusal, signature wrong", "dashgate", 401, Ask { cookie: &forged, ..data }),
        one("refusal, foreign Origin", "dashgate", 403, foreign),
        one("no filter, to a backend", "upstream-none", 200, data),
        one("jwt_authn, to a backend", "upstream-jwt_authn", 200, data),
        one("permit, to a backend", "upstream-dashgate", 200, data),
        one("refusal, signature wrong, backend spared", "upstream-dashgate", 401, Ask { cookie: &forged, ..data }),
    ]
}

/// The same text with another character inside its signature.
pub fn forged(session: &str) -> String {
    let at = session.len().saturating_sub(20);
    let (head, tail) = session.split_at(at);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    format!("{head}{other}{}", tail.get(1..).unwrap_or_default())
}

/// What a browser sends: a script's fetch, or a navigation.
pub fn request(ask: &Ask<'_>) -> Vec<u8> {
    let (mode, destination, accept) = match ask.page {
        true => ("navigate", "document", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        false => ("cors", "empty", "*/*"),
    };
    let origin = ask.origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    format!(
        "GET /data/plugin/scalars/tags?run=training{} HTTP/1.1\r\n\
         Host: report.example.org\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: {accept}\r\n\
         Accept-Language: en-US,en;q=0.5\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\n\
         Referer: {URL}\r\n\
         {origin}\
         Sec-Fetch-Dest: {destination}\r\n\
         Sec-Fetch-Mode: {mode}\r\n\
         Sec-Fetch-Site: {}\r\n\
         Cookie: theme=dark; {}; lang=en\r\n\r\n",
        ask.query, ask.site, ask.cookie
    )
    .into_bytes()
}
