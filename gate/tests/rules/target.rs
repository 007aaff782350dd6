//! The path: one reading only, prefixes on segment boundaries, the longest first, and what is public.

use gate::target::{QUERY_SPECIAL, parse, percent_decoded, percent_encoded};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent};

#[track_caller]
fn check(text: &str, expected: Option<(&str, Option<&str>)>) {
    let target = parse(text.as_bytes()).ok();
    let expected = expected.map(|(path, query)| (path.as_bytes(), query.map(str::as_bytes)));
    assert_eq!(target.map(|target| (target.path, target.query)), expected, "{text}");
}

#[wasm_bindgen_test(unsupported = test)]
fn splits_at_the_first_question_mark() {
    check("/", Some(("/", None)));
    check("/a/b", Some(("/a/b", None)));
    check("/a/?", Some(("/a/", Some(""))));
    check("/a?b=c&d", Some(("/a", Some("b=c&d"))));
    check("/a?b?c=/../;\\%2e%00", Some(("/a", Some("b?c=/../;\\%2e%00"))));
    check("/.a/..b/c../...", Some(("/.a/..b/c../...", None)));
    check("/%20/%25/%3a~!$&'()*+,=:@", Some(("/%20/%25/%3a~!$&'()*+,=:@", None)));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_path_that_could_be_read_in_two_ways() {
    for odd in [
        "",
        "*",
        "?",
        "?a",
        "a",
        "a/b",
        "https://report.example.org/",
        "//",
        "//a",
        "/a//b",
        "/a//",
        "/.",
        "/..",
        "/a/.",
        "/a/..",
        "/a/./b",
        "/a/../b",
        "/./",
        "/../",
        "/%2e",
        "/%2E%2e/",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a%5Cb",
        "/a%00",
        "/a\\b",
        "/a;b",
        "/;",
        "/a#b",
        "/a b",
        "/a\tb",
        "/a\0",
        "/a\u{7f}",
        "/ä",
        "/a?b#c",
        "/a?b c",
        "/a?\t",
        "/a?\u{7f}",
        "/a?ä",
        "/a?\n",
    ] {
        check(odd, None);
    }
    assert!(parse(b"/\xff").is_err());
    assert!(parse(b"/?\xff").is_err());
}

#[wasm_bindgen_test(unsupported = test)]
fn decodes_percent_escapes_once() {
    for (text, decoded) in [
        ("a%20b", "a b"),
        ("%2525", "%25"),
        ("%", "%"),
        ("%4", "%4"),
        ("%zz", "%zz"),
        ("%4z%41", "%4zA"),
        ("%z1", "%z1"),
        ("%%41", "%A"),
        ("%e4%6A", "\u{e4}j"),
    ] {
        let bytes: Vec<u8> =
            decoded.chars().map(|character| u8::try_from(u32::from(character)).expect("latin")).collect();
        assert_eq!(percent_decoded(text.as_bytes()), bytes, "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn encodes_everything_that_is_not_plain() {
    assert_eq!(percent_encoded(b"a b\x00\x20\x21\x7e\x7f\xff", b""), "a%20b%00%20!~%7F%FF");
    assert_eq!(percent_encoded("100%, é".as_bytes(), b"%,"), "100%25%2C%20%C3%A9");
    assert_eq!(percent_encoded(b"/a?b=c&d#e", QUERY_SPECIAL), "/a%3Fb%3Dc%26d%23e");
}

#[track_caller]
fn check_request(path: &str, expected: &str) {
    let sent = Sent::get("https://lab.example.org/").replacing(":path", path);
    assert_eq!(sent.told(&Policy::new().gate()), expected, "{path}");
}

#[wasm_bindgen_test(unsupported = test)]
fn picks_the_longest_prefix_on_segment_boundaries() {
    for (path, dashboard) in [
        ("/", "lab"),
        ("/t", "lab"),
        ("/tbx", "lab"),
        ("/tbx/deep/", "lab"),
        ("/TB/", "lab"),
        ("/deep/", "lab"),
        ("/x/tb/", "lab"),
        ("/tb", "tb"),
        ("/tb/", "tb"),
        ("/tb?x=/tb/deep/", "tb"),
        ("/tb/deeper", "tb"),
        ("/tb/dee", "tb"),
        ("/tb/x/deep/", "tb"),
        ("/tb/deep", "deep"),
        ("/tb/deep/", "deep"),
        ("/tb/deep/a/b/c", "deep"),
    ] {
        check_request(path, &format!("refuse 401 session_missing {dashboard}"));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn finds_no_dashboard_beside_all_prefixes() {
    let policy = Policy::new().on("report", "url", json!("https://report.example.org/app/x/"));
    let gate = policy.on("report", "public", json!([])).gate();
    for (path, expected) in [
        ("/", "refuse 404 dashboard_not_found -"),
        ("/app/", "refuse 404 dashboard_not_found -"),
        ("/app", "refuse 404 dashboard_not_found -"),
        ("/app/y/x/", "refuse 404 dashboard_not_found -"),
        ("/app/x", "refuse 401 session_missing report"),
        ("/app/x/y/z", "refuse 401 session_missing report"),
    ] {
        assert_eq!(Sent::get(&format!("https://report.example.org{path}")).told(&gate), expected, "{path}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_request_whose_path_is_odd_absent_or_repeated() {
    check_request("/tb/../x", "refuse 400 path_invalid -");
    check_request("*", "refuse 400 path_invalid -");
    let gate = Policy::new().gate();
    let sent = Sent::get("https://lab.example.org/");
    assert_eq!(sent.clone().without(":path").told(&gate), "refuse 400 path_invalid -");
    assert_eq!(sent.with(":path", "/").told(&gate), "refuse 400 path_invalid -");
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_public_paths_to_get_and_head_only() {
    let gate = Policy::new().gate();
    let sent = |method: &str, path: &str| {
        Sent::get("https://report.example.org/").replacing(":path", path).replacing(":method", method)
    };
    for path in ["/static/", "/static/app.js?v=1", "/static/a/b", "/favicon.ico", "/favicon.ico/x", "/favicon.ico?"] {
        assert_eq!(sent("GET", path).told(&gate), "permit public report", "{path}");
        assert_eq!(sent("HEAD", path).told(&gate), "permit public report", "{path}");
        for method in ["POST", "PUT", "OPTIONS", "get"] {
            let told = sent(method, path).with("origin", "https://report.example.org").told(&gate);
            assert_eq!(told, "refuse 401 session_missing report", "{method}");
        }
    }
    for path in ["/static", "/Static/", "/staticx", "/favicon.icox", "/x/static/", "/?/static/"] {
        assert_eq!(sent("GET", path).told(&gate), "refuse 401 session_missing report", "{path}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn closes_public_paths_to_bodies_and_upgrades() {
    let gate = Policy::new().gate();
    let public = "https://report.example.org/static/x";
    assert_eq!(Sent::get(public).with_body().told(&gate), "refuse 401 session_missing report");
    assert_eq!(Sent::get(public).with("content-length", "3").told(&gate), "refuse 401 session_missing report");
    assert_eq!(Sent::upgrade(public).told(&gate), "refuse 401 session_missing report");
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_origin_but_not_site_on_public_paths() {
    let gate = Policy::new().gate();
    let public = Sent::get("https://report.example.org/static/x");
    assert_eq!(
        public.clone().with("origin", "https://evil.example").told(&gate),
        "refuse 403 origin_not_allowed report"
    );
    let embedded = public.with("sec-fetch-site", "cross-site").with("sec-fetch-dest", "script");
    assert_eq!(embedded.told(&gate), "permit public report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_escapes_that_hide_a_plain_character() {
    for path in ["/%61dmin/", "/t%62/", "/%5F", "/%7e", "/a%2Db", "/%30", "/x/%5a"] {
        check_request(path, "refuse 400 path_invalid -");
    }
    for path in ["/a%20b", "/%C3%A9", "/100%25", "/%252e%252e/", "/%3b", "/%zz", "/%6", "/%"] {
        check_request(path, "refuse 401 session_missing lab");
    }
}
