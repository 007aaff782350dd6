//! Where a session is found: each carrier, the caps, and what is ambiguous.

use gate::Decision;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, Policy, Sent, bokeh_id, bokeh_token, bokeh_token_of, claims_with, token, token_of};

const REPORT: &str = "https://report.example.org/";
const PERMIT: &str = "permit session report";

#[track_caller]
fn check(sent: Sent, expected: &str) {
    assert_eq!(sent.told(&Policy::new().gate()), expected);
}

fn marked(token: &str) -> Sent {
    Sent::upgrade(REPORT).with("sec-websocket-protocol", format!("dashgate, {token}"))
}

fn cookie(token: &str) -> Sent {
    Sent::get(REPORT).with("cookie", format!("a=1; __Host-dashgate-report={token}"))
}

#[wasm_bindgen_test(unsupported = test)]
fn finds_a_token_in_each_of_its_carriers() {
    let token = token("report");
    check(cookie(&token), PERMIT);
    check(Sent::get(REPORT).with_bearer(&token), PERMIT);
    check(Sent::get(REPORT).with("authorization", format!("bEARER \t {token} ")), PERMIT);
    check(marked(&token), PERMIT);
    check(Sent::get(REPORT), "refuse 401 session_missing report");
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_a_credential_nowhere_else() {
    let token = token("report");
    let nowhere = "refuse 401 session_missing report";
    for name in ["token", "access_token", "session", "__Host-dashgate-report", "authorization"] {
        check(Sent::get(&format!("{REPORT}?{name}={token}")), nowhere);
    }
    for name in ["x-token", "x-dashgate-session", "proxy-authorization", "authentication", "x-authorization"] {
        check(Sent::get(REPORT).with(name, format!("Bearer {token}")), nowhere);
    }
    check(
        Sent::get(REPORT).with("cookie", format!("__Host-dashgate-plot={token}; __host-dashgate-report={token}")),
        nowhere,
    );
    for value in [
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer{token}"),
        format!("Basic x, y{token}"),
        format!("Token {token}"),
    ] {
        check(Sent::get(REPORT).with("authorization", value), nowhere);
    }
    // The subprotocol carries only where it is one.
    check(Sent::get(REPORT).with("sec-websocket-protocol", format!("dashgate, {token}")), nowhere);
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_only_the_carriers_its_session_kind_lists() {
    let token = token("report");
    let gate = |carriers| Policy::new().with("/sessions/portal/carriers", carriers).gate();
    let nowhere = "refuse 401 session_missing report";
    let (by_cookie, by_bearer, by_marker) = (cookie(&token), Sent::get(REPORT).with_bearer(&token), marked(&token));
    for (carriers, expected) in [
        (json!(["cookie"]), [PERMIT, nowhere, nowhere]),
        (json!(["bearer"]), [nowhere, PERMIT, nowhere]),
        (json!(["subprotocol"]), [nowhere, nowhere, PERMIT]),
    ] {
        let gate = gate(carriers);
        assert_eq!([by_cookie.told(&gate), by_bearer.told(&gate), by_marker.told(&gate)], expected);
    }
    let mut default = Policy::new();
    default.0["sessions"]["portal"].as_object_mut().expect("an object").remove("carriers");
    let gate = default.gate();
    assert_eq!([by_cookie.told(&gate), by_bearer.told(&gate), by_marker.told(&gate)], [PERMIT, nowhere, nowhere]);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_carrier_that_holds_two() {
    let token = token("report");
    check(
        cookie(&token).with("cookie", format!("__Host-dashgate-report={token}")),
        "refuse 403 credential_repeated report",
    );
    let twice = Sent::get(REPORT).with_bearer(&token).with_bearer(&token);
    check(twice, "refuse 403 credential_repeated report");
    check(
        Sent::get(REPORT).with("authorization", "Basic x").with_bearer(&token),
        "refuse 403 credential_repeated report",
    );
    let joined = Sent::get(REPORT).with("authorization", format!("Bearer {token}, Bearer {token}"));
    check(joined, "refuse 403 credential_repeated report");
    // Envoy joins two lines with a comma: a bearer in the list would go up with what is taken for another scheme.
    for list in [
        "Basic YTpi,Bearer {}",
        "Basic YTpi, bearer {}",
        "Bearer {},Basic YTpi",
        "Bearer,{}",
        "Digest a=\"b\", Bearer {}",
    ] {
        let list = list.replace("{}", &token);
        check(cookie(&token).with("authorization", &list), "refuse 403 credential_repeated report");
        let open = Sent::get("https://portal.example.org/").with("authorization", &list);
        check(open, "refuse 403 credential_repeated portal");
        let public = Sent::get("https://report.example.org/static/a.js").with("authorization", list);
        check(public, "refuse 403 credential_repeated report");
    }
    let digest = cookie(&token).with("authorization", "Digest username=\"a\", realm=\"Bearer b\", nonce=\"c\"");
    check(digest, "permit session report");
    let marker = marked(&token).with("sec-websocket-protocol", format!("dashgate, {token}"));
    check(marker, "refuse 403 credential_repeated report");
}

#[wasm_bindgen_test(unsupported = test)]
fn leaves_repeated_authorization_alone_where_no_bearer_is_read() {
    let gate = Policy::new().with("/sessions/portal/carriers", json!(["cookie"])).gate();
    let sent = cookie(&token("report")).with("authorization", "Basic x").with("authorization", "Basic y");
    assert_eq!(sent.told(&gate), PERMIT);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_two_different_credentials_for_one_kind() {
    let (one, other) = (token("report"), token_of(&claims_with("report", "sub", json!("eve"))));
    check(cookie(&one).with_bearer(&one), PERMIT);
    check(marked(&one).with_bearer(&one).with_session("report"), PERMIT);
    check(cookie(&one).with_bearer(&other), "refuse 403 credential_conflict report");
    check(cookie(&one).with_bearer("x"), "refuse 403 credential_conflict report");
    check(marked(&one).with_bearer(&other), "refuse 403 credential_conflict report");
    check(marked(&other).with_session("report"), "refuse 403 credential_conflict report");
    let third = marked(&other).with_bearer(&one).with_session("report");
    check(third, "refuse 403 credential_conflict report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_cookies_with_odd_bytes_on_every_dashboard() {
    let odd = b"a=1;\xa0__Host-dashgate-report=x";
    check(Sent::get(REPORT).with_session("report").with("cookie", odd), "refuse 400 cookie_invalid report");
    check(Sent::get("https://portal.example.org/").with("cookie", odd), "refuse 400 cookie_invalid portal");
}

#[wasm_bindgen_test(unsupported = test)]
fn caps_a_cookie_at_4096_bytes_and_a_bearer_at_8192() {
    let sized = |length: usize| {
        let mut padding = length * 3 / 4 - 300;
        loop {
            let token = token_of(&claims_with("report", "pad", json!("x".repeat(padding))));
            if token.len() >= length {
                return token;
            }
            padding += 1;
        }
    };
    let (fits, long) = (sized(4096), sized(4097));
    assert_eq!((fits.len(), long.len() > 4096), (4096, true));
    check(cookie(&fits), PERMIT);
    check(cookie(&long), "refuse 401 credential_too_long report");
    // The same token as a bearer too is still a cookie that no browser would keep.
    check(cookie(&long).with_bearer(&long), "refuse 401 credential_too_long report");
    check(Sent::get(REPORT).with_bearer(&long), PERMIT);
    check(Sent::get(REPORT).with_bearer(&sized(8192)), PERMIT);
    check(Sent::get(REPORT).with_bearer(&sized(8193)), "refuse 401 credential_too_long report");
}

fn either(query: &str) -> Sent {
    Sent::get(&format!("https://either.example.org/app{query}"))
}

#[wasm_bindgen_test(unsupported = test)]
fn finds_bokehs_credentials_where_bokeh_does() {
    let (id, token) = (bokeh_id('a'), bokeh_token('a'));
    check(either(&format!("?bokeh-session-id={id}")), "permit session either");
    check(either(&format!("?bokeh-token={token}")), "permit session either");
    check(either("").with("bokeh-session-id", &id), "permit session either");
    check(either(""), "refuse 401 session_missing either");
    check(either(&format!("?bokeh-session-id={token}")), "refuse 401 token_malformed either");
    check(either(&format!("?bokeh-token={id}")), "refuse 401 claims_malformed either");
    check(either("").with("bokeh-session-id", &token), "refuse 401 token_malformed either");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_two_of_bokehs_carriers_at_once() {
    let (id, token) = (bokeh_id('a'), bokeh_token('a'));
    let refused = "refuse 403 credential_repeated either";
    check(either(&format!("?bokeh-session-id={id}&bokeh-token={token}")), refused);
    check(either(&format!("?bokeh-session-id={id}")).with("bokeh-session-id", &id), refused);
    check(either(&format!("?bokeh-token={token}")).with("bokeh-session-id", &id), refused);
    check(either("").with("bokeh-session-id", &id).with("bokeh-session-id", &id), refused);
    check(either(&format!("?bokeh-session-id={id}&bokeh-session-id={id}")), refused);
    // Ambiguity is refused even where another kind would open the dashboard.
    check(either(&format!("?bokeh-session-id={id}&bokeh-token={token}")).with_session("either"), refused);
    let first = Policy::new().on("either", "sessions", json!(["bokeh", "portal"])).gate();
    let both = either(&format!("?bokeh-session-id={id}&bokeh-token={token}")).with_session("either");
    assert_eq!(both.told(&first), refused);
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_bokehs_parameters_in_disguise_on_every_dashboard() {
    check(either("?Bokeh-Token=x"), "refuse 403 credential_disguised either");
    let report = Sent::get("https://report.example.org/?bokeh%2dtoken=x").with_session("report");
    check(report, "refuse 403 credential_disguised report");
    let repeated = Sent::get(REPORT).with("bokeh-session-id", "x").with("bokeh-session-id", "y").with_session("report");
    check(repeated, "refuse 403 credential_repeated report");
}

#[wasm_bindgen_test(unsupported = test)]
fn leaves_bokehs_parameters_alone_where_no_kind_reads_them() {
    let policy = Policy::new().on("plot", "sessions", json!(["portal"])).on("plot", "keep", json!([]));
    let policy = policy.on("either", "sessions", json!(["portal"])).with("/sessions/bokeh", json!(null));
    let gate = policy.gate();
    let sent = Sent::get("https://report.example.org/?Bokeh-Token=x&bokeh-token=y").with_session("report");
    let sent = sent.with("bokeh-session-id", "x").with("bokeh-session-id", "y");
    assert_eq!(sent.told(&gate), PERMIT);
    assert_eq!(sent.edits(&gate).iter().filter(|edit| edit.contains("bokeh") || edit.contains("path")).count(), 0);
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_bokehs_websocket_by_its_token_only() {
    let upgrade = |query: &str| Sent::upgrade(&format!("https://either.example.org/app/ws{query}"));
    let protocol = |token: &str| format!("bokeh, {token}");
    let by_token = |query: &str| upgrade(query).with("sec-websocket-protocol", protocol(&bokeh_token('a')));
    check(by_token(""), "permit session either");
    check(upgrade(&format!("?bokeh-session-id={}", bokeh_id('a'))), "refuse 401 session_missing either");
    check(upgrade("").with("sec-websocket-protocol", protocol(&bokeh_id('a'))), "refuse 401 claims_malformed either");
    // The page's own query comes along; it must name the same session.
    check(by_token(&format!("?bokeh-session-id={}", bokeh_id('a'))), "permit session either");
    check(by_token(&format!("?bokeh-token={}", bokeh_token('a'))), "permit session either");
    check(by_token(&format!("?bokeh-session-id={}", bokeh_id('b'))), "refuse 403 credential_conflict either");
    check(by_token("?bokeh-session-id=x"), "refuse 403 credential_conflict either");
    check(by_token("").with("bokeh-session-id", bokeh_id('a')), "refuse 403 credential_repeated either");
    check(upgrade("").with("sec-websocket-protocol", "Bokeh, x"), "refuse 403 credential_disguised either");
}

#[wasm_bindgen_test(unsupported = test)]
fn ends_a_bokeh_token_on_http_as_on_websockets() {
    let payload = json!({"session_id": bokeh_id('a'), "session_expiry": NOW});
    let token = bokeh_token_of(payload.to_string().as_bytes(), crate::stage::BOKEH.as_bytes());
    check(either(&format!("?bokeh-token={token}")), "refuse 401 session_expired either");
    let upgrade =
        Sent::upgrade("https://either.example.org/ws").with("sec-websocket-protocol", format!("bokeh, {token}"));
    check(upgrade, "refuse 401 session_expired either");
}

/// Where the gate says it found credentials, permitted or refused.
#[track_caller]
fn check_shown(sent: &Sent, expected: &[&str]) {
    let shown = match sent.decide(&Policy::new().gate()) {
        Decision::Permit(permit) => permit.record().carriers,
        Decision::Answer(answer) => answer.record.carriers,
        Decision::AwaitBody(_) => panic!("a form"),
    };
    assert_eq!(shown.words().collect::<Vec<_>>(), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn says_which_carriers_held_the_sessions_of_a_permit() {
    let (token, id) = (token("report"), bokeh_id('a'));
    check_shown(&cookie(&token), &["cookie"]);
    check_shown(&cookie(&token).with_bearer(&token), &["cookie", "bearer"]);
    check_shown(&marked(&token), &["subprotocol"]);
    check_shown(&either(&format!("?bokeh-session-id={id}")), &["bokeh_session_id_parameter"]);
    check_shown(&either(&format!("?bokeh-token={}", bokeh_token('a'))), &["bokeh_token_parameter"]);
    check_shown(&either("").with("bokeh-session-id", &id), &["bokeh_session_id_header"]);
    let upgrade = Sent::upgrade("https://either.example.org/ws")
        .with("sec-websocket-protocol", format!("bokeh, {}", bokeh_token('a')));
    check_shown(&upgrade, &["bokeh_subprotocol"]);
    // The other kind's bad credential did not open it.
    check_shown(
        &either(&format!("?bokeh-session-id={id}")).with("cookie", "__Host-dashgate-either=x"),
        &["bokeh_session_id_parameter"],
    );
    let plot = Sent::get(&format!("https://plot.example.org/?bokeh-session-id={id}")).with_session("plot");
    check_shown(&plot, &["cookie", "bokeh_session_id_parameter"]);
    check_shown(&Sent::get("https://portal.example.org/").with_bearer(&token), &[]);
    // Bokeh's carriers are none where no kind of the dashboard is Bokeh's, and a marker is one on an upgrade only.
    check_shown(&Sent::get(&format!("{REPORT}?bokeh-session-id={id}&bokeh-token=x")).with_bearer(&token), &["bearer"]);
    check_shown(&cookie(&token).with("bokeh-session-id", &id), &["cookie"]);
    let protocols = Sent::upgrade(REPORT).with_bearer(&token).with("sec-websocket-protocol", "bokeh, x");
    check_shown(&protocols, &["bearer"]);
    check_shown(&cookie(&token).with("sec-websocket-protocol", "dashgate, x"), &["cookie"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn says_which_carriers_held_anything_where_a_session_was_refused() {
    check_shown(&cookie("x").with_bearer("y"), &["cookie", "bearer"]);
    check_shown(&marked("x"), &["subprotocol"]);
    check_shown(&Sent::get(REPORT), &[]);
    let all = either("?bokeh-session-id=x&bokeh-token=y")
        .with("bokeh-session-id", "z")
        .with("cookie", "__Host-dashgate-either=x");
    check_shown(&all, &["cookie", "bokeh_session_id_parameter", "bokeh_token_parameter", "bokeh_session_id_header"]);
    check_shown(&either("").with("sec-websocket-protocol", "bokeh, x"), &[]);
    let upgrade = Sent::upgrade("https://either.example.org/ws").with("sec-websocket-protocol", "bokeh, x");
    check_shown(&upgrade, &["bokeh_subprotocol"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_only_the_carriers_of_the_dashboards_own_kinds() {
    let second = json!({"format": "jwt", "keys": ["main"], "carriers": ["cookie"]});
    let gate = Policy::new().with("/sessions/second", second).on("report", "sessions", json!(["second"])).gate();
    let token = token("report");
    assert_eq!(cookie(&token).told(&gate), PERMIT);
    for sent in [Sent::get(REPORT).with_bearer(&token), marked(&token)] {
        assert_eq!(sent.told(&gate), "refuse 401 session_missing report");
        assert!(matches!(sent.decide(&gate), Decision::Answer(answer) if answer.record.carriers.words().count() == 0));
    }
    // A carrier that another dashboard reads conflicts with nothing here.
    assert_eq!(cookie(&token).with_bearer("x").told(&gate), PERMIT);
    let third = json!({"format": "jwt", "keys": ["main"], "carriers": ["bearer"]});
    let gate = Policy::new().with("/sessions/third", third).on("report", "sessions", json!(["third"])).gate();
    assert_eq!(cookie(&token).told(&gate), "refuse 401 session_missing report");
    assert!(
        matches!(cookie("x").decide(&gate), Decision::Answer(answer) if answer.record.carriers.words().count() == 0)
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_ambiguity_in_a_kind_that_another_kind_would_have_made_needless() {
    let gate = Policy::new().on("either", "sessions", json!(["bokeh", "portal"])).gate();
    let id = either(&format!("?bokeh-session-id={}", bokeh_id('a')));
    assert_eq!(id.clone().with_session("either").with_bearer(&token("either")).told(&gate), "permit session either");
    let conflicting = id.with_session("either").with_bearer("x");
    assert_eq!(conflicting.told(&gate), "refuse 403 credential_conflict either");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_pages_whole_query_on_its_websocket_if_all_of_it_names_one_session() {
    let query = format!("?bokeh-session-id={}&bokeh-token={}", bokeh_id('a'), bokeh_token('a'));
    let upgrade = Sent::upgrade(&format!("https://either.example.org/app/ws{query}"));
    let upgrade = upgrade.with("sec-websocket-protocol", format!("bokeh, {}", bokeh_token('a')));
    check(upgrade, "permit session either");
}
