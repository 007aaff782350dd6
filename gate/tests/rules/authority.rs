//! The authority: exactly `host[:port]`, and which dashboards it names.

use gate::authority::parse;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent, header};

#[track_caller]
fn check(text: &str, expected: Option<(&str, bool)>) {
    let parsed = parse(text.as_bytes()).ok();
    assert_eq!(parsed.as_ref().map(|authority| (authority.text.as_str(), authority.dotted)), expected, "{text}");
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_a_host_with_or_without_a_port() {
    check("example.org", Some(("example.org", false)));
    check("EXAMPLE.org:8443", Some(("example.org:8443", false)));
    check("a_b-c.example.org:1", Some(("a_b-c.example.org:1", false)));
    check("localhost:65535", Some(("localhost:65535", false)));
    check("127.0.0.1:80", Some(("127.0.0.1:80", false)));
    check("example.org.", Some(("example.org", true)));
    check("example.org.:443", Some(("example.org:443", true)));
    check(&"a".repeat(253), Some((&"a".repeat(253), false)));
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_an_ipv6_literal_in_its_one_canonical_form() {
    check("[::1]", Some(("[::1]", false)));
    check("[2001:DB8::1]:8443", Some(("[2001:db8::1]:8443", false)));
    for odd in
        ["[0:0:0:0:0:0:0:1]", "[::01]", "[::1", "::1", "[]", "[::1]x", "[::1].", "[::1]]", "[fe80::1%25eth0]", "[::1]:"]
    {
        check(odd, None);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_what_two_readers_could_read_in_two_ways() {
    for odd in [
        "",
        ".",
        ":443",
        "user@example.org",
        "user:pass@example.org",
        "a.example.org,b.example.org",
        "example.org:",
        "example.org:0",
        "example.org:080",
        "example.org:65536",
        "example.org:+80",
        "example.org:80a",
        "example.org:80:80",
        "example.org:99999999999",
        "a..b",
        ".example.org",
        "example.org..",
        "example org",
        "example.org ",
        " example.org",
        "example.org/",
        "example.org?",
        "example.org#",
        "ex%61mple.org",
        "exämple.org",
        "example.org\0",
        "example.org\t",
        "example;org",
        "*.example.org",
    ] {
        check(odd, None);
    }
    check(&"a".repeat(254), None);
    assert!(parse(b"example.org\xff").is_err());
    assert!(parse(b"\xc3\x28").is_err());
}

#[wasm_bindgen_test(unsupported = test)]
fn picks_the_dashboard_by_authority_in_any_case_and_with_its_default_port() {
    let policy = Policy::new().on("lab", "url", json!("http://lab.example.org:8080/"));
    let gate = policy.on("tb", "url", json!("http://tb.example.org/")).gate();
    for (url, expected) in [
        ("https://report.example.org/", "report"),
        ("https://REPORT.example.ORG/", "report"),
        ("https://report.example.org:443/", "report"),
        ("http://report.example.org/", "report"),
        ("http://lab.example.org:8080/", "lab"),
        ("http://tb.example.org/", "tb"),
        ("http://tb.example.org:80/", "tb"),
    ] {
        assert_eq!(Sent::get(url).told(&gate), format!("refuse 401 session_missing {expected}"), "{url}");
    }
    for url in [
        "https://report.example.org:80/",
        "https://report.example.org:8443/",
        "https://example.org/",
        "http://tb.example.org:443/",
        "http://lab.example.org:80/",
        "http://lab.example.org:443/",
        "https://x.report.example.org/",
    ] {
        assert_eq!(Sent::get(url).told(&gate), "refuse 404 dashboard_not_found -", "{url}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn never_reads_the_scheme_a_client_writes() {
    let gate = Policy::new().gate();
    for scheme in ["http", "https", "ftp", ""] {
        let sent = Sent::get("https://report.example.org/").replacing(":scheme", scheme).with_session("report");
        assert_eq!(sent.told(&gate), "permit session report");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_an_absent_or_repeated_host() {
    let gate = Policy::new().gate();
    let sent = Sent::get("https://report.example.org/").with_session("report");
    assert_eq!(sent.told(&gate), "permit session report");
    let absent = sent.clone().without(":authority");
    assert_eq!(absent.told(&gate), "refuse 400 authority_invalid -");
    assert_eq!(absent.with("host", "report.example.org").told(&gate), "refuse 400 authority_invalid -");
    for name in [":authority", "host"] {
        assert_eq!(sent.clone().with(name, "report.example.org").told(&gate), "refuse 400 authority_invalid -");
    }
    assert_eq!(sent.replacing(":authority", "u@report.example.org").told(&gate), "refuse 400 authority_invalid -");
}

#[wasm_bindgen_test(unsupported = test)]
fn never_reads_what_a_client_says_about_another_host() {
    let gate = Policy::new().gate();
    for name in [
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-for",
        "x-original-url",
        "x-original-host",
        "forwarded",
        "x-rewrite-url",
        "x-http-method-override",
        "x-host",
        "user-agent",
        "referer",
    ] {
        let sent = Sent::get("https://report.example.org/").with(name, "portal.example.org");
        assert_eq!(sent.told(&gate), "refuse 401 session_missing report", "{name}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn sends_a_get_with_a_trailing_dot_to_the_dotless_host() {
    let gate = Policy::new().gate();
    let answer = Sent::get("https://report.example.org.:443/a?b=c").answer(&gate);
    assert_eq!((answer.status, answer.record.code, answer.record.verdict.word()), (308, "host_redirect", "answer"));
    assert_eq!(header(&answer, "location"), ["https://report.example.org/a?b=c"]);
    assert_eq!(header(&answer, "cache-control"), ["no-store"]);
    assert!(answer.body.is_empty());
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_anything_else_with_a_trailing_dot() {
    let gate = Policy::new().gate();
    let (dotted, refused) = ("https://report.example.org./", "refuse 400 authority_invalid -");
    assert_eq!(Sent::new("HEAD", dotted).told(&gate), refused);
    assert_eq!(Sent::post(dotted).told(&gate), refused);
    assert_eq!(Sent::upgrade(dotted).told(&gate), "refuse 403 authority_invalid -");
    assert_eq!(Sent::get("https://unknown.example.org./").told(&gate), "refuse 404 dashboard_not_found -");
    assert_eq!(Sent::get("https://report.example.org./a//b").told(&gate), "refuse 400 path_invalid -");
}
