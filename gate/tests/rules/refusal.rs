//! Refusals by asker: a page or a way to sign in for a person, JSON for a program, gRPC's statuses, 401 or 403 for upgrades.

use gate::{Answer, Decision, Reason};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, Policy, Sent, claims_with, header, token, token_of};

const REPORT: &str = "https://report.example.org/";
const NO_SESSION: &str = "There is no valid session for this dashboard. Sign in at your portal and press Connect.";

fn answer(sent: &Sent) -> Answer {
    sent.answer(&Policy::new().gate())
}

fn body(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).expect("text")
}

/// Without a link to sign in at, so that pages are shown.
fn pages() -> Policy {
    Policy::new().with("/connect/login_url", Value::Null)
}

#[wasm_bindgen_test(unsupported = test)]
fn answers_a_program_in_json() {
    let refused = answer(&Sent::get(REPORT));
    let headers: Vec<(&str, &str)> = refused.headers.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    assert_eq!(
        headers,
        [
            ("cache-control", "no-store"),
            ("www-authenticate", "Bearer realm=\"dashgate\""),
            ("content-type", "application/json"),
        ]
    );
    assert_eq!(
        (refused.status, refused.grpc_status, refused.record.reason),
        (401, Some(16), Some(Reason::SessionMissing))
    );
    assert_eq!(body(&refused), json!({"error": NO_SESSION}).to_string());
    let forbidden = answer(&Sent::get(REPORT).with("origin", "https://evil.example"));
    let headers: Vec<&str> = forbidden.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!((forbidden.status, forbidden.grpc_status), (403, Some(7)));
    assert_eq!(headers, ["cache-control", "content-type"]);
    assert_eq!(body(&forbidden), r#"{"error":"This request is not allowed here."}"#);
}

#[wasm_bindgen_test(unsupported = test)]
fn answers_an_upgrade_with_401_or_403_only() {
    let upgrade = |url: &str| Sent::upgrade(url);
    for (sent, status) in [
        (upgrade("https://report.example.org/ws"), 401),
        (upgrade("https://report.example.org/a//b"), 403),
        (upgrade("https://unknown.example.org/"), 403),
        (upgrade("https://report.example.org/.dashgate/x"), 403),
        (upgrade("https://report.example.org/").replacing(":method", "CONNECT"), 403),
        (upgrade("https://report.example.org/").replacing("origin", "https://evil.example"), 403),
        (upgrade("https://report.example.org/").with_bearer("x"), 401),
    ] {
        let refused = answer(&sent);
        assert_eq!((refused.status, refused.grpc_status), (status, None));
        assert_eq!(header(&refused, "content-type"), ["application/json"]);
        assert_eq!(header(&refused, "www-authenticate").len(), usize::from(status == 401));
    }
    // A navigation or gRPC call that upgrades is an upgrade.
    let odd = upgrade(REPORT).with("sec-fetch-mode", "navigate").with("sec-fetch-dest", "document");
    assert_eq!(header(&answer(&odd), "location").len(), 0);
    let odd = answer(&upgrade(REPORT).with("content-type", "application/grpc"));
    assert_eq!((header(&odd, "content-type"), odd.grpc_status), (vec!["application/json"], None));
}

#[wasm_bindgen_test(unsupported = test)]
fn answers_a_grpc_call_with_its_own_statuses() {
    let call = Sent::post(REPORT).with("content-type", "application/grpc+proto").with_body();
    let refused = answer(&call);
    assert_eq!((refused.grpc_status, body(&refused)), (Some(16), NO_SESSION));
    assert_eq!(header(&refused, "content-type"), ["text/plain"]);
    let forbidden = answer(&call.replacing("origin", "https://evil.example"));
    assert_eq!((forbidden.grpc_status, body(&forbidden)), (Some(7), "This request is not allowed here."));
}

#[wasm_bindgen_test(unsupported = test)]
fn shows_a_page_to_a_person() {
    let gate = pages().gate();
    for (sent, status, title) in [
        (Sent::navigation(REPORT), 401, "Sign in to open this dashboard"),
        (Sent::navigation("https://x.example.org/"), 404, "Nothing here"),
        (Sent::navigation("https://report.example.org/.dashgate/x"), 404, "Nothing here"),
        (Sent::navigation("https://report.example.org/a//b"), 400, "Not allowed"),
        (Sent::navigation(REPORT).with("origin", "https://evil.example"), 403, "Not allowed"),
        (
            Sent::navigation("https://report.example.org/.dashgate/connect")
                .replacing(":method", "POST")
                .with("origin", "null"),
            403,
            "Could not connect",
        ),
    ] {
        let refused = sent.answer(&gate);
        assert_eq!(refused.status, status);
        let page = body(&refused);
        assert!(
            page.contains(&format!("<title>{title}</title>")) && page.contains(&format!("<h1>{title}</h1>")),
            "{page}"
        );
        let sentence = refused.record.reason.expect("a reason").advice().sentence();
        assert!(page.contains(&format!("<p>{sentence}</p>")) && !page.contains("{{"), "{page}");
        assert_eq!(header(&refused, "content-type"), ["text/html; charset=utf-8"]);
        assert_eq!(header(&refused, "cache-control"), ["no-store"]);
        assert_eq!(header(&refused, "x-frame-options"), ["DENY"]);
        assert_eq!(header(&refused, "referrer-policy"), ["same-origin"]);
        assert_eq!(header(&refused, "www-authenticate").len(), usize::from(status == 401));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn allows_its_page_nothing_but_its_own_style() {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let refused = Sent::navigation(REPORT).answer(&pages().gate());
    let page = body(&refused);
    let style = page.split_once("<style>").expect("a style").1.split_once("</style>").expect("its end").0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    let expected = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    );
    assert_eq!(header(&refused, "content-security-policy"), [expected]);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_only_a_whole_tab_for_a_person() {
    let gate = Policy::new().gate();
    let kind = |sent: &Sent| header(&sent.answer(&gate), "location").len();
    assert_eq!(kind(&Sent::navigation(REPORT)), 1);
    assert_eq!(kind(&Sent::navigation(REPORT).without("sec-fetch-mode")), 0);
    assert_eq!(kind(&Sent::navigation(REPORT).without("sec-fetch-dest")), 0);
    assert_eq!(kind(&Sent::navigation(REPORT).replacing("sec-fetch-dest", "iframe")), 0);
    assert_eq!(kind(&Sent::navigation(REPORT).replacing("sec-fetch-mode", "cors")), 0);
    assert_eq!(kind(&Sent::navigation(REPORT).with("content-type", "application/grpc")), 0);
}

#[wasm_bindgen_test(unsupported = test)]
fn sends_a_person_without_a_session_to_sign_in() {
    let gate = Policy::new().gate();
    let answer = Sent::navigation("https://report.example.org/a%20b?c=d&e").answer(&gate);
    assert_eq!((answer.status, answer.record.code, answer.record.verdict.word()), (302, "session_missing", "refuse"));
    assert_eq!(
        header(&answer, "location"),
        ["https://portal.example.org/login?dashboard=report&next=/a%2520b%3Fc%3Dd%26e"]
    );
    assert_eq!(
        header(&answer, "set-cookie"),
        ["__Host-dashgate_bounce=1; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"]
    );
    assert_eq!(header(&answer, "cache-control"), ["no-store"]);
    assert!(answer.body.is_empty() && header(&answer, "content-type").is_empty());
    let with_query = Policy::new().with("/connect/login_url", json!("https://portal.example.org/?login")).gate();
    let answer = Sent::navigation(REPORT).answer(&with_query);
    assert_eq!(header(&answer, "location"), ["https://portal.example.org/?login&dashboard=report&next=/"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn sends_nobody_anywhere_for_another_reason_or_method() {
    let told = |sent: &Sent| (answer(sent).status, header(&answer(sent), "location").len());
    let cookie = |token: &str| Sent::navigation(REPORT).with("cookie", format!("__Host-dashgate-report={token}"));
    assert_eq!(told(&cookie(&token_of(&claims_with("report", "exp", json!(NOW - 60))))), (302, 1));
    assert_eq!(told(&cookie(&token("plot"))), (403, 0));
    assert_eq!(told(&cookie("x")), (401, 0));
    assert_eq!(told(&Sent::navigation(REPORT).replacing(":method", "HEAD")), (401, 0));
    assert_eq!(
        told(&Sent::navigation(REPORT).replacing(":method", "POST").with("origin", "https://report.example.org")),
        (401, 0)
    );
    assert_eq!(told(&Sent::get(REPORT)), (401, 0));
    assert_eq!(told(&Sent::navigation("https://x.example.org/")), (404, 0));
    // Where no dashboard is known there is nowhere to come back to.
    assert_eq!(
        told(
            &Sent::navigation("https://report.example.org/.dashgate/session")
                .replacing("sec-fetch-site", "same-origin")
        ),
        (401, 0)
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn shows_the_page_after_two_bounces_within_a_minute() {
    let bounced =
        |value: &str| answer(&Sent::navigation(REPORT).with("cookie", format!("__Host-dashgate_bounce={value}")));
    assert!(header(&bounced("1"), "set-cookie")[0].starts_with("__Host-dashgate_bounce=2; "));
    assert_eq!(bounced("1").status, 302);
    for value in ["2", "3", "0", "", "x", "1; __Host-dashgate_bounce=1"] {
        let shown = bounced(value);
        assert_eq!((shown.status, header(&shown, "set-cookie").len()), (401, 0), "{value}");
        let link = "<a class=\"button\" href=\"https://portal.example.org/login\">Go to the portal</a>";
        assert!(body(&shown).contains(link));
    }
    assert!(!body(&Sent::navigation(REPORT).answer(&pages().gate())).contains("Go to the portal"));
}

#[wasm_bindgen_test(unsupported = test)]
fn escapes_the_portals_address_on_the_page() {
    let gate = Policy::new().with("/connect/login_url", json!("https://portal.example.org/?a&b='c'")).gate();
    let shown = Sent::navigation(REPORT).with("cookie", "__Host-dashgate_bounce=2").answer(&gate);
    assert!(body(&shown).contains("href=\"https://portal.example.org/?a&amp;b='c'\""), "{}", body(&shown));
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_the_portal_no_credential_and_no_endless_path() {
    let next = |path: &str| {
        let answer = Sent::navigation(&format!("https://lab.example.org{path}")).answer(&Policy::new().gate());
        header(&answer, "location")[0].rsplit_once("&next=").expect("next").1.to_owned()
    };
    assert_eq!(next("/tb/?a=1&bokeh-session-id=x&b"), "/tb/%3Fa%3D1%26b");
    assert_eq!(next("/tb/?bokeh-token=x"), "/tb/");
    assert_eq!(next(&format!("/tb/{}", "x".repeat(2044))), format!("/tb/{}", "x".repeat(2044)));
    assert_eq!(next(&format!("/tb/{}", "x".repeat(2045))), "/tb/");
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_its_reason_in_a_header_only_where_configured() {
    let gate = Policy::new().with("/reason_header", json!(true)).gate();
    for sent in [Sent::get(REPORT), Sent::navigation(REPORT), Sent::upgrade(REPORT)] {
        assert_eq!(header(&sent.answer(&gate), "x-dashgate-reason"), ["session_missing"]);
        assert!(header(&answer(&sent), "x-dashgate-reason").is_empty());
    }
    let other = Sent::new("OPTIONS", REPORT)
        .with("access-control-request-method", "GET")
        .with("origin", "https://report.example.org");
    assert!(header(&other.answer(&gate), "x-dashgate-reason").is_empty());
}

#[wasm_bindgen_test(unsupported = test)]
fn reflects_nothing_of_a_request() {
    let marker = "zqzqz";
    let gate = pages().with("/reason_header", json!(true)).gate();
    for url in ["https://report.example.org", "https://zqzqz.example.org"] {
        for path in ["/zqzqz", "/.dashgate/zqzqz", "/zqzqz//", "/?zqzqz"] {
            let sent = Sent::navigation(&format!("{url}{path}"))
                .with("origin", "https://zqzqz.example")
                .with("x-zqzqz", marker);
            for sent in [sent.clone(), sent.without("sec-fetch-mode").with("cookie", "__Host-dashgate-report=zqzqz")] {
                let refused = sent.answer(&gate);
                let told = format!("{:?} {}", refused.headers, body(&refused));
                assert!(!told.contains(marker), "{told}");
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn answers_a_failure_of_the_filter_itself() {
    let refused = Policy::new().gate().refuse(Reason::HostCallFailed);
    assert_eq!((refused.status, refused.grpc_status, refused.record.code), (500, Some(7), "host_call_failed"));
    assert_eq!(refused.record.verdict.word(), "refuse");
    assert_eq!(body(&refused), r#"{"error":"This request is malformed."}"#);
}

fn preflight(origin: &str) -> Sent {
    Sent::new("OPTIONS", REPORT).with("access-control-request-method", "PUT").with("origin", origin)
}

#[wasm_bindgen_test(unsupported = test)]
fn answers_preflights_itself() {
    let policy = Policy::new().on("report", "origins", json!(["https://a.example"]));
    let answer = preflight("https://a.example").answer(&policy.gate());
    let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    assert_eq!((answer.status, answer.record.code, answer.record.verdict.word()), (204, "preflight", "answer"));
    assert_eq!(
        headers,
        [
            ("cache-control", "no-store"),
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-allow-methods", "GET, HEAD, POST"),
            ("access-control-allow-headers", "content-type"),
            ("access-control-allow-credentials", "true"),
            ("access-control-max-age", "600"),
            ("vary", "Origin"),
        ]
    );
    let configured = json!({"methods": ["PUT", "GET"], "headers": ["x-a", "x-b"], "max_age_seconds": 0});
    let answer = preflight("https://a.example").answer(&policy.on("report", "preflight", configured).gate());
    assert_eq!(header(&answer, "access-control-allow-methods"), ["PUT, GET"]);
    assert_eq!(header(&answer, "access-control-allow-headers"), ["x-a, x-b"]);
    assert_eq!(header(&answer, "access-control-max-age"), ["0"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn forwards_no_preflight_whatever_comes_with_it() {
    let told = |sent: Sent| sent.told(&Policy::new().gate());
    let own = preflight("https://report.example.org");
    assert_eq!(told(own.clone()), "answer 204 preflight report");
    assert_eq!(told(own.clone().with_session("report")), "answer 204 preflight report");
    assert_eq!(told(own.clone().with("access-control-request-method", "GET")), "answer 204 preflight report");
    assert_eq!(told(own.replacing(":path", "/static/x")), "answer 204 preflight report");
    assert_eq!(told(preflight("https://evil.example").with_session("report")), "refuse 403 origin_not_allowed report");
    assert_eq!(told(preflight("null")), "refuse 403 origin_null report");
    assert_eq!(told(preflight("x").without("origin").with_session("report")), "refuse 403 origin_missing report");
    for missing in ["allow", "allow_with_bearer"] {
        let gate = Policy::new().on("report", "missing_origin", json!(missing)).gate();
        let sent = preflight("x").without("origin").with_bearer(&token("report"));
        assert_eq!(sent.told(&gate), "refuse 403 origin_missing report");
    }
    let portal = Sent::new("OPTIONS", "https://portal.example.org/").with("access-control-request-method", "PUT");
    assert_eq!(told(portal.with("origin", "https://portal.example.org")), "answer 204 preflight portal");
    // Only OPTIONS is one.
    let get = Sent::get(REPORT).with("access-control-request-method", "PUT").with_session("report");
    assert!(matches!(get.decide(&Policy::new().gate()), Decision::Permit(_)));
}
