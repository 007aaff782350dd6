//! What reaches a backend after a permit, looked at without the gate's own readers: no credential, no header of a
//! client's own making where the gate speaks, and the rest as it came.

use gate::{Edit, Gate, Permit, target};

use crate::request::Sent;
use crate::stage::{OWN_COOKIES, PORTAL};

/// Checks a permit against the request it was given to.
pub fn check(gate: &Gate, sent: &Sent, permit: &Permit) {
    let record = permit.record();
    let name = record.dashboard.and_then(|index| gate.dashboard_name(index)).expect("a dashboard");
    let up = applied(sent, permit.edits());
    check_entry(sent, permit, name);
    check_origin(sent, name);
    check_headers(&up, name);
    check_cookies(&up, name);
    check_path(sent, &up, name);
    check_websocket_key(sent, &up);
    check_spoken(sent, &up, permit, name);
}

/// The headers after the filter removed what is forbidden and applied the edits, as Envoy does.
fn applied(sent: &Sent, edits: &[Edit]) -> Vec<(String, Vec<u8>)> {
    let lines = sent.headers.iter().filter(|(name, _)| !gate::is_forbidden(name));
    let mut up: Vec<(String, Vec<u8>)> =
        lines.map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.clone())).collect();
    for edit in edits {
        match edit {
            Edit::Remove(name) => up.retain(|(known, _)| known != name),
            Edit::Set(name, value) => {
                up.retain(|(known, _)| known != name);
                up.push(((*name).to_owned(), value.clone()));
            }
            Edit::Add(name, value) => up.push(((*name).to_owned(), value.clone())),
        }
    }
    up
}

fn all<'a>(up: &'a [(String, Vec<u8>)], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    up.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_slice())
}

/// Nobody comes in without a session but where none is needed, and by host or path only as whom they name.
fn check_entry(sent: &Sent, permit: &Permit, name: &str) {
    let record = permit.record();
    match record.code {
        "session" => assert!(!sent.shown.is_empty() && !record.sessions.is_empty(), "let in without a credential"),
        "open" => assert_eq!(name, "portal"),
        "public" => {
            assert_eq!(name, "report");
            assert!(sent.all(":method").all(|method| matches!(method, b"GET" | b"HEAD")));
            assert!(sent.all("upgrade").next().is_none());
        }
        code => panic!("a permit for `{code}`"),
    }
    let subject = record.subject();
    let authority = sent.all(":authority").next().unwrap_or_default().to_ascii_lowercase();
    let path = target::percent_decoded(sent.all(":path").next().unwrap_or_default());
    match name {
        "hub" => assert!(authority.starts_with(b"ada.") && subject == Some("ada")),
        "runs" => assert!(authority.starts_with(b"run-7.")),
        "users" => assert!(path.starts_with(b"/user/ada") && subject == Some("ada")),
        "paths" => assert!(path.starts_with(b"/s/run-7")),
        "plot" | "shop" => assert_eq!(record.sessions.len(), 2, "all are required"),
        _ => {}
    }
}

/// An Origin that is shown is an allowed one; an upgrade shows one.
fn check_origin(sent: &Sent, name: &str) {
    let host = String::from_utf8_lossy(sent.all(":authority").next().unwrap_or_default()).to_ascii_lowercase();
    let own = format!("https://{}", host.trim_end_matches(":443"));
    let origins: Vec<&[u8]> = sent.all("origin").collect();
    let is_label = |label: &str| !label.is_empty() && !label.contains('.');
    let allowed = |origin: &[u8]| match (std::str::from_utf8(origin).unwrap_or_default(), name) {
        ("null", name) => name == "either",
        (origin, _) if origin == own => true,
        (origin, "report") => {
            let label = origin.strip_prefix("https://").and_then(|rest| rest.strip_suffix(".lab.example.org"));
            origin == PORTAL || label.is_some_and(is_label)
        }
        _ => false,
    };
    match origins.as_slice() {
        [] => {
            let changes = sent.all(":method").any(|method| !matches!(method, b"GET" | b"HEAD" | b"OPTIONS"));
            let needed = sent.all("upgrade").next().is_some() || changes;
            assert!(!needed || matches!(name, "tb" | "either"), "an Origin is missing");
        }
        [origin] => assert!(allowed(origin), "{} is not allowed", String::from_utf8_lossy(origin)),
        _ => panic!("several Origins"),
    }
}

fn check_headers(up: &[(String, Vec<u8>)], name: &str) {
    let items = |header| all(up, header).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    for item in items("authorization") {
        let scheme = item.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        assert!(!scheme.eq_ignore_ascii_case(b"bearer"), "a bearer goes up");
    }
    let protocols: Vec<&[u8]> = items("sec-websocket-protocol").collect();
    assert!(!protocols.contains(&&b"dashgate"[..]), "the marker goes up, and what follows it");
    if name != "plot" {
        assert!(!protocols.contains(&&b"bokeh"[..]) || protocols.len() == 1, "Bokeh's token goes up");
        assert!(all(up, "bokeh-session-id").next().is_none(), "Bokeh's header goes up");
    }
}

/// Read as servers read it, without the gate's own reader.
fn check_cookies(up: &[(String, Vec<u8>)], name: &str) {
    for pair in all(up, "cookie").flat_map(|field| field.split(|byte| *byte == b';')) {
        let cookie = String::from_utf8_lossy(pair.split(|byte| *byte == b'=').next().unwrap_or_default());
        let cookie = cookie.trim();
        assert!(!cookie.starts_with("__Host-dashgate"), "{cookie} goes up");
        let is_kept = name == "app" && cookie == "session";
        assert!(is_kept || !OWN_COOKIES.contains(&cookie), "{cookie} goes up");
    }
}

/// The path is the one that came; of the query only Bokeh's parameters are missing.
fn check_path(sent: &Sent, up: &[(String, Vec<u8>)], name: &str) {
    let came = sent.all(":path").next().unwrap_or_default();
    let paths: Vec<&[u8]> = all(up, ":path").collect();
    let [path] = paths.as_slice() else { panic!("{} paths", paths.len()) };
    let before = |path: &[u8]| path.split(|byte| *byte == b'?').next().unwrap_or_default().to_vec();
    assert_eq!(before(path), before(came));
    if name == "plot" {
        assert_eq!(*path, came);
        return;
    }
    assert!(!holds_parameter(path), "Bokeh's parameter goes up");
}

/// Whether some server could find one of Bokeh's parameters in a path's query.
pub fn holds_parameter(path: &[u8]) -> bool {
    let query = path.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
    query.split(|byte| matches!(byte, b'&' | b';')).any(|piece| {
        let parameter = target::percent_decoded(piece.split(|byte| *byte == b'=').next().unwrap_or_default());
        let parameter = String::from_utf8_lossy(&parameter).to_ascii_lowercase();
        let parameter = parameter.trim_matches(|each: char| each.is_whitespace() || each.is_control() || each == '+');
        matches!(parameter, "bokeh-session-id" | "bokeh-token")
    })
}

/// A client's `Sec-WebSocket-Key` goes up as it came; an upgrade that came without gets one of 16 bytes, and nothing
/// else does.
fn check_websocket_key(sent: &Sent, up: &[(String, Vec<u8>)]) {
    let came: Vec<&[u8]> = sent.all("sec-websocket-key").collect();
    let goes: Vec<&[u8]> = all(up, "sec-websocket-key").collect();
    if came.is_empty() && sent.all("upgrade").next().is_some() {
        let [key] = goes.as_slice() else { panic!("{} keys for an upgrade", goes.len()) };
        assert!(key.len() == 24 && key.ends_with(b"=="), "RFC 6455, section 4.1: 16 bytes in base64");
    } else {
        assert_eq!(came, goes, "the key of a WebSocket was changed");
    }
}

/// What the gate says to backends and to Envoy it says itself, and it changes nothing else.
fn check_spoken(sent: &Sent, up: &[(String, Vec<u8>)], permit: &Permit, name: &str) {
    const CHANGED: [&str; 7] = [
        "cookie",
        "authorization",
        "sec-websocket-protocol",
        "sec-websocket-key",
        "bokeh-session-id",
        ":path",
        "grpc-timeout",
    ];
    let timeouts: Vec<&[u8]> = all(up, "grpc-timeout").collect();
    assert!(timeouts.len() <= 1);
    for timeout in timeouts {
        let (unit, digits) = timeout.split_last().expect("a unit");
        assert!((1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) && digits[0] != b'0');
        assert!(b"HMSmun".contains(unit));
    }
    let session = permit.record().sessions.first();
    for (header, value) in up.iter().filter(|(header, _)| gate::is_forbidden(header.as_bytes())) {
        let expected = match header.as_str() {
            "x-dashgate-subject" => {
                permit.record().subject().map(|subject| target::percent_encoded(subject.as_bytes(), b"%,"))
            }
            "x-dashgate-session" => session.map(|session| session.fingerprint().to_owned()),
            "x-dashgate-dashboard" => Some(name.to_owned()),
            "x-dashgate-expires" => {
                let digits = value.iter().all(u8::is_ascii_digit);
                digits.then(|| String::from_utf8_lossy(value).into_owned())
            }
            "x-dashgate-backend" => session.and_then(|session| session.backend()).map(str::to_owned),
            _ => None,
        };
        assert_eq!(expected.as_deref().map(str::as_bytes), Some(value.as_slice()), "{header}");
    }
    assert_eq!(all(up, "x-dashgate-backend").count(), usize::from(name == "runs"));
    let kept = |name: &str| !CHANGED.contains(&name) && !gate::is_forbidden(name.as_bytes());
    let came: Vec<(String, &[u8])> = sent
        .headers
        .iter()
        .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.as_slice()))
        .filter(|(name, _)| kept(name))
        .collect();
    let goes: Vec<(String, &[u8])> =
        up.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), value.as_slice())).collect();
    assert_eq!(came, goes, "another header was changed");
}
