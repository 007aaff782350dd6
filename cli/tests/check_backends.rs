//! check: `envoy/per-session.yaml` has no finding; with one thing changed it has exactly that one.

mod common;

use common::*;

fn shipped() -> String {
    std::fs::read_to_string(repository("envoy/per-session.yaml")).unwrap()
}

/// What is said of the shipped file with one text in it changed, wherever it occurs.
#[track_caller]
fn found(name: &str, from: &str, to: &str) -> Vec<String> {
    let text = shipped();
    assert!(text.contains(from), "{from}");
    findings(name, &text.replace(from, to))
}

/// What is said of a file: the end of each path, and the message.
#[track_caller]
fn findings(name: &str, text: &str) -> Vec<String> {
    let path = file(name, text);
    let run = run(&["check", "--no-keys", &path], "", &[]);
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines.pop().is_some(), "{}", run.stdout);
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
            "{CLUSTER}: does not go where the gate says: original_dst_lb_config must say \
                  use_http_header: true and http_header_name: x-dashgate-backend"
        )]
    );
}

#[test]
fn finds_a_route_that_asks_for_no_backend() {
    let message = "match.headers must hold {name: x-dashgate-backend, present_match: true}: a request without it has no backend of its own";
    let route = |index: usize| format!("route_config.virtual_hosts[0].routes[{index}]: {message}");
    assert_eq!(
        found(
            "not-asked.yaml",
            "{name: x-dashgate-backend, present_match: true}",
            "{name: x-other, present_match: true}"
        ),
        [route(2), route(3)]
    );
    assert_eq!(
        found(
            "inverted.yaml",
            "{name: x-dashgate-backend, present_match: true}",
            "{name: x-dashgate-backend, present_match: true, invert_match: true}"
        ),
        [route(2), route(3)]
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
    assert_eq!(findings, [expected(3)]);
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
    assert_eq!(findings, [expected(2), expected(3)]);
}

#[test]
fn finds_a_dashboard_and_a_cluster_that_do_not_fit() {
    let shared = found("shared.yaml", "route: {cluster: runs,", "route: {cluster: portal,");
    let (shared, open): (Vec<String>, Vec<String>) =
        shared.into_iter().partition(|finding| finding.contains("leads all sessions"));
    assert_eq!(shared.len(), 2, "{shared:?}");
    assert!(open.iter().all(|finding| finding.contains("is open to everybody, and runs asks")), "{open:?}");
    for (finding, index) in shared.iter().zip(2..) {
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

#[test]
fn finds_retries_of_a_whole_host_and_a_port_that_is_overridden() {
    let findings = found(
        "host-retries.yaml",
        "            - name: dashboards\n              domains: [\"*\"]\n",
        "            - name: dashboards\n              domains: [\"*\"]\n              retry_policy: {retry_on: 5xx}\n",
    );
    assert_eq!(
        findings,
        [
            "route_config.virtual_hosts[0].retry_policy: asks again without x-dashgate-backend, which the first attempt has taken away"
        ]
    );
    let findings = found("port.yaml", "{use_http_header: true,", "{upstream_port_override: 22, use_http_header: true,");
    assert_eq!(
        findings,
        [format!(
            "{CLUSTER}.original_dst_lb_config.upstream_port_override: goes to another port than the one that the gate allowed"
        )]
    );
}

#[test]
fn finds_a_cluster_that_a_client_picks() {
    let findings = found("picked.yaml", "route: {cluster: runs, ", "route: {cluster_header: x-cluster, ");
    let expected = |index: usize| {
        format!(
            "route_config.virtual_hosts[0].routes[{index}].route.cluster_header: picks the cluster by what a client can write; name it"
        )
    };
    assert_eq!(findings, [expected(2), expected(3)]);
}

#[test]
fn finds_a_backend_that_is_told_how_it_was_found() {
    let findings = found(
        "told.yaml",
        "                    request_mutations: [{remove: x-dashgate-backend}]    # it has led to the backend, and is not for it\n",
        "",
    );
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0]
            .ends_with("the router's upstream_http_filters do not remove x-dashgate-backend, so the backend sees it"),
        "{findings:?}"
    );
}

const HAND_OVER: &str = r#"          - name: envoy.filters.http.set_filter_state
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config
              on_request_headers:
              - object_key: envoy.upstream.dynamic_host
                format_string: {omit_empty_values: true, text_format_source: {inline_string: "%REQ(x-dashgate-backend)%"}}
                skip_if_empty: true
"#;
const PROXY: &str = r#"          - name: envoy.filters.http.dynamic_forward_proxy
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig
              allow_dynamic_host_from_filter_state: true
              dns_cache_config: {name: names}
"#;

/// The shipped file with backends by name, as docs/private-backends.md says, and that many filters before the gate.
fn by_name(before: &str, after: &str) -> String {
    let text = shipped();
    let gate = "          # The gate. A trap costs";
    let router = "          # Last. Its upstream";
    let start = text.find("  - name: runs\n    # Each").unwrap();
    let end = start + text[start..].find("\n  - name: admin").unwrap();
    let cluster = r#"  - name: runs
    lb_policy: CLUSTER_PROVIDED
    cluster_type:
      name: envoy.clusters.dynamic_forward_proxy
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig
        dns_cache_config: {name: names}
"#;
    let text = format!("{}{cluster}{}", &text[..start], &text[end..]);
    text.replacen(gate, &format!("{before}\n{gate}"), 1).replacen(router, &format!("{after}\n{router}"), 1)
}

#[test]
fn finds_what_leads_names_past_the_gate() {
    assert_eq!(findings("names.yaml", &by_name("", &format!("{HAND_OVER}{PROXY}"))), Vec::<String>::new());
    let not_told = "is not told where a session leads: before it, and after the gate, a set_filter_state must set \
                    envoy.upstream.dynamic_host to %REQ(x-dashgate-backend)%";
    for (name, before, after, expected) in [
        (
            "names-early.yaml",
            HAND_OVER.to_owned(),
            PROXY.to_owned(),
            vec!["says envoy.upstream.dynamic_host before the gate: it would be the client's word", not_told],
        ),
        ("names-late.yaml", String::new(), format!("{PROXY}{HAND_OVER}"), vec![not_told]),
        ("names-none.yaml", String::new(), PROXY.to_owned(), vec![not_told]),
        (
            "names-clients.yaml",
            String::new(),
            format!("{}{PROXY}", HAND_OVER.replace("%REQ(x-dashgate-backend)%", "%REQ(x-backend)%")),
            vec!["must say %REQ(x-dashgate-backend)%, which only the gate writes", not_told],
        ),
        (
            "names-host.yaml",
            String::new(),
            format!("{HAND_OVER}{PROXY}").replace("              allow_dynamic_host_from_filter_state: true\n", ""),
            vec![
                "allow_dynamic_host_from_filter_state: true is missing: it would go to the host that the client names",
            ],
        ),
    ] {
        let messages: Vec<String> = findings(name, &by_name(&before, &after))
            .iter()
            .map(|line| line.split_once(": ").unwrap().1.to_owned())
            .collect();
        assert_eq!(messages, expected, "{name}");
    }
    let unasked = by_name("", &format!("{HAND_OVER}{PROXY}"))
        .replace("{name: x-dashgate-backend, present_match: true}", "{name: x-other, present_match: true}");
    assert_eq!(findings("names-unasked.yaml", &unasked).len(), 2);
}

#[test]
fn finds_the_gates_words_said_by_something_else() {
    let said = "says what is the gate's alone to say";
    let header = "request_headers_to_add: [{header: {key: X-Dashgate-Backend, value: \"%REQ(x-go)%\"}}]";
    let state = "typed_per_filter_config: {other: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config, \
                 on_request_headers: [{object_key: envoy.network.transport_socket.original_dst_address, format_string: {}}]}}";
    let host = "              domains: [\"*\"]\n";
    for (name, from, to, messages) in [
        ("host-header.yaml", host, format!("{host}              {header}\n"), vec![said]),
        ("host-state.yaml", host, format!("{host}              {state}\n"), vec![said]),
        (
            "host-removal.yaml",
            host,
            format!("{host}              request_headers_to_remove: [x-dashgate-backend]\n"),
            vec![
                "is gone before the cluster reads it; remove it by a header_mutation among the router's upstream_http_filters",
            ],
        ),
        (
            "weighted.yaml",
            "route: {cluster: portal,",
            "route: {weighted_clusters: {clusters: [{cluster_header: x-cluster, weight: 1}]},".to_owned(),
            vec!["picks the cluster by what a client can write; name it"; 2],
        ),
        (
            "mirror.yaml",
            "route: {cluster: portal,",
            "route: {cluster: portal, request_mirror_policies: [{cluster_header: x-cluster}],".to_owned(),
            vec!["picks the cluster by what a client can write; name it"; 2],
        ),
        (
            "mutation.yaml",
            "          # Last. Its upstream",
            format!("{}          # Last. Its upstream", MUTATION),
            vec![said],
        ),
        ("lock.yaml", "          # Last. Its upstream", format!("{}          # Last. Its upstream", LOCK), vec![said]),
    ] {
        let found: Vec<String> =
            found(name, from, &to).iter().map(|line| line.split_once(": ").unwrap().1.to_owned()).collect();
        assert_eq!(found, messages, "{name}");
    }
    let path = file(
        "header-case.yaml",
        &shipped().replace("http_header_name: x-dashgate-backend", "http_header_name: X-Dashgate-Backend"),
    );
    assert_eq!(run(&["check", "--no-keys", &path], "", &[]).code, 0);
}

const MUTATION: &str = r#"          - name: later
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
              mutations: {request_mutations: [{append: {header: {key: x-dashgate-backend, value: "%REQ(x-go)%"}}}]}
"#;
const LOCK: &str = r#"          - name: later
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config
              on_request_headers: [{object_key: wasm.dashgate_dashboard, format_string: {}}]
"#;
