//! The configuration's shape: every problem by its path, word for word, and nothing but what the table knows.

use gate::Gate;
use gate::config::Problem;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, environment};

#[track_caller]
fn check(policy: Policy, expected: &[&str]) {
    assert_eq!(policy.problems(), expected);
}

/// Puts a value into the first dashboard that needs a session and expects one problem there.
#[track_caller]
fn check_report(field: &str, value: Value, expected: &str) {
    let message = if expected.is_empty() { Vec::new() } else { vec![format!("dashboards[1].{field}{expected}")] };
    assert_eq!(Policy::new().on("report", field, value.clone()).problems(), message, "{value}");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_the_policy_of_these_tests() {
    check(Policy::new(), &[]);
    assert!(Policy::new().gate().warnings().is_empty());
    assert_eq!(
        Policy::new().gate().dashboard_names().collect::<Vec<_>>(),
        ["portal", "report", "plot", "either", "lab", "tb", "deep"]
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_what_is_no_object() {
    for (text, expected) in [
        ("[]", "configuration: must be an object"),
        ("7", "configuration: must be an object"),
        ("null", "configuration: must be an object"),
        ("{}", "dashboards: is missing"),
        (
            "",
            "configuration: is neither JSON nor a google.protobuf.Struct: EOF while parsing a value at line 1 column 0",
        ),
        (
            "{",
            "configuration: is neither JSON nor a google.protobuf.Struct: EOF while parsing an object at line 1 column 1",
        ),
        (
            "\n",
            "configuration: is neither JSON nor a google.protobuf.Struct: EOF while parsing a value at line 2 column 0",
        ),
    ] {
        let problems = Gate::load(text.as_bytes(), &environment).expect_err("no configuration");
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected], "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_a_problem_by_its_path() {
    let problem = Problem::new("dashboards[2].url", "is missing");
    assert_eq!((problem.path.as_str(), problem.message.as_str()), ("dashboards[2].url", "is missing"));
    assert_eq!(problem.to_string(), "dashboards[2].url: is missing");
    assert_eq!(Problem::new("", "is odd").to_string(), "configuration: is odd");
}

#[wasm_bindgen_test(unsupported = test)]
fn lists_every_problem_at_once() {
    let policy = Policy::new().with("/keys/0/env", json!(7)).with("/sessions/portal/format", json!("paseto"));
    let policy = policy.with("/dashboards/1/public", json!(["/", "/a"])).with("/dashboards/2/url", Value::Null);
    check(
        policy.with("/dashbords", json!([])),
        &[
            "dashboards[1].public[0]: must not be / (that would open everything; use open: true for that)",
            "dashboards[2].url: is missing",
            "dashbords: is not a known key; known are keys, sessions, connect, dashboards, reason_header",
            "keys[0].env: must be a string",
            "sessions.portal.format: must be one of jwt, bokeh, tornado, itsdangerous, flask, starlette, django, django_cookie, \
             express, jupyter, streamlit, streamlit_tornado",
        ],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_unknown_keys_everywhere() {
    check(
        Policy::new().with("/keys/0/secret", json!("x")),
        &["keys[0].secret: is not a known key; known are id, env, encoding, public_key, retire_at"],
    );
    check(
        Policy::new().with("/connect/form_", json!(1)),
        &["connect.form_: is not a known key; known are from, login_url, max_token_age_seconds, form"],
    );
    let preflight = Policy::new().on("report", "preflight", json!({"origins": []}));
    check(
        preflight,
        &["dashboards[1].preflight.origins: is not a known key; known are methods, headers, max_age_seconds"],
    );
    let odd = Policy::new().with("/a\nb\u{202e}c\"", json!(1)).problems();
    assert!(odd[0].starts_with("a\\nb\\u{202e}c\\\": is not a known key"), "{odd:?}");
    let long = Policy::new().with(&format!("/{}", "k".repeat(99)), json!(1)).problems();
    assert!(long[0].starts_with(&format!("{}: is not", "k".repeat(64))), "{long:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_the_type_of_every_field() {
    check_report("url", json!(7), ": must be a string");
    check_report("open", json!("true"), ": must be true or false");
    check_report("sessions", json!("portal"), ": must be a list");
    check_report("sessions", json!([7]), "[0]: must be a string");
    check_report("sessions", json!({}), ": must be a list");
    check_report("require", json!("both"), ": must be one of any, all");
    check_report("missing_origin", json!(true), ": must be one of deny, allow_with_bearer, allow");
    check_report("preflight", json!([]), ": must be an object");
    check(Policy::new().with("/sessions", json!([])), &["sessions: must be an object"]);
    check(Policy::new().with("/dashboards", json!({})), &["dashboards: must be a list"]);
    check(Policy::new().with("/dashboards/1", json!("x")), &["dashboards[1]: must be an object"]);
    check(Policy::new().with("/reason_header", json!(0)), &["reason_header: must be true or false"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn bounds_every_number() {
    for (pointer, path, least, most) in [
        ("/sessions/portal/clock_skew_seconds", "sessions.portal.clock_skew_seconds", 0, 300),
        ("/sessions/portal/max_lifetime_seconds", "sessions.portal.max_lifetime_seconds", 1, 31_536_000),
        ("/sessions/portal/max_stream_seconds", "sessions.portal.max_stream_seconds", 1, 31_536_000),
        ("/connect/max_token_age_seconds", "connect.max_token_age_seconds", 1, 3600),
    ] {
        let expected = format!("{path}: must be a whole number from {least} to {most}");
        for good in [least, most] {
            check(Policy::new().with(pointer, json!(good)), &[]);
        }
        for odd in [json!(i64::from(least) - 1), json!(most + 1), json!(1.5), json!("60"), json!(true)] {
            check(Policy::new().with(pointer, odd), &[expected.as_str()]);
        }
    }
    check_report(
        "preflight",
        json!({"max_age_seconds": 86_401}),
        ".max_age_seconds: must be a whole number from 0 to 86400",
    );
    check_report("preflight", json!({"max_age_seconds": 86_400}), "");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_what_is_listed_twice() {
    check_report(
        "origins",
        json!(["https://a.example", "https://b.example", "https://a.example"]),
        "[2]: is listed twice",
    );
    check_report("sessions", json!(["portal", "portal"]), "[1]: is listed twice");
    check_report("identity_headers", json!(["subject", "expires", "subject"]), "[2]: is listed twice");
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_ids_and_session_kinds_to_one_alphabet() {
    const MESSAGE: &str = "must be 1 to 64 letters, digits, - or _";
    let id =
        |id: &str| Policy::new().with("/keys/2/id", json!(id)).with("/sessions/bokeh/keys", json!([id])).problems();
    for good in ["a", "A-b_9", &"k".repeat(64)] {
        assert!(id(good).is_empty(), "{good}");
    }
    for odd in ["", "a b", "a.b", "é", &"k".repeat(65)] {
        assert_eq!(id(odd), [format!("keys[2].id: {MESSAGE}"), format!("sessions.bokeh.keys[0]: {MESSAGE}")], "{odd}");
    }
    let kind = json!({"format": "bokeh", "keys": ["bokeh"], "max_stream_seconds": 1});
    assert_eq!(Policy::new().with("/sessions/a b", kind).problems(), [format!("sessions.a b: {MESSAGE}")]);
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_dashboards_names_to_what_cookies_metrics_and_urls_take() {
    for good in ["a", "a-1", "9", &"n".repeat(63)] {
        check_report("name", json!(good), "");
    }
    for odd in ["", "A", "a_b", "a.b", "-a", "a b", &"n".repeat(64)] {
        check_report("name", json!(odd), ": must be 1 to 63 lower-case letters, digits or -, not beginning with -");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_variables_name_and_not_a_key() {
    const MESSAGE: &str = "keys[0].env: must be the name of an environment variable, not the key itself";
    for odd in ["", "9A", "A-B", "A B", "c2VjcmV0+/=", "$A"] {
        check(Policy::new().with("/keys/0/env", json!(odd)), &[MESSAGE]);
    }
    check(
        Policy::new().with("/keys/0/env", json!("_a9")),
        &["keys[0].env: _a9 is not set in the environment of the VM (host_env_keys)"],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_canonical_urls_only() {
    const MESSAGE: &str = ": must be a canonical URL such as https://host/ or https://host:8443/path/ \
                           (lower-case host, no default port, no query, ending in /)";
    for good in ["https://r.example/", "http://r.example:8080/a/B-c/", "https://[::1]:8443/"] {
        let policy = Policy::new().on("report", "url", json!(good)).on("report", "public", json!([]));
        check(policy, &[]);
    }
    for odd in [
        "",
        "https://",
        "https://r.example",
        "r.example/",
        "https://R.example/",
        "https://r.example:443/",
        "http://r.example:80/",
        "ftp://r.example/",
        "https://r.example/a",
        "https://r.example/a?b=/",
        "https://r.example/?/",
        "https://r.example/#/",
        "https://r.example//",
        "https://r.example/../",
        "https://u@r.example/",
        "https://r.example./",
        "https://r.example/.dashgate/",
        "https://r.example/a%20b/",
        "https://r.example/a b/",
        "https:///",
        "https://*.r.example/",
        "https:/r.example/",
    ] {
        check_report("url", json!(odd), MESSAGE);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_canonical_origins_only() {
    const MESSAGE: &str = "[0]: must be an origin in its canonical form, such as https://host or https://host:8443 \
                           (lower case, no default port, no path)";
    check_report("origins", json!(["https://a.example/"]), MESSAGE);
    check_report("origins", json!(["https://*.a.example"]), "");
    check_report("origins", json!(["https://*.example"]), "[0]: has a wildcard over a whole top-level domain");
    check_report("embed_from", json!(["https://*.a.example"]), MESSAGE);
    check_report("embed_from", json!(["https://a.example"]), "");
    let from = Policy::new().with("/connect/from", json!(["https://*.a.example"]));
    assert_eq!(from.problems(), [format!("connect.from{MESSAGE}")]);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_plain_public_paths_only() {
    const PLAIN: &str =
        "[0]: must be a plain path such as /static/ (no dot segments, no //, no encoded slashes, no query)";
    for good in ["/static/", "/a", "/a/b.js"] {
        check_report("public", json!([good]), "");
    }
    for odd in ["", "static/", "/a?b", "/a?", "/../a", "//a", "/a%2fb", "/.dashgate/", "/.dashgate", "/a#b", "/*;"] {
        check_report("public", json!([odd]), PLAIN);
    }
    check_report("public", json!(["/"]), "[0]: must not be / (that would open everything; use open: true for that)");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_cookie_names_that_are_tokens_and_not_its_own() {
    const MESSAGE: &str = ": must be a cookie name (RFC 6265) that does not begin with __Host-dashgate_";
    for odd in ["", "a b", "a=b", "a;b", "é", "__Host-dashgate_bounce", "__Host-dashgate_"] {
        check_report("cookie", json!(odd), MESSAGE);
    }
    check_report("cookie", json!("!#$%&'*+-.^_`|~09azAZ"), "");
    check_report("preflight", json!({"methods": ["G T"]}), ".methods[0]: must be a token (RFC 9110 section 5.6.2)");
    check_report("preflight", json!({"headers": ["x,y"]}), ".headers[0]: must be a token (RFC 9110 section 5.6.2)");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_login_urls_that_can_be_put_into_a_page_and_a_header() {
    const MESSAGE: &str = "connect.login_url: must be an http or https URL without a fragment";
    for good in ["https://p.example/login", "http://localhost:5000/?a=b&c"] {
        check(Policy::new().with("/connect/login_url", json!(good)), &[]);
    }
    for odd in [
        "",
        "p.example",
        "ftp://p.example",
        "javascript:alert(1)",
        "https://p.example/#x",
        "https://p.example/ x",
        "https://p.example/\"",
        "https://p.example/<",
        "https://p.example/>",
        "https://p.example/\\",
        "https://p.example/\u{e9}",
        "https://p.example/\n",
    ] {
        check(Policy::new().with("/connect/login_url", json!(odd)), &[MESSAGE]);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_printable_issuers_and_audiences() {
    const MESSAGE: &str = "must not be empty or hold control characters";
    for odd in ["", "a\nb", "a\u{85}"] {
        check(
            Policy::new().with("/sessions/portal/issuer", json!(odd)),
            &[&format!("sessions.portal.issuer: {MESSAGE}")],
        );
        check_report("audience", json!(odd), &format!(": {MESSAGE}"));
    }
    check_report("audience", json!("any text, é"), "");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_utc_times_only() {
    let retire = |text: &str| Policy::new().with("/keys/1/retire_at", json!(text));
    check(retire("2026-12-01"), &["keys[1].retire_at: must be a UTC time such as 2026-12-01T00:00:00Z"]);
    check(retire("2026-12-01T00:00:00Z"), &[]);
}
