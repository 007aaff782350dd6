//! Session kinds in the configuration: which options each format takes and demands, and what two kinds may not share.

use gate::config::{FORMATS, schema};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{EXTRA, Policy};

/// Formats that hold a time and name somebody.
const TIMED: &[&str] = &[
    "tornado",
    "itsdangerous",
    "flask",
    "starlette",
    "django",
    "django_cookie",
    "jupyter",
    "streamlit",
    "streamlit_tornado",
];

/// A kind of that format with nothing but what it must say.
fn least(format: &str) -> Value {
    let said = match format {
        "jwt" => json!({}),
        "bokeh" | "express" => json!({"max_stream_seconds": 60}),
        "itsdangerous" => json!({"cookie": "__Host-who", "salt": "session", "subject_from": "user"}),
        "django" => json!({"cookie": "__Host-who", "salt": "session", "subject_from": "user"}),
        "django_cookie" => json!({"cookie": "__Host-who", "subject_from": "."}),
        "jupyter" => json!({"cookie": "__Host-who", "subject_from": "username"}),
        _ => json!({"subject_from": "user"}),
    };
    with(with(said, "format", json!(format)), "keys", json!(["extra"]))
}

/// That member with that value; without it for a null.
fn with(mut kind: Value, name: &str, value: Value) -> Value {
    let members = kind.as_object_mut().expect("an object");
    drop(if value.is_null() { members.remove(name) } else { members.insert(name.to_owned(), value) });
    kind
}

/// The policy of these tests with that kind as one more, under a key of its own.
fn policy(kind: Value) -> Policy {
    let key = json!({"id": "extra", "env": "EXTRA", "encoding": "utf8"});
    Policy::new().with("/keys/-", key).with("/sessions/extra", kind)
}

#[track_caller]
fn check(kind: Value, expected: &[&str]) {
    assert_eq!(policy(kind.clone()).problems(), expected, "{kind}");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_each_option_for_the_formats_it_means_something_to() {
    const SALTED: &[&str] = &["itsdangerous", "flask", "django", "django_cookie"];
    const COOKIES: &[&str] =
        &["tornado", "itsdangerous", "flask", "starlette", "django", "django_cookie", "express", "jupyter"];
    let skewed = [&["jwt"], TIMED].concat();
    let skewed = skewed.as_slice();
    let options: [(&str, Value, &[&str]); 19] = [
        ("algorithm", json!("HS256"), &["jwt"]),
        ("issuer", json!("x"), &["jwt"]),
        ("clock_skew_seconds", json!(9), skewed),
        ("max_lifetime_seconds", json!(9), &["jwt"]),
        ("carriers", json!(["cookie"]), &["jwt"]),
        ("cookie", json!("__Host-other"), COOKIES),
        ("salt", json!("other"), SALTED),
        ("salt_form", json!("legacy"), &["django_cookie"]),
        ("password_env", json!("EXTRA"), &["jupyter"]),
        ("chunks", json!(true), &["streamlit", "streamlit_tornado"]),
        ("key_derivation", json!("hmac"), &["itsdangerous"]),
        ("digest", json!("sha256"), &["itsdangerous", "flask"]),
        ("max_age_seconds", json!(9), TIMED),
        ("subject_from", json!("name"), TIMED),
        ("anonymous", json!(false), TIMED),
        ("groups_from", json!("groups"), skewed),
        ("session_id_from", json!("id"), skewed),
        ("backend_from", json!("backend"), skewed),
        ("max_stream_seconds", json!(9), FORMATS),
    ];
    for (name, value, takers) in &options {
        for format in FORMATS {
            let problems = policy(with(least(format), name, value.clone())).problems();
            let problem = format!("sessions.extra.{name}: is not for format {format}");
            assert_eq!(problems, if takers.contains(format) { vec![] } else { vec![problem] });
        }
    }
    // No option goes unasked: each stands in the list above.
    let schema = schema();
    let fields = schema["properties"]["sessions"]["additionalProperties"]["properties"].as_object().expect("an object");
    for field in fields.keys().filter(|field| !["format", "keys"].contains(&field.as_str())) {
        assert!(options.iter().any(|(name, ..)| name == field), "{field}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_to_know_whose_session_it_is() {
    for format in TIMED {
        let silent = with(least(format), "subject_from", Value::Null);
        let missing = "sessions.extra.subject_from: is missing: the app may sign sessions for visitors who never \
                       logged in; anonymous: true says that it signs none for them";
        check(silent.clone(), &[missing]);
        check(with(silent.clone(), "anonymous", json!(false)), &[missing]);
        check(with(silent, "anonymous", json!(true)), &[]);
        let both = with(least(format), "anonymous", json!(true));
        check(both, &["sessions.extra.anonymous: contradicts subject_from"]);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_what_a_format_has_no_default_for() {
    let without = |format: &str, name: &str| with(least(format), name, Value::Null);
    check(
        without("bokeh", "max_stream_seconds"),
        &["sessions.extra.max_stream_seconds: is missing: Bokeh's session ids never expire"],
    );
    check(
        without("express", "max_stream_seconds"),
        &["sessions.extra.max_stream_seconds: is missing: Express's session ids hold no time"],
    );
    for format in ["itsdangerous", "django", "django_cookie", "jupyter"] {
        check(without(format, "cookie"), &["sessions.extra.cookie: is missing: the format has no usual cookie"]);
    }
    check(without("django", "salt"), &["sessions.extra.salt: is missing: Django has one for each use"]);
    check(
        without("itsdangerous", "salt"),
        &["sessions.extra.salt: is missing: with the library's own, whatever else the app signs would be a session"],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn says_what_a_value_must_be() {
    let flask = |name: &str, value: Value| with(least("flask"), name, value);
    let path = "sessions.extra.subject_from: must be names with dots between them, or one dot for the whole text";
    check(flask("subject_from", json!("a..b")), &[path]);
    check(flask("digest", json!("md5")), &["sessions.extra.digest: must be one of sha1, sha256"]);
    check(flask("anonymous", json!("yes")), &["sessions.extra.anonymous: must be true or false"]);
}

/// What is wrong with two kinds of those formats under one secret, the second's key by that id.
fn sharing(first: Value, second: Value, id: &str) -> Vec<String> {
    let own = ["jwt", "bokeh", "streamlit", "streamlit_tornado"];
    let has_cookie = !own.contains(&second["format"].as_str().unwrap_or_default());
    let second = with(second, "keys", json!([id]));
    let second = if has_cookie { with(second, "cookie", json!("__Host-second")) } else { second };
    let again = json!({"id": "again", "env": "EXTRA", "encoding": "utf8"});
    policy(first).with("/keys/-", again).with("/sessions/later", second).problems()
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_no_key_that_signs_for_two_formats() {
    // jwt, bokeh, tornado and express all sign with the secret itself, with HMAC-SHA256.
    for (first, second) in [
        ("jwt", "bokeh"),
        ("jwt", "tornado"),
        ("bokeh", "express"),
        ("tornado", "express"),
        ("tornado", "streamlit_tornado"),
    ] {
        for id in ["extra", "again"] {
            let problem = format!(
                "sessions.later.keys: {id} signs as extra does for sessions.extra, whose format is {first} and not \
                 {second}: what one signs could pass for the other. Give each a secret of its own"
            );
            assert_eq!(sharing(least(first), least(second), id), [problem.as_str()]);
        }
    }
    // Whatever the hash, and wherever the same key is derived in another's words.
    let derived = |salt: &str, derivation: &str| {
        with(with(least("itsdangerous"), "salt", json!(salt)), "key_derivation", json!(derivation))
    };
    for (first, second) in [
        ("tornado", derived("cookie-session", "none")),
        ("flask", derived("cookie-session", "hmac")),
        ("starlette", derived("itsdangerous.Signer", "django-concat")),
    ] {
        let problems = sharing(least(first), second, "again");
        let [problem] = problems.as_slice() else { panic!("{first}: {problems:?}") };
        assert!(problem.contains("signs as extra does for sessions.extra") && !problem.contains(EXTRA), "{problem}");
    }
}

/// A real app has one secret, and its library derives a key of it for each use.
#[wasm_bindgen_test(unsupported = test)]
fn takes_one_secret_for_formats_that_derive_different_keys() {
    for (first, second) in [
        ("django", "django_cookie"),
        ("flask", "itsdangerous"),
        ("flask", "starlette"),
        ("starlette", "itsdangerous"),
        ("flask", "tornado"),
        ("django", "bokeh"),
        ("tornado", "jupyter"),
        ("tornado", "streamlit"),
        ("itsdangerous", "streamlit"),
    ] {
        assert_eq!(sharing(least(first), least(second), "extra"), Vec::<String>::new(), "{first} {second}");
    }
    // Two kinds of one format may share a key: portals are configured so.
    let brief = json!({"format": "jwt", "keys": ["main"], "clock_skew_seconds": 0});
    assert_eq!(Policy::new().with("/sessions/brief", brief).problems(), Vec::<String>::new());
}

#[track_caller]
fn check_warnings(policy: &Policy, expected: &[&str]) {
    let warnings: Vec<String> = policy.gate().warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_an_express_session_that_opens_a_dashboard_alone() {
    const MESSAGE: &str = "dashboards[1].sessions: lets an express session in alone: express-session signs an id for every \
                           visitor (saveUninitialized), and for all cookies of the app alike. Say require: all beside a \
                           kind that names somebody";
    let express = with(least("express"), "cookie", json!("__Host-sid"));
    let policy = policy(express.clone()).with("/sessions/more", with(express, "cookie", json!("__Host-more")));
    let report = |sessions: Value, require: &str| {
        policy.clone().on("report", "sessions", sessions).on("report", "require", json!(require))
    };
    check_warnings(&policy, &[]);
    check_warnings(&report(json!(["extra"]), "any"), &[MESSAGE]);
    check_warnings(&report(json!(["extra"]), "all"), &[MESSAGE]);
    check_warnings(&report(json!(["extra", "more"]), "all"), &[MESSAGE]);
    check_warnings(&report(json!(["portal", "extra"]), "any"), &[MESSAGE]);
    check_warnings(&report(json!(["portal", "extra"]), "all"), &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_no_cookie_for_two_things() {
    let flask = |cookie: &str| with(least("flask"), "cookie", json!(cookie));
    const OWN: &str =
        "sessions.extra.cookie: must be a cookie name (RFC 6265) that does not begin with __Host-dashgate";
    for own in
        ["__Host-dashgate-report", "__Host-dashgate_bounce", "__Host-dashgate", "__Host-dashgatex", "__host-Dashgate"]
    {
        check(flask(own), &[OWN]);
    }
    check(flask("__Host-dash"), &[]);
    check(flask("a b"), &[OWN]);
    let sid = |kind: Value| policy(kind).on("lab", "cookie", json!("sid"));
    assert_eq!(sid(flask("sid")).problems(), ["sessions.extra.cookie: is the cookie of dashboards[4], too"]);
    assert_eq!(sid(flask("SID")).problems(), Vec::<String>::new());
    // Both are called `session` unless they are told otherwise.
    let both = policy(least("flask")).with("/sessions/later", least("starlette"));
    assert_eq!(both.problems(), ["sessions.later.cookie: is the cookie of sessions.extra, too"]);
    let both = policy(least("flask")).with("/sessions/later", with(least("starlette"), "cookie", json!("other")));
    assert_eq!(both.problems(), Vec::<String>::new());
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_a_cookie_that_siblings_can_set() {
    const MESSAGE: &str = "sessions.extra.cookie: does not begin with __Host-, so every sibling host can set one for this \
                           host, too (Domain): its own session in the visitor's place, or a second one, which gets every \
                           request refused";
    check_warnings(&policy(least("flask")), &[MESSAGE]);
    check_warnings(&policy(with(least("flask"), "cookie", json!("__Secure-session"))), &[MESSAGE]);
    check_warnings(&policy(with(least("flask"), "cookie", json!("__Host-session"))), &[]);
    check_warnings(&policy(least("jwt")), &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_djangos_old_salt() {
    const MESSAGE: &str = "sessions.extra.salt_form: signs name and salt as one text: what the app signs for a cookie si with \
                           the salt d verifies as sid, too";
    let django = |form: &str| policy(with(least("django_cookie"), "salt_form", json!(form)));
    check_warnings(&django("legacy"), &[MESSAGE]);
    check_warnings(&django("v2"), &[]);
    check(
        with(least("django_cookie"), "salt_form", json!("old")),
        &["sessions.extra.salt_form: must be one of v2, legacy"],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_a_frameworks_session_that_goes_up() {
    let policy = policy(with(least("flask"), "cookie", json!("__Host-session")));
    let kept = policy.clone().on("report", "keep", json!(["extra"]));
    check_warnings(
        &kept,
        &[
            "dashboards[1].keep: hands the backend's owner sessions that can be replayed until they end, at every dashboard \
           that takes them",
        ],
    );
    check_warnings(&policy.on("report", "keep", json!(["bokeh"])), &[]);
}
