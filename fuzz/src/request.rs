//! Whole requests: who is let in showed a session, nothing he showed goes up, and no answer tells a secret.

use std::sync::LazyLock;

use gate::{Answer, Decision, Gate, Request, Time, target};

use crate::stage::{self, CREDENTIALS, LOGIN, NOW, PORTAL};
use crate::upward;

static GATE: LazyLock<Gate> = LazyLock::new(stage::gate);

/// A request in the making.
pub struct Sent {
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub ends: bool,
    body: Vec<u8>,
    /// The numbers of the credentials it shows anywhere.
    pub shown: Vec<usize>,
}

impl Sent {
    /// Reads `e` or `-` (whether a body follows), lines of `name:value`, an empty line, a body.
    fn read(data: &[u8]) -> Option<Self> {
        let (first, rest) = data.split_first()?;
        let mut shown = Vec::new();
        let text = filled(rest, &mut shown);
        let (head, body) = match text.windows(2).position(|pair| pair == b"\n\n") {
            Some(at) => (&text[..at], &text[at + 2..]),
            None => (text.as_slice(), &b""[..]),
        };
        let headers = head.split(|byte| *byte == b'\n').filter_map(|line| {
            // The second colon ends a name that begins with one.
            let colon = line.iter().skip(1).position(|byte| *byte == b':')? + 1;
            Some((line[..colon].to_ascii_lowercase(), line[colon + 1..].to_vec()))
        });
        Some(Self { headers: headers.collect(), ends: *first == b'e', body: body.to_vec(), shown })
    }

    /// What the gate gets to see.
    fn request(&self) -> Request<'_> {
        Request::new(self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())), self.ends)
    }

    /// All values of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(known, _)| known == name.as_bytes()).map(|(_, value)| value.as_slice())
    }
}

/// The text with `<N>` replaced by credentials.
fn filled(text: &[u8], shown: &mut Vec<usize>) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let named = (*first == b'<').then(|| after.iter().take(3).position(|byte| *byte == b'>')).flatten();
        let number = named.and_then(|end| std::str::from_utf8(&after[..end]).ok()?.parse::<usize>().ok());
        match (number.and_then(|number| Some((number, CREDENTIALS.get(number)?))), named) {
            (Some((number, credential)), Some(end)) => {
                shown.push(number);
                filled.extend_from_slice(credential.as_bytes());
                rest = &after[end + 1..];
            }
            _ => {
                filled.push(*first);
                rest = after;
            }
        }
    }
    filled
}

/// Decides one request several times, and looks at all that comes of it.
pub fn run(data: &[u8]) {
    let Some(sent) = Sent::read(data) else { return };
    let (request, now) = (sent.request(), Time::from_seconds(NOW));
    GATE.forget_sessions();
    let decision = GATE.decide(&request, now);
    // The second time it is remembered, the third it is known: what is said must not change.
    let told = format!("{decision:?}");
    for _ in 0..2 {
        assert_eq!(told, format!("{:?}", GATE.decide(&request, now)), "the same request, another decision");
    }
    match &decision {
        Decision::Permit(permit) => {
            check_silent(&told);
            upward::check(&GATE, &sent, permit);
        }
        Decision::Answer(answer) => check_answer(answer, &told),
        Decision::AwaitBody(pending) => {
            assert!(!sent.ends && sent.all("origin").eq([PORTAL.as_bytes()]), "a form from elsewhere is awaited");
            let answer = GATE.finish_connect(pending, &sent.body, now);
            assert_eq!(format!("{answer:?}"), format!("{:?}", GATE.finish_connect(pending, &sent.body, now)));
            check_answer(&answer, &format!("{answer:?}"));
        }
    }
}

/// Nothing that is printed of a decision holds a credential.
fn check_silent(told: &str) {
    for credential in CREDENTIALS.iter() {
        assert!(!told.contains(credential), "a credential is printed");
    }
    for name in ["MAIN", "BOKEH", "FLASK", "TORNADO", "EXPRESS"] {
        assert!(!told.contains(&stage::environment(name).expect("a secret")), "a secret is printed");
    }
}

/// The answers whose very purpose is to hand a token on.
const HANDS_ON: [&str; 3] = ["connected", "connect_confirmation", "connect_pending"];

fn check_answer(answer: &Answer, told: &str) {
    let record = &answer.record;
    check_silent(&format!("{record:?}"));
    // A redirect tells where the request was to go, and a path may hold whatever a client wrote there.
    if !HANDS_ON.contains(&record.code) && !matches!(answer.status, 302 | 308) {
        check_silent(told);
    }
    check_silent(&String::from_utf8_lossy(&answer.body));
    assert!((200..600).contains(&answer.status));
    assert_eq!(record.verdict.word() == "refuse", record.reason.is_some());
    assert!(record.reason.is_none_or(|reason| reason.code() == record.code && answer.status >= 300));
    let cached: Vec<_> = answer.headers.iter().filter(|(name, _)| *name == "cache-control").collect();
    assert!(matches!(cached.as_slice(), [(_, value)] if value == "no-store"));
    for (name, value) in &answer.headers {
        assert!(value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{name} could end a line");
        match *name {
            "location" => check_location(answer.status, value),
            "set-cookie" => {
                assert!(
                    value.starts_with("__Host-dashgate") && value.contains("; Secure; HttpOnly; SameSite=Lax; Path=/")
                );
                assert_eq!(value.matches(';').count(), 5, "attributes of a client's own");
            }
            "access-control-allow-origin" => assert!(answer.status == 204 && value.starts_with("http")),
            _ => {}
        }
    }
}

/// Only to the same host, to the portal's page, or to the host without its dot.
fn check_location(status: u16, location: &str) {
    let on_this_host = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
    match status {
        303 => assert!(on_this_host, "{location}"),
        302 => {
            assert!(location.starts_with(&format!("{LOGIN}?dashboard=")), "{location}");
            let next = location.split("&next=").nth(1).expect("where to go next");
            let next = target::percent_decoded(next.as_bytes());
            assert!(!upward::holds_parameter(&next), "a credential is sent to the portal's log");
        }
        308 => {
            let host = location.strip_prefix("https://").and_then(|rest| rest.split('/').next()).expect("a host");
            assert!(host.ends_with(".example.org"), "{location}");
        }
        _ => panic!("{status} with a location"),
    }
}

/// Requests that are permitted or answered, and others. Seeds that get nowhere would leave the target blind, and are
/// a mistake.
pub fn seeds() -> Vec<Vec<u8>> {
    for text in stage::REQUESTS {
        let sent = Sent::read(text.as_bytes()).expect("a request");
        if let Decision::Answer(answer) = GATE.decide(&sent.request(), Time::from_seconds(NOW)) {
            assert!(answer.record.reason.is_none(), "{text}\nis refused: {}", answer.record.code);
        }
    }
    stage::REQUESTS.iter().chain(&stage::BARE).map(|text| text.as_bytes().to_vec()).collect()
}
