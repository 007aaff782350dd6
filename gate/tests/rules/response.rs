//! What is done to a backend's answer: the marker, caching, frames, and other dashboards' cookies.

use std::collections::BTreeMap;

use gate::{Decision, ResponseHeaders};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent, bokeh_token, line, token};

/// A backend's answer; `fails` makes the n-th look fail, counted from 0.
struct Backend {
    headers: Vec<(&'static str, &'static str)>,
    looks: usize,
    fails: Option<usize>,
}

impl Backend {
    fn new(headers: &[(&'static str, &'static str)]) -> Self {
        Self { headers: headers.to_vec(), looks: 0, fails: None }
    }

    fn look(&mut self) -> Result<(), &'static str> {
        self.looks += 1;
        if self.fails == Some(self.looks - 1) { Err("no answer") } else { Ok(()) }
    }
}

impl ResponseHeaders for Backend {
    type Error = &'static str;

    fn first(&mut self, name: &str) -> Result<Option<Vec<u8>>, &'static str> {
        self.look()?;
        Ok(self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes().to_vec()))
    }

    fn all(&mut self, name: &str) -> Result<Vec<Vec<u8>>, &'static str> {
        self.look()?;
        Ok(self
            .headers
            .iter()
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| value.as_bytes().to_vec())
            .collect())
    }
}

#[track_caller]
fn edits(policy: &Policy, sent: &Sent, backend: &mut Backend) -> Result<Vec<String>, &'static str> {
    let gate = policy.gate();
    let Decision::Permit(permit) = sent.decide(&gate) else { panic!("no permit: {}", sent.told(&gate)) };
    Ok(gate.response_edits(permit.response(), backend)?.iter().map(line).collect())
}

#[track_caller]
fn check(policy: &Policy, sent: &Sent, headers: &[(&'static str, &'static str)], expected: &[&str]) {
    assert_eq!(edits(policy, sent, &mut Backend::new(headers)).expect("edits"), expected);
}

fn report() -> Sent {
    Sent::get("https://report.example.org/").with_session("report")
}

const PRIVATE: &str = "cache-control: private, no-store";
const SAME_ORIGIN: &str = "x-frame-options: SAMEORIGIN";
const ANCESTORS: &str = "+ content-security-policy: frame-ancestors 'self'";

#[wasm_bindgen_test(unsupported = test)]
fn keeps_permitted_answers_out_of_caches_where_the_backend_says_nothing() {
    let policy = Policy::new();
    check(&policy, &report(), &[(":status", "200")], &[PRIVATE, SAME_ORIGIN, ANCESTORS]);
    check(&policy, &report(), &[("cache-control", "max-age=60")], &[SAME_ORIGIN, ANCESTORS]);
    check(&policy, &report(), &[("cache-control", "")], &[SAME_ORIGIN, ANCESTORS]);
    check(&policy, &Sent::get("https://portal.example.org/"), &[], &[PRIVATE, SAME_ORIGIN, ANCESTORS]);
    let public = "https://report.example.org/static/x";
    check(&policy, &Sent::get(public), &[], &[SAME_ORIGIN, ANCESTORS]);
    // A write to a public path is none of the public's.
    let written = Sent::post(public).with_session("report");
    check(&policy, &written, &[], &[PRIVATE, SAME_ORIGIN, ANCESTORS]);
}

#[wasm_bindgen_test(unsupported = test)]
fn names_those_who_may_frame_a_dashboard() {
    let policy = Policy::new().on("report", "embed_from", json!(["https://a.example", "https://b.example"]));
    let ancestors = "+ content-security-policy: frame-ancestors 'self' https://a.example https://b.example";
    check(&policy, &report(), &[], &[PRIVATE, "- x-frame-options", ancestors]);
    let portal = Sent::get("https://portal.example.org/");
    check(&policy, &portal, &[], &[PRIVATE, SAME_ORIGIN, ANCESTORS]);
}

#[wasm_bindgen_test(unsupported = test)]
fn writes_frame_headers_where_an_answer_could_end_up_in_a_frame() {
    let own = |destination: &str| report().with("sec-fetch-site", "same-origin").with("sec-fetch-dest", destination);
    for destination in ["document", "iframe", "frame", "embed", "object", "fencedframe"] {
        check(&Policy::new(), &own(destination), &[], &[PRIVATE, SAME_ORIGIN, ANCESTORS]);
    }
    for destination in ["script", "image", "empty", "style"] {
        check(&Policy::new(), &own(destination), &[], &[PRIVATE]);
    }
    let public =
        Sent::get("https://report.example.org/static/x").with("sec-fetch-dest", "iframe").with("sec-fetch-dest", "x");
    check(&Policy::new(), &public, &[], &[SAME_ORIGIN, ANCESTORS]);
}

fn upgrade(protocols: &str) -> Sent {
    Sent::upgrade("https://report.example.org/ws").with("sec-websocket-protocol", protocols)
}

#[wasm_bindgen_test(unsupported = test)]
fn answers_with_its_marker_where_the_backend_selects_none() {
    let marked = upgrade(&format!("dashgate, {}", token("report")));
    check(&Policy::new(), &marked, &[(":status", "101")], &["sec-websocket-protocol: dashgate"]);
    check(&Policy::new(), &marked, &[(":status", "101"), ("sec-websocket-protocol", "chat")], &[]);
    check(&Policy::new(), &marked, &[(":status", "403")], &[]);
    check(&Policy::new(), &marked, &[], &[]);
    // The client must have offered it.
    check(&Policy::new(), &upgrade("chat").with_session("report"), &[(":status", "101")], &[]);
    // A backend that got the marker itself answers for itself.
    let kept = Policy::new().on("report", "keep", json!(["portal"]));
    check(&kept, &marked, &[(":status", "101")], &[]);
    let bokeh = Sent::upgrade("https://either.example.org/ws")
        .with("sec-websocket-protocol", format!("bokeh, {}", bokeh_token('a')));
    check(&Policy::new(), &bokeh, &[(":status", "101")], &[]);
    let plain = Sent::get("https://report.example.org/").with_session("report");
    let plain = plain.with("sec-websocket-protocol", format!("dashgate, {}", token("report")));
    check(&Policy::new(), &plain, &[(":status", "101")], &[PRIVATE, SAME_ORIGIN, ANCESTORS]);
}

fn lab() -> Sent {
    Sent::get("https://lab.example.org/tb/").with_bearer(&token("lab")).with("sec-fetch-dest", "empty")
}

/// Edits of an answer on a host of several dashboards that sets these cookies.
#[track_caller]
fn check_cookies(policy: &Policy, lines: &[&'static str], expected: Option<&[&str]>) {
    let headers: Vec<(&str, &str)> =
        [("cache-control", "no-store")].into_iter().chain(lines.iter().map(|line| ("set-cookie", *line))).collect();
    let policy = policy.clone().on("tb", "audience", json!("https://lab.example.org/"));
    let added = expected.map(|kept| {
        let kept = kept.iter().map(|line| format!("+ set-cookie: {line}"));
        ["- set-cookie".to_owned()].into_iter().chain(kept).collect::<Vec<_>>()
    });
    assert_eq!(
        edits(&policy, &lab(), &mut Backend::new(&headers)).expect("edits"),
        added.unwrap_or_default(),
        "{lines:?}"
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_no_dashboard_of_a_shared_host_set_anothers_session() {
    let policy = Policy::new();
    check_cookies(&policy, &[], None);
    check_cookies(&policy, &["a=1; Path=/", "b=2"], None);
    let evil = "__Host-dashgate-lab=x; Path=/; Secure";
    check_cookies(&policy, &["a=1 ;Path=/", evil, " b=2;;"], Some(&["a=1 ;Path=/", " b=2;;"]));
    for evil in [
        evil,
        "__host-DASHGATE-lab=",
        "=__Host-dashgate-lab=x",
        " \t__Host-dashgate_bounce=9",
        "__Host-dashgate-lab",
        "__Host-dashgate",
        "==__Host-dashgatex",
    ] {
        check_cookies(&policy, &[evil], Some(&[]));
    }
    for fine in
        ["__Host-dash=x", "a=__Host-dashgate-lab=x", "__Secure-dashgate-lab=x", "x__Host-dashgate=1", "", "sid=x"]
    {
        check_cookies(&policy, &[fine], None);
    }
    let named = policy.on("lab", "cookie", json!("sid"));
    check_cookies(&named, &["sid=x; Path=/", "SID=x"], Some(&["SID=x"]));
}

/// An app that is sent its own signed cookie must be able to renew it; the others on its host must not.
#[wasm_bindgen_test(unsupported = test)]
fn lets_the_app_that_gets_a_signed_cookie_set_it() {
    let policy =
        Policy::new().with("/sessions/flask", json!({"format": "flask", "keys": ["main"], "subject_from": "user"}));
    let lines = ["session=x; Path=/", "a=1", "__Host-dashgate-lab=x"];
    check_cookies(&policy, &lines, Some(&["a=1"]));
    let kept = policy.on("tb", "keep", json!(["flask"]));
    check_cookies(&kept, &lines, Some(&["session=x; Path=/", "a=1"]));
    // Streamlit's logins are in several.
    let kind = json!({"format": "streamlit", "keys": ["main"], "subject_from": "email"});
    let policy = Policy::new().with("/sessions/streamlit", kind);
    let lines = ["_streamlit_user_2=x; Path=/", "_streamlit_user_tokens=y", "_streamlit_xsrf=z"];
    check_cookies(&policy, &lines, Some(&["_streamlit_xsrf=z"]));
    check_cookies(&policy.on("tb", "keep", json!(["streamlit"])), &lines, None);
}

#[wasm_bindgen_test(unsupported = test)]
fn looks_at_no_cookies_on_a_host_of_one_dashboard() {
    let cookie = [("cache-control", "x"), ("set-cookie", "__Host-dashgate-report=x")];
    let own = report().with("sec-fetch-dest", "empty");
    check(&Policy::new(), &own, &cookie, &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn guards_the_cookies_of_a_host_on_all_of_its_ports() {
    let policy = Policy::new().on("either", "url", json!("https://report.example.org:8443/"));
    let cookie = [("cache-control", "x"), ("set-cookie", "__Host-dashgate-report=x")];
    let own = report().with("sec-fetch-dest", "empty");
    check(&policy, &own, &cookie, &["- set-cookie"]);
    let literal =
        Policy::new().on("report", "url", json!("https://[::1]/")).on("either", "url", json!("https://[::1]:8443/"));
    let sent = Sent::get("https://[::1]/static/x").with("sec-fetch-dest", "empty");
    check(&literal, &sent, &cookie, &["- set-cookie"]);
    let others =
        Policy::new().on("report", "url", json!("https://[::1]/")).on("either", "url", json!("https://[::2]:8443/"));
    check(&others, &sent, &cookie, &[]);
}

#[wasm_bindgen_test(unsupported = test)]
fn passes_on_that_the_host_did_not_answer() {
    let marked = upgrade(&format!("dashgate, {}", token("report")));
    let policy = Policy::new().on("tb", "audience", json!("https://lab.example.org/"));
    let mut looks = BTreeMap::new();
    for (name, sent) in [("marked", marked), ("shared", lab()), ("report", report())] {
        let mut backend = Backend::new(&[(":status", "101")]);
        assert!(edits(&policy, &sent, &mut backend).is_ok());
        looks.insert(name, backend.looks);
        for fails in 0..backend.looks {
            let mut backend = Backend { fails: Some(fails), ..Backend::new(&[(":status", "101")]) };
            assert_eq!(edits(&policy, &sent, &mut backend), Err("no answer"));
        }
    }
    // Each look is a host call.
    assert_eq!(looks, BTreeMap::from([("marked", 2), ("report", 1), ("shared", 2)]));
}
