//! Connect: by a portal's form and by the page's bearer; which tokens, which `next`, and who is asked first.

use gate::{Answer, Decision, Gate, MAX_FORM_BYTES, Time};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, PORTAL, Policy, Sent, claims, claims_with, header, signed, token, token_of, told_answer};

const CONNECT: &str = "https://report.example.org/.dashgate/connect";

/// A portal's form on its way.
fn form() -> Sent {
    Sent::new("POST", CONNECT)
        .with("origin", PORTAL)
        .with("content-type", "application/x-www-form-urlencoded")
        .with_body()
}

#[track_caller]
fn submit_to(gate: &Gate, sent: &Sent, body: &str) -> Answer {
    match sent.decide(gate) {
        Decision::AwaitBody(pending) => gate.finish_connect(&pending, body.as_bytes(), Time::from_seconds(NOW)),
        other => panic!("no form awaited but {other:?}"),
    }
}

fn submit(body: &str) -> Answer {
    submit_to(&Policy::new().gate(), &form(), body)
}

#[track_caller]
fn check_form(body: &str, expected: &str) {
    assert_eq!(told_answer(&Policy::new().gate(), &submit(body)), expected, "{body}");
}

#[track_caller]
fn check(sent: Sent, expected: &str) {
    assert_eq!(sent.told(&Policy::new().gate()), expected);
}

/// What the page of connect by fragment sends.
fn bearer(token: &str, next: &str) -> Sent {
    let url = if next.is_empty() { CONNECT.to_owned() } else { format!("{CONNECT}?next={next}") };
    Sent::post(&url).with_bearer(token).with("sec-fetch-site", "same-origin")
}

#[wasm_bindgen_test(unsupported = test)]
fn turns_a_portals_form_into_one_cookie() {
    let token = token("report");
    let answer = submit(&format!("token={token}&next=%2Fa%3Fb%3Dc"));
    let cookie = format!("__Host-dashgate-report={token}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=3630");
    assert_eq!((answer.status, answer.record.code, answer.body.len()), (303, "connected", 0));
    let expected = [("cache-control", "no-store"), ("location", "/a?b=c"), ("set-cookie", cookie.as_str())];
    let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    assert_eq!(headers, expected);
    assert_eq!(answer.record.subject(), Some("ada"));
    assert_eq!(answer.record.keys().collect::<Vec<_>>(), ["main"]);
    assert!(answer.record.fingerprint().is_some());
}

#[wasm_bindgen_test(unsupported = test)]
fn turns_the_pages_bearer_into_the_same_cookie() {
    let (token, gate) = (token("report"), Policy::new().gate());
    let by_bearer = bearer(&token, "/a?b=c").answer(&gate);
    let by_form = submit(&format!("next=/a?b=c&token={token}"));
    assert_eq!((by_bearer.status, &by_bearer.headers), (303, &by_form.headers));
    assert_eq!(told_answer(&gate, &by_bearer), "answer 303 connected report");
    assert_eq!(by_bearer.record.keys().collect::<Vec<_>>(), ["main"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn goes_to_the_root_without_next() {
    let gate = Policy::new().gate();
    assert_eq!(header(&submit(&format!("token={}", token("report"))), "location"), ["/"]);
    assert_eq!(header(&bearer(&token("report"), "").answer(&gate), "location"), ["/"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_forms_from_the_configured_portals_only() {
    check(form(), "await");
    check(form().replacing("origin", "https://evil.example"), "refuse 403 origin_not_allowed -");
    // The dashboard's own origin is not implied: a dashboard must not sign people in.
    check(form().replacing("origin", "https://report.example.org"), "refuse 403 origin_not_allowed -");
    check(form().without("origin"), "refuse 403 origin_missing -");
    check(form().with("origin", PORTAL), "refuse 403 origin_repeated -");
    check(form().replacing("origin", format!("{PORTAL},{PORTAL}")), "refuse 403 origin_repeated -");
    check(form().replacing("origin", "null"), "refuse 403 connect_origin_null -");
    let gate = Policy::new().on("report", "null_origin", json!("allow")).gate();
    assert_eq!(form().replacing("origin", "null").told(&gate), "refuse 403 connect_origin_null -");
    let own = Policy::new().with("/connect/from", json!(["https://report.example.org"])).gate();
    assert_eq!(form().replacing("origin", "https://report.example.org").told(&own), "await");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_only_a_form_of_bounded_size() {
    let kind = |kind: &str| form().replacing("content-type", kind);
    check(kind("Application/X-WWW-Form-Urlencoded ; charset=utf-8"), "await");
    for odd in
        ["multipart/form-data; boundary=x", "application/json", "text/plain", "", "application/x-www-form-urlencoded2"]
    {
        check(kind(odd), "refuse 400 connect_form_invalid -");
    }
    check(form().without("content-type"), "refuse 400 connect_form_invalid -");
    check(form().with("content-length", "16384"), "await");
    check(form().with("content-length", "16385"), "refuse 413 connect_body_too_large -");
    for odd in ["-1", "+5", "5a", "", "99999999999999999999999"] {
        check(form().with("content-length", odd), "refuse 400 connect_form_invalid -");
    }
    check(form().with("content-length", "5").with("content-length", "5"), "refuse 400 connect_form_invalid -");
    // A length is announced and nothing comes.
    let mut empty = form().with("content-length", "5");
    empty.ends = true;
    check(empty, "refuse 400 connect_form_invalid -");
    let padded = |length: usize| {
        let body = format!("token={}&pad=", token("report"));
        format!("{body}{}", "x".repeat(length - body.len()))
    };
    check_form(&padded(MAX_FORM_BYTES), "answer 303 connected report");
    check_form(&padded(MAX_FORM_BYTES + 1), "refuse 413 connect_body_too_large -");
    assert_eq!(MAX_FORM_BYTES, 16_384);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_form_where_the_host_cannot_hand_bodies_over() {
    let gate = Policy::new().with("/connect/form", json!(false)).gate();
    assert_eq!(form().told(&gate), "refuse 501 connect_body_unsupported -");
    assert_eq!(
        form().replacing("origin", "https://report.example.org").told(&gate),
        "refuse 501 connect_body_unsupported -"
    );
    assert_eq!(form().replacing("origin", "https://evil.example").told(&gate), "refuse 403 origin_not_allowed -");
    assert_eq!(bearer(&token("report"), "").told(&gate), "answer 303 connected report");
    assert!(!gate.reads_bodies());
    assert!(Policy::new().gate().reads_bodies());
    assert!(!Policy::new().with("/connect", Value::Null).gate().reads_bodies());
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_one_token_and_at_most_one_next() {
    let token = token("report");
    for odd in [
        String::new(),
        "next=/".to_owned(),
        format!("Token={token}"),
        format!("token={token}&token={token}"),
        format!("token={token}&next=/&next=/"),
        format!("token={token}&tok%65n={token}"),
    ] {
        check_form(&odd, "refuse 400 connect_form_invalid -");
    }
    check_form("token", "refuse 401 token_malformed report");
    check_form(&format!("token=+{token}"), "refuse 401 token_malformed report");
    check_form(&format!("a=1&&tok%65n={}&b", token.replace('.', "%2E")), "answer 303 connected report");
    check_form(&format!("token={token};next=/"), "refuse 401 token_malformed report");
    assert_eq!(header(&submit(&format!("token={token}&next=/a%2Bb")), "location"), ["/a+b"]);
    assert_eq!(header(&submit(&format!("token={token}&next=/a%2520?b=%2509")), "location"), ["/a%20?b=%09"]);
    check_form(&format!("token={token}&next=/a+b"), "refuse 400 connect_next_not_allowed -");
}

#[wasm_bindgen_test(unsupported = test)]
fn goes_only_to_a_path_of_this_host_under_a_dashboard() {
    let token = token("report");
    for evil in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "evil",
        "",
        "/../x",
        "/a//b",
        "/%2e%2e/",
        "/a%2fb",
        "javascript:alert(1)",
        "/%09/evil.example",
        "///evil.example",
        "/a#b",
        "/a\r\nset-cookie: x",
        "/ü",
        "/.dashgate/logout",
        "/.dashgate/connect",
        "/.dashg%61te/x",
        "?next=/",
        " /",
        "/a b",
        "/;/evil",
        "/%0a/evil.example",
        "/a%7F",
        "/%1fa",
    ] {
        let escaped: String = evil.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let expected = "refuse 400 connect_next_not_allowed -";
        check_form(&format!("token={token}&next={escaped}"), expected);
        // Without a value the page's `next` is not sent at all.
        if !evil.is_empty() {
            check(bearer(&token, &escaped), expected);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn sets_the_cookie_of_the_dashboard_that_next_lies_under() {
    let gate = Policy::new().gate();
    let sent = Sent::new("POST", "https://lab.example.org/.dashgate/connect").with("origin", PORTAL);
    let sent = sent.with("content-type", "application/x-www-form-urlencoded").with_body();
    let claims = claims_with("lab", "aud", json!(["https://lab.example.org/", "https://lab.example.org/tb/"]));
    let token = token_of(&claims);
    let cookie = |next: &str| {
        let answer = submit_to(&gate, &sent, &format!("token={token}&next={next}"));
        header(&answer, "set-cookie").first().map_or_else(|| told_answer(&gate, &answer), |cookie| (*cookie).to_owned())
    };
    assert!(cookie("/x").starts_with("__Host-dashgate-lab="));
    assert!(cookie("/tb/x").starts_with("__Host-dashgate-tb="));
    assert!(cookie("/tb").starts_with("__Host-dashgate-tb="));
    assert_eq!(cookie("/tb/deep/"), "refuse 403 audience_not_allowed deep");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_next_whose_dashboard_takes_no_session_by_cookie() {
    let gate = Policy::new().with("/sessions/portal/carriers", json!(["bearer"])).gate();
    let answer = submit_to(&gate, &form(), &format!("token={}", token("report")));
    assert_eq!(told_answer(&gate, &answer), "refuse 400 connect_next_not_allowed report");
    let open = Sent::new("POST", "https://portal.example.org/.dashgate/connect").with("origin", PORTAL);
    let open = open.with("content-type", "application/x-www-form-urlencoded").with_body();
    let gate = Policy::new().gate();
    let answer = submit_to(&gate, &open, &format!("token={}", token("portal")));
    assert_eq!(told_answer(&gate, &answer), "refuse 400 connect_next_not_allowed portal");
    let deep = Policy::new()
        .on("report", "url", json!("https://report.example.org/app/"))
        .on("report", "public", json!([]))
        .gate();
    let answer = submit_to(&deep, &form(), &format!("token={}&next=/other", token("report")));
    assert_eq!(told_answer(&deep, &answer), "refuse 400 connect_next_not_allowed -");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_every_token_that_would_be_no_session() {
    let with = |name: &str, value: Value| token_of(&claims_with("report", name, value));
    for (token, expected) in [
        (with("exp", json!(NOW - 31)), "refuse 401 session_expired report"),
        (token("plot"), "refuse 403 audience_not_allowed report"),
        (with("iss", json!("x")), "refuse 401 issuer_not_allowed report"),
        ("x".to_owned(), "refuse 401 token_malformed report"),
        (
            signed(br#"{"alg":"HS256"}"#, claims("report").to_string().as_bytes(), &[1; 32]),
            "refuse 401 signature_invalid report",
        ),
    ] {
        check_form(&format!("token={token}"), expected);
        check(bearer(&token, ""), expected);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_that_is_not_fresh() {
    let issued = |iat: Value| token_of(&claims_with("report", "iat", iat));
    for (token, expected) in [
        (issued(json!(NOW - 120)), "answer 303 connected report"),
        (issued(json!(NOW - 121)), "refuse 403 connect_token_stale report"),
        (issued(Value::Null), "refuse 403 connect_issue_time_missing report"),
    ] {
        check_form(&format!("token={token}"), expected);
        check(bearer(&token, ""), expected);
    }
    let gate = Policy::new().with("/connect/max_token_age_seconds", json!(9)).gate();
    assert_eq!(bearer(&token("report"), "").told(&gate), "refuse 403 connect_token_stale report");
    assert_eq!(bearer(&issued(json!(NOW - 9)), "").told(&gate), "answer 303 connected report");
}

#[wasm_bindgen_test(unsupported = test)]
fn names_whose_token_it_was_even_when_it_is_stale() {
    let answer = submit(&format!("token={}", token_of(&claims_with("report", "iat", json!(NOW - 999)))));
    assert_eq!(answer.record.subject(), Some("ada"));
    assert!(answer.record.fingerprint().is_some());
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_token_that_browsers_would_not_keep_as_a_cookie() {
    // Name and value together are at most 4,096 bytes.
    let token = token("report");
    let told = |length: usize| {
        let policy = Policy::new().on("report", "cookie", json!("c".repeat(length - token.len())));
        bearer(&token, "").told(&policy.gate())
    };
    assert_eq!(told(4096), "answer 303 connected report");
    assert_eq!(told(4097), "refuse 403 connect_token_too_long report");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_bearer_only_from_its_own_page() {
    let token = token("report");
    check(bearer(&token, ""), "answer 303 connected report");
    check(bearer(&token, "").without("sec-fetch-site"), "answer 303 connected report");
    for site in ["same-site", "cross-site", "none", ""] {
        check(bearer(&token, "").replacing("sec-fetch-site", site), "refuse 403 site_not_allowed -");
    }
    check(bearer(&token, "").with("sec-fetch-site", "same-origin"), "refuse 403 site_not_allowed -");
    check(bearer(&token, "").replacing("origin", PORTAL), "refuse 400 connect_form_invalid -");
    check(bearer(&token, "").replacing("origin", "https://evil.example"), "refuse 403 origin_not_allowed -");
    check(bearer(&token, "").without("authorization"), "refuse 401 session_missing -");
    check(bearer(&token, "").replacing("authorization", format!("Basic {token}")), "refuse 401 session_missing -");
    check(bearer(&token, "").with_bearer(&token), "refuse 403 credential_repeated -");
    check(bearer(&token, "/&next=/"), "refuse 400 connect_form_invalid -");
    check(bearer(&token, "").with_body(), "refuse 403 origin_not_allowed -");
    // A token in the cookie, or in the query, is none shown here.
    check(bearer(&token, "").without("authorization").with_session("report"), "refuse 401 session_missing -");
}

#[wasm_bindgen_test(unsupported = test)]
fn asks_before_it_replaces_another_subjects_session() {
    let eve = token_of(&claims_with("report", "sub", json!("eve")));
    let gate = Policy::new().gate();
    let answer = submit_to(&gate, &form().with_session("report"), &format!("token={eve}&next=/a%3Fb%26c"));
    assert_eq!(told_answer(&gate, &answer), "answer 303 connect_confirmation report");
    assert_eq!(header(&answer, "location"), [format!("/.dashgate/connect#token={eve}&next=/a%3Fb%26c")]);
    assert!(header(&answer, "set-cookie").is_empty());
    // The page asked, so its bearer replaces.
    let replaced = bearer(&eve, "").with_session("report");
    assert_eq!(replaced.told(&gate), "answer 303 connected report");
}

#[wasm_bindgen_test(unsupported = test)]
fn replaces_without_asking_what_is_no_other_live_session() {
    let gate = Policy::new().gate();
    let told = |cookie: String, token: &str| {
        let sent = form().with("cookie", format!("__Host-dashgate-report={cookie}"));
        told_answer(&gate, &submit_to(&gate, &sent, &format!("token={token}")))
    };
    let (ada, eve) = (token("report"), token_of(&claims_with("report", "sub", json!("eve"))));
    let ended = token_of(&claims_with("report", "exp", json!(NOW - 60)));
    for harmless in [ada.clone(), ended, token("plot"), "x".to_owned(), String::new()] {
        assert_eq!(told(harmless, &ada), "answer 303 connected report");
    }
    assert_eq!(told(token_of(&claims_with("report", "exp", json!(NOW - 60))), &eve), "answer 303 connected report");
    let nobody = token_of(&claims_with("report", "sub", Value::Null));
    assert_eq!(told(nobody.clone(), &ada), "answer 303 connect_confirmation report");
    assert_eq!(told(ada.clone(), &nobody), "answer 303 connect_confirmation report");
    assert_eq!(told(nobody.clone(), &nobody), "answer 303 connected report");
    assert_eq!(told(format!("{ada}; __Host-dashgate-report={eve}"), &ada), "refuse 403 credential_repeated report");
    assert_eq!(form().with("cookie", "a=\u{e9}").told(&gate), "refuse 400 cookie_invalid -");
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_the_cookie_with_the_session() {
    let age = |token: &str, policy: Policy| {
        let answer = bearer(token, "").answer(&policy.gate());
        header(&answer, "set-cookie")[0].rsplit_once("Max-Age=").expect("an age").1.to_owned()
    };
    assert_eq!(age(&token("report"), Policy::new().with("/sessions/portal/clock_skew_seconds", json!(0))), "3600");
    assert_eq!(age(&token("report"), Policy::new().with("/sessions/portal/max_lifetime_seconds", json!(3610))), "3600");
    let almost = token_of(&claims_with("report", "exp", json!(NOW as f64 - 29.5)));
    assert_eq!(age(&almost, Policy::new()), "1");
}

#[wasm_bindgen_test(unsupported = test)]
fn tries_each_kind_that_a_cookie_may_hold() {
    let second = json!({"format": "jwt", "keys": ["main"], "issuer": "https://second.example"});
    let policy = Policy::new().with("/sessions/second", second).on("report", "sessions", json!(["portal", "second"]));
    let of_second = token_of(&claims_with("report", "iss", json!("https://second.example")));
    assert_eq!(bearer(&of_second, "").told(&policy.gate()), "answer 303 connected report");
    assert_eq!(bearer(&token("report"), "").told(&policy.gate()), "answer 303 connected report");
    let of_none = token_of(&claims_with("report", "iss", json!("https://third.example")));
    assert_eq!(bearer(&of_none, "").told(&policy.gate()), "refuse 401 issuer_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn shows_a_page_to_the_person_whose_form_was_refused() {
    let gate = Policy::new().gate();
    let person = form().with("sec-fetch-mode", "navigate").with("sec-fetch-dest", "document");
    let kind = |sent: &Sent| header(&submit_to(&gate, sent, "token=x"), "content-type")[0].to_owned();
    assert_eq!(kind(&person), "text/html; charset=utf-8");
    assert_eq!(kind(&form()), "application/json");
    assert_eq!(kind(&form().with("sec-fetch-mode", "navigate")), "application/json");
    assert_eq!(kind(&form().with("sec-fetch-dest", "document")), "application/json");
    // A form's refusal is never a redirect, though the session has ended.
    let ended = format!("token={}", token_of(&claims_with("report", "exp", json!(NOW - 60))));
    assert_eq!(submit_to(&gate, &person, &ended).status, 401);
}

#[wasm_bindgen_test(unsupported = test)]
fn shows_no_session_when_it_is_written_for_people_who_mend_it() {
    let gate = Policy::new().gate();
    let url = "https://report.example.org/.dashgate/connect";
    let token = token("report");
    let signature = token.rsplit('.').next().expect("a signature");
    let by_bearer = Sent::post(&format!("{url}?next=/")).with_bearer(&token).decide(&gate);
    let by_form = Sent::new("POST", url)
        .with("origin", PORTAL)
        .with("content-type", "application/x-www-form-urlencoded")
        .with("cookie", format!("__Host-dashgate-report={token}; theme=dark"))
        .with_body()
        .decide(&gate);
    let permitted =
        Sent::get("https://report.example.org/").with_session("report").with("cookie", "secret=mine").decide(&gate);
    for (decision, kind) in [(by_bearer, "Answer"), (by_form, "AwaitBody"), (permitted, "Permit")] {
        let shown = format!("{decision:?}");
        assert!(shown.starts_with(kind), "{kind}");
        let bytes = format!("{:?}", signature.as_bytes());
        let told =
            [signature, bytes.trim_matches(['[', ']']), "secret=mine"].iter().any(|secret| shown.contains(secret));
        assert!(!told, "{kind} shows a credential");
    }
}
