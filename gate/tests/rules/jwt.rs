//! JWT HS256: each check from both sides, and their order.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::secret::Key;
use gate::session::Ring;
use gate::{Time, jwt};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{MAIN, NOW, OLD, PORTAL, claims, claims_with, key, signed, token, token_of};

const AUDIENCE: &str = "https://report.example.org/";

fn policy() -> jwt::Policy {
    let old = Key::new("old", &OLD, Some(Time::from_seconds(NOW + 60))).expect("a key");
    jwt::Policy {
        algorithm: jwt::Algorithm::Hs256,
        ring: Ring::new(vec![Arc::new(key("main", &MAIN)), Arc::new(old)]),
        issuer: Some(PORTAL.to_owned()),
        clock_skew_seconds: 30,
        max_lifetime_seconds: 4000,
        facts: gate::facts::Paths::default(),
    }
}

/// `accepted`, or the reason's code.
fn verdict(token: &str, policy: &jwt::Policy, now: Time) -> &'static str {
    jwt::verify(token.as_bytes(), policy, AUDIENCE, now).map_or_else(|reason| reason.code(), |_| "accepted")
}

#[track_caller]
fn check(token: &str, expected: &str) {
    assert_eq!(verdict(token, &policy(), Time::from_seconds(NOW)), expected);
}

#[track_caller]
fn check_claims(claims: &Value, expected: &str) {
    check(&token_of(claims), expected);
}

#[track_caller]
fn check_payload(payload: &str, expected: &str) {
    check(&signed(br#"{"alg":"HS256"}"#, payload.as_bytes(), &MAIN), expected);
}

#[track_caller]
fn check_header(header: &str, expected: &str) {
    check(&signed(header.as_bytes(), claims("report").to_string().as_bytes(), &MAIN), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn accepts_a_good_token_and_tells_whose_it_is() {
    let session = jwt::verify(token("report").as_bytes(), &policy(), AUDIENCE, Time::from_seconds(NOW)).expect("good");
    assert_eq!((session.key_id(), session.subject()), ("main", Some("ada")));
    assert_eq!(session.end(), Time::from_seconds(NOW + 3600 + 30));
    assert_eq!(session.fingerprint().len(), 16);
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_the_example_of_rfc_7515_as_long_ended() {
    // Appendix A.1: its signature is right (any other check would say so first), it has no aud, and it ended in 2011.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = URL_SAFE_NO_PAD.decode(SECRET).expect("base64url");
    let policy = jwt::Policy {
        algorithm: jwt::Algorithm::Hs256,
        ring: Ring::new(vec![Arc::new(key("rfc", &secret))]),
        issuer: Some("joe".to_owned()),
        ..policy()
    };
    assert_eq!(verdict(TOKEN, &policy, Time::from_seconds(NOW)), "audience_not_allowed");
    let mut tampered = TOKEN.to_owned();
    tampered.replace_range(50..51, "z");
    assert_eq!(verdict(&tampered, &policy, Time::from_seconds(NOW)), "signature_invalid");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_over_8_kib_whatever_is_in_it() {
    let padded = |length: usize| token_of(&claims_with("report", "pad", json!("x".repeat(length))));
    let (mut length, mut longest) = (5000, padded(5000));
    while padded(length + 1).len() <= 8192 {
        length += 1;
        longest = padded(length);
    }
    assert_eq!(longest.len(), 8192);
    check(&longest, "accepted");
    check(&padded(length + 1), "credential_too_long");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_all_but_three_full_segments() {
    let token = token("report");
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    check(&format!("{header}.{payload}"), "token_malformed");
    check(&format!("{token}."), "token_malformed");
    check(&format!("{token}.e30"), "token_malformed");
    check(&format!(".{payload}.{signature}"), "token_malformed");
    check(&format!("{header}..{signature}"), "token_malformed");
    check(&format!("{header}.{payload}."), "token_malformed");
    check("", "token_malformed");
    check("..", "token_malformed");
    // Signed over an empty payload, so that only the grammar stands against it.
    check(&signed(br#"{"alg":"HS256"}"#, b"", &MAIN), "token_malformed");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_base64url_that_is_not_canonical() {
    let token = token("report");
    check(&format!("{token}="), "token_malformed");
    check(&format!("{}+{}", &token[..4], &token[5..]), "token_malformed");
    // 43 characters hold 258 bits of a 256 bit signature: the last two must be zero.
    let last = token.chars().last().expect("a character");
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = digits.find(last).expect("a digit");
    for stray in 1..4 {
        let other = digits.chars().nth(at + stray).expect("a digit");
        check(&format!("{}{other}", &token[..token.len() - 1]), "token_malformed");
    }
    // The payload's base64 is undone only after the signature was checked; signed, its form alone stands against it.
    let payload = URL_SAFE_NO_PAD.encode(claims("report").to_string());
    for odd in [format!("{payload}="), format!("{payload}\n"), format!("{payload}A")] {
        let text = format!("eyJhbGciOiJIUzI1NiJ9.{odd}");
        let signature = URL_SAFE_NO_PAD.encode(key("", &MAIN).sign(text.as_bytes()));
        check(&format!("{text}.{signature}"), "claims_malformed");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_only_hs256_written_exactly_so() {
    check_header(r#"{"alg":"HS256"}"#, "accepted");
    for header in
        [r#"{"alg":"none"}"#, r#"{"alg":"hs256"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"RS256"}"#, r#"{"alg":""}"#, "{}"]
    {
        check_header(header, "algorithm_not_allowed");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_header_that_is_no_strict_object() {
    for header in [
        "",
        "[]",
        "\"HS256\"",
        "null",
        "{",
        r#"{"alg":"HS256"} x"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":256}"#,
        r#"{"alg":null}"#,
        r#"{"alg":"HS256","kid":1}"#,
        r#"{"alg":"HS256","kid":null}"#,
        r#"{"alg":"HS256","typ":[]}"#,
        "\u{feff}{\"alg\":\"HS256\"}",
    ] {
        check_header(header, "token_malformed");
    }
    check_header(r#"{"alg":"HS256","typ":"at+jwt","cty":1}"#, "accepted");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_each_parameter_that_could_change_the_key_or_the_meaning() {
    for name in ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"] {
        check_header(&format!(r#"{{"alg":"HS256","{name}":null}}"#), "header_parameter_not_allowed");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_key_id_as_an_index_and_nothing_else() {
    let payload = claims("report").to_string();
    let with = |id: &str, secret: &[u8]| {
        signed(json!({"alg": "HS256", "kid": id}).to_string().as_bytes(), payload.as_bytes(), secret)
    };
    check(&with("main", &MAIN), "accepted");
    check(&with("old", &OLD), "accepted");
    check(&with("old", &MAIN), "signature_invalid");
    check(&with("main", &OLD), "signature_invalid");
    for unknown in ["", "other", "Main", "../../dev/null", "main'--"] {
        check(&with(unknown, &MAIN), "key_unknown");
    }
    check(&signed(br#"{"alg":"HS256"}"#, payload.as_bytes(), &OLD), "accepted");
    check(&signed(br#"{"alg":"HS256"}"#, payload.as_bytes(), &[8; 32]), "signature_invalid");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_signed_with_a_retired_key() {
    let token = signed(br#"{"alg":"HS256"}"#, claims("report").to_string().as_bytes(), &OLD);
    let retire = Time::from_seconds(NOW + 60);
    let just_before = Time::from_nanos(retire.nanos() - 1);
    let session = jwt::verify(token.as_bytes(), &policy(), AUDIENCE, just_before).expect("still good");
    assert_eq!(session.end(), retire);
    assert_eq!(verdict(&token, &policy(), retire), "key_retired");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_claims_that_are_no_strict_object() {
    for payload in
        ["[]", "null", "{", "\"text\"", "{\"exp\":1}{}", "\u{feff}{}", r#"{"exp":1800000100,"exp":1800000100}"#]
    {
        check_payload(payload, "claims_malformed");
    }
    let nested = claims("report").to_string().replacen('{', r#"{"x":{"a":1,"a":2},"#, 1);
    check_payload(&nested, "claims_malformed");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_claims_of_the_wrong_type() {
    for (name, value) in [
        ("exp", json!(null)),
        ("exp", json!("1800003600")),
        ("exp", json!(true)),
        ("exp", json!(-1)),
        ("exp", json!([1])),
        ("iat", json!("x")),
        ("iat", json!(-1)),
        ("nbf", json!({})),
        ("nbf", json!(-0.5)),
        ("sub", json!(7)),
        ("jti", json!(7)),
        ("iss", json!([PORTAL])),
        ("aud", json!(7)),
        ("aud", json!({})),
        ("aud", json!([AUDIENCE, 7])),
        ("exp", json!(253_402_300_800u64)),
        ("exp", json!(253_402_300_799.5)),
        ("exp", json!(1e30)),
    ] {
        // A JSON null in place of a claim is not its absence.
        let mut claims = claims("report");
        claims[name] = value;
        check_claims(&claims, "claims_malformed");
    }
    check_claims(&claims_with("report", "exp", Value::Null), "claims_malformed");
    // The last second of 9999 is a date; only its lifetime is too long.
    check_claims(&claims_with("report", "exp", json!(253_402_300_799u64)), "session_lifetime_too_long");
    check_claims(&claims_with("report", "exp", json!(253_402_300_799.0)), "session_lifetime_too_long");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_control_characters_in_what_ends_up_in_headers_and_logs() {
    for character in ['\0', '\n', '\r', '\u{1f}', '\u{7f}', '\u{80}', '\u{9f}'] {
        check_claims(&claims_with("report", "sub", json!(format!("ada{character}"))), "claims_malformed");
        check_claims(&claims_with("report", "jti", json!(format!("{character}1"))), "claims_malformed");
    }
    for harmless in [" ", "ada lovelace", "\u{a0}", "é", "\u{202e}"] {
        check_claims(&claims_with("report", "sub", json!(harmless)), "accepted");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_an_empty_subject_for_none() {
    for value in [json!(""), Value::Null] {
        let token = token_of(&claims_with("report", "sub", value));
        let session = jwt::verify(token.as_bytes(), &policy(), AUDIENCE, Time::from_seconds(NOW)).expect("good");
        assert_eq!(session.subject(), None);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_the_configured_issuer_exactly() {
    for issuer in [json!("https://portal.example.org/"), json!("HTTPS://portal.example.org"), json!(""), Value::Null] {
        let token = token_of(&claims_with("report", "iss", issuer));
        check(&token, "issuer_not_allowed");
        let any = jwt::Policy { issuer: None, ..policy() };
        assert_eq!(verdict(&token, &any, Time::from_seconds(NOW)), "accepted");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_an_audience_that_names_the_dashboard_exactly() {
    check_claims(&claims_with("report", "aud", json!(["x", AUDIENCE])), "accepted");
    for audience in [
        json!("https://report.example.org"),
        json!("https://report.example.org/x"),
        json!("https://Report.example.org/"),
        json!("https://plot.example.org/"),
        json!([]),
        json!([""]),
        json!(""),
        Value::Null,
    ] {
        check_claims(&claims_with("report", "aud", audience), "audience_not_allowed");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn bounds_a_session_to_its_times_with_the_skew() {
    for name in ["nbf", "iat"] {
        check_claims(&claims_with("report", name, json!(NOW + 30)), "accepted");
        check_claims(&claims_with("report", name, json!(NOW + 31)), "session_not_yet_valid");
        check_claims(&claims_with("report", name, json!(NOW as f64 + 30.001)), "session_not_yet_valid");
    }
    check_claims(&claims_with("report", "exp", json!(NOW - 29)), "accepted");
    check_claims(&claims_with("report", "exp", json!(NOW - 30)), "session_expired");
    check_claims(&claims_with("report", "exp", json!(NOW as f64 - 29.5)), "accepted");
    let token = token_of(&claims_with("report", "exp", json!(NOW)));
    let end = Time::from_seconds(NOW + 30);
    assert_eq!(verdict(&token, &policy(), Time::from_nanos(end.nanos() - 1)), "accepted");
    assert_eq!(verdict(&token, &policy(), end), "session_expired");
}

#[wasm_bindgen_test(unsupported = test)]
fn bounds_a_session_to_its_longest_life() {
    let born = |ago: u64, life: u64| json!({"iss": PORTAL, "aud": AUDIENCE, "iat": NOW - ago, "exp": NOW - ago + life});
    check_claims(&born(0, 4000), "accepted");
    check_claims(&born(0, 4001), "session_lifetime_too_long");
    // exp + skew would be later than iat + longest life.
    let session = jwt::verify(token_of(&born(100, 4000)).as_bytes(), &policy(), AUDIENCE, Time::from_seconds(NOW));
    assert_eq!(session.expect("good").end(), Time::from_seconds(NOW - 100 + 4000));
    check_claims(&born(3999, 4000), "accepted");
    check_claims(&born(4000, 4000), "session_expired");
    check_claims(&born(4000, 5000), "session_expired");
    // Without iat the life counts from now.
    let unborn = |life: u64| json!({"iss": PORTAL, "aud": AUDIENCE, "exp": NOW + life});
    check_claims(&unborn(4000), "accepted");
    check_claims(&unborn(4001), "session_lifetime_too_long");
}

#[wasm_bindgen_test(unsupported = test)]
fn reports_the_earliest_failing_check() {
    let hopeless = json!({"iss": "x", "aud": "x", "nbf": NOW + 99, "iat": 1, "exp": 2}).to_string();
    let old = |header: &str, payload: &str, now: u64| {
        verdict(&signed(header.as_bytes(), payload.as_bytes(), &OLD), &policy(), Time::from_seconds(now))
    };
    let wrong =
        |header: &str| verdict(&signed(header.as_bytes(), b"no JSON", &[1; 32]), &policy(), Time::from_seconds(NOW));
    assert_eq!(wrong(r#"{"alg":"none","crit":[],"kid":1}"#), "token_malformed");
    assert_eq!(wrong(r#"{"alg":"none","crit":[],"kid":"x"}"#), "algorithm_not_allowed");
    assert_eq!(wrong(r#"{"alg":"HS256","crit":[],"kid":"x"}"#), "header_parameter_not_allowed");
    assert_eq!(wrong(r#"{"alg":"HS256","kid":"x"}"#), "key_unknown");
    assert_eq!(wrong(r#"{"alg":"HS256","kid":"main"}"#), "signature_invalid");
    assert_eq!(old(r#"{"alg":"HS256"}"#, "no JSON", NOW + 60), "key_retired");
    assert_eq!(old(r#"{"alg":"HS256"}"#, "no JSON", NOW), "claims_malformed");
    assert_eq!(old(r#"{"alg":"HS256"}"#, &hopeless, NOW), "issuer_not_allowed");
    assert_eq!(
        old(r#"{"alg":"HS256"}"#, &hopeless.replace("\"iss\":\"x\"", "\"iss\":\"https://portal.example.org\""), NOW),
        "audience_not_allowed"
    );
    let late = json!({"iss": PORTAL, "aud": AUDIENCE, "nbf": NOW + 99, "iat": 1, "exp": 2}).to_string();
    assert_eq!(old(r#"{"alg":"HS256"}"#, &late, NOW), "session_not_yet_valid");
}

/// The usual headers are compared, others read: a space makes one unusual, and must make no difference.
#[wasm_bindgen_test(unsupported = test)]
fn reads_a_usual_header_as_any_other() {
    let payload = claims("report").to_string();
    let verdicts = |header: &str, secret: &[u8]| {
        let [usual, spaced] = [header.to_owned(), header.replace(':', ": ")].map(|header| {
            verdict(&signed(header.as_bytes(), payload.as_bytes(), secret), &policy(), Time::from_seconds(NOW))
        });
        assert_eq!(usual, spaced, "{header}");
        usual
    };
    for orders in [
        &[r#""alg":"HS256""#][..],
        &[r#""alg":"HS256""#, r#""typ":"JWT""#],
        &[r#""alg":"HS256""#, r#""kid":"KID""#],
        &[r#""alg":"HS256""#, r#""kid":"KID""#, r#""typ":"JWT""#],
    ]
    .map(orders)
    .concat()
    {
        let named = orders.contains("KID");
        let verdict = |id: &str, secret: &[u8]| verdicts(&orders.replace("KID", id), secret);
        assert_eq!(verdict("main", &MAIN), "accepted");
        assert_eq!(verdict("old", &OLD), "accepted");
        assert_eq!(verdict("old", &MAIN), if named { "signature_invalid" } else { "accepted" });
        assert_eq!(verdict("main", &OLD), if named { "signature_invalid" } else { "accepted" });
        assert_eq!(verdict("other", &MAIN), if named { "key_unknown" } else { "accepted" });
        assert_eq!(verdict("main", &[1; 32]), "signature_invalid");
    }
}

/// All orders of some members, as JSON objects.
fn orders(members: &[&str]) -> Vec<String> {
    fn extend(chosen: &[&str], left: &[&str], all: &mut Vec<String>) {
        if left.is_empty() {
            all.push(format!("{{{}}}", chosen.join(",")));
        }
        for (at, member) in left.iter().enumerate() {
            extend(&[chosen, &[*member]].concat(), &[&left[..at], &left[at + 1..]].concat(), all);
        }
    }
    let mut all = Vec::new();
    extend(&[], members, &mut all);
    all
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_no_header_that_only_a_key_id_makes_malformed() {
    for id in ["a\"b", "a\\", "a\n", "\",\"typ\":\"x"] {
        let policy = jwt::Policy { ring: Ring::new(vec![Arc::new(key(id, &MAIN))]), ..policy() };
        let told = |header: &str| {
            let token = signed(header.as_bytes(), claims("report").to_string().as_bytes(), &MAIN);
            verdict(&token, &policy, Time::from_seconds(NOW))
        };
        let read = told(&format!("{{\"alg\": \"HS256\",\"kid\":\"{id}\"}}"));
        assert_eq!(told(&format!("{{\"alg\":\"HS256\",\"kid\":\"{id}\"}}")), read, "{id}");
        assert_eq!(told(&json!({"alg": "HS256", "kid": id}).to_string()), "accepted", "{id}");
    }
}
