//! Bokeh's ids and tokens: none is forged, neither passes for the other, and a token signed here says what its JSON
//! says.

use std::sync::LazyLock;

use gate::session::Ring;
use gate::{Time, bokeh};
use serde_json::{Value, json};

use crate::golden::{Golden, encoded, joined, moment, ring, split};
use crate::jwt::check_session;

struct World {
    contexts: Vec<(Ring, Time)>,
    golden: Golden,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut golden = Golden::read(&[include_str!("../../tests/golden/bokeh.json")]);
    // The ids inside of tokens are signed, too.
    let inner: Vec<Vec<u8>> =
        golden.tokens.iter().filter_map(|(_, token)| Some(id_inside(token)?.into_bytes())).collect();
    golden.known.extend(inner);
    // Some cases show a good token where an id belongs: malformed there, and good where tokens belong.
    let begins_as_json = |(_, text): &&(usize, Vec<u8>)| text.starts_with(b"eyJ");
    let tokens: Vec<Vec<u8>> = golden.tokens.iter().filter(begins_as_json).map(|(_, text)| text.clone()).collect();
    golden.known.extend(tokens);
    let contexts = golden.contexts.iter().map(|case| (ring(&case["keys"]), moment(&case["now"]).expect("a time")));
    World { contexts: contexts.collect(), golden }
});

/// The id that a token holds, if it is one.
fn id_inside(token: &[u8]) -> Option<String> {
    let payload = token.split(|byte| *byte == b'.').next()?;
    let payload = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).ok()?;
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    payload["session_id"].as_str().map(str::to_owned)
}

/// How the rest of an input is taken: as a credential; as a token's payload to be signed; as an id's base to be
/// signed and put into a token.
const MODES: usize = 3;

/// The first byte picks the keys and the time, the second how the rest is taken.
pub fn run(data: &[u8]) {
    let Some(([context, mode], text)) = split::<2>(data) else { return };
    let (ring, now) = &WORLD.contexts[context % WORLD.contexts.len()];
    let sign = |text: &[u8]| encoded(ring.keys()[0].sign(text));
    match mode % MODES {
        0 => {
            if verify(text, ring, *now) {
                WORLD.golden.check(text, |text| verify(text, ring, *now));
            }
        }
        1 => check_token(text, ring, *now),
        _ => {
            let Ok(base) = std::str::from_utf8(text) else { return };
            let id = format!("{base}.{}", sign(text));
            let expected = base.len() == 44 && base.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let retired = ring.keys()[0].retire_at().is_some_and(|end| *now >= end);
            verify(id.as_bytes(), ring, *now);
            let taken = bokeh::verify_id(id.as_bytes(), ring, *now).is_ok();
            assert_eq!(taken, expected && !retired, "an id of another form");
            let payload = json!({"session_id": id, "session_expiry": now.seconds() + 300});
            check_token(payload.to_string().as_bytes(), ring, *now);
        }
    }
}

/// Signs a payload; what verifies must be what a plain reading of it says.
fn check_token(payload: &[u8], ring: &Ring, now: Time) {
    let text = encoded(payload);
    let token = format!("{text}.{}", encoded(ring.keys()[0].sign(text.as_bytes())));
    verify(token.as_bytes(), ring, now);
    let Ok(outer) = bokeh::verify_token(token.as_bytes(), ring, now) else { return };
    let payload: Value = serde_json::from_slice(payload).expect("a payload that was accepted is JSON");
    assert!(payload["session_expiry"].as_u64().expect("whole seconds") > now.seconds(), "expired");
    let id = payload["session_id"].as_str().expect("an id");
    let inner = bokeh::verify_id(id.as_bytes(), ring, now).expect("the id inside is signed with the same key");
    assert_eq!(inner.fingerprint(), outer.fingerprint());
    assert!(bokeh::names_same_session(&outer, Some(id.as_bytes()), Some(token.as_bytes()), ring, now));
}

/// Whether it is an id or a token; never both, and the same twice.
fn verify(text: &[u8], ring: &Ring, now: Time) -> bool {
    let (id, token) = (bokeh::verify_id(text, ring, now), bokeh::verify_token(text, ring, now));
    assert_eq!(format!("{id:?}"), format!("{:?}", bokeh::verify_id(text, ring, now)));
    assert_eq!(format!("{token:?}"), format!("{:?}", bokeh::verify_token(text, ring, now)));
    assert!(id.is_err() || token.is_err(), "one text is an id and a token");
    let session = id.or(token);
    session.iter().for_each(|session| check_session(session, now));
    session.is_ok()
}

/// The golden credentials, and payloads and bases to be signed.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for (context, token) in &WORLD.golden.tokens {
        seeds.push(joined(&[*context, 0], token));
        if let Some(id) = id_inside(token) {
            let expiry = WORLD.contexts[*context].1.seconds() + 300;
            let payload = json!({"session_id": id, "session_expiry": expiry, "__bk__zlib_": "eJw"});
            seeds.push(joined(&[*context, 1], payload.to_string().as_bytes()));
            seeds.push(joined(&[*context, 2], id.split('.').next().unwrap_or_default().as_bytes()));
        }
    }
    seeds
}
