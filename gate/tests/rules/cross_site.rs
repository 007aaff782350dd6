//! A connect form from another site's page: no Lax cookie comes with it, so whose session is live is asked in a second step.

use gate::{Answer, Decision, Gate, Time};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, PORTAL, Policy, Sent, claims_with, header, token, token_of, token_of_length, told_answer};

const CONNECT: &str = "https://report.example.org/.dashgate/connect";

#[track_caller]
fn submit(gate: &Gate, site: &str, token: &str, next: &str) -> Answer {
    let sent = Sent::new("POST", CONNECT)
        .with("origin", PORTAL)
        .with("content-type", "application/x-www-form-urlencoded")
        .with("sec-fetch-site", site)
        .with_session("report")
        .with_body();
    let body = format!("token={token}&next={next}");
    match sent.decide(gate) {
        Decision::AwaitBody(pending) => gate.finish_connect(&pending, body.as_bytes(), Time::from_seconds(NOW)),
        other => panic!("no form awaited but {other:?}"),
    }
}

/// The GET the browser is sent to, with what it holds by then.
fn second_step(token: &str, query: &str) -> Sent {
    Sent::navigation(&format!("{CONNECT}{query}")).with("cookie", format!("__Host-dashgate_pending={token}"))
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_cross_site_form_in_two_steps() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    let answer = submit(&gate, "cross-site", &token, "/a%3Fb%26c");
    assert_eq!(told_answer(&gate, &answer), "answer 303 connect_pending report");
    assert_eq!(header(&answer, "location"), ["/.dashgate/connect?next=/a%3Fb%26c"]);
    let pending = format!("__Host-dashgate_pending={token}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    assert_eq!(header(&answer, "set-cookie"), [pending]);

    let answer = second_step(&token, "?next=/a%3Fb%26c").answer(&gate);
    assert_eq!(told_answer(&gate, &answer), "answer 303 connected report");
    assert_eq!(header(&answer, "location"), ["/a?b&c"]);
    let session = format!("__Host-dashgate-report={token}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=3630");
    let cleared = "__Host-dashgate_pending=; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
    assert_eq!(header(&answer, "set-cookie"), [session.as_str(), cleared]);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_any_other_form_in_one() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    for site in ["same-site", "same-origin", "none"] {
        assert_eq!(told_answer(&gate, &submit(&gate, site, &token, "/")), "answer 303 connected report");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn asks_in_the_second_step_before_another_subjects_session_is_replaced() {
    let gate = Policy::new().gate();
    let eve = token_of(&claims_with("report", "sub", json!("eve")));
    let answer = second_step(&eve, "?next=/x").with_session("report").answer(&gate);
    assert_eq!(told_answer(&gate, &answer), "answer 303 connect_confirmation report");
    assert_eq!(header(&answer, "location"), [format!("/.dashgate/connect#token={eve}&next=/x")]);
    // Gone with it, or the page would never be shown.
    let cleared = "__Host-dashgate_pending=; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
    assert_eq!(header(&answer, "set-cookie"), [cleared]);
}

#[wasm_bindgen_test(unsupported = test)]
fn shows_the_page_where_the_pending_token_is_no_good() {
    let gate = Policy::new().gate();
    let stale = token_of(&claims_with("report", "iat", json!(NOW - 121)));
    for (token, query) in [
        (stale.as_str(), "?next=/"),
        ("x", "?next=/"),
        (&token("plot"), "?next=/"),
        (&token("report"), "?next=//evil.example/"),
    ] {
        let answer = second_step(token, query).answer(&gate);
        assert_eq!(told_answer(&gate, &answer), "answer 200 connect_page -");
        assert!(header(&answer, "set-cookie").is_empty());
        assert!(answer.record.subject().is_none());
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn goes_to_the_root_in_the_second_step_without_next() {
    let gate = Policy::new().gate();
    assert_eq!(header(&second_step(&token("report"), "").answer(&gate), "location"), ["/"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_two_pending_tokens() {
    let sent = second_step("a", "").with("cookie", "__Host-dashgate_pending=b");
    assert_eq!(sent.told(&Policy::new().gate()), "refuse 403 credential_repeated -");
}

#[wasm_bindgen_test(unsupported = test)]
fn never_sends_the_pending_token_up() {
    let sent = Sent::get("https://report.example.org/")
        .with("cookie", format!("a=1; __Host-dashgate_pending=x; __Host-dashgate-report={}; b=2", token("report")));
    assert!(sent.edits(&Policy::new().gate()).contains(&"cookie: a=1; b=2".to_owned()));
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_the_second_step_by_a_tabs_own_navigation_only() {
    let (gate, token) = (Policy::new().gate(), token("report"));
    let page = "answer 200 connect_page -";
    let step = second_step(&token, "?next=/");
    assert_eq!(step.clone().replacing(":method", "HEAD").told(&gate), page);
    for (mode, destination) in [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("no-cors", "script")]
    {
        let other = step.clone().replacing("sec-fetch-mode", mode).replacing("sec-fetch-dest", destination);
        assert_eq!(other.told(&gate), page, "{mode} {destination}");
    }
    assert_eq!(step.clone().without("sec-fetch-dest").told(&gate), page);
    let plain = step.clone().without("sec-fetch-mode").without("sec-fetch-dest");
    assert_eq!(plain.told(&gate), "answer 303 connected report");
    let formless = Policy::new().with("/connect/form", json!(false)).gate();
    assert_eq!(step.told(&formless), page);
}

#[wasm_bindgen_test(unsupported = test)]
fn asks_where_neither_session_has_a_name() {
    let gate = Policy::new().gate();
    let nameless = |jti: &str| {
        let mut claims = claims_with("report", "sub", json!(null));
        claims["jti"] = json!(jti);
        token_of(&claims)
    };
    let step = |live: &str| {
        let sent = second_step(&nameless("a"), "?next=/").with("cookie", format!("__Host-dashgate-report={live}"));
        told_answer(&gate, &sent.answer(&gate))
    };
    assert_eq!(step(&nameless("b")), "answer 303 connect_confirmation report");
    assert_eq!(step(&nameless("a")), "answer 303 connected report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_that_the_second_steps_cookie_could_not_hold() {
    // Its name is one byte longer than the session cookie's; name and value are at most 4,096 bytes.
    let gate = Policy::new().gate();
    let told =
        |length: usize| told_answer(&gate, &submit(&gate, "cross-site", &token_of_length("report", length), "/"));
    assert_eq!(told(4073), "answer 303 connect_pending report");
    assert_eq!(told(4074), "refuse 403 connect_token_too_long report");
    let in_one = submit(&gate, "same-site", &token_of_length("report", 4074), "/");
    assert_eq!(told_answer(&gate, &in_one), "answer 303 connected report");
}
