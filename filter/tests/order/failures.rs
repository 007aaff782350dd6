//! Any host call may fail: then nothing is forwarded, and exactly one answer is sent.

use dashgate_filter::host::{Host, Map};
use dashgate_filter::plugin::{Action, Shared, Stream};

use crate::envoy::{Envoy, bearer, plugin, token};

/// One stream: all callbacks that come for it, one after the other. Returns the last action.
type Story = fn(&mut Envoy) -> (Action, Stream);

fn permit(envoy: &mut Envoy) -> (Action, Stream) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let bearer = bearer("\"ada\"");
    let cookies = ("cookie", "a=1; __Host-dashgate-tb=x");
    envoy.request =
        Envoy::get(&[("authorization", &bearer), cookies, ("cookie", "b=2"), ("x-dashgate-subject", "eve")]).request;
    let action = plugin.on_request_headers(envoy, &mut shared, &mut stream, true);
    (action, stream)
}

fn trailers(envoy: &mut Envoy) -> (Action, Stream) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let bearer = bearer("\"ada\"");
    envoy.request = Envoy::get(&[("authorization", &bearer)]).request;
    envoy.trailers = vec![("x-dashgate-subject".to_owned(), b"eve".to_vec()), ("x-dashgate-b".to_owned(), Vec::new())];
    match plugin.on_request_headers(envoy, &mut shared, &mut stream, false) {
        Action::Continue => (plugin.on_request_trailers(envoy, &mut shared, &mut stream), stream),
        Action::Pause => (Action::Pause, stream),
    }
}

fn response(envoy: &mut Envoy) -> (Action, Stream) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let open = [(":authority", "lab.example.org"), (":method", "GET"), (":path", "/"), ("sec-fetch-dest", "document")];
    envoy.request = Envoy::new(&open).request;
    let lines = [(":status", "200"), ("set-cookie", "__Host-dashgate-tb=x"), ("set-cookie", "a=1")];
    envoy.response = lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    match plugin.on_request_headers(envoy, &mut shared, &mut stream, true) {
        Action::Continue => (plugin.on_response_headers(envoy, &mut shared, &mut stream), stream),
        Action::Pause => (Action::Pause, stream),
    }
}

fn refusal(envoy: &mut Envoy) -> (Action, Stream) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    envoy.request = Envoy::get(&[("x-dashgate-subject", "eve")]).request;
    let action = plugin.on_request_headers(envoy, &mut shared, &mut stream, true);
    (action, stream)
}

fn page(envoy: &mut Envoy) -> (Action, Stream) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    envoy.request =
        Envoy::new(&[(":authority", "report.example.org"), (":method", "GET"), (":path", "/.dashgate/connect")])
            .request;
    let action = plugin.on_request_headers(envoy, &mut shared, &mut stream, true);
    (action, stream)
}

fn form(envoy: &mut Envoy) -> (Action, Stream) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let sent = Envoy::form(&format!("token={}", token("\"ada\"")));
    (envoy.request, envoy.body) = (sent.request, sent.body);
    let length = envoy.body.len();
    plugin.on_request_headers(envoy, &mut shared, &mut stream, false);
    (plugin.on_request_body(envoy, &mut shared, &mut stream, length, true), stream)
}

fn played(story: Story, fails_at: Option<usize>, stays_broken: bool) -> (Envoy, Action, Stream) {
    let mut envoy = Envoy { fails_at, stays_broken, ..Envoy::new(&[]) };
    let (action, stream) = story(&mut envoy);
    (envoy, action, stream)
}

/// Plays a story once for each of its host calls, with that call failing.
#[track_caller]
fn check(story: Story, expected: Action, least_calls: usize) {
    let (whole, action, _) = played(story, None, false);
    assert_eq!((action, whole.replies.len()), (expected, usize::from(expected == Action::Pause)));
    assert!(whole.calls.len() >= least_calls, "{:?}", whole.calls);
    let replied = whole.calls.iter().position(|call| call == "reply").unwrap_or(usize::MAX);
    for number in 0..whole.calls.len() {
        let call = &whole.calls[number];
        let (envoy, action, stream) = played(story, Some(number), false);
        assert_eq!((action, envoy.replies.len()), (Action::Pause, 1), "{call}: {:?}", envoy.calls);
        assert!(matches!(stream, Stream::Answered(_)), "{call}");
        // What fails after the answer was sent changes nothing for the client.
        let status = if number > replied { whole.replies[0].status } else { 500 };
        assert_eq!(envoy.replies[0].status, status, "{call}");
        let (envoy, action, _) = played(story, Some(number), true);
        assert_eq!(
            (action, envoy.replies.len()),
            (Action::Pause, usize::from(number > replied)),
            "{call} and all after it"
        );
    }
}

#[test]
fn forwards_nothing_if_any_call_for_a_permit_fails() {
    check(permit, Action::Continue, 14);
}

#[test]
fn forwards_nothing_if_any_call_for_trailers_fails() {
    check(trailers, Action::Continue, 12);
}

#[test]
fn sends_no_answer_on_if_any_call_for_it_fails() {
    check(response, Action::Continue, 12);
}

#[test]
fn refuses_exactly_once_if_any_call_for_a_refusal_fails() {
    check(refusal, Action::Pause, 7);
}

#[test]
fn answers_exactly_once_if_any_call_for_a_page_fails() {
    check(page, Action::Pause, 5);
}

#[test]
fn tells_the_operator_of_its_own_failure() {
    for number in 0..3 {
        let (envoy, _, _) = played(permit, Some(number), false);
        assert_eq!(envoy.state["dashgate_reason"], "host_call_failed");
        assert_eq!(envoy.log, ["dashgate refused reason=host_call_failed dashboard=- subject=- session=-"]);
        let name = "dashgate_decisions_total.dashboard=none.verdict=refuse.reason=host_call_failed";
        assert_eq!(envoy.counted().get(name), Some(&1), "{:?}", envoy.counters);
        assert_eq!(envoy.replies[0].details, "dashgate_host_call_failed");
    }
}

#[test]
fn logs_its_own_failures_in_the_same_bucket_as_refusals() {
    // Were the time of a failure taken for 0, the first real refusal would silence all failures for ever.
    let (plugin, mut shared) = (plugin(), Shared::default());
    let mut first = Envoy::get(&[]);
    plugin.on_request_headers(&mut first, &mut shared, &mut Stream::default(), true);
    let mut failing = Envoy { fails_at: Some(0), counters: first.counters, ..Envoy::get(&[]) };
    plugin.on_request_headers(&mut failing, &mut shared, &mut Stream::default(), true);
    assert_eq!((first.log.len(), failing.log.len()), (1, 1));
}

#[test]
fn answers_a_form_exactly_once_whichever_call_fails() {
    let (whole, action, _) = played(form, None, false);
    assert_eq!((action, whole.replies.len(), whole.replies[0].status), (Action::Pause, 1, 303));
    for number in 0..whole.calls.len() {
        let (envoy, action, stream) = played(form, Some(number), false);
        assert_eq!((action, envoy.replies.len()), (Action::Pause, 1), "{}", whole.calls[number]);
        assert!(matches!(stream, Stream::Answered(_)));
    }
}

#[test]
fn refuses_a_header_map_that_is_garbled() {
    for garbled in [vec![1], vec![0xff; 4], vec![1, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 0]] {
        let mut envoy = Envoy { garbled: Some(garbled), ..Envoy::get(&[]) };
        let mut stream = Stream::default();
        let action = plugin().on_request_headers(&mut envoy, &mut Shared::default(), &mut stream, true);
        assert_eq!((action, envoy.replies.len(), envoy.replies[0].status), (Action::Pause, 1, 500));
    }
    // An empty one names no host, which is refused as such.
    let mut envoy = Envoy { garbled: Some(Vec::new()), ..Envoy::get(&[]) };
    let action = plugin().on_request_headers(&mut envoy, &mut Shared::default(), &mut Stream::default(), true);
    assert_eq!((action, envoy.replies[0].status), (Action::Pause, 400));
}

#[test]
fn refuses_trailers_that_are_garbled() {
    let bearer = bearer("\"ada\"");
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let mut envoy = Envoy::get(&[("authorization", &bearer)]);
    plugin.on_request_headers(&mut envoy, &mut shared, &mut stream, false);
    envoy.garbled = Some(vec![7]);
    assert_eq!(plugin.on_request_trailers(&mut envoy, &mut shared, &mut stream), Action::Pause);
    assert_eq!(envoy.replies.len(), 1);
    assert!(envoy.headers(Map::RequestTrailers).expect("some bytes").pairs().is_err());
}
