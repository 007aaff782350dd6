//! What routes hang on, and for which hosts: Gateways and listeners that are not there, and routes for any host, which an open
//! dashboard's permit leads through. Decides nothing about where they lead to otherwise (`routes`).

use super::patch::Patch;
use super::resource::{GATEWAY_API, ISTIO, Resource};
use super::routes::Route;
use super::{backends, lock_names, lock_routes, security};
use crate::check::Report;
use crate::envoy::permits;
use crate::fields::nearest;

/// Routes for any host on a Gateway with an open dashboard, that lead to what another asks a session for: the open one's permit will
/// do. Not where a lock asks for that very route.
pub fn check_hosts(
    resources: &[Resource<'_>],
    routes: &[Route<'_>],
    patches: &[Patch<'_>],
    is_guarded: &dyn Fn(&Resource<'_>) -> bool,
    report: &mut Report,
) {
    let mut permits = Vec::new();
    for resource in resources {
        resource.place.walk(&mut |place| permits.extend(permits::of_policy(place.node)));
    }
    let hosts = |route: &Route<'_>| -> Vec<String> {
        let list = if route.resource.kind == "VirtualService" { "hosts" } else { "hostnames" };
        let hosts: Vec<String> = route.resource.list(list).iter().filter_map(|host| host.scalar()).collect();
        if hosts.is_empty() { vec!["*".to_owned()] } else { hosts }
    };
    let hangs = |route: &&Route<'_>| {
        resources.iter().any(|gateway| gateway.kind == "Gateway" && is_guarded(gateway) && route.hangs_on(gateway))
    };
    for route in routes.iter().filter(|route| route.is_http).filter(hangs) {
        let of_any = hosts(route).iter().any(|host| {
            host.strip_prefix('*')
                .is_some_and(|end| permits.iter().any(|permit| permit.is_open && permit.host.ends_with(end)))
        });
        let Some(open) = permits.iter().find(|permit| permit.is_open).filter(|_| {
            of_any
                && !bound_by_name(resources, route)
                && !lock_names::is_locked(route, patches)
                && !lock_routes::binds(patches)
        }) else {
            continue;
        };
        for backend in &route.backends {
            let closed = permits.iter().filter(|permit| !permit.is_open).find(|permit| {
                let leads = |other: &&Route<'_>| {
                    hosts(other).contains(&permit.host)
                        && other.backends.iter().any(|known| backends::same(known, backend, resources))
                };
                !permits.iter().any(|other| other.is_open && other.host == permit.host)
                    && routes.iter().any(|other| leads(&other))
            });
            if let Some(closed) = closed {
                permits::tell(&route.resource.place, backend, open, closed, report);
            }
        }
    }
}

/// Whether every lock of Envoy Gateway's asks for a route's name as well as for a permit.
fn bound_by_name(resources: &[Resource<'_>], route: &Route<'_>) -> bool {
    let mut policies = resources
        .iter()
        .filter(|resource| security::is_lock(resource) && resource.namespace == route.resource.namespace);
    policies.any(security::binds)
}

/// Names of Gateways that are nearly those of the files.
pub fn check_parents(resources: &[Resource<'_>], report: &mut Report) {
    for resource in resources {
        let (group, list) =
            if resource.is("VirtualService", ISTIO) { (ISTIO, "gateways") } else { (GATEWAY_API, "parentRefs") };
        let gateways: Vec<&Resource<'_>> = resources.iter().filter(|found| found.is("Gateway", group)).collect();
        if !(resource.group == GATEWAY_API && resource.kind.ends_with("Route") || resource.is("VirtualService", ISTIO))
        {
            continue;
        }
        for parent in resource.list(list) {
            let (namespace, name) = match parent.node.text() {
                Some(text) => text.split_once('/').unwrap_or((resource.namespace, text)),
                None if parent.text("kind").is_some_and(|kind| kind != "Gateway") => continue,
                None => {
                    (parent.text("namespace").unwrap_or(resource.namespace), parent.text("name").unwrap_or_default())
                }
            };
            let Some(gateway) = gateways.iter().find(|found| found.name == name && found.namespace == namespace) else {
                let alike = gateways.iter().filter(|found| found.namespace == namespace).map(|found| found.name);
                if let Some(meant) = nearest(name, alike).filter(|_| name != "mesh") {
                    report.problem(
                        parent.finding(format!("names no Gateway of the files; {meant} is one: the route is nowhere")),
                    );
                }
                continue;
            };
            let Some(section) = parent.member("sectionName") else { continue };
            let is_known =
                gateway.list("listeners").iter().any(|listener| listener.text("name") == section.node.text());
            let sets = resources.iter().any(|found| found.kind.ends_with("ListenerSet"));
            if !is_known && !sets {
                report.problem(
                    section.finding(format!(
                        "names nothing among the listeners of {}: the route is nowhere",
                        gateway.title
                    )),
                );
            }
        }
    }
}
