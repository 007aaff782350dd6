//! What has to stand beside a gate of Envoy Gateway's, because its own policies cannot say it: an EnvoyPatchPolicy with the lock on
//! every listener, after the gate; the session's end; what is taken out of answers. The patches are JSON patches: whether one comes
//! before or after the gate shows in its path.

use super::extension_policy::targets;
use super::resource::{GATEWAY_API, Resource};
use super::routes::Route;
use super::{patch_paths, security, switches};
use crate::check::Report;
use crate::envoy::{LOCK, access_log, chain, connection_managers, rbac, removals};
use crate::place::Place;

const LISTENER: &str = "envoy.config.listener.v3.Listener";
const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";

/// One JSON patch.
pub struct Patch<'a> {
    /// The whole of it.
    pub place: Place<'a>,
    /// The Envoy resource it changes.
    pub name: &'a str,
    /// Whether that is a listener or a route table.
    pub kind: &'a str,
    /// `jsonPath` and `path`, one after the other.
    pub path: String,
    /// How.
    pub operation: &'a str,
    /// What it brings.
    pub value: Option<Place<'a>>,
}

/// Checks what stands beside the gate of one Gateway, which may not be in the files.
pub fn check(
    gate: &Resource<'_>,
    gateway: &(String, String),
    resources: &[Resource<'_>],
    routes: &[Route<'_>],
    report: &mut Report,
) {
    let found = resources.iter().find(|resource| {
        resource.is("Gateway", GATEWAY_API) && resource.namespace == gateway.0 && resource.name == gateway.1
    });
    let patches = patches(gateway, found, resources);
    let locks: Vec<&Patch<'_>> = patches
        .iter()
        .filter(|patch| patch.kind.ends_with(LISTENER) && patch.value.as_ref().is_some_and(holds_a_lock))
        .collect();
    locks.iter().for_each(|lock| check_place(lock, report));
    let by_route =
        patches.iter().any(|patch| patch.kind.ends_with(ROUTES) && patch.value.as_ref().is_some_and(names_the_lock));
    let by_policy = security::locks(gateway, resources, routes);
    security::check(resources, !locks.is_empty(), report);
    if locks.is_empty() && !by_route && !by_policy {
        let elsewhere =
            resources.iter().any(|resource| resource.kind == "EnvoyPatchPolicy" && names_the_lock(&resource.place));
        let why = match elsewhere {
            true => format!("the filter that demands filter state {LOCK} is for something else, or nowhere"),
            false => format!("no RBAC filter after the gate demands filter state {LOCK}"),
        };
        report.problem(gate.place.finding(format!(
            "has no lock: {why}, so that without the gate, for whatever reason, the dashboards are open; an EnvoyPatchPolicy for \
             Gateway {}/{} must put one before envoy.filters.http.router, or a SecurityPolicy deny by it",
            gateway.0, gateway.1
        )));
    }
    if let Some(found) = found.filter(|_| !locks.is_empty() && !by_route) {
        check_listeners(found, &locks, by_policy, routes, resources, report);
    }
    check_answers(gate, gateway, &patches, resources, routes, report);
    let ends = patches.iter().any(|patch| {
        let mut said = patch.path.contains("grpc_timeout_header_max");
        if let Some(value) = &patch.value {
            value.walk(&mut |place| said |= place.member("grpc_timeout_header_max").is_some());
        }
        said
    });
    if !ends {
        report.problem(gate.place.finding(
            "no EnvoyPatchPolicy beside it sets max_stream_duration.grpc_timeout_header_max on the routes: streams would outlive their \
             session",
        ));
    }
}

/// Whether a patch lets the filter hold bodies, which its own policy cannot say.
pub fn allows_forms(resources: &[Resource<'_>]) -> bool {
    const FIELD: &str = "allow_on_headers_stop_iteration";
    let policies = resources.iter().filter(|resource| resource.kind == "EnvoyPatchPolicy");
    policies.flat_map(read).any(|patch| {
        let Some(value) = patch.value else { return false };
        let mut allows = patch.path.ends_with(FIELD) && value.node.is_true();
        value.walk(&mut |place| allows |= place.is_true(FIELD));
        allows
    })
}

/// Whether a patch takes the path out of spans.
pub fn cuts_paths(resources: &[Resource<'_>]) -> bool {
    let policies = resources.iter().filter(|resource| resource.kind == "EnvoyPatchPolicy");
    policies.flat_map(read).any(|patch| {
        let mut cuts = patch.path.ends_with("max_path_tag_length");
        if let Some(value) = patch.value {
            value.walk(&mut |place| cuts |= place.member("max_path_tag_length").is_some());
        }
        cuts
    })
}

/// Checks what any patch could do to a gate of the files.
pub fn check_all(resources: &[Resource<'_>], report: &mut Report) {
    let all: Vec<Patch<'_>> =
        resources.iter().filter(|resource| resource.kind == "EnvoyPatchPolicy").flat_map(read).collect();
    let values = all.iter().filter_map(|patch| patch.value.as_ref());
    let locks: Vec<&str> = values.filter(|value| rbac::is_lock(value)).filter_map(|value| value.text("name")).collect();
    for policy in resources.iter().filter(|resource| resource.kind == "EnvoyPatchPolicy") {
        patch_paths::check(policy, &read(policy), &locks, resources, report);
    }
    for patch in all {
        let is_gates = patch.path.contains("wasm") || patch.path.contains("dashgate");
        let operation = patch.place.member("operation").unwrap_or_else(|| patch.place.clone());
        let takes_whole = patch.path.ends_with(")]") || patch.path.ends_with("http_filters");
        if patch.operation == "remove" && (is_gates || patch.path.ends_with("http_filters")) && takes_whole {
            report.problem(operation.finding("takes the gate out again"));
        }
        let numbered = patch.path.rsplit_once("http_filters/").is_some_and(|(_, number)| number.parse::<u32>().is_ok());
        if numbered && matches!(patch.operation, "remove" | "replace") {
            report.problem(operation.finding("takes a filter out by its number, which may be the gate or its lock"));
        }
        let Some(value) = &patch.value else { continue };
        if is_gates && patch.path.ends_with("disabled") && value.node.is_true() {
            report.problem(operation.finding("switches the gate off"));
        }
        let failure =
            patch.path.ends_with("failure_policy").then(|| value.clone()).or_else(|| value.member("failure_policy"));
        let opens = failure.is_some_and(|failure| failure.node.text() == Some("FAIL_OPEN"));
        if opens || (patch.path.ends_with("fail_open") && value.node.is_true()) {
            report.problem(
                operation.finding("lets every request through unchecked once the filter has failed; use FAIL_RELOAD"),
            );
        }
        if patch.path.contains("typed_per_filter_config") {
            value.walk(&mut |place| {
                if place.is_true("disabled")
                    && (is_gates || place.path.contains("wasm") || place.path.contains("dashgate"))
                {
                    report.problem(place.finding("switches the gate off here"));
                }
            });
        }
        let replaces = patch.operation == "replace" && patch.path.ends_with("http_filters");
        if replaces && !value.items().iter().any(|filter| is_wasm(filter)) {
            report.problem(operation.finding("takes the gate out again"));
        }
        switches::check_state(value, report);
        rbac::check(value, report);
        switches::check_disabling(value, &[], report);
        switches::check_unlocking(value, &locks, report);
        chain::check_upgrades(value, report);
        for manager in connection_managers(value) {
            access_log::check(&manager, report);
        }
    }
}

fn is_wasm(filter: &Place<'_>) -> bool {
    filter.member("typed_config").is_some_and(|config| config.is_a("filters.http.wasm.v3.Wasm"))
}

/// The patches of the policies for a Gateway, or for its class.
fn patches<'a>(gateway: &(String, String), found: Option<&Resource<'a>>, resources: &[Resource<'a>]) -> Vec<Patch<'a>> {
    let class = found.and_then(|found| found.spec(&["gatewayClassName"])).and_then(|class| class.scalar());
    let applies = |policy: &&Resource<'a>| {
        policy.kind == "EnvoyPatchPolicy"
            && targets(policy, resources).iter().any(|target| match target.kind.as_str() {
                "Gateway" => policy.namespace == gateway.0 && target.name == gateway.1,
                "GatewayClass" => class.as_ref().is_none_or(|class| *class == target.name),
                _ => false,
            })
    };
    resources.iter().filter(applies).flat_map(read).collect()
}

/// The patches of one policy.
fn read<'a>(policy: &Resource<'a>) -> Vec<Patch<'a>> {
    let read = |place: Place<'a>| {
        let operation = place.member("operation");
        let said = |name: &str| operation.as_ref().and_then(|operation| operation.text(name)).unwrap_or_default();
        Patch {
            name: place.text("name").unwrap_or_default(),
            kind: place.text("type").unwrap_or_default(),
            path: format!("{}{}", said("jsonPath"), said("path")),
            operation: said("op"),
            value: operation.as_ref().and_then(|operation| operation.member("value")),
            place,
        }
    };
    policy.list("jsonPatches").into_iter().map(read).collect()
}

fn holds_a_lock(value: &Place<'_>) -> bool {
    rbac::is_lock(value)
        || value.items().iter().any(holds_a_lock)
        || value.list("http_filters").iter().any(rbac::is_lock)
}

fn names_the_lock(place: &Place<'_>) -> bool {
    let mut names = false;
    place.walk(&mut |place| names |= place.text("key") == Some(LOCK));
    names
}

/// Whether the lock comes after the gate and before the router.
fn check_place(lock: &Patch<'_>, report: &mut Report) {
    const ROUTER: &str = "by a jsonPath that finds envoy.filters.http.router the lock comes right before it";
    let at = lock.place.deep(&["operation", "path"]).or_else(|| lock.place.deep(&["operation", "jsonPath"]));
    let at = at.unwrap_or_else(|| lock.place.clone());
    if !matches!(lock.operation, "add" | "replace") {
        report.problem(at.finding(format!("{} puts no lock there", lock.operation)));
    } else if lock.path.contains("router") {
        if lock.operation == "replace" {
            report.problem(at.finding("puts the lock in the router's place: nothing is routed"));
        }
    } else if lock.path.contains("wasm") || lock.path.contains("dashgate") {
        report.problem(at.finding(format!("puts the lock before the gate, and it refuses everybody; {ROUTER}")));
    } else if let Some((_, index)) = lock.path.rsplit_once("http_filters/") {
        match index {
            "0" => {
                report.problem(at.finding(format!("puts the lock before the gate, and it refuses everybody; {ROUTER}")))
            }
            "-" => report.problem(at.finding(format!("puts the lock after the router, where nothing runs; {ROUTER}"))),
            _ => report.warning(
                at.finding(format!("is right only as long as Envoy Gateway makes just so many filters; {ROUTER}")),
            ),
        }
    }
}

/// Each port of a Gateway is a listener of Envoy's, named after the first listener on it (or its port); with HTTP/3 there are two.
fn check_listeners(
    gateway: &Resource<'_>,
    locks: &[&Patch<'_>],
    by_policy: bool,
    routes: &[Route<'_>],
    resources: &[Resource<'_>],
    report: &mut Report,
) {
    let mut known = Vec::new();
    let listeners = gateway.list("listeners");
    for (index, listener) in listeners.iter().enumerate() {
        let port = listener.word("port").unwrap_or_default();
        if listeners.iter().take(index).any(|earlier| earlier.word("port").unwrap_or_default() == port) {
            continue;
        }
        let sharing: Vec<&str> = listeners
            .iter()
            .filter(|other| other.word("port").unwrap_or_default() == port)
            .filter_map(|other| other.text("name"))
            .collect();
        let first = sharing.first().copied().unwrap_or_default();
        let names = [format!("{}/{}/{first}", gateway.namespace, gateway.name), format!("tcp-{port}")];
        let leads = routes.iter().any(|route| {
            let hangs = route.parents.iter().any(|(namespace, name, section)| {
                namespace == gateway.namespace
                    && name == gateway.name
                    && section.as_ref().is_none_or(|section| sharing.contains(&section.as_str()))
            });
            hangs && !route.backends.is_empty() && !by_policy
        });
        if leads && !locks.iter().any(|lock| names.contains(&lock.name.to_owned())) {
            report.problem(
                listener.finding(format!("has routes to backends and no lock: none is for {}", names.join(" or "))),
            );
        }
        let quic = [format!("{}-quic", names[0]), format!("udp-{port}")];
        let http3 = resources.iter().any(|resource| {
            resource.kind == "ClientTrafficPolicy"
                && resource.namespace == gateway.namespace
                && resource.place.member("spec").is_some_and(|spec| spec.node.member("http3").is_some())
                && targets(resource, resources)
                    .iter()
                    .any(|target| target.kind == "Gateway" && target.name == gateway.name)
        });
        let is_tls = listener.text("protocol") == Some("HTTPS");
        if leads && http3 && is_tls && !locks.iter().any(|lock| quic.contains(&lock.name.to_owned())) {
            report
                .problem(listener.finding(format!("has HTTP/3 and no lock there: none is for {}", quic.join(" or "))));
        }
        known.extend(names);
        known.extend(quic);
    }
    for lock in locks.iter().filter(|lock| !known.contains(&lock.name.to_owned())) {
        let place = lock.place.member("name").unwrap_or_else(|| lock.place.clone());
        report.problem(place.finding(format!("names no listener of {}: the lock is nowhere", gateway.title)));
    }
}

/// What backends say to browsers, and what every answer must say.
fn check_answers(
    gate: &Resource<'_>,
    gateway: &(String, String),
    patches: &[Patch<'_>],
    resources: &[Resource<'_>],
    routes: &[Route<'_>],
    report: &mut Report,
) {
    let mut places: Vec<Place<'_>> = patches.iter().filter_map(|patch| patch.value.clone()).collect();
    let mut removed = Vec::new();
    for policy in
        resources.iter().filter(|policy| policy.kind == "ClientTrafficPolicy" && policy.namespace == gateway.0)
    {
        // What is for a listener that only redirects says nothing of the others.
        let leads = |section: &String| {
            let mut parents = routes.iter().filter(|route| !route.backends.is_empty()).flat_map(|route| &route.parents);
            parents.any(|(_, name, listener)| {
                *name == gateway.1 && listener.as_ref().is_none_or(|listener| listener == section)
            })
        };
        let is_for = |section: &Option<String>| routes.is_empty() || section.as_ref().is_none_or(leads);
        if targets(policy, resources)
            .iter()
            .any(|target| target.kind == "Gateway" && target.name == gateway.1 && is_for(&target.section))
        {
            removed.extend(policy.spec(&["headers", "lateResponseHeaders"]));
        }
    }
    places.extend(removed);
    removals::check(&gate.place, &places, report);
    let secures = |value: &Place<'_>| {
        let mut secures = false;
        value.walk(&mut |place| secures |= chain::secures_transport(place));
        secures
    };
    let late = places.iter().any(|place| {
        let set = place.list("set").into_iter().chain(place.list("add"));
        set.into_iter().any(|header| {
            header.text("name").is_some_and(|name| name.eq_ignore_ascii_case("strict-transport-security"))
        })
    });
    if !late && !patches.iter().filter_map(|patch| patch.value.as_ref()).any(secures) {
        report.warning(gate.place.finding(
            "no header_mutation before it sets strict-transport-security: refusals and Envoy's own answers go out without it",
        ));
    }
}
