//! What web frameworks sign, all of them: no value is forged, and one signed here names whom its payload names.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use gate::session::{MAX_SUBJECT_BYTES, Session};
use gate::signed::{Grammar, Payload, Policy, SignatureText, SubjectPath, TimeText, Wire};
use gate::{Format, Gate, Time, signed};
use serde_json::{Value, json};

use crate::golden::{Golden, joined, moment, split};
use crate::jwt::check_session;

/// The formats, by the first byte of an input.
const FILES: [&str; 10] = [
    include_str!("../../tests/golden/signed_tornado.json"),
    include_str!("../../tests/golden/signed_itsdangerous.json"),
    include_str!("../../tests/golden/signed_flask.json"),
    include_str!("../../tests/golden/signed_starlette.json"),
    include_str!("../../tests/golden/signed_django.json"),
    include_str!("../../tests/golden/signed_express.json"),
    include_str!("../../tests/golden/signed_django_legacy.json"),
    include_str!("../../tests/golden/signed_jupyter.json"),
    include_str!("../../tests/golden/signed_streamlit.json"),
    include_str!("../../tests/golden/signed_streamlit_tornado.json"),
];

/// The origin of the dashboard that judges, which a login names.
const ORIGIN: &str = "https://report.example.org";

struct World {
    contexts: Vec<(Policy, Time)>,
    golden: Golden,
}

static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| {
    let world = |file: &&str| {
        let mut golden = Golden::read(&[file]);
        // A cookie may have quotes around its value, or none.
        let bare: Vec<Vec<u8>> = golden.known.iter().map(|value| bare(value).to_vec()).collect();
        golden.known.extend(bare);
        let contexts = golden.contexts.iter().map(|case| (policy(case), moment(&case["now"]).expect("a time")));
        World { contexts: contexts.collect(), golden }
    };
    FILES.iter().map(world).collect()
});

/// The policy of an operator who configures a case's format as the case says.
fn policy(case: &Value) -> Policy {
    let keys = case["keys"].as_array().expect("keys");
    let configured = keys.iter().enumerate().map(|(index, key)| {
        let mut configured = json!({"id": key["id"], "env": format!("KEY_{index}"), "encoding": "base64url"});
        if let Some(end) = key.get("retire_at") {
            configured["retire_at"] = end.clone();
        }
        configured
    });
    let mut session = case["session"].clone();
    session["format"] = case["kind"].clone();
    session["keys"] = keys.iter().map(|key| key["id"].clone()).collect();
    let document = json!({
        "keys": configured.collect::<Vec<_>>(),
        "sessions": {"framework": session},
        "dashboards": [{"name": "report", "url": "https://report.example.org/", "sessions": ["framework"]}],
    });
    let environment = |name: &str| {
        if name == "PASSWORD" {
            return case["password"].as_str().map(str::to_owned);
        }
        let index: usize = name.strip_prefix("KEY_")?.parse().ok()?;
        keys.get(index)?["secret_base64url"].as_str().map(str::to_owned)
    };
    let gate = Gate::load(document.to_string().as_bytes(), &environment).expect("a policy");
    match gate.judges(0, 0) {
        Some((Format::Signed(policy), _)) => policy.clone(),
        other => panic!("judged by {other:?}"),
    }
}

/// Python's cookies are quoted or not, by what is in them; both are the same value.
fn bare(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value)
}

/// The first byte picks the format, the second the policy, the third how the rest is taken: as a value; as what
/// stands before a signature; as a payload; as a subject.
pub fn run(data: &[u8]) {
    let Some(([format, context, mode], text)) = split::<3>(data) else { return };
    let world = &WORLDS[format % WORLDS.len()];
    let (policy, now) = &world.contexts[context % world.contexts.len()];
    match mode % 4 {
        0 => {
            if verify(text, policy, *now).is_some() {
                // A login in chunks has quotes around each of them, or not: only whole ones are looked up.
                if policy.is_login && text.contains(&b';') {
                    return;
                }
                let plain = if policy.scheme.wire == Wire::Quoted { bare(text) } else { text };
                world.golden.check(plain, |text| verify(text, policy, *now).is_some());
            }
        }
        1 => drop(verify(&wrapped(text, policy), policy, *now)),
        2 => check_payload(text, policy, *now),
        _ => check_subject(text, policy, *now),
    }
}

/// The session of a value, if it is one: twice the same verdict, and no longer than its age allows.
fn verify(value: &[u8], policy: &Policy, now: Time) -> Option<Session> {
    let (first, second) = (signed::verify(value, policy, ORIGIN, now), signed::verify(value, policy, ORIGIN, now));
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    let session = first.ok()?;
    check_session(&session, now);
    if let Some(age) = policy.max_age_seconds {
        assert!(session.end() <= now.plus_seconds(policy.clock_skew_seconds + age), "it ends too late");
    }
    assert_eq!(session.subject().is_some(), policy.subject_from.is_some());
    Some(session)
}

/// Signs a payload's bytes; who then is named must be named there.
fn check_payload(payload: &[u8], policy: &Policy, now: Time) {
    // A login says more than that, and is cut in its own way: its texts are looked at as they are.
    if policy.is_login {
        return;
    }
    let Some(session) = verify(&written(payload, policy, now), policy, now) else { return };
    match &policy.subject_from {
        None => {}
        Some(SubjectPath::Whole) => assert_eq!(session.subject().map(str::as_bytes), Some(payload)),
        Some(SubjectPath::Members(names)) => {
            let payload: Value = serde_json::from_slice(payload).expect("a payload that was accepted is JSON");
            let found = names.iter().try_fold(&payload, |value, name| value.get(name)).expect("a subject");
            let told = found.as_str().map_or_else(|| found.as_u64().expect("a number").to_string(), str::to_owned);
            assert_eq!(session.subject(), Some(told.as_str()));
        }
    }
}

/// Signs a session for somebody: it opens for that very name where that can be a name, and not otherwise.
fn check_subject(subject: &[u8], policy: &Policy, now: Time) {
    if policy.is_login {
        return;
    }
    let (Ok(subject), Some(path)) = (std::str::from_utf8(subject), &policy.subject_from) else { return };
    let payload = match path {
        SubjectPath::Whole => subject.as_bytes().to_vec(),
        SubjectPath::Members(names) => {
            let value = names.iter().rev().fold(json!(subject), |inner, name| json!({name.as_str(): inner}));
            value.to_string().into_bytes()
        }
    };
    // What a cookie holds as it is has to be printable, and what Python would escape is not read at all.
    let plain = policy.scheme.payload != Payload::Plain;
    let may_be = (1..=MAX_SUBJECT_BYTES).contains(&subject.len()) && !subject.chars().any(char::is_control) && plain;
    let retired = policy.ring.keys()[0].retire_at().is_some_and(|end| now >= end);
    match verify(&written(&payload, policy, now), policy, now) {
        Some(session) => assert_eq!(session.subject(), Some(subject)),
        None => assert!(!may_be || retired, "`{subject}` was not taken for a subject"),
    }
}

/// A value around that payload, as its library writes one.
fn written(payload: &[u8], policy: &Policy, now: Time) -> Vec<u8> {
    let payload = match policy.scheme.payload {
        Payload::Plain | Payload::Id => payload.to_vec(),
        Payload::Base64 => STANDARD.encode(payload).into_bytes(),
        Payload::Base64Url => URL_SAFE_NO_PAD.encode(payload).into_bytes(),
        Payload::Nested => URL_SAFE_NO_PAD.encode(json!(String::from_utf8_lossy(payload)).to_string()).into_bytes(),
    };
    let seconds = now.seconds();
    let time = match policy.scheme.time {
        TimeText::Decimal => seconds.to_string(),
        TimeText::BigEndian => {
            let bytes = seconds.to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            URL_SAFE_NO_PAD.encode(&bytes[zeros..])
        }
        TimeText::Base62 => base62(seconds),
    };
    let text = match policy.scheme.grammar {
        Grammar::Timed(separator) => [payload.as_slice(), &[separator], time.as_bytes()].concat(),
        Grammar::Timeless(_) => payload,
        Grammar::Tornado => {
            let (name, length) = (&policy.cookie, payload.len());
            let head = format!("2|1:0|{}:{time}|{}:{name}|{length}:", time.len(), name.len());
            [head.as_bytes(), &payload, b"|"].concat()
        }
    };
    wrapped(&text, policy)
}

/// What stands before a signature, signed with the first key and written for a cookie.
fn wrapped(text: &[u8], policy: &Policy) -> Vec<u8> {
    let signature = policy.ring.keys()[0].sign(text);
    let signature = match policy.scheme.signature {
        SignatureText::Hex => gate::session::hexadecimal(&signature),
        SignatureText::Base64Url => URL_SAFE_NO_PAD.encode(signature),
        SignatureText::Base64 => STANDARD_NO_PAD.encode(signature),
    };
    let separator: &[u8] = match &policy.scheme.grammar {
        Grammar::Timed(separator) | Grammar::Timeless(separator) => std::slice::from_ref(separator),
        Grammar::Tornado => b"",
    };
    let value = [text, separator, signature.as_bytes()].concat();
    match policy.scheme.wire {
        Wire::Plain | Wire::Quoted => value,
        Wire::Express => format!("s%3A{}", encode_uri_component(&value)).into_bytes(),
    }
}

fn encode_uri_component(text: &[u8]) -> String {
    let each = text.iter().map(|byte| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(*byte).to_string(),
        b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    each.collect()
}

fn base62(mut number: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from(DIGITS[(number % 62) as usize]));
        number /= 62;
    }
    digits.iter().rev().collect()
}

/// The golden values, what stands before their signatures, and payloads and subjects.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for (format, world) in WORLDS.iter().enumerate() {
        for (context, value) in &world.golden.tokens {
            seeds.push(joined(&[format, *context, 0], value));
            let scheme = &world.contexts[*context].0.scheme;
            let Some(parts) = scheme.wire.unwrap(value).ok() else { continue };
            if let Ok(parts) = scheme.grammar.split(&parts) {
                seeds.push(joined(&[format, *context, 1], parts.signed));
                if let Ok(payload) = scheme.payload.decode(parts.payload) {
                    seeds.push(joined(&[format, *context, 2], &payload));
                }
            }
        }
        for context in 0..world.contexts.len() {
            seeds.push(joined(&[format, context, 3], "adä".as_bytes()));
        }
    }
    seeds
}
