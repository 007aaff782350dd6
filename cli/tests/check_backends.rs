//! check: `envoy/per-session.yaml` has no finding; with one thing changed it has exactly that one.

mod common;

use common::*;

/// What is said of the shipped file with one text in it changed, wherever it occurs: the end of each path, and the message.
#[track_caller]
fn found(name: &str, from: &str, to: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository("envoy/per-session.yaml")).unwrap();
    assert!(text.contains(from), "{from}");
    let path = file(name, &text.replace(from, to));
    let run = run(&["check", "--no-keys", &path], "", &[]);
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!((run.code, lines.pop().is_some()), (1, true), "{}", run.stdout);
    let message = |line: &str| line.split_once(": ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let tell = |line: &str| message(&message(line)).replacen("static_resources.", "", 1);
    lines
        .into_iter()
        .map(tell)
        .map(|line| {
            line.split_once(": ")
                .map(|(path, rest)| {
                    let path = path.rsplit_once("typed_config.").map_or(path, |(_, end)| end);
                    format!("{path}: {rest}")
                })
                .unwrap_or(line)
        })
        .collect()
}

#[test]
fn finds_nothing_in_the_shipped_file() {
    let path = repository("envoy/per-session.yaml");
    let path = path.to_str().unwrap();
    assert_eq!(run(&["check", "--no-keys", path], "", &[]).expect(0), format!("{path}: no problems, no warnings\n"));
}

const CLUSTER: &str = "clusters[1]";

#[test]
fn finds_a_cluster_that_goes_where_a_client_says() {
    for (name, header) in
        [("usual", "http_header_name: x-envoy-original-dst-host"), ("other", "http_header_name: x-backend")]
    {
        let called = header.rsplit(' ').next().unwrap();
        assert_eq!(
            found(&format!("{name}-header.yaml"), "http_header_name: x-dashgate-backend", header),
            [format!(
                "{CLUSTER}: goes where the header {called} says, which a client can write; the gate's own is x-dashgate-backend"
            )]
        );
    }
    assert_eq!(
        found("no-name.yaml", ", http_header_name: x-dashgate-backend", ""),
        [format!(
            "{CLUSTER}: goes where the header x-envoy-original-dst-host says, which a client can write; the gate's own is x-dashgate-backend"
        )]
    );
    assert_eq!(
        found(
            "no-header.yaml",
            "    original_dst_lb_config: {use_http_header: true, http_header_name: x-dashgate-backend}\n",
            ""
        ),
        [format!(
            "{CLUSTER}: goes where each connection was meant to go, which is this Envoy: original_dst_lb_config must say \
                  use_http_header: true and http_header_name: x-dashgate-backend"
        )]
    );
}

#[test]
fn finds_a_route_that_asks_for_no_backend() {
    let message = "match.headers must hold {name: x-dashgate-backend, present_match: true}: a request without it would go where \
                   its connection was meant to go, which is this Envoy";
    let route = |index: usize| format!("route_config.virtual_hosts[0].routes[{index}]: {message}");
    assert_eq!(found("not-asked.yaml", "                  headers: [*backend]\n", ""), [route(4), route(5)]);
    assert_eq!(
        found(
            "inverted.yaml",
            "{name: x-dashgate-backend, present_match: true}",
            "{name: x-dashgate-backend, present_match: true, invert_match: true}"
        ),
        [route(3), route(4), route(5)]
    );
}

#[test]
fn finds_a_route_that_takes_the_header_away_too_early() {
    let findings = found(
        "removed.yaml",
        "                  filter_state: [{key: wasm.dashgate_dashboard, string_match: {exact: runs}}]\n                request_headers_to_remove: [grpc-timeout]",
        "                  filter_state: [{key: wasm.dashgate_dashboard, string_match: {exact: runs}}]\n                request_headers_to_remove: [grpc-timeout, X-Dashgate-Backend]",
    );
    let expected = |index: usize| {
        format!(
            "route_config.virtual_hosts[0].routes[{index}].request_headers_to_remove[1]: is gone before the cluster reads it; \
                 remove it by a header_mutation among the router's upstream_http_filters"
        )
    };
    assert_eq!(findings, [expected(3), expected(5)]);
}

#[test]
fn finds_retries_of_what_is_led_by_the_header() {
    let findings =
        found("retried.yaml", "route: {cluster: runs, ", "route: {cluster: runs, retry_policy: {retry_on: 5xx}, ");
    let expected = |index: usize| {
        format!(
            "route_config.virtual_hosts[0].routes[{index}].route.retry_policy: asks again without x-dashgate-backend, \
                 which the first attempt has taken away"
        )
    };
    assert_eq!(findings, [expected(3), expected(4), expected(5)]);
}

#[test]
fn finds_a_dashboard_and_a_cluster_that_do_not_fit() {
    let shared = found("shared.yaml", "route: {cluster: runs,", "route: {cluster: portal,");
    assert_eq!(shared.len(), 3, "{shared:?}");
    for (finding, index) in shared.iter().zip(3..) {
        assert!(
            finding.starts_with(&format!(
                "route_config.virtual_hosts[0].routes[{index}]: leads all sessions of dashboard runs to one backend, and each has its own"
            )),
            "{finding}"
        );
    }
    let without = found(
        "without.yaml",
        "                      backends:\n",
        "                      origins: []\n                      x:\n",
    );
    assert!(without.iter().any(|line| line.contains("dashboards[1].x: is not a known key")), "{without:?}");
    let common = found("common.yaml", "string_match: {exact: runs}", "string_match: {exact: portal}");
    assert!(
        common.iter().any(|line| line.ends_with("leads to a session's own backend, and dashboard portal has none")),
        "{common:?}"
    );
}
