//! A session seen before is judged as one never seen: remembering it changes what a request costs, and nothing else.

use gate::{Decision, Gate, Time};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, OLD, Policy, Sent, claims, claims_with, line, signed, token, token_of, told};

fn report(token: &str) -> Sent {
    Sent::get("https://report.example.org/").with("cookie", format!("__Host-dashgate-report={token}"))
}

fn told_at(gate: &Gate, sent: &Sent, second: u64) -> String {
    told(gate, &sent.decide_at(gate, Time::from_seconds(second)))
}

/// Lets the token in so often that it is remembered.
#[track_caller]
fn remember(gate: &Gate, token: &str) {
    (0..3).for_each(|_| assert_eq!(told_at(gate, &report(token), NOW), "permit session report"));
}

/// The verdict at that time where the token was let in before, which must be the one where it was not.
#[track_caller]
fn check(policy: &Policy, token: &str, second: u64, expected: &str) {
    let (seen, fresh) = (policy.gate(), policy.gate());
    remember(&seen, token);
    assert_eq!(told_at(&seen, &report(token), second), expected);
    assert_eq!(told_at(&fresh, &report(token), second), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_with_the_session() {
    // 30 seconds of skew after `exp`.
    check(&Policy::new(), &token("report"), NOW + 3629, "permit session report");
    check(&Policy::new(), &token("report"), NOW + 3630, "refuse 401 session_expired report");
    check(&Policy::new(), &token("report"), u64::MAX / 2_000_000_000, "refuse 401 session_expired report");
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_with_the_key() {
    let old = signed(br#"{"alg":"HS256"}"#, claims("report").to_string().as_bytes(), &OLD);
    // `old` retires at 09:00, an hour after NOW and before the token's end.
    check(&Policy::new(), &old, NOW + 3599, "permit session report");
    check(&Policy::new(), &old, NOW + 3600, "refuse 401 key_retired report");
}

#[wasm_bindgen_test(unsupported = test)]
fn trusts_no_clock_that_was_set_back() {
    let begins = token_of(&claims_with("report", "nbf", json!(NOW)));
    check(&Policy::new(), &begins, NOW - 30, "permit session report");
    check(&Policy::new(), &begins, NOW - 31, "refuse 401 session_not_yet_valid report");
}

#[wasm_bindgen_test(unsupported = test)]
fn belongs_to_one_dashboard() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    remember(&gate, &token);
    let elsewhere = |dashboard: &str| {
        Sent::get(&format!("https://{dashboard}.example.org/")).with_bearer(&token).without("cookie").told(&gate)
    };
    for dashboard in ["lab", "either"] {
        assert_eq!(elsewhere(dashboard), format!("refuse 403 audience_not_allowed {dashboard}"));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn belongs_to_one_kind_of_session() {
    // Both kinds read the same cookie; only one has the key.
    let policy = Policy::new().with("/sessions/other", json!({"format": "jwt", "keys": ["old"]})).on(
        "report",
        "sessions",
        json!(["portal", "other"]),
    );
    let any = policy.gate();
    let all = policy.on("report", "require", json!("all")).gate();
    for _ in 0..3 {
        assert_eq!(report(&token("report")).told(&any), "permit session report");
        assert_eq!(report(&token("report")).told(&all), "refuse 401 signature_invalid report");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn belongs_to_one_policy() {
    let token = token("report");
    remember(&Policy::new().gate(), &token);
    let other = Policy::new().with("/sessions/portal/keys", json!(["old"])).gate();
    assert_eq!(report(&token).told(&other), "refuse 401 signature_invalid report");
}

#[wasm_bindgen_test(unsupported = test)]
fn knows_a_token_by_every_byte() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    remember(&gate, &token);
    for at in 0..token.len() {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        let verdict = report(&changed).told(&gate);
        assert!(verdict.starts_with("refuse 401 "), "{at}: {verdict}");
        assert_eq!(verdict, report(&changed).told(&Policy::new().gate()), "{at}");
    }
    for shorter in [&token[1..], &token[..token.len() - 1]] {
        assert_eq!(report(shorter).told(&gate), "refuse 401 token_malformed report");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn sends_up_what_is_true_now() {
    let (gate, sent) = (Policy::new().gate(), report(&token("report")));
    let edits = |second: u64| match sent.decide_at(&gate, Time::from_seconds(second)) {
        Decision::Permit(permit) => {
            let record = permit.record();
            assert_eq!((record.subject(), record.keys().collect::<Vec<_>>()), (Some("ada"), vec!["main"]));
            (record.fingerprint().map(str::to_owned), permit.edits().iter().map(line).collect::<Vec<_>>())
        }
        other => panic!("no permit but {other:?}"),
    };
    let (first, at_first) = edits(NOW);
    remember(&gate, &token("report"));
    let (again, later) = edits(NOW + 1000);
    assert!(first.is_some() && first == again);
    assert_eq!(at_first, ["- cookie", "x-dashgate-subject: ada", "grpc-timeout: 3630000m"]);
    assert_eq!(later, ["- cookie", "x-dashgate-subject: ada", "grpc-timeout: 2630000m"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_no_remembered_token_past_what_else_is_asked() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    remember(&gate, &token);
    let other = token_of(&claims_with("report", "sub", json!("eve")));
    assert_eq!(report(&token).with_bearer(&other).told(&gate), "refuse 403 credential_conflict report");
    assert_eq!(report(&token).with_bearer(&token).told(&gate), "permit session report");
    let twice = report(&token).with("cookie", format!("__Host-dashgate-report={token}"));
    assert_eq!(twice.told(&gate), "refuse 403 credential_repeated report");
    let foreign = report(&token).with("origin", "https://evil.example.net");
    assert_eq!(foreign.told(&gate), "refuse 403 origin_not_allowed report");
    let cross = report(&token).with("sec-fetch-site", "cross-site").with("sec-fetch-mode", "cors");
    assert_eq!(cross.told(&gate), "refuse 403 site_not_allowed report");
    let lists = Policy::new().on("report", "missing_origin", json!("allow_with_bearer")).gate();
    remember(&lists, &token);
    let post = |sent: Sent| sent.without("origin").told(&lists);
    let by_cookie = Sent::post("https://report.example.org/").with("cookie", format!("__Host-dashgate-report={token}"));
    assert_eq!(post(by_cookie), "refuse 403 origin_missing report");
    assert_eq!(post(Sent::post("https://report.example.org/").with_bearer(&token)), "permit session report");
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_no_remembered_token_become_a_cookie_when_it_is_stale() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    remember(&gate, &token);
    let connect = Sent::post("https://report.example.org/.dashgate/connect").with_bearer(&token);
    assert_eq!(told_at(&gate, &connect, NOW + 110), "answer 303 connected report");
    assert_eq!(told_at(&gate, &connect, NOW + 111), "refuse 403 connect_token_stale report");
}

#[wasm_bindgen_test(unsupported = test)]
fn describes_a_remembered_session_until_its_end() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    remember(&gate, &token);
    let describe = Sent::get("https://report.example.org/.dashgate/session")
        .with("cookie", format!("__Host-dashgate-report={token}"));
    assert_eq!(told_at(&gate, &describe, NOW + 3629), "answer 200 session_described report");
    assert_eq!(told_at(&gate, &describe, NOW + 3630), "refuse 401 session_expired -");
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_the_same_after_it_forgot() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    remember(&gate, &token);
    gate.forget_sessions();
    remember(&gate, &token);
    assert_eq!(told_at(&gate, &report(&token), NOW + 3630), "refuse 401 session_expired report");
}
