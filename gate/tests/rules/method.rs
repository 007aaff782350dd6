//! Methods and upgrades: what is a request to a dashboard at all.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent, bokeh_id};

#[track_caller]
fn check(sent: Sent, expected: &str) {
    assert_eq!(sent.told(&Policy::new().gate()), expected);
}

const REPORT: &str = "https://report.example.org/ws";

#[wasm_bindgen_test(unsupported = test)]
fn refuses_connect_and_what_is_no_method() {
    for method in ["CONNECT", "", "G3T", "GET ", "*", "GET,POST", "G\0T", "GE_T"] {
        check(Sent::get(REPORT).replacing(":method", method).with_session("report"), "refuse 400 method_not_allowed -");
    }
    check(Sent::get(REPORT).without(":method").with_session("report"), "refuse 400 method_not_allowed -");
    check(Sent::get(REPORT).with(":method", "GET").with_session("report"), "refuse 400 method_not_allowed -");
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_every_method_through_with_session_and_origin() {
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH"] {
        let sent = Sent::get(REPORT).replacing(":method", method).with("origin", "https://report.example.org");
        check(sent.clone().with_session("report"), "permit session report");
        check(sent, "refuse 401 session_missing report");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_a_websocket_open_with_a_session() {
    check(Sent::upgrade(REPORT).with_session("report"), "permit session report");
    check(Sent::upgrade(REPORT).replacing("upgrade", "WebSocket").with_session("report"), "permit session report");
    check(Sent::upgrade(REPORT), "refuse 401 session_missing report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_any_other_upgrade() {
    for protocol in ["h2c", "tls/1.0", "websocket, h2c", "websocket ", "", "websockets", "connect-udp"] {
        let sent = Sent::upgrade(REPORT).replacing("upgrade", protocol).with_session("report");
        check(sent, "refuse 403 upgrade_not_allowed report");
    }
    check(
        Sent::upgrade(REPORT).with("upgrade", "websocket").with_session("report"),
        "refuse 403 upgrade_not_allowed report",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_an_upgrade_with_a_body_or_another_method() {
    for method in ["POST", "HEAD", "OPTIONS", "get"] {
        let sent = Sent::upgrade(REPORT).replacing(":method", method).with_session("report");
        check(sent, "refuse 403 upgrade_not_allowed report");
    }
    for (name, value) in [("content-length", "0"), ("content-length", "5"), ("transfer-encoding", "chunked")] {
        check(Sent::upgrade(REPORT).with(name, value).with_session("report"), "refuse 403 upgrade_not_allowed report");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_the_upgrade_rules_on_an_open_dashboard_too() {
    let portal = "https://portal.example.org/ws";
    check(Sent::upgrade(portal), "permit open portal");
    check(Sent::upgrade(portal).without("origin"), "refuse 403 origin_missing portal");
    check(Sent::upgrade(portal).replacing("upgrade", "h2c"), "refuse 403 upgrade_not_allowed portal");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_body_on_a_get_where_a_bokeh_id_is_read() {
    let either = format!("https://either.example.org/?bokeh-session-id={}", bokeh_id('a'));
    let get = |method: &str| Sent::get(&either).replacing(":method", method);
    for method in ["GET", "HEAD"] {
        check(get(method), "permit session either");
        check(get(method).with("content-length", "0"), "permit session either");
        let refused = "refuse 403 body_not_allowed either";
        check(get(method).with_body(), refused);
        check(get(method).with("content-length", "0").with_body(), refused);
        check(get(method).with("content-length", "1"), refused);
        check(get(method).with("content-length", "00"), refused);
        check(get(method).with("content-length", "0").with("content-length", "0"), refused);
        check(get(method).with("transfer-encoding", "chunked"), refused);
    }
    // A WebSocket's frames are no body, and a POST is no page whose id a form could override.
    check(Sent::upgrade("https://either.example.org/ws").with_session("either"), "permit session either");
    check(Sent::post("https://either.example.org/").with_session("either").with_body(), "permit session either");
    // Where no id is read, a body is the backend's business.
    check(Sent::get(REPORT).with_session("report").with_body(), "permit session report");
}
