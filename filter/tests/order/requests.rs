//! A request without failures: what the upstream gets, what the operator is told.

use std::collections::BTreeMap;

use dashgate_filter::plugin::{Action, Plugin, Shared, Stream};

use crate::envoy::{Envoy, POLICY, bearer, plugin, run, token};

#[test]
fn forwards_a_permitted_request_without_its_credential_and_with_its_identity() {
    let bearer = bearer("\"ada\"");
    let mut envoy = Envoy::get(&[
        ("authorization", &bearer),
        ("x-dashgate-subject", "eve"),
        ("x_dashgate", "1"),
        ("accept", "*/*"),
    ]);
    let (action, stream) = run(&mut envoy, true);
    assert_eq!(action, Action::Continue);
    assert!(matches!(stream, Stream::Permitted(_)));
    let names: Vec<&str> = envoy.request.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [":authority", ":method", ":path", "accept", "x-dashgate-subject", "grpc-timeout"]);
    assert_eq!(envoy.sent("x-dashgate-subject"), ["ada"]);
    assert_eq!(envoy.sent("grpc-timeout"), ["3630000m"]);
    assert_eq!(envoy.state.keys().collect::<Vec<_>>(), ["dashgate_dashboard", "dashgate_session", "dashgate_subject"]);
    assert_eq!(
        (envoy.state["dashgate_dashboard"].as_str(), envoy.state["dashgate_subject"].as_str()),
        ("report", "ada")
    );
    assert_eq!(envoy.state["dashgate_session"].len(), 16);
    assert!(envoy.replies.is_empty() && envoy.log.is_empty());
}

#[test]
fn answers_a_refused_request_and_says_so_once() {
    let mut envoy = Envoy::get(&[("x-dashgate-subject", "eve")]);
    let (action, stream) = run(&mut envoy, true);
    assert_eq!(action, Action::Pause);
    assert!(matches!(stream, Stream::Answered(_)));
    let [reply] = envoy.replies.as_slice() else { panic!("{:?}", envoy.replies) };
    assert_eq!((reply.status, reply.details.as_str(), reply.grpc_status), (401, "dashgate_session_missing", Some(16)));
    assert_eq!(reply.headers[0], ("cache-control".to_owned(), "no-store".to_owned()));
    assert!(reply.body.starts_with("{\"error\":"));
    let told = [("dashgate_reason", "session_missing"), ("dashgate_refused", "report")];
    assert_eq!(envoy.state, BTreeMap::from(told.map(|(name, value)| (name.to_owned(), value.to_owned()))));
    assert_eq!(envoy.log, ["dashgate refused reason=session_missing dashboard=report subject=- session=-"]);
}

#[test]
fn answers_what_is_no_refusal_without_a_log_line() {
    let mut envoy =
        Envoy::new(&[(":authority", "report.example.org"), (":method", "GET"), (":path", "/.dashgate/connect")]);
    let (action, _) = run(&mut envoy, true);
    assert_eq!((action, envoy.replies.len(), envoy.replies[0].status, envoy.log.len()), (Action::Pause, 1, 200, 0));
    assert_eq!(envoy.state["dashgate_reason"], "connect_page");
    assert!(!envoy.state.contains_key("dashgate_dashboard"));
}

#[test]
fn removes_identity_headers_before_anything_else() {
    let bearer = bearer("\"ada\"");
    for headers in [vec![("authorization", bearer.as_str())], vec![], vec![("host", "x")]] {
        let mut envoy = Envoy::get(&[headers, vec![("x-dashgate-subject", "eve"), ("X_DashGate_other", "1")]].concat());
        run(&mut envoy, true);
        let first = ["headers Request", "remove Request x-dashgate-subject", "remove Request X_DashGate_other", "now"];
        assert_eq!(envoy.calls[..4], first);
    }
    let mut form = Envoy::form("");
    run(&mut form, false);
    assert_eq!(form.calls, ["headers Request", "remove Request x-dashgate-subject", "now"]);
}

#[test]
fn states_a_permit_before_it_changes_the_request_and_nowhere_else() {
    let bearer = bearer("\"ada\"");
    let mut envoy = Envoy::get(&[("authorization", &bearer)]);
    run(&mut envoy, true);
    let (state, edit) = ("state dashgate_dashboard".to_owned(), "remove Request authorization".to_owned());
    let place = |call: &String| envoy.calls.iter().position(|known| known == call).expect("the call");
    assert!(place(&state) < place(&edit));
    for refused in [Envoy::get(&[]), Envoy::get(&[("origin", "https://evil.example")]), Envoy::form("x")] {
        let mut refused = refused;
        run(&mut refused, true);
        assert!(!refused.calls.contains(&state));
    }
}

#[test]
fn makes_few_host_calls_for_a_permit() {
    let bearer = bearer("\"ada\"");
    let (plugin, mut shared) = (plugin(), Shared::default());
    let mut envoy = Envoy::get(&[("authorization", &bearer)]);
    plugin.on_request_headers(&mut envoy, &mut shared, &mut Stream::default(), true);
    let mut second = Envoy { counters: envoy.counters, ..Envoy::get(&[("authorization", &bearer)]) };
    plugin.on_request_headers(&mut second, &mut shared, &mut Stream::default(), true);
    assert!(second.calls.len() <= 10, "{:?}", second.calls);
    assert!(second.calls.iter().all(|call| !call.starts_with("define")), "{:?}", second.calls);
}

#[test]
fn writes_a_subject_into_filter_state_clipped_and_escaped() {
    let long = format!("\"{}\"", "é".repeat(99));
    let clipped = "é".repeat(64);
    for (subject, expected) in [
        ("\"ada\"", "ada"),
        ("\"ada lovelace\"", "ada lovelace"),
        (r#""a\"b""#, r#"a\"b"#),
        (r#""\"a\"""#, r#"\"a\""#),
        (r#""a\\""#, r#"a\\"#),
        (r#""'a'""#, "'a'"),
        (r#""\u202ea""#, r"\u{202e}a"),
        (long.as_str(), clipped.as_str()),
    ] {
        let bearer = bearer(subject);
        let mut envoy = Envoy::get(&[("authorization", &bearer)]);
        run(&mut envoy, true);
        assert_eq!(envoy.state["dashgate_subject"], expected);
    }
}

#[test]
fn refuses_a_configuration_with_every_problem() {
    let problems = Plugin::load(POLICY.as_bytes(), &|_| None).expect_err("no keys");
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["keys[0].env", "keys[1].env"]);
    assert_eq!(plugin().gate().dashboard_names().count(), 4);
}

#[test]
fn puts_no_credential_into_a_log_line_a_metric_or_filter_state() {
    let token = token("\"ada\"");
    let bearer = format!("Bearer {token}");
    for headers in [vec![], vec![("origin", "https://evil.example")], vec![("cookie", "__Host-dashgate-report=x")]] {
        let mut envoy = Envoy::get(&[headers, vec![("authorization", bearer.as_str())]].concat());
        run(&mut envoy, true);
        let told = format!("{:?} {:?} {:?} {:?}", envoy.log, envoy.counters, envoy.state, envoy.replies);
        assert!(!told.contains(&token[60..]), "{told}");
    }
}
