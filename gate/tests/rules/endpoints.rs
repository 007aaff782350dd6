//! The gate's own endpoints but connect: nothing under `/.dashgate/` ever reaches a backend.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, PORTAL, Policy, Sent, bokeh_id, claims_with, header, token, token_of};

const OWN: &str = "https://report.example.org/.dashgate";

#[track_caller]
fn check(sent: Sent, expected: &str) {
    assert_eq!(sent.told(&Policy::new().gate()), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn forwards_nothing_under_its_own_path() {
    for path in ["", "/", "/x", "/connect/", "/connect/x", "/Connect", "/logout", "/session/"] {
        check(Sent::get(&format!("{OWN}{path}")).with_session("report"), "refuse 404 endpoint_not_found -");
    }
    // However its segment is encoded.
    for path in ["/.dashg%61te/x", "/%64ashgate/x", "/%2edashgate/connect", "/.dashgate/connec%74"] {
        let expected = "refuse 400 path_invalid -";
        check(Sent::get(&format!("https://report.example.org{path}")).with_session("report"), expected);
    }
    for path in ["/.dashgates/x", "/x/.dashgate/connect", "/.Dashgate/connect", "/.dash/connect"] {
        check(Sent::get(&format!("https://report.example.org{path}")).with_session("report"), "permit session report");
    }
    check(Sent::get("https://portal.example.org/.dashgate/x"), "refuse 404 endpoint_not_found -");
    check(Sent::get("https://lab.example.org/tb/.dashgate/x"), "refuse 401 session_missing tb");
}

#[wasm_bindgen_test(unsupported = test)]
fn answers_only_the_methods_it_knows() {
    for (method, path) in [
        ("PUT", "connect"),
        ("OPTIONS", "connect"),
        ("DELETE", "connect"),
        ("GET", "logout"),
        ("HEAD", "logout"),
        ("PUT", "logout"),
        ("POST", "session"),
        ("HEAD", "session"),
        ("post", "logout"),
    ] {
        let sent = Sent::new(method, &format!("{OWN}/{path}")).with("origin", "https://report.example.org");
        check(sent.with_session("report"), "refuse 404 endpoint_not_found -");
    }
    for path in ["connect", "session"] {
        check(Sent::upgrade(&format!("{OWN}/{path}")).with_session("report"), "refuse 403 endpoint_not_found -");
    }
    let preflight = Sent::new("OPTIONS", &format!("{OWN}/connect")).with("access-control-request-method", "POST");
    check(preflight.with("origin", "https://report.example.org"), "refuse 404 endpoint_not_found -");
}

#[wasm_bindgen_test(unsupported = test)]
fn has_no_connect_endpoint_where_none_is_configured() {
    let gate = Policy::new().with("/connect", Value::Null).gate();
    let own = "https://report.example.org";
    let told = |method: &str, path: &str| Sent::new(method, &format!("{OWN}/{path}")).with("origin", own).told(&gate);
    assert_eq!(told("GET", "connect"), "refuse 404 endpoint_not_found -");
    assert_eq!(told("POST", "connect"), "refuse 404 endpoint_not_found -");
    assert_eq!(told("POST", "logout"), "answer 303 signed_out -");
    let portal = Sent::new("POST", &format!("{OWN}/logout")).with("origin", PORTAL);
    assert_eq!(portal.told(&gate), "refuse 403 origin_not_allowed -");
}

#[wasm_bindgen_test(unsupported = test)]
fn shows_the_connect_page_to_anyone() {
    let gate = Policy::new().gate();
    for method in ["GET", "HEAD"] {
        let answer = Sent::new(method, &format!("{OWN}/connect")).with("sec-fetch-site", "cross-site").answer(&gate);
        assert_eq!((answer.status, answer.record.code), (200, "connect_page"));
        let page = String::from_utf8(answer.body.to_vec()).expect("text");
        assert!(page.starts_with("<!doctype html>") && page.contains("id=\"go\"") && !page.contains("{{"), "{page}");
        assert_eq!(header(&answer, "cache-control"), ["no-store"]);
        assert_eq!(header(&answer, "content-type"), ["text/html; charset=utf-8"]);
        assert_eq!(header(&answer, "x-frame-options"), ["DENY"]);
        assert_eq!(header(&answer, "referrer-policy"), ["same-origin"]);
        check_policy(&page, header(&answer, "content-security-policy")[0], "script");
    }
    check(Sent::get(&format!("{OWN}/connect")).with("cookie", "a=\u{e9}"), "refuse 400 cookie_invalid -");
}

/// The inline script and style of a page are those its policy allows, and nothing else is.
#[track_caller]
fn check_policy(page: &str, policy: &str, element: &str) {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let inline = |element: &str| {
        let (_, rest) = page.split_once(&format!("<{element}>")).expect("an element");
        let (text, _) = rest.split_once(&format!("</{element}>")).expect("its end");
        format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())))
    };
    let expected = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; \
         connect-src 'self'; script-src {}",
        inline("style"),
        inline(element)
    );
    assert_eq!(policy, expected);
}

fn sign_out(url: &str, origin: &str) -> Sent {
    Sent::new("POST", &format!("{url}/.dashgate/logout")).with("origin", origin)
}

#[wasm_bindgen_test(unsupported = test)]
fn signs_out_by_clearing_every_cookie_of_the_host() {
    let gate = Policy::new().gate();
    let lab = "https://lab.example.org";
    for origin in [lab, PORTAL] {
        let answer = sign_out(lab, origin).answer(&gate);
        assert_eq!((answer.status, answer.record.code), (303, "signed_out"));
        assert_eq!(header(&answer, "location"), ["/"]);
        assert_eq!(header(&answer, "cache-control"), ["no-store"]);
        let cleared = ["-lab", "-tb", "-deep", "_pending", "_bounce"]
            .map(|name| format!("__Host-dashgate{name}=; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"));
        assert_eq!(header(&answer, "set-cookie"), cleared);
    }
    let mixed = Policy::new()
        .on("tb", "sessions", json!([]))
        .on("tb", "open", json!(true))
        .on("deep", "cookie", json!("sid"))
        .gate();
    let answer = sign_out(lab, lab).answer(&mixed);
    let names: Vec<&str> = header(&answer, "set-cookie").iter().filter_map(|cookie| cookie.split('=').next()).collect();
    assert_eq!(names, ["__Host-dashgate-lab", "sid", "__Host-dashgate_pending", "__Host-dashgate_bounce"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn signs_out_of_a_host_on_all_of_its_ports() {
    // Browsers keep cookies by host: those of another port of it are there, too.
    let gate = Policy::new().on("tb", "url", json!("https://lab.example.org:8443/")).gate();
    for port in ["", ":8443"] {
        let url = format!("https://lab.example.org{port}");
        let answer = sign_out(&url, &url).answer(&gate);
        let mut names: Vec<&str> =
            header(&answer, "set-cookie").iter().filter_map(|cookie| cookie.split('=').next()).collect();
        names.retain(|name| !name.starts_with("__Host-dashgate_"));
        names.sort_unstable();
        assert_eq!(names, ["__Host-dashgate-deep", "__Host-dashgate-lab", "__Host-dashgate-tb"], "{url}");
    }
    let other = Policy::new().on("tb", "url", json!("https://lab.example.org.example:8443/")).gate();
    let answer = sign_out("https://lab.example.org", "https://lab.example.org").answer(&other);
    assert_eq!(header(&answer, "set-cookie").len(), 2 + 2);
}

#[wasm_bindgen_test(unsupported = test)]
fn signs_out_for_its_own_pages_and_portals_only() {
    let own = "https://report.example.org";
    check(sign_out(own, own), "answer 303 signed_out -");
    check(sign_out(own, "https://plot.example.org"), "refuse 403 origin_not_allowed -");
    check(sign_out(own, "null"), "refuse 403 origin_null -");
    check(sign_out(own, own).without("origin"), "refuse 403 origin_missing -");
    check(sign_out(own, own).with("origin", own), "refuse 403 origin_repeated -");
}

fn session() -> Sent {
    Sent::get(&format!("{OWN}/session"))
}

#[track_caller]
fn described(sent: &Sent, policy: &Policy) -> Value {
    let answer = sent.answer(&policy.gate());
    assert_eq!((answer.status, answer.record.code, answer.record.verdict.word()), (200, "session_described", "answer"));
    assert_eq!(header(&answer, "content-type"), ["application/json"]);
    assert_eq!(header(&answer, "cache-control"), ["no-store"]);
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[wasm_bindgen_test(unsupported = test)]
fn describes_a_session_to_its_own_page() {
    let expected = json!({"subject": "ada", "dashboard": "report", "expires_in_seconds": 3630});
    let sent = session().with_session("report");
    assert_eq!(described(&sent, &Policy::new()), expected);
    let own = sent.clone().with("origin", "https://report.example.org").with("sec-fetch-site", "same-origin");
    assert_eq!(described(&own, &Policy::new()), expected);
    assert_eq!(described(&session().with_bearer(&token("report")), &Policy::new()), expected);
    let nobody = session().with_bearer(&token_of(&claims_with("report", "sub", Value::Null)));
    assert_eq!(described(&nobody, &Policy::new())["subject"], Value::Null);
    let odd = session().with_bearer(&token_of(&claims_with("report", "sub", json!("a\"b\\ \u{e9}"))));
    assert_eq!(described(&odd, &Policy::new())["subject"], json!("a\"b\\ \u{e9}"));
    let bounded = Policy::new().with("/sessions/portal/max_stream_seconds", json!(60));
    assert_eq!(described(&sent, &bounded)["expires_in_seconds"], json!(60));
    let answer = sent.answer(&Policy::new().gate());
    assert_eq!(answer.record.subject(), Some("ada"));
}

#[wasm_bindgen_test(unsupported = test)]
fn describes_a_session_to_nobody_else() {
    let sent = session().with_session("report");
    check(session(), "refuse 401 session_missing -");
    check(session().with("cookie", "__Host-dashgate-report=x"), "refuse 401 token_malformed -");
    check(sent.clone().with("origin", PORTAL), "refuse 403 origin_not_allowed -");
    check(sent.clone().with("origin", "null"), "refuse 403 origin_not_allowed -");
    let own = "https://report.example.org";
    check(sent.clone().with("origin", own).with("origin", own), "refuse 403 origin_repeated -");
    for site in ["same-site", "cross-site", "none", ""] {
        check(sent.clone().with("sec-fetch-site", site), "refuse 403 site_not_allowed -");
    }
    check(sent.clone().with("cookie", "__Host-dashgate-report=x"), "refuse 403 credential_repeated -");
    check(Sent::get("https://portal.example.org/.dashgate/session"), "refuse 401 session_missing -");
}

#[wasm_bindgen_test(unsupported = test)]
fn describes_the_session_of_the_dashboard_that_is_asked_for() {
    let lab = |query: &str| Sent::get(&format!("https://lab.example.org/.dashgate/session{query}"));
    let both = |sent: Sent| {
        sent.with_session("lab").with(
            "cookie",
            format!("__Host-dashgate-tb={}", {
                token_of(&claims_with("lab", "aud", json!("https://lab.example.org/tb/")))
            }),
        )
    };
    let name = |sent: Sent| described(&sent, &Policy::new())["dashboard"].clone();
    assert_eq!(name(both(lab(""))), "lab");
    assert_eq!(name(both(lab("?dashboard=tb"))), "tb");
    assert_eq!(name(both(lab("?dashboard=lab&x"))), "lab");
    check(both(lab("?dashboard=deep")), "refuse 401 session_missing -");
    check(both(lab("?dashboard=other")), "refuse 401 session_missing -");
    check(both(lab("?dashboard=lab&dashboard=tb")), "refuse 404 endpoint_not_found -");
    // Whichever is live, and of failures the first that says something.
    check(lab("").with("cookie", "__Host-dashgate-deep=x"), "refuse 401 token_malformed -");
    let late = lab("").with("cookie", format!("__Host-dashgate-lab={}; __Host-dashgate-tb=x", token("tb")));
    check(late, "refuse 403 audience_not_allowed -");
}

#[wasm_bindgen_test(unsupported = test)]
fn describes_the_portal_session_where_a_bokeh_id_is_demanded_too() {
    let plot = Sent::get("https://plot.example.org/.dashgate/session").with_session("plot");
    let expected = json!({"subject": "ada", "dashboard": "plot", "expires_in_seconds": 3630});
    assert_eq!(described(&plot, &Policy::new()), expected);
    let by_id = Sent::get("https://either.example.org/.dashgate/session").with("bokeh-session-id", bokeh_id('a'));
    let expected = json!({"subject": null, "dashboard": "either", "expires_in_seconds": 7200});
    assert_eq!(described(&by_id, &Policy::new()), expected);
    assert_eq!(NOW, 1_800_000_000);
}
