//! Bokeh's ids and tokens: each grammar refuses the other, and nothing is taken that Bokeh does not make.

use std::sync::Arc;

use gate::secret::Key;
use gate::session::Ring;
use gate::{Time, bokeh};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{BOKEH, NOW, bokeh_id, bokeh_token, bokeh_token_of, key};

const RETIRED: &str = "another-key-of-bokeh-that-is-being-retired";

fn ring() -> Ring {
    let retired = Key::new("retired", RETIRED.as_bytes(), Some(Time::from_seconds(NOW + 60))).expect("a key");
    Ring::new(vec![Arc::new(key("bokeh", BOKEH.as_bytes())), Arc::new(retired)])
}

fn id_verdict(id: &str, now: Time) -> &'static str {
    bokeh::verify_id(id.as_bytes(), &ring(), now).map_or_else(|reason| reason.code(), |_| "accepted")
}

fn token_verdict(token: &str, now: Time) -> &'static str {
    bokeh::verify_token(token.as_bytes(), &ring(), now).map_or_else(|reason| reason.code(), |_| "accepted")
}

#[track_caller]
fn check_id(id: &str, expected: &str) {
    assert_eq!(id_verdict(id, Time::from_seconds(NOW)), expected, "{id}");
}

#[track_caller]
fn check_token(token: &str, expected: &str) {
    assert_eq!(token_verdict(token, Time::from_seconds(NOW)), expected, "{token}");
}

#[track_caller]
fn check_payload(payload: &Value, expected: &str) {
    check_token(&bokeh_token_of(payload.to_string().as_bytes(), BOKEH.as_bytes()), expected);
}

/// Any base, signed.
fn id_of(base: &str) -> String {
    bokeh_id_by(base, BOKEH)
}

fn bokeh_id_by(base: &str, secret: &str) -> String {
    use base64::Engine;
    let signature = key("", secret.as_bytes()).sign(base.as_bytes());
    format!("{base}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature))
}

#[wasm_bindgen_test(unsupported = test)]
fn accepts_an_id_and_a_token_of_the_same_session() {
    let now = Time::from_seconds(NOW);
    let by_id = bokeh::verify_id(bokeh_id('a').as_bytes(), &ring(), now).expect("good");
    let by_token = bokeh::verify_token(bokeh_token('a').as_bytes(), &ring(), now).expect("good");
    assert_eq!((by_id.key_id(), by_id.subject(), by_id.end()), ("bokeh", None, Time::FAR));
    assert_eq!((by_token.key_id(), by_token.subject(), by_token.end()), ("bokeh", None, Time::FAR));
    assert_eq!(by_id.fingerprint(), by_token.fingerprint());
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_an_id_that_bokeh_would_not_make() {
    for base in ["", &"a".repeat(43), &"a".repeat(45), &format!("{}.", "a".repeat(43)), &format!("{}-", "a".repeat(43))]
    {
        check_id(&id_of(base), "token_malformed");
    }
    check_id(&id_of(&"Z9".repeat(22)), "accepted");
    check_id(&"a".repeat(44), "token_malformed");
    check_id(&format!("{}.", "a".repeat(44)), "token_malformed");
    check_id(&bokeh_id('a').replace('.', "-"), "token_malformed");
    check_id(&format!("{}=", bokeh_id('a')), "token_malformed");
    check_id(&format!("{} ", bokeh_id('a')), "token_malformed");
    check_id(&bokeh_id_by(&"a".repeat(44), &format!("{BOKEH}\n")), "signature_invalid");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_where_an_id_is_read_and_an_id_where_a_token_is() {
    check_id(&bokeh_token('a'), "token_malformed");
    // A token short enough to have an id's shape would still not have an id's length.
    check_token(&bokeh_id('a'), "claims_malformed");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_of_another_form() {
    let token = bokeh_token('a');
    let (payload, signature) = token.split_once('.').expect("a dot");
    check_token(&token, "accepted");
    for odd in ["", ".", payload, &format!("{payload}."), &format!(".{signature}"), &format!("{token}=")] {
        check_token(odd, "token_malformed");
    }
    check_token(&format!("{token}.{signature}"), "token_malformed");
    check_token(&bokeh_token_of(b"", BOKEH.as_bytes()), "token_malformed");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_whose_signed_text_is_not_canonical() {
    use base64::Engine;
    let payload = bokeh_token('a').split_once('.').expect("a dot").0.to_owned();
    for odd in [format!("{payload}="), format!("{payload}A"), format!(" {payload}")] {
        let signature =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key("", BOKEH.as_bytes()).sign(odd.as_bytes()));
        check_token(&format!("{odd}.{signature}"), "claims_malformed");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_over_24_kib() {
    let padded = |length: usize| {
        let payload =
            json!({"session_id": bokeh_id('a'), "session_expiry": NOW + 1, "__bk__zlib_": "x".repeat(length)});
        bokeh_token_of(payload.to_string().as_bytes(), BOKEH.as_bytes())
    };
    let mut length = 18_000;
    while padded(length + 1).len() <= 24_576 {
        length += 1;
    }
    assert!(padded(length).len() >= 24_575);
    check_token(&padded(length), "accepted");
    check_token(&padded(length + 1), "credential_too_long");
    // The length comes first: nothing is looked for in it.
    check_token(&"x".repeat(24_576), "token_malformed");
    check_token(&"x".repeat(24_577), "credential_too_long");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_only_the_members_bokeh_writes() {
    let id = bokeh_id('a');
    check_payload(&json!({"session_id": id, "session_expiry": NOW + 1, "__bk__zlib_": "eJw"}), "accepted");
    for odd in [
        json!({"session_id": id, "session_expiry": NOW + 1, "__bk__zlib_": 1}),
        json!({"session_id": id, "session_expiry": NOW + 1, "user": "ada"}),
        json!({"session_id": id}),
        json!({"session_expiry": NOW + 1}),
        json!({"session_id": 1, "session_expiry": NOW + 1}),
        json!({"session_id": id, "session_expiry": (NOW + 1).to_string()}),
        json!({"session_id": id, "session_expiry": NOW as f64 + 1.5}),
        json!({"session_id": id, "session_expiry": -1}),
        json!({"session_id": id, "session_expiry": null}),
        json!({}),
        json!([]),
        json!("text"),
    ] {
        check_payload(&odd, "claims_malformed");
    }
    check_token(&bokeh_token_of(b"no JSON", BOKEH.as_bytes()), "claims_malformed");
    let twice = format!(r#"{{"session_id":"{id}","session_expiry":1,"session_expiry":{}}}"#, NOW + 9);
    check_token(&bokeh_token_of(twice.as_bytes(), BOKEH.as_bytes()), "claims_malformed");
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_the_inner_id_signed_by_the_same_key() {
    let around = |id: &str, secret: &str| {
        bokeh_token_of(json!({"session_id": id, "session_expiry": NOW + 1}).to_string().as_bytes(), secret.as_bytes())
    };
    let (own, retired) = (bokeh_id('a'), bokeh_id_by(&"a".repeat(44), RETIRED));
    check_token(&around(&own, BOKEH), "accepted");
    check_token(&around(&retired, RETIRED), "accepted");
    check_token(&around(&retired, BOKEH), "claims_malformed");
    check_token(&around(&own, RETIRED), "claims_malformed");
    check_token(&around(&"a".repeat(44), BOKEH), "claims_malformed");
    check_token(&around(&id_of(&"a".repeat(45)), BOKEH), "claims_malformed");
    check_token(&around(&own, "nobody's key, but long enough to be one"), "signature_invalid");
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_a_token_at_its_expiry_without_skew() {
    let token = bokeh_token('a');
    let end = Time::from_seconds(NOW + 300);
    assert_eq!(token_verdict(&token, Time::from_nanos(end.nanos() - 1)), "accepted");
    assert_eq!(token_verdict(&token, end), "session_expired");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_an_id_signed_with_a_retired_key() {
    let id = bokeh_id_by(&"a".repeat(44), RETIRED);
    let end = Time::from_seconds(NOW + 60);
    let session = bokeh::verify_id(id.as_bytes(), &ring(), Time::from_nanos(end.nanos() - 1)).expect("still good");
    assert_eq!((session.key_id(), session.end()), ("retired", end));
    assert_eq!(id_verdict(&id, end), "key_retired");
}

#[wasm_bindgen_test(unsupported = test)]
fn knows_whether_a_query_names_the_session_of_a_token() {
    let now = Time::from_seconds(NOW);
    let session = bokeh::verify_token(bokeh_token('a').as_bytes(), &ring(), now).expect("good");
    let same = |id: Option<String>, token: Option<String>, now: Time| {
        let (id, token) = (id.as_ref().map(String::as_bytes), token.as_ref().map(String::as_bytes));
        bokeh::names_same_session(&session, id, token, &ring(), now)
    };
    assert!(same(None, None, now));
    assert!(same(Some(bokeh_id('a')), None, now));
    assert!(same(None, Some(bokeh_token('a')), now));
    // An expired token in the page's own query is the page's, and still the same session.
    assert!(same(Some(bokeh_id('a')), Some(bokeh_token('a')), Time::from_seconds(NOW + 9999)));
    assert!(!same(Some(bokeh_id('b')), None, now));
    assert!(!same(None, Some(bokeh_token('b')), now));
    assert!(!same(Some(bokeh_id('a')), Some(bokeh_token('b')), now));
    assert!(!same(Some(bokeh_id('b')), Some(bokeh_token('a')), now));
    assert!(!same(Some("a".repeat(44)), None, now));
}
