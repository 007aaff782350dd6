//! Origins: their canonical form, patterns with one wildcard label, and when one is required.

use gate::origin::{OriginSet, check_pattern, split};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent, token};

#[wasm_bindgen_test(unsupported = test)]
fn takes_an_origin_in_its_canonical_form_only() {
    for (good, scheme, authority) in [
        ("https://a.example", "https", "a.example"),
        ("http://localhost:8080", "http", "localhost:8080"),
        ("https://a.example:80", "https", "a.example:80"),
        ("http://a.example:443", "http", "a.example:443"),
        ("https://[::1]:8443", "https", "[::1]:8443"),
        ("http://a.example:8080", "http", "a.example:8080"),
    ] {
        assert_eq!(split(good), Ok((scheme, authority)));
    }
    for odd in [
        "",
        "a.example",
        "https:/a.example",
        "https://",
        "HTTPS://a.example",
        "https://A.example",
        "https://a.example/",
        "https://a.example:443",
        "http://a.example:80",
        "https://a.example.",
        "ws://a.example",
        "https://u@a.example",
        "https://a.example:0",
        "null",
        "https://*.a.example",
        "https://a.example,https://b.example",
    ] {
        assert!(split(odd).is_err(), "{odd}");
    }
    let message = "must be an origin in its canonical form, such as https://host or https://host:8443 \
                   (lower case, no default port, no path)";
    assert_eq!(split("https://A.example"), Err(message));
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_patterns_with_one_wildcard_label_at_the_front() {
    for good in ["https://a.example", "https://*.lab.example", "https://*.lab.example:8443", "http://*.localhost"] {
        assert_eq!(check_pattern(good), Ok(()), "{good}");
    }
    assert_eq!(check_pattern("https://*.org"), Err("has a wildcard over a whole top-level domain"));
    assert_eq!(check_pattern("https://*.org:8443"), Err("has a wildcard over a whole top-level domain"));
    for odd in [
        "*",
        "https://*",
        "https://*.",
        "https://*.*.example",
        "https://a.*.example",
        "https://*a.example.org",
        "https://*.Lab.example",
        "https://*.lab.example:443",
        "ftp://*.lab.example",
    ] {
        assert!(check_pattern(odd).is_err(), "{odd}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn matches_a_wildcard_with_exactly_one_label() {
    let mut set = OriginSet::default();
    assert!(set.is_empty());
    assert!(!set.allows(b"https://a.example"));
    set.insert("https://a.example");
    assert!(!set.is_empty());
    assert!(!set.allows(b"https://x.lab.example"));
    set.insert("https://*.lab.example");
    set.insert("http://*.dev.example:8080");
    let longest = format!("https://{}.lab.example", "x".repeat(63));
    for good in
        ["https://a.example", "https://x.lab.example", "https://x-1.lab.example", "http://x.dev.example:8080", &longest]
    {
        assert!(set.allows(good.as_bytes()), "{good}");
    }
    let too_long = format!("https://{}.lab.example", "x".repeat(64));
    for odd in [
        "https://lab.example",
        "https://.lab.example",
        "https://x.y.lab.example",
        "https://X.lab.example",
        "https://*.lab.example",
        "https://x_y.lab.example",
        "https://xlab.example",
        "http://x.lab.example",
        "https://x.lab.example:8443",
        "https://x.lab.example.",
        "https://x.lab.example/",
        "https://x.dev.example:8080",
        "http://x.dev.example",
        "https://evil.example/.lab.example",
        "https://evil@x.lab.example",
        "https://a.example.evil",
        "https://a.exampl",
        "https://",
        "",
        "null",
        &too_long,
    ] {
        assert!(!set.allows(odd.as_bytes()), "{odd}");
    }
    assert!(!set.allows(b"https://\xff.lab.example"));
}

fn sent(method: &str) -> Sent {
    Sent::new(method, "https://report.example.org/").with_session("report")
}

#[track_caller]
fn check(sent: Sent, expected: &str) {
    assert_eq!(sent.told(&Policy::new().gate()), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_every_origin_but_the_dashboards_own() {
    check(sent("GET").with("origin", "https://report.example.org"), "permit session report");
    for other in [
        "https://evil.example",
        "http://report.example.org",
        "https://report.example.org:8443",
        "https://report.example.org:443",
        "https://report.example.org.",
        "https://report.example.org/",
        "https://REPORT.example.org",
        "https://portal.example.org",
        "https://report.example.org.evil.example",
        "",
        " ",
    ] {
        check(sent("GET").with("origin", other), "refuse 403 origin_not_allowed report");
        check(sent("POST").with("origin", other), "refuse 403 origin_not_allowed report");
    }
    check(sent("GET").with("origin", b"https://report.example.org\xff"), "refuse 403 origin_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_the_configured_origins_in() {
    let gate = Policy::new().on("report", "origins", json!(["https://a.example", "https://*.lab.example"])).gate();
    for origin in ["https://a.example", "https://x.lab.example", "https://report.example.org"] {
        assert_eq!(sent("POST").with("origin", origin).told(&gate), "permit session report");
    }
    assert_eq!(sent("POST").with("origin", "https://b.example").told(&gate), "refuse 403 origin_not_allowed report");
    // Another dashboard's origins are its own.
    let plot = Sent::post("https://plot.example.org/").replacing("origin", "https://a.example");
    assert_eq!(plot.told(&gate), "refuse 403 origin_not_allowed plot");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_more_than_one_origin() {
    let own = "https://report.example.org";
    check(sent("GET").with("origin", own).with("origin", own), "refuse 403 origin_repeated report");
    check(sent("GET").with("origin", format!("{own},{own}")), "refuse 403 origin_repeated report");
    check(sent("GET").with("origin", ","), "refuse 403 origin_repeated report");
    check(sent("GET").with("origin", "null,null"), "refuse 403 origin_repeated report");
}

#[wasm_bindgen_test(unsupported = test)]
fn requires_an_origin_on_upgrades_and_on_all_but_reading_methods() {
    for method in ["GET", "HEAD", "OPTIONS"] {
        check(sent(method), "permit session report");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "get"] {
        check(sent(method), "refuse 403 origin_missing report");
    }
    let upgrade = Sent::upgrade("https://report.example.org/").without("origin").with_session("report");
    check(upgrade, "refuse 403 origin_missing report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_origin_null_unless_configured() {
    check(sent("GET").with("origin", "null"), "refuse 403 origin_null report");
    check(sent("POST").with("origin", "null"), "refuse 403 origin_null report");
    let gate = Policy::new().on("report", "null_origin", json!("allow")).gate();
    assert_eq!(sent("POST").with("origin", "null").told(&gate), "permit session report");
    assert_eq!(sent("POST").with("origin", "Null").told(&gate), "refuse 403 origin_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_a_missing_origin_pass_where_configured() {
    let gate = Policy::new().on("report", "missing_origin", json!("allow")).gate();
    assert_eq!(sent("POST").told(&gate), "permit session report");
    assert_eq!(sent("POST").with("origin", "https://evil.example").told(&gate), "refuse 403 origin_not_allowed report");
    assert_eq!(Sent::new("POST", "https://report.example.org/").told(&gate), "refuse 401 session_missing report");
}

#[wasm_bindgen_test(unsupported = test)]
fn waives_a_missing_origin_only_for_the_bearer_that_verified() {
    let gate = Policy::new().on("report", "missing_origin", json!("allow_with_bearer")).gate();
    let post = Sent::new("POST", "https://report.example.org/");
    let bearer = post.clone().with_bearer(&token("report"));
    assert_eq!(bearer.told(&gate), "permit session report");
    assert_eq!(bearer.clone().with_session("report").told(&gate), "refuse 403 origin_missing report");
    let other_dashboard = bearer.clone().with("cookie", "a=1; __Host-dashgate-plot=x");
    assert_eq!(other_dashboard.told(&gate), "refuse 403 origin_missing report");
    assert_eq!(bearer.with("cookie", "other=1; __Host-dashgate_bounce=1").told(&gate), "permit session report");
    assert_eq!(post.clone().with_session("report").told(&gate), "refuse 403 origin_missing report");
    // A bearer that is no credential of this dashboard waives nothing.
    assert_eq!(post.clone().with_bearer(&token("plot")).told(&gate), "refuse 403 audience_not_allowed report");
    assert_eq!(
        post.clone().with_bearer("x").with_session("report").told(&gate),
        "refuse 403 credential_conflict report"
    );
    let upgrade = Sent::upgrade("https://report.example.org/").without("origin");
    assert_eq!(upgrade.clone().with_bearer(&token("report")).told(&gate), "permit session report");
    let marked = upgrade.with("sec-websocket-protocol", format!("dashgate, {}", token("report")));
    assert_eq!(marked.told(&gate), "refuse 403 origin_missing report");
}

#[wasm_bindgen_test(unsupported = test)]
fn waives_nothing_for_a_bearer_beside_the_credential_that_verified() {
    let policy = Policy::new().on("either", "missing_origin", json!("allow_with_bearer"));
    let gate = policy.on("either", "sessions", json!(["bokeh", "portal"])).gate();
    let url = format!("https://either.example.org/?bokeh-session-id={}", crate::stage::bokeh_id('a'));
    let post = Sent::new("POST", &url).with_bearer(&token("either"));
    assert_eq!(post.told(&gate), "refuse 403 origin_missing either");
}
