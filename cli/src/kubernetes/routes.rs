//! Routes of both APIs: which Gateways they hang on, and what they lead to. Decides what they say that is the gate's to say, and
//! which of them lead around it.

use super::backends;
use super::resource::{GATEWAY_API, ISTIO, Resource};
use crate::check::Report;
use crate::envoy::permits::{self, Permit};
use crate::place::Place;

/// A route.
pub struct Route<'a> {
    /// Its resource.
    pub resource: Resource<'a>,
    /// Namespace, name and section of the Gateways it hangs on.
    pub parents: Vec<(String, String, Option<String>)>,
    /// What it leads to, each as namespace and name, or a host.
    pub backends: Vec<String>,
    /// Whether HTTP filters run for it.
    pub is_http: bool,
}

impl Route<'_> {
    /// Whether it hangs on a listener of a Gateway API Gateway.
    pub fn hangs_on_listener(&self, gateway: &Resource<'_>, listener: &str) -> bool {
        self.parents.iter().any(|(namespace, name, section)| {
            namespace == gateway.namespace
                && name == gateway.name
                && section.as_ref().is_none_or(|section| section == listener)
        })
    }

    /// Whether it hangs on a Gateway.
    pub fn hangs_on(&self, gateway: &Resource<'_>) -> bool {
        let istio = self.resource.kind == "VirtualService";
        (gateway.group == ISTIO) == istio
            && self.parents.iter().any(|(namespace, name, _)| namespace == gateway.namespace && name == gateway.name)
    }
}

/// All routes of the files. One of Istio's that leads somewhere past HTTP filters as well is listed twice.
pub fn all<'a>(resources: &[Resource<'a>]) -> Vec<Route<'a>> {
    let mut found = Vec::new();
    for resource in resources {
        if resource.is("VirtualService", ISTIO) {
            let gateways = resource.list("gateways");
            let parents = gateways.iter().filter_map(|gateway| gateway.node.text()).map(|name| {
                let (namespace, name) = name.split_once('/').unwrap_or((resource.namespace, name));
                (namespace.to_owned(), name.to_owned(), None)
            });
            let parents: Vec<_> = parents.collect();
            for (lists, is_http) in [(&["http"][..], true), (&["tls", "tcp"][..], false)] {
                let entries: Vec<Place<'a>> = lists.iter().flat_map(|list| resource.list(list)).collect();
                if !entries.is_empty() {
                    let own = entries.iter().flat_map(|entry| destinations(entry, resource.namespace));
                    let backends =
                        own.chain(entries.iter().flat_map(|entry| delegated(entry, resource, resources))).collect();
                    let backends = known_as(backends, resources);
                    found.push(Route { resource: resource.clone(), parents: parents.clone(), backends, is_http });
                }
            }
        } else if resource.group == GATEWAY_API && resource.kind.ends_with("Route") {
            let is_http = matches!(resource.kind, "HTTPRoute" | "GRPCRoute");
            let parents = resource.list("parentRefs").into_iter().map(|parent| {
                let namespace = parent.text("namespace").unwrap_or(resource.namespace).to_owned();
                (
                    namespace,
                    parent.text("name").unwrap_or_default().to_owned(),
                    parent.text("sectionName").map(str::to_owned),
                )
            });
            let rules = resource.list("rules");
            let mirrors = rules.iter().flat_map(|rule| rule.list("filters"));
            let mirrors = mirrors.filter_map(|filter| filter.deep(&["requestMirror", "backendRef"]));
            let backends = rules.iter().flat_map(|rule| rule.list("backendRefs")).chain(mirrors).map(|backend| {
                let namespace = backend.text("namespace").unwrap_or(resource.namespace);
                format!("{namespace}/{}", backend.text("name").unwrap_or_default())
            });
            let (parents, backends) = (parents.collect(), known_as(backends.collect(), resources));
            found.push(Route { resource: resource.clone(), parents, backends, is_http });
        }
    }
    found
}

/// Backends, and what some of them are other names for.
fn known_as(backends: Vec<String>, resources: &[Resource<'_>]) -> Vec<String> {
    let others: Vec<String> = backends.iter().flat_map(|backend| backends::behind(backend, resources)).collect();
    backends.into_iter().chain(others).collect()
}

/// The hosts that an entry of a VirtualService leads to, or sends a copy to; a short one is of the namespace.
fn destinations(entry: &Place<'_>, namespace: &str) -> Vec<String> {
    let copies = entry.list("mirrors").into_iter().chain(entry.list("route"));
    let hosts = copies.filter_map(|route| route.deep(&["destination", "host"])?.scalar());
    let hosts = hosts.chain(entry.deep(&["mirror", "host"]).and_then(|host| host.scalar()));
    hosts.map(|host| if host.contains('.') { host } else { format!("{host}.{namespace}.svc.cluster.local") }).collect()
}

/// What an entry leads to by another VirtualService, which hangs on no Gateway of its own.
fn delegated(entry: &Place<'_>, resource: &Resource<'_>, resources: &[Resource<'_>]) -> Vec<String> {
    let Some(delegate) = entry.member("delegate") else { return Vec::new() };
    let namespace = delegate.text("namespace").unwrap_or(resource.namespace);
    let found = resources.iter().filter(|other| {
        other.is("VirtualService", ISTIO) && other.namespace == namespace && Some(other.name) == delegate.text("name")
    });
    found
        .flat_map(|other| other.list("http").into_iter().map(|entry| destinations(&entry, other.namespace)))
        .flatten()
        .collect()
}

/// Gateways that lead past the gate: without one, to what has one elsewhere; and routes that no HTTP filter sees.
pub fn check_detours(
    gateways: &[&Resource<'_>],
    routes: &[Route<'_>],
    resources: &[Resource<'_>],
    is_guarded: &dyn Fn(&Resource<'_>) -> bool,
    report: &mut Report,
) {
    let (guarded, bare): (Vec<&Resource<'_>>, Vec<&Resource<'_>>) =
        gateways.iter().copied().partition(|gateway| is_guarded(gateway));
    let behind: Vec<(&str, &Resource<'_>)> = guarded
        .iter()
        .flat_map(|gateway| {
            routes.iter().filter(|route| route.is_http && route.hangs_on(gateway)).map(move |route| (route, *gateway))
        })
        .flat_map(|(route, gateway)| route.backends.iter().map(move |backend| (backend.as_str(), gateway)))
        .collect();
    if guarded.is_empty() {
        return;
    }
    let guard = |route: &Route<'_>| {
        let leads = |backend: &str| route.backends.iter().any(|known| backends::same(known, backend, resources));
        behind.iter().find(|(backend, _)| leads(backend)).copied()
    };
    for route in routes.iter().filter(|route| !route.is_http) {
        if let Some((backend, gateway)) = guard(route) {
            let message =
                format!("leads to {backend}, which dashgate guards behind {}, past every HTTP filter", gateway.title);
            report.problem(route.resource.place.finding(message));
        }
    }
    for gateway in bare {
        let (mut leads, mut told) = (false, false);
        for route in routes.iter().filter(|route| route.is_http && route.hangs_on(gateway)) {
            leads |= !route.backends.is_empty();
            if let Some((backend, guardian)) = guard(route) {
                told = true;
                report.problem(gateway.place.finding(format!(
                    "leads to {backend} by {}, which dashgate guards behind {}, without dashgate",
                    route.resource.title, guardian.title
                )));
            }
        }
        if leads && !told {
            report
                .warning(gateway.place.finding("has routes to backends and no gate; it is open to whoever reaches it"));
        }
    }
    // A Gateway that is not in the files may have a gate, or none.
    for route in routes.iter().filter(|route| route.is_http) {
        let is_known = |(namespace, name, _): &&(String, String, Option<String>)| {
            let of_kind =
                |gateway: &&&Resource<'_>| (gateway.group == ISTIO) == (route.resource.kind == "VirtualService");
            let mut known = gateways.iter().filter(of_kind);
            known.any(|gateway| gateway.namespace == *namespace && gateway.name == *name)
        };
        // Services and ListenerSets are looked at elsewhere.
        let is_gateways = route
            .resource
            .list("parentRefs")
            .iter()
            .all(|parent| parent.text("kind").is_none_or(|kind| kind == "Gateway"));
        if !is_gateways {
            continue;
        }
        let others = route.parents.iter().filter(|parent| parent.1 != "mesh" && !parent.1.is_empty());
        let Some((namespace, name, _)) = others.into_iter().find(|parent| !is_known(parent)) else { continue };
        if let Some((backend, gateway)) = guard(route) {
            report.warning(route.resource.place.finding(format!(
                "leads to {backend}, which dashgate guards behind {}, from {namespace}/{name}, too, which is not in the files: whether \
                 a gate is there is not known",
                gateway.title
            )));
        }
    }
    for route in routes.iter().filter(|route| route.resource.kind == "VirtualService" && route.is_http) {
        let hangs = guarded.iter().any(|gateway| route.hangs_on(gateway));
        if hangs && route.parents.iter().any(|(_, name, _)| name == "mesh") {
            let place = route.resource.spec(&["gateways"]).unwrap_or_else(|| route.resource.place.clone());
            report
                .warning(place.finding("names mesh: every workload of the mesh comes by this route, without the gate"));
        }
    }
}

/// Backends that one dashboard opens to everybody, and another asks a session for. Which is which the hosts say.
pub fn check_permits(resources: &[Resource<'_>], routes: &[Route<'_>], report: &mut Report) {
    let mut permits = Vec::new();
    for resource in resources {
        resource.place.walk(&mut |place| permits.extend(permits::of_policy(place.node)));
    }
    let permit = |route: &Route<'_>| -> Option<&Permit> {
        let list = if route.resource.kind == "VirtualService" { "hosts" } else { "hostnames" };
        let hosts = route.resource.list(list);
        let mut found = hosts.iter().map(|host| {
            let host = host.node.text().unwrap_or_default();
            // Under one host an open part beside a closed one is what prefixes are for.
            let mut of_host = permits.iter().filter(|permit| permit.host == host);
            of_host.next().filter(|first| of_host.all(|other| other.is_open == first.is_open))
        });
        let first = found.next()??;
        found.all(|other| other.is_some_and(|other| other.is_open == first.is_open)).then_some(first)
    };
    let ways: Vec<(&Permit, &Route<'_>)> =
        routes.iter().filter(|route| route.is_http).filter_map(|route| Some((permit(route)?, route))).collect();
    for (open, route) in ways.iter().filter(|(permit, _)| permit.is_open) {
        for backend in &route.backends {
            let closed = ways.iter().find(|(permit, other)| {
                !permit.is_open && other.backends.iter().any(|known| backends::same(known, backend, resources))
            });
            if let Some((closed, _)) = closed {
                permits::tell(&route.resource.place, backend, open, closed, report);
            }
        }
    }
}

/// What routes and their rules say about headers, and destinations about protocols.
pub fn check_words(
    resources: &[Resource<'_>],
    routes: &[Route<'_>],
    is_guarded: &dyn Fn(&Resource<'_>) -> bool,
    report: &mut Report,
) {
    let guarded: Vec<&Resource<'_>> =
        resources.iter().filter(|resource| resource.kind == "Gateway" && is_guarded(resource)).collect();
    let behind: Vec<&String> = routes
        .iter()
        .filter(|route| guarded.iter().any(|gateway| route.hangs_on(gateway)))
        .flat_map(|route| &route.backends)
        .collect();
    for resource in resources {
        match resource.kind {
            "VirtualService" | "HTTPRoute" | "GRPCRoute" => {
                resource.place.walk(&mut |place| {
                    for (field, is_response) in [("responseHeaderModifier", true), ("requestHeaderModifier", false)] {
                        if let Some(place) = place.member(field) {
                            check_headers(&place, is_response, report);
                        }
                    }
                    for (field, is_response) in [("response", true), ("request", false)] {
                        if let Some(place) = place.deep(&["headers", field]) {
                            check_headers(&place, is_response, report);
                        }
                    }
                });
            }
            "DestinationRule" if is_for(resource, &behind) => {
                check_protocol(&resource.place, report);
                let mode = resource.spec(&["trafficPolicy", "tls", "mode"]);
                if let Some(mode) = mode.filter(|mode| mode.node.text() == Some("DISABLE")) {
                    report.warning(mode.finding(
                        "sends requests to dashboards without TLS, who they are from with them; leave it to the mesh",
                    ));
                }
            }
            _ => {}
        }
    }
}

/// Whether a destination is one of the backends behind a gate, where the files show any; Gateway API names Services, not hosts.
fn is_for(rule: &Resource<'_>, backends: &[&String]) -> bool {
    let host = rule.spec(&["host"]).and_then(|host| host.scalar()).unwrap_or_default();
    let is_name = !host.contains('.');
    let whole = if is_name { format!("{host}.{}.svc.cluster.local", rule.namespace) } else { host.clone() };
    backends.is_empty()
        || backends.iter().any(|backend| match (whole.strip_prefix('*'), backend.split_once('/')) {
            (Some(end), _) => end.is_empty() || backend.contains('/') || backend.ends_with(end),
            (None, Some((namespace, name))) => whole.starts_with(&format!("{name}.{namespace}.")),
            (None, None) => **backend == whole,
        })
}

/// `set` and `add` of both APIs: a map of Istio's, a list of names of Gateway API's.
pub fn check_headers(headers: &Place<'_>, is_response: bool, report: &mut Report) {
    for list in ["set", "add"] {
        let Some(list) = headers.member(list) else { continue };
        let named = list.items().into_iter().filter_map(|item| Some((item.text("name")?.to_ascii_lowercase(), item)));
        let mapped = list.members().into_iter().map(|(name, place)| (name.to_ascii_lowercase(), place));
        for (name, place) in named.chain(mapped) {
            if is_response && name == "strict-transport-security" {
                report.warning(place.finding(
                    "is set by a route: refusals and Envoy's own answers go out without it; a header_mutation before the gate \
                     sets it on all",
                ));
            }
            if name.starts_with("x-dashgate") || name.starts_with("x_dashgate") {
                report.problem(place.finding("says what is the gate's alone to say"));
            }
        }
    }
}

/// Upgrades to HTTP/2 break WebSockets: a handshake in HTTP/1.1 has no other way.
pub fn check_protocol(place: &Place<'_>, report: &mut Report) {
    place.walk(&mut |place| {
        if let Some(policy) = place.member("h2UpgradePolicy").filter(|policy| policy.node.text() == Some("UPGRADE")) {
            report.problem(
                policy.finding("sends requests on as HTTP/2, where dashboards' WebSockets fail; use DO_NOT_UPGRADE"),
            );
        }
    });
}
