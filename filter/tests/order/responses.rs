//! An upstream's answer: edited as the permit planned, and left alone where there was none.

use dashgate_filter::plugin::{Action, Shared, Stream};

use crate::envoy::{Envoy, bearer, plugin};

type Lines = Vec<(String, String)>;

/// Runs a request and then this answer; what the client gets.
fn answered(headers: &[(&str, &str)], response: &[(&str, &str)]) -> (Action, Lines) {
    let (plugin, mut shared, mut stream) = (plugin(), Shared::default(), Stream::default());
    let mut envoy = Envoy::new(headers);
    plugin.on_request_headers(&mut envoy, &mut shared, &mut stream, true);
    envoy.response = response.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let action = plugin.on_response_headers(&mut envoy, &mut shared, &mut stream);
    let lines =
        envoy.response.into_iter().map(|(name, value)| (name, String::from_utf8(value).expect("text"))).collect();
    (action, lines)
}

fn lines(pairs: &[(&str, &str)]) -> Lines {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn adds_cache_and_frame_headers_to_a_permitted_answer() {
    let bearer = bearer("\"ada\"");
    let request =
        [(":authority", "report.example.org"), (":method", "GET"), (":path", "/"), ("authorization", bearer.as_str())];
    let (action, got) = answered(
        &request,
        &[(":status", "200"), ("content-security-policy", "default-src 'self'"), ("x-frame-options", "DENY")],
    );
    assert_eq!(action, Action::Continue);
    assert_eq!(
        got,
        lines(&[
            (":status", "200"),
            ("content-security-policy", "default-src 'self'"),
            ("cache-control", "private, no-store"),
            ("x-frame-options", "SAMEORIGIN"),
            ("content-security-policy", "frame-ancestors 'self'"),
        ])
    );
}

#[test]
fn takes_dashgates_cookies_out_of_a_shared_hosts_answer() {
    let request = [(":authority", "lab.example.org"), (":method", "GET"), (":path", "/"), ("sec-fetch-dest", "empty")];
    let response = [
        ("cache-control", "no-store"),
        ("set-cookie", "a=1"),
        ("set-cookie", "__Host-dashgate-tb=x"),
        ("set-cookie", "b=2"),
    ];
    let (action, got) = answered(&request, &response);
    assert_eq!(action, Action::Continue);
    assert_eq!(got, lines(&[("cache-control", "no-store"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]));
}

#[test]
fn leaves_its_own_answers_alone() {
    let request = [(":authority", "report.example.org"), (":method", "GET"), (":path", "/")];
    let own = [(":status", "401"), ("cache-control", "no-store")];
    assert_eq!(answered(&request, &own), (Action::Continue, lines(&own)));
    let (plugin, mut envoy) = (plugin(), Envoy::get(&[]));
    // Envoy's own answer to a request that never reached the filter.
    let action = plugin.on_response_headers(&mut envoy, &mut Shared::default(), &mut Stream::default());
    assert_eq!((action, envoy.calls.len()), (Action::Continue, 0));
}

#[test]
fn keeps_the_status_of_a_refused_upgrade_that_envoy_takes_for_grpc() {
    let upgrade = [
        (":authority", "report.example.org"),
        (":method", "GET"),
        (":path", "/"),
        ("upgrade", "websocket"),
        ("content-type", "application/grpc"),
        ("origin", "https://report.example.org"),
    ];
    let (action, got) = answered(&upgrade, &[(":status", "200"), ("grpc-status", "16")]);
    assert_eq!((action, got), (Action::Continue, lines(&[("grpc-status", "16"), (":status", "401")])));
    // A gRPC call's refusal stays what Envoy made of it.
    let call = [
        (":authority", "report.example.org"),
        (":method", "POST"),
        (":path", "/"),
        ("content-type", "application/grpc"),
        ("origin", "https://report.example.org"),
    ];
    let (_, got) = answered(&call, &[(":status", "200"), ("grpc-status", "16")]);
    assert_eq!(got, lines(&[(":status", "200"), ("grpc-status", "16")]));
}
