//! Routes that patches bring, to the backends of dashboards by the names of Envoy's clusters. Decides whether one asks for a permit of
//! its own: the routes that are resources are looked at in `routes`.

use super::backends;
use super::resource::{GATEWAY_API, Resource};
use crate::check::Report;
use crate::envoy::LOCK;
use crate::place::Place;

/// Checks the values of all patches against the backends that gates stand before.
pub fn check(resources: &[Resource<'_>], behind: &[&str], report: &mut Report) {
    for resource in resources.iter().filter(|resource| matches!(resource.kind, "EnvoyFilter" | "EnvoyPatchPolicy")) {
        for (value, name) in values(resource) {
            value.walk(&mut |route| {
                if !asks(route) {
                    check_route(route, resources, behind, report);
                }
            });
            // A patch of a route's field alone has the cluster as its value.
            if name == "/cluster" && value.node.text().is_some() {
                tell(&value, resources, behind, report);
            }
        }
    }
}

/// What each patch brings, and the last step of its path.
fn values<'a>(resource: &Resource<'a>) -> Vec<(Place<'a>, &'a str)> {
    let filters = resource.list("configPatches").into_iter();
    let filters = filters.filter_map(|patch| Some((patch.deep(&["patch", "value"])?, "")));
    let patches = resource.list("jsonPatches").into_iter().filter_map(|patch| patch.member("operation"));
    let patches =
        patches.filter_map(|operation| Some((operation.member("value")?, operation.text("path").unwrap_or_default())));
    filters.chain(patches).collect()
}

/// Whether a route matches on the gate's word itself.
fn asks(route: &Place<'_>) -> bool {
    let states = route.member("match").map(|matched| matched.list("filter_state")).unwrap_or_default();
    states.iter().any(|state| state.text("key") == Some(LOCK) && state.deep(&["string_match", "exact"]).is_some())
}

fn check_route(route: &Place<'_>, resources: &[Resource<'_>], behind: &[&str], report: &mut Report) {
    let Some(action) = route.member("route") else { return };
    let copies = action.list("request_mirror_policies").into_iter().filter_map(|copy| copy.member("cluster"));
    let weighted = action.member("weighted_clusters").map(|weighted| weighted.list("clusters")).unwrap_or_default();
    let weighted = weighted.into_iter().filter_map(|cluster| cluster.member("name"));
    for cluster in action.member("cluster").into_iter().chain(copies).chain(weighted) {
        tell(&cluster, resources, behind, report);
    }
}

fn tell(cluster: &Place<'_>, resources: &[Resource<'_>], behind: &[&str], report: &mut Report) {
    let leads_to = of_cluster(cluster.node.text().unwrap_or_default(), resources);
    let found = behind.iter().find(|backend| leads_to.iter().any(|host| backends::same(host, backend, resources)));
    if let Some(backend) = found {
        report.problem(cluster.finding(format!(
            "leads to {backend} by a patch, and asks for no permit to that dashboard; match.filter_state with string_match.exact does"
        )));
    }
}

/// Istio's `outbound|80||host`, and Envoy Gateway's `httproute/namespace/name/rule/0`.
fn of_cluster(name: &str, resources: &[Resource<'_>]) -> Vec<String> {
    if let Some(rest) = name.strip_prefix("outbound|") {
        return rest.rsplit('|').next().map(str::to_owned).into_iter().collect();
    }
    let mut parts = name.split('/');
    let (Some(kind), Some(namespace), Some(route)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let number: Option<usize> = parts.nth(1).and_then(|number| number.parse().ok());
    let is_it = |found: &&Resource<'_>| {
        found.group == GATEWAY_API
            && found.kind.eq_ignore_ascii_case(kind)
            && (found.namespace, found.name) == (namespace, route)
    };
    let rules = resources.iter().find(is_it).map(|found| found.list("rules")).unwrap_or_default();
    let rule = number.and_then(|number| rules.get(number)).map(|rule| rule.list("backendRefs")).unwrap_or_default();
    rule.iter()
        .map(|backend| {
            let of = backend.text("namespace").unwrap_or(namespace);
            format!("{of}/{}", backend.text("name").unwrap_or_default())
        })
        .collect()
}
