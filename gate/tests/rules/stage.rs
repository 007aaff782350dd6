//! The stage of all tests: one policy with its keys, requests and credentials for it, and a decision told as text.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gate::secret::Key;
use gate::{Answer, Decision, Edit, Gate, Request, Time};
use serde_json::{Value, json};

/// 2027-01-15T08:00:00Z, the time of every test that names no other.
pub const NOW: u64 = 1_800_000_000;
pub const MAIN: [u8; 32] = [7; 32];
pub const OLD: [u8; 32] = [9; 32];
pub const BOKEH: &str = "the-key-of-bokeh-serve-has-44-letters-in-it!";
pub const EXTRA: &str = "a key of the kind that a test adds";
pub const PORTAL: &str = "https://portal.example.org";

/// The environment of the VM.
pub fn environment(name: &str) -> Option<String> {
    match name {
        "MAIN" => Some(URL_SAFE_NO_PAD.encode(MAIN)),
        "OLD" => Some("09".repeat(32)),
        "BOKEH" => Some(BOKEH.to_owned()),
        "PADDED" => Some(STANDARD.encode(MAIN)),
        "SLASHES" => Some(STANDARD.encode([255; 32])),
        "UNDERSCORES" => Some(URL_SAFE_NO_PAD.encode([255; 32])),
        "NEWLINE" => Some(format!("{}\n", URL_SAFE_NO_PAD.encode(MAIN))),
        "EXTRA" => Some(EXTRA.to_owned()),
        "SHORT" => Some("too short".to_owned()),
        _ => None,
    }
}

/// A configuration that tests change at one place or two.
#[derive(Clone)]
pub struct Policy(pub Value);

impl Policy {
    pub fn new() -> Self {
        Self(json!({
            "keys": [
                {"id": "main", "env": "MAIN", "encoding": "base64url"},
                {"id": "old", "env": "OLD", "encoding": "hex", "retire_at": "2027-01-15T09:00:00Z"},
                {"id": "bokeh", "env": "BOKEH", "encoding": "utf8"},
            ],
            "sessions": {
                "portal": {"format": "jwt", "keys": ["main", "old"], "issuer": PORTAL,
                           "carriers": ["cookie", "bearer", "subprotocol"]},
                "bokeh": {"format": "bokeh", "keys": ["bokeh"], "max_stream_seconds": 7200},
            },
            "connect": {"from": [PORTAL], "login_url": "https://portal.example.org/login"},
            "dashboards": [
                {"name": "portal", "url": "https://portal.example.org/", "open": true},
                {"name": "report", "url": "https://report.example.org/", "sessions": ["portal"],
                 "public": ["/static/", "/favicon.ico"]},
                {"name": "plot", "url": "https://plot.example.org/", "sessions": ["portal", "bokeh"], "require": "all",
                 "keep": ["bokeh"]},
                {"name": "either", "url": "https://either.example.org/", "sessions": ["portal", "bokeh"]},
                {"name": "lab", "url": "https://lab.example.org/", "sessions": ["portal"], "shared_origin": true},
                {"name": "tb", "url": "https://lab.example.org/tb/", "sessions": ["portal"], "shared_origin": true},
                {"name": "deep", "url": "https://lab.example.org/tb/deep/", "sessions": ["portal"],
                 "shared_origin": true},
            ],
        }))
    }

    /// Puts a value at a JSON pointer; its parent must be there. A null takes the member away.
    #[track_caller]
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        match self.0.pointer_mut(parent).expect("the parent is there") {
            Value::Object(members) if value.is_null() => drop(members.remove(name).expect("it is there")),
            Value::Object(members) => drop(members.insert(name.to_owned(), value)),
            Value::Array(items) if name == "-" => items.push(value),
            Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value,
            other => panic!("{other} has no members"),
        }
        self
    }

    /// Sets one field of the dashboard of that name.
    #[track_caller]
    pub fn on(self, dashboard: &str, field: &str, value: Value) -> Self {
        let dashboards = self.0["dashboards"].as_array().expect("a list");
        let index = dashboards.iter().position(|item| item["name"] == dashboard).expect("a dashboard");
        self.with(&format!("/dashboards/{index}/{field}"), value)
    }

    #[track_caller]
    pub fn gate(&self) -> Gate {
        match Gate::load(self.0.to_string().as_bytes(), &environment) {
            Ok(gate) => gate,
            Err(problems) => panic!("{problems:?}"),
        }
    }

    /// Every problem as the operator reads it.
    pub fn problems(&self) -> Vec<String> {
        let loaded = Gate::load(self.0.to_string().as_bytes(), &environment);
        loaded.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }
}

/// A request in the making.
#[derive(Clone)]
pub struct Sent {
    pub headers: Vec<(String, Vec<u8>)>,
    pub ends: bool,
}

impl Sent {
    pub fn new(method: &str, url: &str) -> Self {
        let rest = url.split_once("://").expect("a url").1;
        let (authority, path) = rest.split_at(rest.find('/').expect("a path"));
        let headers = [(":authority", authority), (":method", method), (":path", path), (":scheme", "https")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec();
        Self { headers, ends: true }
    }

    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// With its own origin, as a browser sends it.
    pub fn post(url: &str) -> Self {
        Self::new("POST", url).with("origin", origin_of(url))
    }

    /// A WebSocket's opening, from the dashboard's own page.
    pub fn upgrade(url: &str) -> Self {
        let sent = Self::get(url).with("upgrade", "websocket").with("connection", "Upgrade");
        sent.with("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==").with("origin", origin_of(url)).with_body()
    }

    /// A person's click on a link.
    pub fn navigation(url: &str) -> Self {
        let sent = Self::get(url).with("sec-fetch-mode", "navigate").with("sec-fetch-dest", "document");
        sent.with("sec-fetch-site", "none")
    }

    /// One line more.
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn replacing(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).with(name, value)
    }

    /// Something follows the headers.
    pub fn with_body(mut self) -> Self {
        self.ends = false;
        self
    }

    /// With the session cookie of that dashboard, which the token is for.
    pub fn with_session(self, dashboard: &str) -> Self {
        self.with("cookie", format!("__Host-dashgate-{dashboard}={}", token(dashboard)))
    }

    pub fn with_bearer(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    pub fn request(&self) -> Request<'_> {
        Request::new(self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())), self.ends)
    }

    pub fn decide(&self, gate: &Gate) -> Decision {
        self.decide_at(gate, Time::from_seconds(NOW))
    }

    pub fn decide_at(&self, gate: &Gate, now: Time) -> Decision {
        gate.decide(&self.request(), now)
    }

    /// The verdict in words.
    pub fn told(&self, gate: &Gate) -> String {
        told(gate, &self.decide(gate))
    }

    #[track_caller]
    pub fn answer(&self, gate: &Gate) -> Answer {
        match self.decide(gate) {
            Decision::Answer(answer) => answer,
            other => panic!("no answer but {other:?}"),
        }
    }

    /// Changes on the way up, one text each.
    #[track_caller]
    pub fn edits(&self, gate: &Gate) -> Vec<String> {
        match self.decide(gate) {
            Decision::Permit(permit) => permit.edits().iter().map(line).collect(),
            other => panic!("no permit but {other:?}"),
        }
    }
}

fn origin_of(url: &str) -> &str {
    let host = url.find("://").expect("a scheme") + 3;
    &url[..host + url[host..].find('/').expect("a path")]
}

/// `- name`, `name: value`, `+ name: value`.
pub fn line(edit: &Edit) -> String {
    match edit {
        Edit::Remove(name) => format!("- {name}"),
        Edit::Set(name, value) => format!("{name}: {}", String::from_utf8_lossy(value)),
        Edit::Add(name, value) => format!("+ {name}: {}", String::from_utf8_lossy(value)),
    }
}

/// `permit session report`, `refuse 401 session_missing report`, `answer 303 connected report`, `await`; the dashboard
/// is `-` while unknown.
pub fn told(gate: &Gate, decision: &Decision) -> String {
    match decision {
        Decision::Permit(permit) => {
            format!("permit {} {}", permit.record().code, dashboard(gate, permit.record().dashboard))
        }
        Decision::Answer(answer) => told_answer(gate, answer),
        Decision::AwaitBody(_) => "await".to_owned(),
    }
}

pub fn told_answer(gate: &Gate, answer: &Answer) -> String {
    let record = &answer.record;
    assert_eq!(record.reason.map(|reason| reason.code()), (record.verdict.word() == "refuse").then_some(record.code));
    format!("{} {} {} {}", record.verdict.word(), answer.status, record.code, dashboard(gate, record.dashboard))
}

fn dashboard(gate: &Gate, index: Option<usize>) -> &str {
    index.map_or("-", |index| gate.dashboard_names().nth(index).expect("its index"))
}

/// All values of an answer's header.
pub fn header<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    answer.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_ref()).collect()
}

pub fn key(id: &str, bytes: &[u8]) -> Key {
    Key::new(id, bytes, None).expect("HMAC takes any length")
}

/// Good claims for a dashboard of the policy.
pub fn claims(dashboard: &str) -> Value {
    json!({"iss": PORTAL, "aud": format!("https://{dashboard}.example.org/"), "sub": "ada",
           "iat": NOW - 10, "exp": NOW + 3600})
}

/// Claims with one member changed, or taken away by a null.
pub fn claims_with(dashboard: &str, name: &str, value: Value) -> Value {
    let mut claims = claims(dashboard);
    let members = claims.as_object_mut().expect("an object");
    if value.is_null() {
        drop(members.remove(name))
    } else {
        drop(members.insert(name.to_owned(), value))
    }
    claims
}

/// Signs any header and payload texts.
pub fn signed(header: &[u8], payload: &[u8], secret: &[u8]) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(key("", secret).sign(text.as_bytes()));
    format!("{text}.{signature}")
}

pub fn token_of(claims: &Value) -> String {
    signed(br#"{"alg":"HS256","typ":"JWT"}"#, claims.to_string().as_bytes(), &MAIN)
}

/// A good token for a dashboard.
pub fn token(dashboard: &str) -> String {
    token_of(&claims(dashboard))
}

/// A signed Bokeh session id whose base is that letter 44 times.
pub fn bokeh_id(letter: char) -> String {
    let base = letter.to_string().repeat(44);
    let signature = URL_SAFE_NO_PAD.encode(key("", BOKEH.as_bytes()).sign(base.as_bytes()));
    format!("{base}.{signature}")
}

/// A Bokeh token around that JSON.
pub fn bokeh_token_of(payload: &[u8], secret: &[u8]) -> String {
    let text = URL_SAFE_NO_PAD.encode(payload);
    let signature = URL_SAFE_NO_PAD.encode(key("", secret).sign(text.as_bytes()));
    format!("{text}.{signature}")
}

pub fn bokeh_token(letter: char) -> String {
    let payload = json!({"session_id": bokeh_id(letter), "session_expiry": NOW + 300});
    bokeh_token_of(payload.to_string().as_bytes(), BOKEH.as_bytes())
}

/// A good token of exactly that length. Base64 has no text of some lengths, so the header is padded where the payload
/// cannot be.
pub fn token_of_length(dashboard: &str, length: usize) -> String {
    let sized = |header: usize, payload: usize| {
        let header = json!({"alg": "HS256", "cty": "x".repeat(header)}).to_string();
        let payload = claims_with(dashboard, "pad", json!("x".repeat(payload))).to_string();
        signed(header.as_bytes(), payload.as_bytes(), &MAIN)
    };
    let least = length.saturating_sub(sized(3, 0).len()) / 4 * 3;
    let mut sizes = (0..3).flat_map(|header| (least..least + 6).map(move |payload| (header, payload)));
    let (header, payload) = sizes.find(|(header, payload)| sized(*header, *payload).len() == length).expect("a size");
    sized(header, payload)
}
