//! Backends that sessions name: the way from the gate's header to the cluster that goes there, and what would let a client
//! take it, or lead a session somewhere else.

use super::{chain, plugin, routes};
use crate::check::Report;
use crate::place::Place;

/// How the gate tells Envoy where a session leads. No client can write it.
const HEADER: &str = "x-dashgate-backend";
/// Where Envoy looks by itself; clients may write it.
const USUAL_HEADER: &str = "x-envoy-original-dst-host";

/// The filter state by which Envoy goes to names and addresses.
const KEYS: [&str; 3] = [
    "envoy.upstream.dynamic_host",
    "envoy.upstream.dynamic_port",
    "envoy.network.transport_socket.original_dst_address",
];

/// The dashboards whose sessions name their backends; `None` where some policy is not in the file.
pub fn private(plugins: &[Place<'_>]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for plugin in plugins {
        let (policy, _) = plugin::policy(plugin).ok()?;
        let dashboards = policy.member("dashboards").map(|list| list.items()).unwrap_or_default();
        let private = dashboards
            .iter()
            .filter(|dashboard| dashboard.member("backends").is_some_and(|backends| !backends.items().is_empty()));
        names.extend(private.filter_map(|dashboard| dashboard.member("name")?.text()).map(str::to_owned));
    }
    Some(names).filter(|_| !plugins.is_empty())
}

/// Checks the clusters that go where a header says.
pub fn check_clusters(root: &Place<'_>, guarded: &[&Place<'_>], report: &mut Report) {
    let names: Vec<&str> = guarded.iter().flat_map(|chain| routes::clusters(chain)).map(|(_, name)| name).collect();
    for (cluster, header) in led(root) {
        if !cluster.text("name").is_some_and(|name| names.contains(&name)) {
            continue;
        }
        if let Some(port) = cluster.deep(&["original_dst_lb_config", "upstream_port_override"]) {
            report.problem(port.finding("goes to another port than the one that the gate allowed"));
        }
        match header {
            Some(header) if header.eq_ignore_ascii_case(HEADER) => {}
            Some(header) => report.problem(cluster.finding(format!(
                "goes where the header {header} says, which a client can write; the gate's own is {HEADER}"
            ))),
            None => report.problem(cluster.finding(format!(
                "does not go where the gate says: original_dst_lb_config must say use_http_header: true and \
                 http_header_name: {HEADER}"
            ))),
        }
    }
}

/// Checks the routes of one connection manager that lead to such clusters, or should.
pub fn check_routes(root: &Place<'_>, chain: &Place<'_>, private: Option<&[String]>, report: &mut Report) {
    let clusters = led(root);
    let by_header = |name: &str| clusters.iter().any(|(cluster, _)| cluster.text("name") == Some(name));
    let dynamic = dynamic(root);
    let by_name = |name: &str| dynamic.contains(&name);
    let led = routes::clusters(chain).into_iter().map(|(_, name)| name);
    let (is_led, is_named) =
        led.fold((false, false), |(led, named), name| (led || by_header(name), named || by_name(name)));
    check_names(chain, is_named, report);
    check_words(chain, report);
    if is_led || is_named {
        check_retries(chain, report);
        check_removal(chain, report);
    }
    for route in routes::all(chain) {
        if let Some(action) = route.member("route") {
            action.walk(&mut |place| {
                for field in ["cluster_header", "cluster_specifier_plugin", "inline_cluster_specifier_plugin"] {
                    if let Some(place) = place.member(field) {
                        report.problem(place.finding("picks the cluster by what a client can write; name it"));
                    }
                }
            });
        }
        let lock = routes::lock(&route);
        let names: Vec<&str> = routes::clusters_of(&route).into_iter().map(|(_, name)| name).collect();
        if names.is_empty() {
            continue;
        }
        let is_private = lock.zip(private).is_none_or(|(lock, private)| private.iter().any(|name| name == lock));
        let is_led = names.iter().any(|name| by_header(name) || by_name(name));
        if is_led {
            check_route(&route, report);
        }
        if is_led && !is_private {
            let message =
                format!("leads to a session's own backend, and dashboard {} has none", lock.unwrap_or_default());
            report.problem(route.finding(message));
        }
        if lock.is_some()
            && private.is_some()
            && is_private
            && names.iter().any(|name| !by_header(name) && !by_name(name))
        {
            let message = format!(
                "leads all sessions of dashboard {} to one backend, and each has its own: \
                 use a cluster of type ORIGINAL_DST that goes by {HEADER}",
                lock.unwrap_or_default()
            );
            report.problem(route.finding(message));
        }
    }
}

fn check_route(route: &Place<'_>, report: &mut Report) {
    let headers = route.member("match").map(|matched| matched.list("headers")).unwrap_or_default();
    let demanded = headers.iter().any(|header| {
        let named = header.text("name").is_some_and(|name| name.eq_ignore_ascii_case(HEADER));
        named && header.is_true("present_match") && !header.is_true("invert_match")
    });
    if !demanded {
        report.problem(route.finding(format!(
            "match.headers must hold {{name: {HEADER}, present_match: true}}: a request without it has no backend of its own"
        )));
    }
}

/// What is the gate's alone to say, and said by something else: its headers, anywhere but in the router's upstream filters; its
/// filter state, and what Envoy itself goes by, anywhere but in a filter that [`check_names`] looks at.
fn check_words(chain: &Place<'_>, report: &mut Report) {
    chain.walk(&mut |place| {
        // What the router's own filters do comes after the cluster has read the header.
        if place.path.contains("upstream_http_filters") {
            return;
        }
        for name in place.list("request_headers_to_remove") {
            if name.node.text().is_some_and(|name| name.eq_ignore_ascii_case(HEADER)) {
                report.problem(name.finding(
                    "is gone before the cluster reads it; remove it by a header_mutation among the router's \
                     upstream_http_filters",
                ));
            }
        }
        let added = place.list("request_headers_to_add");
        let mutated =
            place.deep(&["mutations"]).map(|mutations| mutations.list("request_mutations")).unwrap_or_default();
        let mutated = mutated.into_iter().filter_map(|mutation| mutation.member("append"));
        for header in added.into_iter().chain(mutated).filter_map(|item| item.member("header")) {
            if header.text("key").is_some_and(|key| key.to_ascii_lowercase().starts_with("x-dashgate-")) {
                report.problem(header.finding("says what is the gate's alone to say"));
            }
        }
        let claims = place.list("claim_to_headers").into_iter().filter_map(|claim| claim.member("header_name"));
        for header in claims.chain(place.member("forward_payload_header")) {
            if header.node.text().is_some_and(|name| name.to_ascii_lowercase().starts_with("x-dashgate-")) {
                report.problem(header.finding("says what is the gate's alone to say"));
            }
        }
        let is_looked_at = place.path.contains("http_filters[") && !place.path.contains("typed_per_filter_config");
        if let Some(key) = place.text("object_key")
            && (key.starts_with("wasm.dashgate_") || (KEYS.contains(&key) && !is_looked_at))
        {
            report.problem(place.finding("says what is the gate's alone to say"));
        }
    });
}

/// A second attempt has lost the header.
fn check_retries(chain: &Place<'_>, report: &mut Report) {
    let Some(table) = chain.member("route_config") else { return };
    let hosts = table.list("virtual_hosts");
    let actions = routes::all(chain).into_iter().filter_map(|route| route.member("route"));
    for retries in hosts.into_iter().chain(actions).filter_map(|place| place.member("retry_policy")) {
        report.problem(retries.finding(format!("asks again without {HEADER}, which the first attempt has taken away")));
    }
}

/// What led there is not for the backend: it would tell it where all the others are, one by one.
fn check_removal(chain: &Place<'_>, report: &mut Report) {
    let mut removes = false;
    for filter in chain.list("http_filters") {
        for upstream in
            filter.member("typed_config").map(|router| router.list("upstream_http_filters")).unwrap_or_default()
        {
            let mutations =
                upstream.deep(&["typed_config", "mutations"]).map(|mutations| mutations.list("request_mutations"));
            removes |= mutations.unwrap_or_default().iter().any(|mutation| mutation.text("remove") == Some(HEADER));
        }
    }
    if !removes {
        report.warning(
            chain.finding(format!("the router's upstream_http_filters do not remove {HEADER}, so the backend sees it")),
        );
    }
}

/// Backends by name: the filter that hands the gate's header over must come after the gate, and say nothing else.
fn check_names(chain: &Place<'_>, is_named: bool, report: &mut Report) {
    let filters = chain.list("http_filters");
    let Some(gate) = chain::gate(chain) else { return };
    let mut past_the_gate = false;
    let mut handed_over = false;
    for filter in &filters {
        past_the_gate |= filter.path == gate.path;
        let Some(config) = filter.member("typed_config") else { continue };
        if config.is_a("set_filter_state.v3.Config") {
            for value in config.list("on_request_headers") {
                let Some(key) = value.text("object_key").filter(|key| KEYS.contains(key)) else { continue };
                let said = value
                    .deep(&["format_string", "text_format_source", "inline_string"])
                    .and_then(|text| text.node.text());
                let is_gates = said.is_some_and(|said| said.eq_ignore_ascii_case(&format!("%REQ({HEADER})%")));
                if !past_the_gate {
                    report.problem(value.finding(format!("says {key} before the gate: it would be the client's word")));
                } else if !is_gates {
                    report.problem(value.finding(format!("must say %REQ({HEADER})%, which only the gate writes")));
                }
                handed_over |= past_the_gate && is_gates && key == "envoy.upstream.dynamic_host";
            }
        }
        if config.is_a("dynamic_forward_proxy.v3.FilterConfig") && is_named {
            if !handed_over {
                report.problem(filter.finding(format!(
                    "is not told where a session leads: before it, and after the gate, a set_filter_state must set \
                     envoy.upstream.dynamic_host to %REQ({HEADER})%"
                )));
            }
            if !config.is_true("allow_dynamic_host_from_filter_state") {
                report.problem(config.finding(
                    "allow_dynamic_host_from_filter_state: true is missing: it would go to the host that the client names",
                ));
            }
        }
    }
}

/// The clusters of type ORIGINAL_DST, each with the header it goes by.
pub fn led<'a>(root: &Place<'a>) -> Vec<(Place<'a>, Option<&'a str>)> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        let config = place.member("original_dst_lb_config");
        if config.is_none() && place.text("type") != Some("ORIGINAL_DST") {
            return;
        }
        let by_header = config.as_ref().is_some_and(|config| config.is_true("use_http_header"));
        let named = config.and_then(|config| config.text("http_header_name")).unwrap_or(USUAL_HEADER);
        found.push((place.clone(), by_header.then_some(named)));
    });
    found
}

/// The names of the clusters that go to names: those of a dynamic forward proxy.
pub fn dynamic<'a>(root: &Place<'a>) -> Vec<&'a str> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        let kind = place.deep(&["cluster_type", "typed_config"]);
        if kind.is_some_and(|kind| kind.is_a("clusters.dynamic_forward_proxy.v3.ClusterConfig")) {
            found.extend(place.text("name"));
        }
    });
    found
}
