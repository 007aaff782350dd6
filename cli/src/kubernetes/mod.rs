//! Kubernetes objects around a policy: those that put the gate before the traffic, and those beside them that let a request past
//! it. A resource can be valid, accepted and match nothing: then the gateway is open, and no validator says so.
//!
//! What is not in the files cannot be seen: a selector whose workload is not there is a warning, not a verdict. Each trap was met
//! with the real control planes, Istio 1.30 and Envoy Gateway 1.9, in front of Envoy 1.40.

mod aim;
mod attachments;
mod backends;
mod beside;
mod classes;
mod clusters;
mod contexts;
mod envoy_filter;
mod exposure;
mod expression;
mod extension;
mod extension_policy;
mod fields;
mod gate;
mod guards;
mod inbound;
mod injection;
mod lock_bonds;
mod lock_names;
mod lock_routes;
mod mesh;
mod messages;
mod module;
mod neighbours;
mod order;
mod parents;
mod patch;
mod patch_paths;
mod patch_policy;
mod ports;
mod resource;
mod revisions;
mod rivals;
mod routes;
mod security;
mod switches;
mod telemetry;
mod traffic;
mod variables;

use crate::check::Report;
use crate::environment::Environment;
use crate::envoy::rbac;
use crate::place::Place;
use crate::tree::Node;
use aim::Reach;
use gate::{Gate, Mesh};
use guards::Guards;
use patch::Patch;
use resource::{GATEWAY_API, ISTIO};
pub use resource::{Resource, collect, is_object, is_values};

/// Looks for every trap; says whether there is a dashgate filter at all. `has_gate`: another file has one.
pub fn check(resources: &[Resource<'_>], has_gate: bool, environment: &Environment, report: &mut Report) -> bool {
    let is_named = |resource: &Resource<'_>| match resource.kind {
        "TrafficExtension" | "WasmPlugin" => extension::is_dashgate(resource),
        _ => extension_policy::has_gate(resource) || envoy_filter::is_dashgate(resource),
    };
    let is_taken = !has_gate && !resources.iter().any(is_named);
    let resources: Vec<Resource<'_>> =
        resources.iter().map(|resource| Resource { is_taken, ..resource.clone() }).collect();
    look_at(&resources, has_gate, environment, report)
}

fn look_at(resources: &[Resource<'_>], has_gate: bool, environment: &Environment, report: &mut Report) -> bool {
    neighbours::check(resources, report);
    attachments::check(resources, report);
    classes::check(resources, report);
    classes::check_controllers(resources, report);
    let routes = routes::all(resources);
    let (ours, theirs): (Vec<&Resource<'_>>, Vec<&Resource<'_>>) = gateways(resources);
    let patches = patch::all(resources);
    let mesh = Mesh { resources, gateways: ours, workloads: aim::workloads(resources), patches: &patches };

    let gates = istio(&mesh, &patches, environment, report);
    lock_names::check(resources, &patches, &routes, report);
    let policies: Vec<&Resource<'_>> =
        resources.iter().filter(|resource| extension_policy::has_gate(resource)).collect();
    let embedded = embedded(resources, environment, report);
    let guards = Guards { gates: policies, resources, routes: &routes };
    if gates.is_empty() && guards.gates.is_empty() {
        if !has_gate && !embedded {
            // What these would do to a gate that is elsewhere.
            envoy_filter::check_all(resources, &patches, &[], report);
            patch_policy::check_all(resources, report);
            guards.check(report);
            routes::check_words(resources, &routes, &|_| true, report);
            traffic::check(resources, &|_| true, &|_| true, report);
            mesh::check(resources, report);
        }
        return embedded;
    }
    for resource in gates.iter().map(|gate| &gate.resource).chain(guards.gates.iter().copied()) {
        if resource.is_taken {
            report.warning(
                resource
                    .place
                    .finding("is taken for dashgate's: neither its name, nor the module's, nor a policy in it says so"),
            );
        }
    }
    envoy_gateway(&guards, environment, report);

    let all: Vec<&Resource<'_>> = mesh.gateways.iter().chain(&theirs).copied().collect();
    let is_guarded = |gateway: &Resource<'_>| {
        let reached =
            gates.iter().any(|gate| !matches!(gate.aim.reaches_gateway(gateway, &mesh.workloads), Reach::No(_)));
        let attached = gateway.group == GATEWAY_API
            && guards.gateways().iter().any(|(namespace, name)| namespace == gateway.namespace && name == gateway.name);
        reached || attached
    };
    routes::check_detours(&all, &routes, resources, &is_guarded, report);
    routes::check_words(resources, &routes, &is_guarded, report);
    routes::check_permits(resources, &routes, report);
    parents::check_hosts(resources, &routes, &patches, &is_guarded, report);
    parents::check_parents(resources, report);
    let hangs_on_a_gate =
        |route: &&routes::Route<'_>| all.iter().any(|gateway| is_guarded(gateway) && route.hangs_on(gateway));
    let behind: Vec<&str> =
        routes.iter().filter(hangs_on_a_gate).flat_map(|route| &route.backends).map(String::as_str).collect();
    let routed: Vec<&str> = routes.iter().filter(hangs_on_a_gate).map(|route| route.resource.namespace).collect();
    clusters::check(resources, &behind, report);
    exposure::check(resources, &behind, &routed, report);
    injection::check(resources, &gates.iter().collect::<Vec<_>>(), report);
    inbound::check(resources, &gates.iter().collect::<Vec<_>>(), report);
    variables::check_pods(resources, report);
    // Another Gateway's policies are its own affair; where a policy's target is not in the files, it may be ours.
    let concerns = |policy: &Resource<'_>| {
        let targets = extension_policy::targets(policy, resources);
        targets.is_empty()
            || targets.iter().any(|target| {
                let of = |namespace: &str, name: &str| {
                    let found = all.iter().find(|gateway| gateway.namespace == namespace && gateway.name == name);
                    found.is_none_or(|gateway| is_guarded(gateway))
                };
                let route = routes.iter().find(|route| {
                    let resource = &route.resource;
                    resource.kind == target.kind
                        && resource.name == target.name
                        && resource.namespace == policy.namespace
                });
                match route {
                    Some(route) => route.parents.iter().any(|(namespace, name, _)| of(namespace, name)),
                    None => target.kind != "Gateway" || of(policy.namespace, &target.name),
                }
            })
    };
    traffic::check(resources, &is_guarded, &concerns, report);
    mesh::check(resources, report);
    true
}

/// The Envoy files that ConfigMaps and Secrets hold as text, such as a sidecar's bootstrap; says whether one has a gate.
fn embedded(resources: &[Resource<'_>], environment: &Environment, report: &mut Report) -> bool {
    let mut has_gate = false;
    for resource in resources.iter().filter(|resource| matches!(resource.kind, "ConfigMap" | "Secret")) {
        for field in ["data", "stringData"] {
            for (_, place) in resource.place.member(field).map(|data| data.members()).unwrap_or_default() {
                let text = place.node.text().unwrap_or_default();
                if !["static_resources", "http_filters", "resources:"].iter().any(|name| text.contains(name)) {
                    continue;
                }
                let Ok(mut node) = Node::parse(text) else { continue };
                mesh::relocate(&mut node, place.node.line, text.contains('\n'));
                has_gate |= crate::envoy::check(&Place { node: &node, ..place }, environment, report);
            }
        }
    }
    has_gate
}

/// The Gateways that Istio serves, and those that are Envoy Gateway's.
fn gateways<'r, 'a>(resources: &'r [Resource<'a>]) -> (Vec<&'r Resource<'a>>, Vec<&'r Resource<'a>>) {
    let is_theirs = |gateway: &Resource<'a>| {
        let class = gateway.spec(&["gatewayClassName"]).and_then(|class| class.scalar()).unwrap_or_default();
        let found = resources.iter().find(|resource| resource.kind == "GatewayClass" && resource.name == class);
        let controller = found.and_then(|found| found.spec(&["controllerName"])).and_then(|name| name.scalar());
        match controller {
            Some(controller) => controller.contains("envoyproxy.io"),
            // Its class is elsewhere: what its policies are says whose it is.
            None => {
                gateway.group == GATEWAY_API
                    && resources.iter().any(extension_policy::has_gate)
                    && !class.contains("istio")
            }
        }
    };
    let all = resources
        .iter()
        .filter(|resource| resource.kind == "Gateway" && [GATEWAY_API, ISTIO].contains(&resource.group));
    let (theirs, ours) = all.partition(|gateway| is_theirs(gateway));
    (ours, theirs)
}

/// The gates that Istio's resources bring.
fn istio<'a>(
    mesh: &Mesh<'_, 'a>,
    patches: &[Patch<'a>],
    environment: &Environment,
    report: &mut Report,
) -> Vec<Gate<'a>> {
    let forms = envoy_filter::allows_forms(patches);
    let mut gates: Vec<(Gate<'a>, Option<Patch<'a>>)> = Vec::new();
    for resource in mesh.resources.iter().filter(|resource| matches!(resource.kind, "TrafficExtension" | "WasmPlugin"))
    {
        if extension::is_dashgate(resource) {
            let gate = extension::check(resource, mesh, forms, environment, report);
            gates.extend(gate.map(|gate| (gate, None)));
        }
    }
    gates.extend(envoy_filter::check(patches, mesh, environment, report));
    let mut met = Vec::new();
    for (gate, entry) in &gates {
        let is_met = mesh.check_reach(gate, report);
        met.push(is_met);
        // What stands beside a gate that is nowhere would all be missing, and one word is enough.
        if is_met || !patches.iter().any(|patch| patch.value.as_ref().is_some_and(rbac::is_lock)) {
            beside::check(gate, entry.as_ref(), patches, mesh, report);
        }
    }
    if !gates.is_empty() {
        let names: Vec<String> = gates.iter().flat_map(|(gate, _)| gate.names.clone()).collect();
        envoy_filter::check_all(mesh.resources, patches, &names, report);
    }
    let gates: Vec<Gate<'a>> = gates.into_iter().map(|(gate, _)| gate).collect();
    revisions::check(&gates, patches, mesh, report);
    let at_work: Vec<&Gate<'a>> = gates.iter().zip(met).filter(|(_, is_met)| *is_met).map(|(gate, _)| gate).collect();
    telemetry::check_reach(&at_work, patches, mesh, report);
    rivals::check(&at_work, mesh, report);
    contexts::check(&at_work, patches, mesh, report);
    gates
}

/// The gates that Envoy Gateway's resources bring.
fn envoy_gateway(guards: &Guards<'_, '_>, environment: &Environment, report: &mut Report) {
    if guards.gates.is_empty() {
        return;
    }
    let forms = patch_policy::allows_forms(guards.resources);
    for gate in &guards.gates {
        extension_policy::check_gate(gate, guards, forms, environment, report);
    }
    guards.check(report);
    let logs = guards.resources.iter().any(|resource| resource.kind == "EnvoyProxy");
    let shows_gateways = guards.resources.iter().any(|resource| resource.is("Gateway", GATEWAY_API));
    if let Some(gate) = guards.gates.first().filter(|_| shows_gateways && !logs) {
        report.warning(gate.place.finding(
            "no EnvoyProxy in the files gives the access log a format: the default one logs the path with its query, which can hold a \
             credential",
        ));
    }
    let in_files = |gateway: &(String, String)| {
        let mut gateways = guards.resources.iter().filter(|resource| resource.is("Gateway", GATEWAY_API)).peekable();
        gateways.peek().is_none() || gateways.any(|found| found.namespace == gateway.0 && found.name == gateway.1)
    };
    // What stands beside a gate that is nowhere would all be missing, and one word is enough.
    for gateway in guards.gateways().iter().filter(|gateway| in_files(gateway)) {
        if let Some(gate) = guards.gates.first() {
            patch_policy::check(gate, gateway, guards.resources, guards.routes, report);
        }
    }
    patch_policy::check_all(guards.resources, report);
}
