//! What goes up to a backend: no credential of anyone's, no identity but the gate's own, no client's timeout.

use gate::{Time, is_forbidden};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, Policy, Sent, bokeh_id, bokeh_token, claims_with, token, token_of};

const REPORT: &str = "https://report.example.org/a";
const TIMEOUT: &str = "grpc-timeout: 3630000m";
const SUBJECT: &str = "x-dashgate-subject: ada";

#[track_caller]
fn check(sent: Sent, expected: &[&str]) {
    assert_eq!(sent.edits(&Policy::new().gate()), expected);
}

fn bearer() -> Sent {
    Sent::get(REPORT).with_bearer(&token("report"))
}

#[wasm_bindgen_test(unsupported = test)]
fn knows_every_alias_of_its_own_headers() {
    for own in [
        "x-dashgate",
        "x-dashgate-subject",
        "X-Dashgate-Subject",
        "x_dashgate_subject",
        "x-dashgate_",
        "x_Dashgatesubject",
    ] {
        assert!(is_forbidden(own.as_bytes()), "{own}");
    }
    for other in ["", "x-dashgat", "xdashgate", "x--dashgate", "y-dashgate", "x.dashgate", "dashgate", "x-dash-gate"] {
        assert!(!is_forbidden(other.as_bytes()), "{other}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn lists_every_forbidden_header_for_removal() {
    let sent = bearer().with("x-dashgate-subject", "eve").with("x_dashgate-other", "1").with("x-dash", "1");
    let sent = sent.with("x-dashgate-subject", "mallory");
    let listed: Vec<Vec<u8>> = sent.request().forbidden().iter().map(|name| name.to_vec()).collect();
    assert_eq!(listed, [b"x-dashgate-subject".to_vec(), b"x_dashgate-other".to_vec(), b"x-dashgate-subject".to_vec()]);
}

#[wasm_bindgen_test(unsupported = test)]
fn removes_a_session_cookie_and_leaves_the_others_as_they_were() {
    let cookie = |value: String| Sent::get(REPORT).with("cookie", value);
    let own = format!("__Host-dashgate-report={}", token("report"));
    check(cookie(own.clone()), &["- cookie", SUBJECT, TIMEOUT]);
    check(cookie(format!("a=1; {own};b=2")), &["cookie: a=1;b=2", SUBJECT, TIMEOUT]);
    let others =
        format!("__Host-dashgate-plot=x; a=1; {own}; __Host-dashgate_bounce=1; __Host-dashgate-gone=x; __host-b=1");
    check(cookie(others), &["cookie: a=1; __host-b=1", SUBJECT, TIMEOUT]);
    check(bearer().with("cookie", "a=1; b=2"), &["- authorization", SUBJECT, TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn keeps_several_cookie_fields_several() {
    let own = format!("__Host-dashgate-report={}", token("report"));
    let sent = Sent::get(REPORT)
        .with("cookie", "a=1")
        .with("cookie", &own)
        .with("cookie", format!("b=2; {}=x", "__Host-dashgate-tb"));
    check(sent, &["- cookie", "+ cookie: a=1", "+ cookie: b=2", SUBJECT, TIMEOUT]);
    check(bearer().with("cookie", "a=1").with("cookie", "b=2"), &["- authorization", SUBJECT, TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn removes_the_cookies_of_dashboards_that_name_them_otherwise() {
    let gate = Policy::new().on("tb", "cookie", json!("sid")).gate();
    let edits = bearer().with("cookie", "sid=x; a=1; SID=y").edits(&gate);
    assert_eq!(edits, ["cookie: a=1; SID=y", "- authorization", SUBJECT, TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn removes_every_bearer_and_no_other_authorization() {
    let cookie = || Sent::get(REPORT).with_session("report");
    let removed = ["- cookie", "- authorization", SUBJECT, TIMEOUT];
    let token = token("report");
    check(cookie().with("authorization", format!("bearer {token}")), &removed);
    check(cookie().with("authorization", "Basic YWRhOng="), &["- cookie", SUBJECT, TIMEOUT]);
    check(cookie().with("authorization", "Bearers x"), &["- cookie", SUBJECT, TIMEOUT]);
    let open = Sent::get("https://portal.example.org/").with("authorization", "Bearer");
    check(open, &["- authorization", "- grpc-timeout"]);
    let gate = Policy::new().with("/sessions/portal/carriers", json!(["cookie"])).gate();
    assert_eq!(cookie().with("authorization", "Bearer x").edits(&gate), ["- cookie", SUBJECT, TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn removes_subprotocol_credentials() {
    let upgrade = |protocols: String| Sent::upgrade(REPORT).with("sec-websocket-protocol", protocols);
    let token = token("report");
    check(upgrade(format!("dashgate, {token}")), &["- sec-websocket-protocol", SUBJECT, TIMEOUT]);
    check(upgrade(format!("chat, dashgate, {token}, x")), &["sec-websocket-protocol: chat, x", SUBJECT, TIMEOUT]);
    let bokeh = format!("dashgate, {token}, bokeh, {}", bokeh_token('a'));
    check(upgrade(bokeh), &["sec-websocket-protocol: bokeh", SUBJECT, TIMEOUT]);
    check(
        Sent::upgrade(REPORT).with_bearer(&token).with("sec-websocket-protocol", "chat"),
        &["- authorization", SUBJECT, TIMEOUT],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn removes_bokehs_credentials_on_every_dashboard_that_does_not_keep_them() {
    let query = format!("{REPORT}?x=1&bokeh-session-id={}&y", bokeh_id('a'));
    let sent = Sent::get(&query).with_bearer(&token("report"));
    check(sent, &["- authorization", ":path: /a?x=1&y", SUBJECT, TIMEOUT]);
    let sent = bearer().with("bokeh-session-id", "anything");
    check(sent, &["- authorization", "- bokeh-session-id", SUBJECT, TIMEOUT]);
    let public = Sent::get(&format!("https://report.example.org/static/x?bokeh-token={}", bokeh_token('a')));
    check(public, &[":path: /static/x", "- grpc-timeout"]);
    check(bearer().replacing(":path", "/a?x=1"), &["- authorization", SUBJECT, TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn keeps_what_a_dashboard_says_it_needs() {
    let plot = Sent::get(&format!("https://plot.example.org/?bokeh-session-id={}", bokeh_id('a'))).with_session("plot");
    check(plot, &["- cookie", SUBJECT, TIMEOUT]);
    let plot = Sent::get("https://plot.example.org/").with("bokeh-session-id", bokeh_id('a')).with_session("plot");
    check(plot, &["- cookie", SUBJECT, TIMEOUT]);
    let upgrade = Sent::upgrade("https://plot.example.org/ws").with_session("plot");
    let upgrade = upgrade.with("sec-websocket-protocol", format!("bokeh, {}", bokeh_token('a')));
    check(upgrade, &["- cookie", SUBJECT, TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn keeps_a_portal_session_but_never_another_dashboards() {
    let gate = Policy::new().on("report", "keep", json!(["portal"])).gate();
    let (token, own) = (token("report"), format!("__Host-dashgate-report={}", token("report")));
    let sent = Sent::get(REPORT).with("cookie", format!("{own}; __Host-dashgate-plot=x")).with_bearer(&token);
    assert_eq!(sent.edits(&gate), [format!("cookie: {own}"), SUBJECT.to_owned(), TIMEOUT.to_owned()]);
    let upgrade = Sent::upgrade(REPORT).with("sec-websocket-protocol", format!("dashgate, {token}"));
    assert_eq!(upgrade.edits(&gate), [SUBJECT, TIMEOUT]);
    let bokeh = bearer().with("bokeh-session-id", "x");
    assert_eq!(bokeh.edits(&gate), ["- bokeh-session-id", SUBJECT, TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn sets_the_identity_headers_that_are_listed() {
    let policy = |listed: Value| Policy::new().on("report", "identity_headers", listed).gate();
    let identity = |listed: Value| {
        let mut edits = bearer().edits(&policy(listed));
        edits.retain(|edit| edit.starts_with("x-dashgate"));
        edits
    };
    assert!(identity(json!([])).is_empty());
    assert_eq!(identity(json!(["subject"])), [SUBJECT]);
    assert_eq!(identity(json!(["dashboard"])), ["x-dashgate-dashboard: report"]);
    assert_eq!(identity(json!(["expires"])), ["x-dashgate-expires: 1800003630"]);
    let session = identity(json!(["session"]));
    assert_eq!((session.len(), session[0].len()), (1, "x-dashgate-session: ".len() + 16));
    assert_eq!(identity(json!(["expires", "dashboard", "session", "subject"])).len(), 4);
    let open =
        Policy::new().on("portal", "identity_headers", json!(["subject", "session", "dashboard", "expires"])).gate();
    let edits = Sent::get("https://portal.example.org/").edits(&open);
    assert_eq!(edits, ["x-dashgate-dashboard: portal", "- grpc-timeout"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn encodes_a_subject_so_that_one_value_stays_one() {
    for (subject, encoded) in
        [("ada lovelace", "ada%20lovelace"), ("a,b", "a%2Cb"), ("100%", "100%25"), ("Ünal~!", "%C3%9Cnal~!")]
    {
        let sent = Sent::get(REPORT).with_bearer(&token_of(&claims_with("report", "sub", json!(subject))));
        check(sent, &["- authorization", &format!("x-dashgate-subject: {encoded}"), TIMEOUT]);
    }
    let nobody = Sent::get(REPORT).with_bearer(&token_of(&claims_with("report", "sub", Value::Null)));
    check(nobody, &["- authorization", TIMEOUT]);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_clients_timeout_from_grpc_calls_only_and_only_if_shorter() {
    let grpc = |timeout: &str| bearer().with("content-type", "application/grpc").with("grpc-timeout", timeout);
    for (timeout, expected) in [
        ("5S", "5000000u"),
        ("9999S", "3630000m"),
        ("1n", "1n"),
        ("0S", "1n"),
        ("99999999H", "3630000m"),
        ("123456789S", "3630000m"),
        ("-1S", "3630000m"),
        ("5", "3630000m"),
        ("S", "3630000m"),
        ("", "3630000m"),
    ] {
        check(grpc(timeout), &["- authorization", SUBJECT, &format!("grpc-timeout: {expected}")]);
    }
    check(bearer().with("grpc-timeout", "5S"), &["- authorization", SUBJECT, TIMEOUT]);
    check(grpc("5S").with("grpc-timeout", "6S"), &["- authorization", SUBJECT, TIMEOUT]);
    for (kind, counts) in [
        ("application/grpc+proto", true),
        ("application/grpc-web", false),
        ("application/grpcx", false),
        ("text/plain", false),
    ] {
        let expected = if counts { "grpc-timeout: 5000000u" } else { TIMEOUT };
        check(grpc("5S").replacing("content-type", kind), &["- authorization", SUBJECT, expected]);
    }
    let open = Sent::get("https://portal.example.org/").with("content-type", "application/grpc");
    check(open.clone().with("grpc-timeout", "5S"), &["grpc-timeout: 5000000u"]);
    check(open, &["- grpc-timeout"]);
    check(Sent::get("https://portal.example.org/").with("grpc-timeout", "5S"), &["- grpc-timeout"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn leaves_origin_host_and_all_else_alone() {
    let sent =
        bearer().with("origin", "https://report.example.org").with("x-forwarded-for", "1.2.3.4").with("te", "trailers");
    check(sent, &["- authorization", SUBJECT, TIMEOUT]);
    let decision = bearer().decide_at(&Policy::new().gate(), Time::from_seconds(NOW));
    assert_eq!(crate::stage::told(&Policy::new().gate(), &decision), "permit session report");
}

#[wasm_bindgen_test(unsupported = test)]
fn gives_a_websocket_without_a_key_one_and_leaves_a_key_alone() {
    let session = || Sent::upgrade(REPORT).with_session("report");
    check(session(), &["- cookie", SUBJECT, TIMEOUT]);
    let given = ["- cookie", SUBJECT, TIMEOUT, "sec-websocket-key: ZGFzaGdhdGUtb3Zlci1oMg=="];
    check(session().without("sec-websocket-key"), &given);
    check(Sent::get(REPORT).with_session("report"), &["- cookie", SUBJECT, TIMEOUT]);
}
