//! The configuration's meaning: references, secrets, what contradicts itself, and what is allowed but unwise.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent};

#[track_caller]
fn check(policy: Policy, expected: &[&str]) {
    assert_eq!(policy.problems(), expected);
}

#[track_caller]
fn check_warnings(policy: &Policy, expected: &[&str]) {
    let warnings: Vec<String> = policy.gate().warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_keys_that_cannot_be_had() {
    let key = |variable: &str, encoding: &str| {
        Policy::new().with("/keys/0/env", json!(variable)).with("/keys/0/encoding", json!(encoding))
    };
    check(key("MISSING", "utf8"), &["keys[0].env: MISSING is not set in the environment of the VM (host_env_keys)"]);
    check(key("SHORT", "utf8"), &["keys[0].env: SHORT is shorter than 32 bytes"]);
    check(key("SHORT", "hex"), &["keys[0].env: SHORT is not hexadecimal (a trailing newline also counts)"]);
    for (variable, encoding) in [("SLASHES", "base64url"), ("UNDERSCORES", "base64"), ("NEWLINE", "base64url")] {
        let problem = format!("keys[0].env: {variable} is not {encoding} (a trailing newline also counts)");
        check(key(variable, encoding), &[problem.as_str()]);
    }
    for (variable, encoding) in [
        ("SLASHES", "base64"),
        ("UNDERSCORES", "base64url"),
        ("PADDED", "base64"),
        ("PADDED", "base64url"),
        ("MAIN", "base64"),
    ] {
        check(key(variable, encoding), &[]);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn decodes_each_key_as_the_configuration_says() {
    let sent = Sent::get("https://report.example.org/").with_session("report");
    let policy = Policy::new().with("/keys/0/env", json!("PADDED")).with("/keys/0/encoding", json!("base64"));
    assert_eq!(sent.told(&policy.gate()), "permit session report");
    let other = Policy::new().with("/keys/0/encoding", json!("utf8"));
    assert_eq!(sent.told(&other.gate()), "refuse 401 signature_invalid report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_key_id_twice() {
    let again = json!({"id": "main", "env": "BOKEH", "encoding": "utf8"});
    check(Policy::new().with("/keys/-", again), &["keys[3].id: is the id of an earlier key"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_references_to_nothing() {
    check(
        Policy::new().with("/sessions/portal/keys", json!(["main", "gone"])),
        &["sessions.portal.keys[1]: is not the id of a key"],
    );
    check(
        Policy::new().on("report", "sessions", json!(["gone", "portal"])),
        &["dashboards[1].sessions[0]: is not the name of a session kind"],
    );
    check(
        Policy::new().on("report", "keep", json!(["portal", "gone"])),
        &["dashboards[1].keep[1]: is not the name of a session kind"],
    );
    // A key that cannot be had is one problem, not one more at each reference.
    check(
        Policy::new().with("/keys/0/env", json!("GONE")),
        &["keys[0].env: GONE is not set in the environment of the VM (host_env_keys)"],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_lists_that_must_not_be_empty() {
    check(Policy::new().with("/sessions/portal/keys", json!([])), &["sessions.portal.keys: lists none"]);
    check(Policy::new().with("/sessions/portal/carriers", json!([])), &["sessions.portal.carriers: lists none"]);
    check(Policy::new().with("/connect/from", json!([])), &["connect.from: lists no origin"]);
    check(Policy::new().with("/dashboards", json!([])), &["dashboards: lists none, so everything would be refused"]);
    check(
        Policy::new().on("report", "sessions", json!([])),
        &["dashboards[1].sessions: lists none; a dashboard that needs no session says open: true"],
    );
    check(
        Policy::new().on("report", "open", json!(true)),
        &["dashboards[1].sessions: must be empty where open is true"],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_for_bokeh_what_is_jwts() {
    for (name, value) in [
        ("issuer", json!("x")),
        ("clock_skew_seconds", json!(0)),
        ("max_lifetime_seconds", json!(9)),
        ("carriers", json!(["cookie"])),
    ] {
        let policy = Policy::new().with(&format!("/sessions/bokeh/{name}"), value);
        check(policy, &[&format!("sessions.bokeh.{name}: is not for format bokeh")]);
    }
    let unbounded = Policy::new().with("/sessions/bokeh/max_stream_seconds", Value::Null);
    check(unbounded, &["sessions.bokeh.max_stream_seconds: is missing: Bokeh's session ids never expire"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_two_dashboards_that_are_one() {
    check(
        Policy::new().on("plot", "name", json!("report")).with("/dashboards/2/cookie", json!("__Host-p")),
        &["dashboards[2].name: is the name of an earlier dashboard"],
    );
    check(
        Policy::new().on("tb", "url", json!("https://lab.example.org/")),
        &["dashboards[5].url: is the url of an earlier dashboard"],
    );
    check(
        Policy::new().on("tb", "cookie", json!("__Host-dashgate-lab")),
        &["dashboards[5].cookie: is the cookie of another dashboard of this host"],
    );
    let ports = Policy::new().on("tb", "cookie", json!("__Host-dashgate-lab")).on(
        "tb",
        "url",
        json!("https://lab.example.org:8443/"),
    );
    check(ports, &["dashboards[5].cookie: is the cookie of another dashboard of this host"]);
    check(Policy::new().on("plot", "cookie", json!("__Host-dashgate-report")), &[]);
    check(
        Policy::new().on("tb", "url", json!("http://lab.example.org/")),
        &["dashboards: https://lab.example.org and http://lab.example.org are the same authority to a request"],
    );
    check(
        Policy::new().on("tb", "url", json!("http://lab.example.org:443/")),
        &["dashboards: https://lab.example.org and http://lab.example.org:443 are the same authority to a request"],
    );
    check(Policy::new().on("tb", "url", json!("http://lab.example.org:8080/")), &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_spelt_out_default_ports_of_ipv6_literals() {
    let gate = Policy::new()
        .on("report", "url", json!("https://[::1]/"))
        .on("plot", "url", json!("https://[::1]:8443/"))
        .gate();
    for (url, expected) in [
        ("https://[::1]/", "session_missing report"),
        ("https://[::1]:443/", "session_missing report"),
        ("https://[::1]:8443/", "session_missing plot"),
    ] {
        assert_eq!(Sent::get(url).told(&gate), format!("refuse 401 {expected}"));
    }
    assert_eq!(Sent::get("https://[::1]:80/").told(&gate), "refuse 404 dashboard_not_found -");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_public_paths_beside_the_dashboard_or_all_of_it() {
    const MESSAGE: &str = "dashboards[5].public[0]: must lie under the dashboard's url, and not be all of it";
    check(Policy::new().on("tb", "public", json!(["/static/"])), &[MESSAGE]);
    check(Policy::new().on("tb", "public", json!(["/tb/"])), &[MESSAGE]);
    check(Policy::new().on("tb", "public", json!(["/tb"])), &[MESSAGE]);
    check(Policy::new().on("tb", "public", json!(["/tb/static/"])), &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_dashboards_that_share_an_origin() {
    let policy = Policy::new().on("tb", "shared_origin", json!(false));
    check_warnings(
        &policy,
        &[
            "dashboards[5].url: shares its origin with lab, deep: scripts of each can use the visitor's sessions of the others. \
         Give each dashboard a host of its own, or say shared_origin: true",
        ],
    );
    check_warnings(
        &policy.clone().on("lab", "url", json!("https://other.example.org/")),
        &[
            "dashboards[5].url: shares its origin with deep: scripts of each can use the visitor's sessions of the others. \
         Give each dashboard a host of its own, or say shared_origin: true",
        ],
    );
    check_warnings(&policy.on("tb", "url", json!("https://tb.example.org/")), &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_every_opening() {
    let report = |field: &str, value: Value| Policy::new().on("report", field, value);
    check_warnings(
        &report("null_origin", json!("allow")),
        &[
            "dashboards[1].null_origin: lets every sandboxed frame of every site in as if it were this dashboard's own page",
        ],
    );
    check_warnings(
        &report("missing_origin", json!("allow")),
        &[
            "dashboards[1].missing_origin: leaves WebSockets and writes of clients that send no Origin to the session alone",
        ],
    );
    check_warnings(&report("missing_origin", json!("allow_with_bearer")), &[]);
    check_warnings(
        &report("cookie", json!("sid")),
        &["dashboards[1].cookie: does not begin with __Host-, so a sibling or parent host can set it"],
    );
    check_warnings(&report("cookie", json!("__Host-sid")), &[]);
    for carriers in [json!(["cookie"]), json!(["bearer"]), json!(["subprotocol"])] {
        let kept = report("keep", json!(["portal"])).with("/sessions/portal/carriers", carriers);
        check_warnings(
            &kept,
            &["dashboards[1].keep: hands the backend's owner tokens that can be replayed here until they expire"],
        );
    }
    check_warnings(&report("keep", json!(["bokeh"])), &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_no_secret_in_any_problem_or_debug_text() {
    let policy = Policy::new().with("/keys/0/encoding", json!("hex"));
    let problems = policy.problems().join("\n");
    assert!(problems.contains("keys[0].env") && !problems.contains("Bwc"), "{problems}");
    let gate = Policy::new().gate();
    let text = format!("{gate:?}");
    assert!(text.contains("\"****\"") && !text.contains(crate::stage::BOKEH) && !text.contains("BwcH"), "{text}");
}
