//! Cookies that web frameworks sign, through the whole gate: where they are found, how long they last, what goes up.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use gate::secret::{Digest, Key, Recipe};
use gate::{Decision, Gate, Time};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{EXTRA, MAIN, NOW, Policy, Sent, claims, claims_with, key, line, token_of, told};

/// A policy whose report takes Flask's sessions.
fn policy() -> Policy {
    Policy::new().with("/sessions/flask", json!({"format": "flask", "keys": ["main"], "subject_from": "user.name"})).on(
        "report",
        "sessions",
        json!(["flask"]),
    )
}

/// Flask's session cookie with that payload, signed at that second.
fn flask(payload: &Value, second: u64) -> String {
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    let seconds = u32::try_from(second).expect("before 2106").to_be_bytes();
    let signed = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(seconds));
    let recipe = Recipe::Mac(Digest::Sha1, b"cookie-session".to_vec());
    let key = Key::derived("", &MAIN, &recipe, Digest::Sha1, None).expect("a key");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())))
}

fn session() -> String {
    flask(&json!({"user": {"name": "ada"}}), NOW - 100)
}

fn get(cookie: &str) -> Sent {
    Sent::get("https://report.example.org/").with("cookie", cookie)
}

fn told_at(gate: &Gate, sent: &Sent, second: u64) -> String {
    told(gate, &sent.decide_at(gate, Time::from_seconds(second)))
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_frameworks_own_session() {
    let gate = policy().gate();
    for _ in 0..4 {
        let Decision::Permit(permit) = get(&format!("theme=dark; session={}", session())).decide(&gate) else {
            panic!("no permit")
        };
        assert_eq!(
            (permit.record().subject(), permit.record().keys().collect::<Vec<_>>()),
            (Some("ada"), vec!["main"])
        );
        assert_eq!(permit.record().carriers.words().collect::<Vec<_>>(), ["cookie"]);
        let edits: Vec<String> = permit.edits().iter().map(line).collect();
        assert_eq!(edits, ["cookie: theme=dark", "x-dashgate-subject: ada", "grpc-timeout: 2678300S"]);
    }
    assert_eq!(get("theme=dark").told(&gate), "refuse 401 session_missing report");
    assert_eq!(get("session=").told(&gate), "refuse 401 token_malformed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_it_when_it_is_too_old_and_begins_it_when_it_is_signed() {
    const MONTH: u64 = 31 * 86_400;
    let cookie = format!("session={}", session());
    let seen = policy().gate();
    (0..3).for_each(|_| assert_eq!(get(&cookie).told(&seen), "permit session report"));
    for gate in [seen, policy().gate()] {
        for (second, expected) in [
            (NOW - 131, "refuse 401 session_not_yet_valid report"),
            (NOW - 130, "permit session report"),
            (NOW - 100 + MONTH - 1, "permit session report"),
            (NOW - 100 + MONTH, "refuse 401 session_expired report"),
        ] {
            assert_eq!(told_at(&gate, &get(&cookie), second), expected);
        }
    }
    let short = policy().with("/sessions/flask/max_age_seconds", json!(100)).gate();
    assert_eq!(told_at(&short, &get(&cookie), NOW - 1), "permit session report");
    assert_eq!(told_at(&short, &get(&cookie), NOW), "refuse 401 session_expired report");
    let exact = policy().with("/sessions/flask/clock_skew_seconds", json!(0)).gate();
    assert_eq!(told_at(&exact, &get(&cookie), NOW - 101), "refuse 401 session_not_yet_valid report");
}

#[wasm_bindgen_test(unsupported = test)]
fn needs_a_subject_where_one_is_looked_for() {
    let gate = policy().gate();
    for (odd, reason) in [
        (json!({}), "subject_missing"),
        (json!({"user": "ada"}), "subject_missing"),
        (json!({"user": {"name": ""}}), "subject_missing"),
        (json!({"user": {"name": null}}), "subject_missing"),
        (json!([]), "claims_malformed"),
        (json!({"user": {"name": ["ada"]}}), "claims_malformed"),
        (json!({"user": {"name": true}}), "claims_malformed"),
        (json!({"user": {"name": -7}}), "claims_malformed"),
        (json!({"user": {"name": "a\nb"}}), "claims_malformed"),
    ] {
        let cookie = format!("session={}", flask(&odd, NOW));
        assert_eq!(get(&cookie).told(&gate), format!("refuse 401 {reason} report"), "{odd}");
    }
    let visitor =
        Sent::navigation("https://report.example.org/").with("cookie", format!("session={}", flask(&json!({}), NOW)));
    assert_eq!(visitor.answer(&gate).status, 302, "who never logged in is sent to do so");
    let numbered = format!("session={}", flask(&json!({"user": {"name": 7}}), NOW));
    let Decision::Permit(permit) = get(&numbered).decide(&gate) else { panic!("no permit") };
    assert_eq!(permit.record().subject(), Some("7"));
    let nameless = policy()
        .with("/sessions/flask/subject_from", Value::Null)
        .with("/sessions/flask/anonymous", json!(true))
        .gate();
    let Decision::Permit(permit) = get(&format!("session={}", flask(&json!({}), NOW))).decide(&nameless) else {
        panic!("no permit")
    };
    assert_eq!(permit.record().subject(), None);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_subjects_of_256_bytes_and_no_longer_ones() {
    let (gate, most) = (policy().gate(), gate::session::MAX_SUBJECT_BYTES);
    assert_eq!(most, 256);
    let cookie = |name: String| format!("session={}", flask(&json!({"user": {"name": name}}), NOW));
    let token = |name: String| token_of(&claims_with("lab", "sub", json!(name)));
    let jwt = |token: String| Sent::get("https://lab.example.org/").with_bearer(&token).told(&gate);
    for longest in ["a".repeat(most), "é".repeat(most / 2)] {
        assert_eq!(get(&cookie(longest.clone())).told(&gate), "permit session report");
        assert_eq!(jwt(token(longest.clone())), "permit session lab");
        assert_eq!(get(&cookie(format!("{longest}a"))).told(&gate), "refuse 401 claims_malformed report");
        assert_eq!(jwt(token(format!("{longest}a"))), "refuse 401 claims_malformed lab");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_cookie_that_occurs_twice_and_one_that_is_too_long() {
    let (gate, value) = (policy().gate(), session());
    assert_eq!(get(&format!("session={value}; session={value}")).told(&gate), "refuse 403 credential_repeated report");
    assert_eq!(get(&format!("session ={value}")).told(&gate), "refuse 403 credential_disguised report");
    let long = flask(&json!({"user": {"name": "ada"}, "pad": "x".repeat(3100)}), NOW);
    assert!(long.len() > 4096, "{}", long.len());
    assert_eq!(get(&format!("session={long}")).told(&gate), "refuse 401 credential_too_long report");
}

#[wasm_bindgen_test(unsupported = test)]
fn sends_it_up_only_where_it_is_kept() {
    let kept = policy().on("report", "keep", json!(["flask"])).gate();
    let cookie = format!("theme=dark; session={}; __Host-dashgate-report=x", session());
    let edits = get(&cookie).edits(&kept);
    assert_eq!(edits[0], format!("cookie: theme=dark; session={}", session()));
    // Another dashboard that does not read it does not get it either.
    let other =
        Sent::get("https://lab.example.org/").with_session("lab").with("cookie", format!("session={}", session()));
    assert!(other.edits(&policy().gate()).iter().all(|edit| !edit.contains("session=")), "{:?}", other.edits(&kept));
}

#[wasm_bindgen_test(unsupported = test)]
fn joins_it_with_other_kinds() {
    let either = policy().on("report", "sessions", json!(["portal", "flask"]));
    let cookie = format!("session={}", session());
    assert_eq!(get(&cookie).told(&either.gate()), "permit session report");
    assert_eq!(
        Sent::get("https://report.example.org/").with_session("report").told(&either.gate()),
        "permit session report"
    );
    let both = either.on("report", "require", json!("all")).gate();
    assert_eq!(get(&cookie).told(&both), "refuse 401 session_missing report");
    let with_both = Sent::get("https://report.example.org/").with_session("report").with("cookie", &cookie);
    assert_eq!(with_both.told(&both), "permit session report");
}

/// Which of two people it is would depend on the order of the kinds.
#[wasm_bindgen_test(unsupported = test)]
fn takes_required_sessions_of_one_subject_only() {
    let both = policy().on("report", "sessions", json!(["portal", "flask"])).on("report", "require", json!("all"));
    let swapped = both.clone().on("report", "sessions", json!(["flask", "portal"]));
    let unnamed =
        both.clone().with("/sessions/flask/subject_from", Value::Null).with("/sessions/flask/anonymous", json!(true));
    let sent = |name: &str, claims: &Value| {
        get(&format!("session={}", flask(&json!({"user": {"name": name}}), NOW))).with_bearer(&token_of(claims))
    };
    let nobody = claims_with("report", "sub", Value::Null);
    for (policy, other) in [(&both, "refuse 403 credential_conflict report"), (&unnamed, "permit session report")] {
        assert_eq!(sent("eve", &claims("report")).told(&policy.gate()), other);
        assert_eq!(sent("ada", &claims("report")).told(&policy.gate()), "permit session report");
        assert_eq!(sent("eve", &nobody).told(&policy.gate()), "permit session report");
    }
    assert_eq!(sent("eve", &claims("report")).told(&swapped.gate()), "refuse 403 credential_conflict report");
    assert_eq!(sent("ADA", &claims("report")).told(&both.gate()), "refuse 403 credential_conflict report");
    // As alternatives, the first that verifies is the session.
    let either = both.on("report", "require", json!("any")).gate();
    assert_eq!(sent("eve", &claims("report")).told(&either), "permit session report");
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_no_dashboard_that_does_not_list_it() {
    let sent = Sent::get("https://lab.example.org/").with("cookie", format!("session={}", session()));
    assert_eq!(sent.told(&policy().gate()), "refuse 401 session_missing lab");
}

/// Express's cookie around that id.
fn express(id: &str) -> String {
    let signature = key("", EXTRA.as_bytes()).sign(id.as_bytes());
    let signature = STANDARD_NO_PAD.encode(signature).replace('+', "%2B").replace('/', "%2F");
    format!("connect.sid=s%3A{id}.{signature}")
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_express_ids_as_uid_safe_makes_them() {
    let gate = Policy::new()
        .with("/keys/-", json!({"id": "extra", "env": "EXTRA", "encoding": "utf8"}))
        .with("/sessions/express", json!({"format": "express", "keys": ["extra"], "max_stream_seconds": 60}))
        .on("report", "sessions", json!(["express"]))
        .gate();
    for good in ["qVX9mfYk0-aT_s3JZ0c1qwErTyUiOpAs", &"-".repeat(33), &"a".repeat(64)] {
        let Decision::Permit(permit) = get(&express(good)).decide(&gate) else { panic!("no permit: {good}") };
        assert_eq!(permit.record().subject(), None);
    }
    for odd in
        ["ada", &"a".repeat(31), &"a".repeat(65), &format!("{}.", "a".repeat(32)), &format!("~{}", "a".repeat(32))]
    {
        assert_eq!(get(&express(odd)).told(&gate), "refuse 401 claims_malformed report", "{odd}");
    }
}
