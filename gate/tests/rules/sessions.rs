//! Several session kinds on one dashboard, and the one effective end they come to.

use gate::{Decision, Time};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, OLD, Policy, Sent, bokeh_id, bokeh_token, claims_with, signed, token, token_of};

fn plot() -> Sent {
    Sent::get(&format!("https://plot.example.org/?bokeh-session-id={}", bokeh_id('a')))
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_kinds_as_alternatives_by_default() {
    let gate = Policy::new().gate();
    let either = Sent::get(&format!("https://either.example.org/?bokeh-session-id={}", bokeh_id('a')));
    assert_eq!(either.told(&gate), "permit session either");
    assert_eq!(either.clone().with_session("either").told(&gate), "permit session either");
    assert_eq!(Sent::get("https://either.example.org/").with_session("either").told(&gate), "permit session either");
    // A wrong one beside a right one does not count.
    assert_eq!(either.with("cookie", "__Host-dashgate-either=x").told(&gate), "permit session either");
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_every_kind_where_all_are_required() {
    let gate = Policy::new().gate();
    assert_eq!(plot().with_session("plot").told(&gate), "permit session plot");
    assert_eq!(plot().told(&gate), "refuse 401 session_missing plot");
    assert_eq!(
        Sent::get("https://plot.example.org/").with_session("plot").told(&gate),
        "refuse 401 session_missing plot"
    );
    let wrong = plot().with("cookie", format!("__Host-dashgate-plot={}", token("report")));
    assert_eq!(wrong.told(&gate), "refuse 403 audience_not_allowed plot");
    let upgrade = Sent::upgrade("https://plot.example.org/ws").with_session("plot");
    assert_eq!(upgrade.clone().told(&gate), "refuse 401 session_missing plot");
    let both = upgrade.with("sec-websocket-protocol", format!("bokeh, {}", bokeh_token('a')));
    assert_eq!(both.told(&gate), "permit session plot");
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_the_failure_that_says_most_of_several_alternatives() {
    let gate = Policy::new().gate();
    let either = Sent::get("https://either.example.org/");
    assert_eq!(either.told(&gate), "refuse 401 session_missing either");
    let bad_cookie = either.clone().with("cookie", "__Host-dashgate-either=x");
    assert_eq!(bad_cookie.told(&gate), "refuse 401 token_malformed either");
    let bad_id = either.with("bokeh-session-id", bokeh_id('a').replace("aaaa", "bbbb"));
    assert_eq!(bad_id.told(&gate), "refuse 401 signature_invalid either");
    // Of two that say something, the first kind's.
    assert_eq!(bad_id.with("cookie", "__Host-dashgate-either=x").told(&gate), "refuse 401 token_malformed either");
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_by_the_configured_audience() {
    let gate = Policy::new().on("report", "audience", json!("https://either.example.org/")).gate();
    assert_eq!(
        Sent::get("https://report.example.org/").with_session("report").told(&gate),
        "refuse 403 audience_not_allowed report"
    );
    let sent = Sent::get("https://report.example.org/").with_bearer(&token("either"));
    assert_eq!(sent.told(&gate), "permit session report");
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_the_configured_cookie_name() {
    let gate = Policy::new().on("report", "cookie", json!("sid")).gate();
    let sent = Sent::get("https://report.example.org/");
    assert_eq!(sent.clone().with_session("report").told(&gate), "refuse 401 session_missing report");
    assert_eq!(sent.with("cookie", format!("sid={}", token("report"))).told(&gate), "permit session report");
}

/// The stream's end as the backend is told it, in seconds from now.
#[track_caller]
fn ends(gate: &gate::Gate, sent: &Sent) -> Option<u64> {
    let edits = sent.edits(gate);
    let expires = edits.iter().find_map(|edit| edit.strip_prefix("x-dashgate-expires: "));
    let timeout = edits.iter().find_map(|edit| edit.strip_prefix("grpc-timeout: "));
    let Some(expires) = expires else {
        assert!(edits.contains(&"- grpc-timeout".to_owned()), "{edits:?}");
        return None;
    };
    let left = expires.parse::<u64>().expect("seconds") - NOW;
    let timeout = gate::time::decode_timeout(timeout.expect("a timeout").as_bytes()).expect("a timeout");
    assert_eq!(timeout / 1_000_000_000, left);
    Some(left)
}

fn policy() -> Policy {
    Policy::new().on("report", "identity_headers", json!(["expires"])).on(
        "plot",
        "identity_headers",
        json!(["expires"]),
    )
}

#[track_caller]
fn check_end(policy: &Policy, token: &str, expected: u64) {
    let sent = Sent::get("https://report.example.org/").with_bearer(token);
    assert_eq!(ends(&policy.gate(), &sent), Some(expected));
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_at_the_earliest_of_all_bounds() {
    check_end(&policy(), &token("report"), 3630);
    check_end(&policy().with("/sessions/portal/clock_skew_seconds", json!(0)), &token("report"), 3600);
    check_end(&policy().with("/sessions/portal/max_lifetime_seconds", json!(3620)), &token("report"), 3610);
    check_end(&policy().with("/sessions/portal/max_stream_seconds", json!(60)), &token("report"), 60);
    check_end(&policy().with("/sessions/portal/max_stream_seconds", json!(9999)), &token("report"), 3630);
    let late = claims_with("report", "exp", json!(NOW + 9000)).to_string();
    let old = signed(br#"{"alg":"HS256","kid":"old"}"#, late.as_bytes(), &OLD);
    check_end(&policy(), &old, 3600);
    check_end(&policy(), &token_of(&claims_with("report", "iat", Value::Null)), 3630);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_the_defaults_the_reference_states() {
    let policy = policy();
    check_end(&policy, &token_of(&claims_with("report", "exp", json!(NOW - 10 + 43_200))), 43_190);
    let sent =
        |claims: &Value| Sent::get("https://report.example.org/").with_bearer(&token_of(claims)).told(&policy.gate());
    let too_long = claims_with("report", "exp", json!(NOW - 10 + 43_201));
    assert_eq!(sent(&too_long), "refuse 401 session_lifetime_too_long report");
    assert_eq!(sent(&claims_with("report", "exp", json!(NOW - 29))), "permit session report");
    assert_eq!(sent(&claims_with("report", "exp", json!(NOW - 30))), "refuse 401 session_expired report");
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_all_required_sessions_with_the_first_to_end() {
    let sent = plot().with_session("plot");
    assert_eq!(ends(&policy().gate(), &sent), Some(3630));
    assert_eq!(ends(&policy().with("/sessions/bokeh/max_stream_seconds", json!(100)).gate(), &sent), Some(100));
    let reversed = policy().on("plot", "sessions", json!(["bokeh", "portal"]));
    assert_eq!(ends(&reversed.gate(), &sent), Some(3630));
}

#[wasm_bindgen_test(unsupported = test)]
fn does_not_bound_a_stream_by_a_bokeh_tokens_expiry() {
    let gate = Policy::new().on("either", "identity_headers", json!(["expires"])).gate();
    let sent = Sent::get(&format!("https://either.example.org/?bokeh-token={}", bokeh_token('a')));
    assert_eq!(ends(&gate, &sent), Some(7200));
    let open = Sent::get("https://portal.example.org/");
    assert_eq!(ends(&gate, &open), None);
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_the_operator_whose_sessions_and_which_keys() {
    let gate = Policy::new().gate();
    let Decision::Permit(permit) = plot().with_session("plot").decide(&gate) else { panic!("no permit") };
    let record = permit.record();
    assert_eq!((record.subject(), record.keys().collect::<Vec<_>>()), (Some("ada"), vec!["main", "bokeh"]));
    assert_eq!(record.verdict.word(), "permit");
    let token = token("plot");
    let session = record.fingerprint().expect("a session");
    let told =
        plot().with_session("plot").edits(&Policy::new().on("plot", "identity_headers", json!(["session"])).gate());
    assert!(told.contains(&format!("x-dashgate-session: {session}")), "{told:?} {token}");
    // One verified alternative is enough; the other is not even looked at.
    let Decision::Permit(permit) =
        Sent::get(&format!("https://either.example.org/?bokeh-session-id={}", bokeh_id('a'))).decide(&gate)
    else {
        panic!("no permit")
    };
    assert_eq!((permit.record().subject(), permit.record().keys().collect::<Vec<_>>()), (None, vec!["bokeh"]));
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_a_verdict_and_a_stream_at_the_same_moment() {
    let gate = policy().gate();
    let sent = Sent::get("https://report.example.org/").with_session("report");
    let end = Time::from_seconds(NOW + 3630);
    let Decision::Permit(permit) = sent.decide_at(&gate, Time::from_nanos(end.nanos() - 1)) else {
        panic!("no permit")
    };
    let edits: Vec<String> = permit.edits().iter().map(crate::stage::line).collect();
    assert!(edits.contains(&"grpc-timeout: 1n".to_owned()), "{edits:?}");
    assert_eq!(crate::stage::told(&gate, &sent.decide_at(&gate, end)), "refuse 401 session_expired report");
}

#[wasm_bindgen_test(unsupported = test)]
fn hands_the_keys_of_a_ring_out_in_order() {
    use crate::stage::{MAIN, key};
    let ring = gate::session::Ring::new(vec![key("b", &MAIN).into(), key("a", &OLD).into()]);
    assert_eq!(ring.keys().iter().map(|key| key.id()).collect::<Vec<_>>(), ["b", "a"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_the_tools_how_a_dashboard_judges() {
    let gate = Policy::new().gate();
    let judged = |dashboard: usize, session: usize| {
        gate.judges(dashboard, session).map(|(format, audience)| (matches!(format, gate::Format::Bokeh(_)), audience))
    };
    assert_eq!(judged(1, 0), Some((false, "https://report.example.org/")));
    assert_eq!(judged(2, 1), Some((true, "https://plot.example.org/")));
    assert_eq!((judged(1, 1), judged(0, 0), judged(9, 0)), (None, None, None));
    assert_eq!((gate.dashboard_name(1), gate.dashboard_name(99)), (Some("report"), None));
}

#[wasm_bindgen_test(unsupported = test)]
fn writes_no_end_where_there_is_none() {
    // Nanoseconds run out in 2554: what ends later ends never, and neither a header nor a timeout says otherwise.
    let gate = policy().gate();
    let claims = json!({"iss": crate::stage::PORTAL, "aud": "https://report.example.org/", "exp": 253_402_300_799u64});
    let sent = Sent::get("https://report.example.org/").with_bearer(&token_of(&claims));
    let Decision::Permit(permit) = sent.decide_at(&gate, Time::from_nanos(u64::MAX - 1)) else { panic!("no permit") };
    let edits: Vec<String> = permit.edits().iter().map(crate::stage::line).collect();
    assert_eq!(edits, ["- authorization", "- grpc-timeout"]);
}
