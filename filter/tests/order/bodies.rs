//! Bodies and trailers: a connect form is collected up to its limit, anything else goes where its headers went.

use dashgate_filter::plugin::{Action, Shared, Stream};

use crate::envoy::{Envoy, bearer, plugin, run, token};

/// Sends a form's headers, then its body in pieces of these total lengths, the last of which ends it.
fn collect(body: &str, lengths: &[usize]) -> (Envoy, Vec<Action>) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let mut envoy = Envoy::form(body);
    let mut actions = vec![plugin.on_request_headers(&mut envoy, &mut shared, &mut stream, false)];
    assert!(matches!(stream, Stream::Collecting(_)));
    for (place, length) in lengths.iter().enumerate() {
        actions.push(plugin.on_request_body(&mut envoy, &mut shared, &mut stream, *length, place + 1 == lengths.len()));
    }
    (envoy, actions)
}

#[test]
fn collects_a_form_and_answers_it_once() {
    let body = format!("token={}&next=/a", token("\"ada\""));
    let (envoy, actions) = collect(&body, &[10, 100, body.len()]);
    assert_eq!(actions, [Action::Pause; 4]);
    let [reply] = envoy.replies.as_slice() else { panic!("{:?}", envoy.replies) };
    assert_eq!((reply.status, reply.details.as_str(), reply.headers[1].1.as_str()), (303, "dashgate_connected", "/a"));
    assert_eq!(envoy.calls.iter().filter(|call| call.starts_with("body")).collect::<Vec<_>>(), ["body 16385"]);
    assert_eq!(envoy.state["dashgate_reason"], "connected");
    assert!(envoy.sent("x-dashgate-subject").is_empty());
}

#[test]
fn refuses_a_form_as_soon_as_it_is_too_large() {
    let body = "x".repeat(20_000);
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let mut envoy = Envoy::form(&body);
    plugin.on_request_headers(&mut envoy, &mut shared, &mut stream, false);
    let piece = |envoy: &mut Envoy, shared: &mut Shared, stream: &mut Stream, length: usize| {
        assert_eq!(plugin.on_request_body(envoy, shared, stream, length, false), Action::Pause);
        envoy.replies.len()
    };
    assert_eq!(piece(&mut envoy, &mut shared, &mut stream, 16_384), 0);
    assert_eq!(piece(&mut envoy, &mut shared, &mut stream, 16_385), 1);
    assert_eq!(piece(&mut envoy, &mut shared, &mut stream, 20_000), 1);
    assert_eq!((envoy.replies[0].status, envoy.replies[0].details.as_str()), (413, "dashgate_connect_body_too_large"));
    assert!(matches!(stream, Stream::Answered(_)));
}

#[test]
fn takes_trailers_for_the_end_of_a_form() {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let mut envoy = Envoy::form(&format!("token={}", token("\"ada\"")));
    plugin.on_request_headers(&mut envoy, &mut shared, &mut stream, false);
    assert_eq!(plugin.on_request_trailers(&mut envoy, &mut shared, &mut stream), Action::Pause);
    assert_eq!(envoy.replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [303]);
}

#[test]
fn lets_the_body_of_a_permitted_request_go_on() {
    let bearer = bearer("\"ada\"");
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let mut envoy = Envoy::get(&[("authorization", &bearer)]);
    plugin.on_request_headers(&mut envoy, &mut shared, &mut stream, false);
    let before = envoy.calls.len();
    assert_eq!(plugin.on_request_body(&mut envoy, &mut shared, &mut stream, 1 << 30, false), Action::Continue);
    assert_eq!((envoy.calls.len(), envoy.replies.len()), (before, 0));
}

#[test]
fn removes_identity_trailers_of_a_permitted_request() {
    let bearer = bearer("\"ada\"");
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let mut envoy = Envoy::get(&[("authorization", &bearer)]);
    let lines = [("x-dashgate-subject", "eve"), ("checksum", "1"), ("X_DASHGATE_x", "2")];
    envoy.trailers = lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    plugin.on_request_headers(&mut envoy, &mut shared, &mut stream, false);
    assert_eq!(plugin.on_request_trailers(&mut envoy, &mut shared, &mut stream), Action::Continue);
    assert_eq!(envoy.trailers, [("checksum".to_owned(), b"1".to_vec())]);
    assert!(envoy.replies.is_empty());
}

#[test]
fn lets_nothing_of_an_answered_request_go_on() {
    let (plugin, mut shared) = (plugin(), Shared::default());
    let mut envoy = Envoy::get(&[]);
    let (_, mut stream) = run(&mut envoy, false);
    assert_eq!(plugin.on_request_body(&mut envoy, &mut shared, &mut stream, 5, true), Action::Pause);
    assert_eq!(plugin.on_request_trailers(&mut envoy, &mut shared, &mut stream), Action::Pause);
    assert_eq!(envoy.replies.len(), 1);
}

#[test]
fn refuses_a_body_or_trailers_of_a_request_never_judged() {
    let (plugin, mut shared) = (plugin(), Shared::default());
    let mut envoy = Envoy::get(&[]);
    let mut stream = Stream::default();
    assert_eq!(plugin.on_request_body(&mut envoy, &mut shared, &mut stream, 5, true), Action::Pause);
    assert_eq!(envoy.replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [500]);
    let mut stream = Stream::default();
    assert_eq!(plugin.on_request_trailers(&mut envoy, &mut shared, &mut stream), Action::Pause);
    assert_eq!(envoy.replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [500, 500]);
}
