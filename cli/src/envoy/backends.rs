//! Backends that sessions name: the way from the gate's header to the cluster that goes there, and what would let a client
//! take it, or lead a session somewhere else.

use super::place::Place;
use super::{plugin, routes};
use crate::check::Report;

/// How the gate tells Envoy where a session leads. No client can write it.
const HEADER: &str = "x-dashgate-backend";
/// Where Envoy looks by itself; clients may write it.
const USUAL_HEADER: &str = "x-envoy-original-dst-host";

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
pub fn check_clusters(root: &Place<'_>, report: &mut Report) {
    for (cluster, header) in led(root) {
        match header {
            Some(HEADER) => {}
            Some(header) => report.problems.push(cluster.finding(format!(
                "goes where the header {header} says, which a client can write; the gate's own is {HEADER}"
            ))),
            None => report.problems.push(cluster.finding(format!(
                "goes where each connection was meant to go, which is this Envoy: original_dst_lb_config must say \
                 use_http_header: true and http_header_name: {HEADER}"
            ))),
        }
    }
}

/// Checks the routes of one connection manager that lead to such clusters, or should.
pub fn check_routes(root: &Place<'_>, chain: &Place<'_>, private: Option<&[String]>, report: &mut Report) {
    let clusters = led(root);
    let by_header = |name: &str| clusters.iter().any(|(cluster, _)| cluster.text("name") == Some(name));
    let by_name = dynamic(root);
    for route in routes::all(chain) {
        let lock = routes::lock(&route);
        let names: Vec<&str> = routes::clusters_of(&route).into_iter().map(|(_, name)| name).collect();
        if names.is_empty() {
            continue;
        }
        let is_private = lock.zip(private).is_none_or(|(lock, private)| private.iter().any(|name| name == lock));
        let is_led = names.iter().any(|name| by_header(name));
        if is_led {
            check_route(&route, report);
        }
        if is_led && !is_private {
            let message =
                format!("leads to a session's own backend, and dashboard {} has none", lock.unwrap_or_default());
            report.problems.push(route.finding(message));
        }
        if lock.is_some()
            && private.is_some()
            && is_private
            && names.iter().any(|name| !by_header(name) && !by_name.contains(name))
        {
            let message = format!(
                "leads all sessions of dashboard {} to one backend, and each has its own: \
                 use a cluster of type ORIGINAL_DST that goes by {HEADER}",
                lock.unwrap_or_default()
            );
            report.problems.push(route.finding(message));
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
        report.problems.push(route.finding(format!(
            "match.headers must hold {{name: {HEADER}, present_match: true}}: a request without it would go where its \
             connection was meant to go, which is this Envoy"
        )));
    }
    let removes = |name: &Place<'_>| name.node.text().is_some_and(|name| name.eq_ignore_ascii_case(HEADER));
    if let Some(name) = route.list("request_headers_to_remove").iter().find(|name| removes(name)) {
        report.problems.push(name.finding(
            "is gone before the cluster reads it; remove it by a header_mutation among the router's upstream_http_filters",
        ));
    }
    if let Some(retries) = route.deep(&["route", "retry_policy"]) {
        report
            .problems
            .push(retries.finding(format!("asks again without {HEADER}, which the first attempt has taken away")));
    }
}

/// The clusters of type ORIGINAL_DST, each with the header it goes by.
fn led<'a>(root: &Place<'a>) -> Vec<(Place<'a>, Option<&'a str>)> {
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
fn dynamic<'a>(root: &Place<'a>) -> Vec<&'a str> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        let kind = place.deep(&["cluster_type", "typed_config"]);
        if kind.is_some_and(|kind| kind.is_a("clusters.dynamic_forward_proxy.v3.ClusterConfig")) {
            found.extend(place.text("name"));
        }
    });
    found
}
