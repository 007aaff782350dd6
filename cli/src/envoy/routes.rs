//! The routes behind the gate: each to a backend opens only for a request that the gate permitted to that dashboard,
//! and ends when the session does.

use super::{LOCK, rbac};
use crate::check::Report;
use crate::place::Place;

/// The name under which Envoy also looks for a filter's settings on a route.
const WASM: &str = "envoy.filters.http.wasm";

/// Checks all routes of a connection manager.
///
/// `dashboards`: their names, where the policy is known. `locked`: an RBAC filter holds what the routes do not.
pub fn check(chain: &Place<'_>, gate_name: &str, dashboards: Option<&[String]>, locked: bool, report: &mut Report) {
    let Some(table) = chain.member("route_config") else {
        if !locked {
            let message = format!(
                "the routes are not in this file, and no RBAC filter after the gate demands filter state {LOCK}: \
                 where the gate is left out, nothing else would refuse"
            );
            report.problem(chain.finding(message));
        }
        return;
    };
    check_settings(&table, gate_name, report);
    if let Some(vhds) = table.member("vhds").filter(|_| !locked) {
        report.problem(vhds.finding(format!(
            "brings routes that are not in this file, and no RBAC filter after the gate demands filter state {LOCK}: where the gate is \
             left out, nothing else would refuse"
        )));
    }
    let mut reached = Vec::new();
    for host in table.list("virtual_hosts") {
        check_settings(&host, gate_name, report);
        check_order(&host.list("routes"), report);
        if let Some(matcher) = host.member("matcher").filter(|_| !locked) {
            report.problem(matcher.finding("is a matcher tree, which is not looked into; use routes"));
        }
        for route in host.list("routes") {
            check_settings(&route, gate_name, report);
            if lock(&route).is_none() {
                check_overrides(&[&table, &host, &route], chain, report);
            }
            check_clusters(&route, gate_name, report);
            if let Some(action) = route.member("route") {
                reached.extend(check_lock(&route, dashboards, locked, report));
                check_duration(&route, &action, report);
            }
        }
    }
    let unreached = dashboards.unwrap_or_default().iter().filter(|name| !reached.contains(&name.as_str()));
    for name in unreached.filter(|_| !locked) {
        report.warning(table.finding(format!("has no route for dashboard {name}: it is answered 404")));
    }
}

/// A connection manager's own routes.
pub fn all<'a>(chain: &Place<'a>) -> Vec<Place<'a>> {
    let hosts = chain.member("route_config").map(|table| table.list("virtual_hosts")).unwrap_or_default();
    hosts.iter().flat_map(|host| host.list("routes")).collect()
}

/// The clusters that a connection manager's own routes lead to, and where each is named.
pub fn clusters<'a>(chain: &Place<'a>) -> Vec<(Place<'a>, &'a str)> {
    all(chain).iter().flat_map(clusters_of).collect()
}

/// The clusters that a route leads to, and where each is named.
pub fn clusters_of<'a>(route: &Place<'a>) -> Vec<(Place<'a>, &'a str)> {
    let Some(action) = route.member("route") else { return Vec::new() };
    let weighted = action.member("weighted_clusters").map(|weighted| weighted.list("clusters"));
    let named = weighted.unwrap_or_default().into_iter().filter_map(|entry| entry.member("name"));
    let places = action.member("cluster").into_iter().chain(named);
    places.filter_map(|place| place.node.text().map(|name| (place.clone(), name))).collect()
}

/// The clusters to which copies of requests go, wherever a connection manager says so.
pub fn mirrors<'a>(chain: &Place<'a>) -> Vec<(Place<'a>, &'a str)> {
    let mut found = Vec::new();
    chain.walk(&mut |place| {
        for mirror in place.list("request_mirror_policies") {
            found.extend(mirror.member("cluster").and_then(|name| Some((name.clone(), name.node.text()?))));
        }
    });
    found
}

/// The dashboard whose permit a route asks for.
pub fn lock<'a>(route: &Place<'a>) -> Option<&'a str> {
    let states = route.member("match").map(|matched| matched.list("filter_state")).unwrap_or_default();
    let state = states.iter().find(|state| state.text("key") == Some(LOCK))?;
    state.deep(&["string_match", "exact"])?.node.text()
}

/// A backend route's dashboard; a route without one is a way in for whatever the gate did not see.
fn check_lock<'a>(
    route: &Place<'a>,
    dashboards: Option<&[String]>,
    locked: bool,
    report: &mut Report,
) -> Option<&'a str> {
    let states = route.member("match").map(|matched| matched.list("filter_state")).unwrap_or_default();
    let Some(state) = states.iter().find(|state| state.text("key") == Some(LOCK)) else {
        if !locked {
            let message = format!(
                "leads to a backend without match.filter_state {LOCK}: where the gate is removed, disabled or bypassed, \
                 the backend is open"
            );
            report.problem(route.finding(message));
        }
        return None;
    };
    let Some(name) = state.deep(&["string_match", "exact"]).and_then(|exact| exact.node.text()) else {
        report.problem(state.finding("must match string_match.exact with one dashboard's name"));
        return None;
    };
    if dashboards.is_some_and(|dashboards| !dashboards.iter().any(|known| known == name)) {
        report.problem(state.finding("names no dashboard of the policy, so the route never matches"));
    }
    Some(name)
}

/// What answers everything before the dashboards' routes are asked.
fn check_order(routes: &[Place<'_>], report: &mut Report) {
    let leads = |route: &Place<'_>| route.member("route").is_some();
    for (at, route) in routes.iter().enumerate() {
        let Some(matched) = route.member("match") else { continue };
        let everything = matched.text("prefix") == Some("/") && matched.members().len() == 1;
        if everything && !leads(route) && routes.iter().skip(at + 1).any(leads) {
            report.problem(route.finding("answers every request, and no route after it is reached; put it last"));
        }
    }
}

/// Envoy ends a stream by `grpc-timeout` only where the route says so.
fn check_duration(route: &Place<'_>, action: &Place<'_>, report: &mut Report) {
    if action.deep(&["max_stream_duration", "grpc_timeout_header_max"]).is_none() {
        report
            .problem(action.finding(
                "max_stream_duration.grpc_timeout_header_max is missing: streams would outlive their session",
            ));
    }
    let longest = action.deep(&["max_stream_duration", "grpc_timeout_header_max"]);
    if let Some(longest) = longest.filter(|longest| longest.scalar().is_some_and(|text| seconds(&text) != Some(0.0))) {
        report
            .warning(longest.finding("ends every stream by then, whatever its session; 0s leaves that to the session"));
    }
    let is_grpc = route.deep(&["match", "grpc"]).is_some();
    let removed = route
        .list("request_headers_to_remove")
        .iter()
        .any(|name| name.node.text().is_some_and(|name| name.eq_ignore_ascii_case("grpc-timeout")));
    if !is_grpc && !removed {
        report.warning(route.finding(
            "request_headers_to_remove: [grpc-timeout] is missing: the backend sees how long the session lives",
        ));
    }
}

fn seconds(duration: &str) -> Option<f64> {
    duration.trim_end_matches('s').parse().ok()
}

fn check_clusters(route: &Place<'_>, gate_name: &str, report: &mut Report) {
    let weighted = route.deep(&["route", "weighted_clusters"]).map(|weighted| weighted.list("clusters"));
    weighted.unwrap_or_default().iter().for_each(|cluster| check_settings(cluster, gate_name, report));
}

/// An RBAC filter that holds what the routes do not, and is told otherwise for some.
fn check_overrides(places: &[&Place<'_>], chain: &Place<'_>, report: &mut Report) {
    let filters = chain.list("http_filters");
    let locks: Vec<&str> =
        filters.iter().filter(|filter| rbac::is_lock(filter)).filter_map(|lock| lock.text("name")).collect();
    for settings in places.iter().filter_map(|place| place.member("typed_per_filter_config")) {
        for (name, setting) in settings.members() {
            let is_lock = locks.contains(&name) || (!locks.is_empty() && name == "envoy.filters.http.rbac");
            if is_lock && !setting.member("rbac").is_some_and(|rbac| rbac::holds(&rbac)) {
                report.problem(setting.finding("switches the lock off here"));
            }
        }
    }
}

fn check_settings(place: &Place<'_>, gate_name: &str, report: &mut Report) {
    let Some(settings) = place.member("typed_per_filter_config") else { return };
    for (name, setting) in settings.members() {
        if (name == gate_name || name == WASM) && (setting.is_true("disabled") || setting.is_true("is_optional")) {
            report.problem(setting.finding("switches the gate off here"));
        }
    }
}
