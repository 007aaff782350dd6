//! The patches of an EnvoyFilter: what each says, and whether Istio would apply it where the gate has to be. A patch that matches
//! nothing is dropped without a word.

use super::aim::Aim;
use super::gate::Role;
use super::ports;
use super::resource::Resource;
use crate::check::Report;
use crate::fields::nearest;
use crate::place::Place;

/// The filter whose filters are patched.
const MANAGER: &str = "envoy.filters.network.http_connection_manager";
/// The filters that every HTTP listener of Istio's has.
pub const ALWAYS: [&str; 4] = [
    "envoy.filters.http.grpc_stats",
    "envoy.filters.http.fault",
    "envoy.filters.http.cors",
    "envoy.filters.http.router",
];
/// Filters that are there where something else asks for them.
pub const SOMETIMES: [&str; 15] = [
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.rbac",
    "envoy.filters.http.ext_authz",
    "envoy.filters.http.grpc_web",
    "envoy.filters.http.compressor",
    "envoy.filters.http.local_ratelimit",
    "envoy.filters.http.ratelimit",
    "envoy.filters.http.wasm",
    "envoy.filters.http.lua",
    "envoy.filters.http.stateful_session",
    "istio_authn",
    "istio.alpn",
    "istio.metadata_exchange",
    "istio.stats",
    "waypoint_downstream_peer_metadata",
];

/// One patch.
#[derive(Clone)]
pub struct Patch<'a> {
    /// The whole of it.
    pub place: Place<'a>,
    /// What is patched, such as `HTTP_FILTER`.
    pub applies_to: &'a str,
    /// Which proxies.
    pub context: &'a str,
    /// How.
    pub operation: &'a str,
    /// The filter it is placed by.
    pub anchor: Option<Place<'a>>,
    /// What it brings.
    pub value: Option<Place<'a>>,
    /// The workloads it is for.
    pub aim: Aim<'a>,
    /// Its place among the resources.
    pub order: (i64, bool, usize),
    /// As of its resource.
    pub is_taken: bool,
}

/// All patches of all EnvoyFilters, in the order in which Istio applies them.
pub fn all<'a>(resources: &[Resource<'a>]) -> Vec<Patch<'a>> {
    let mut found = Vec::new();
    for (index, resource) in resources.iter().enumerate().filter(|(_, resource)| resource.kind == "EnvoyFilter") {
        let aim = Aim::of(resource);
        let priority = resource.spec(&["priority"]).and_then(|priority| priority.scalar()?.parse().ok()).unwrap_or(0);
        for place in resource.list("configPatches") {
            let matched = |names: &[&str]| place.deep(names).and_then(|found| found.node.text());
            found.push(Patch {
                applies_to: place.text("applyTo").unwrap_or_default(),
                context: matched(&["match", "context"]).unwrap_or("ANY"),
                operation: matched(&["patch", "operation"]).unwrap_or_default(),
                anchor: place.deep(&["match", "listener", "filterChain", "filter", "subFilter", "name"]),
                value: place.deep(&["patch", "value"]),
                aim: aim.clone(),
                order: (priority, aim.namespace != super::aim::ROOT, index),
                is_taken: resource.is_taken,
                place,
            });
        }
    }
    found.sort_by_key(|patch| patch.order);
    found
}

impl<'a> Patch<'a> {
    /// Whether it is applied in that kind of proxy.
    pub fn is_for(&self, role: Role) -> bool {
        match role {
            Role::Gateway => matches!(self.context, "ANY" | "GATEWAY"),
            Role::Sidecar => matches!(self.context, "ANY" | "SIDECAR_INBOUND"),
            Role::Unknown => matches!(self.context, "ANY" | "GATEWAY" | "SIDECAR_INBOUND"),
        }
    }

    /// The name of what it brings.
    pub fn name(&self) -> &'a str {
        self.value.as_ref().and_then(|value| value.text("name")).unwrap_or_default()
    }
}

/// Checks the words of a patch that Istio would refuse or drop.
pub fn check_words(patch: &Patch<'_>, report: &mut Report) {
    const TARGETS: [&str; 11] = [
        "HTTP_FILTER",
        "EXTENSION_CONFIG",
        "NETWORK_FILTER",
        "HTTP_ROUTE",
        "VIRTUAL_HOST",
        "ROUTE_CONFIGURATION",
        "LISTENER",
        "FILTER_CHAIN",
        "LISTENER_FILTER",
        "CLUSTER",
        "BOOTSTRAP",
    ];
    const CONTEXTS: [&str; 5] = ["GATEWAY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "WAYPOINT", "ANY"];
    const OPERATIONS: [&str; 7] =
        ["INSERT_FIRST", "INSERT_BEFORE", "INSERT_AFTER", "ADD", "MERGE", "REPLACE", "REMOVE"];
    let word = |place: Option<Place<'_>>, known: &[&str], report: &mut Report| {
        let Some(place) = place else { return };
        let said = place.scalar().unwrap_or_default();
        if !known.contains(&said.as_str()) {
            let meant = nearest(&said, known.iter().copied()).map(|meant| format!("; {meant} is")).unwrap_or_default();
            report.problem(place.finding(format!("is no word of Istio's{meant}: the patch is refused or dropped")));
        }
    };
    word(patch.place.member("applyTo"), &TARGETS, report);
    word(patch.place.deep(&["match", "context"]), &CONTEXTS, report);
    word(patch.place.deep(&["patch", "operation"]), &OPERATIONS, report);
    if patch.applies_to.is_empty() {
        report.problem(patch.place.finding("has no applyTo: the patch is refused or dropped"));
    }
    if patch.operation.is_empty() {
        report.problem(patch.place.finding("has no patch.operation: the patch is refused or dropped"));
    }
}

/// Checks what a patch matches that has to be in every chain: the gate, or its lock.
pub fn check_match(patch: &Patch<'_>, role: Role, what: &str, resources: &[Resource<'_>], report: &mut Report) {
    if matches!(patch.context, "SIDECAR_OUTBOUND" | "WAYPOINT") {
        let place = patch.place.deep(&["match", "context"]).unwrap_or_else(|| patch.place.clone());
        let message =
            format!("is not where requests to dashboards come in: GATEWAY or SIDECAR_INBOUND, or {what} meets none");
        report.problem(place.finding(message));
    }
    if let Some(proxy) = patch.place.deep(&["match", "proxy"]) {
        report.warning(
            proxy.finding(format!("leaves out {what} where the proxy is another one, after an update for one")),
        );
    }
    if patch.place.deep(&["match", "routeConfiguration"]).or_else(|| patch.place.deep(&["match", "cluster"])).is_some()
    {
        report.problem(patch.place.finding(format!("matches no listener, so that {what} is placed nowhere")));
    }
    let Some(listener) = patch.place.deep(&["match", "listener"]) else { return };
    for field in ["portNumber", "portName"] {
        let Some(port) = listener.member(field) else { continue };
        if role == Role::Sidecar {
            if field == "portNumber" && ports::check(&port, &patch.aim, resources, report) {
                continue;
            }
            report.warning(
                port.finding(format!("leaves out {what} on every other port of the workload; without it all have it")),
            );
        } else {
            report.problem(port.finding(format!(
                "on a gateway is the pod's own port, not the one of the Gateway or Service: any other leaves out {what}, and \
                 the gateway is open; leave it out"
            )));
        }
    }
    let name = listener.member("name");
    let by_port = |name: &Place<'_>| {
        let port = name.node.text().unwrap_or_default().rsplit_once('_').map(|(_, port)| port);
        port.is_some_and(|port| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()))
    };
    if let Some(name) = name.as_ref().filter(|name| role != Role::Sidecar && by_port(name)) {
        report.problem(name.finding(format!(
            "on a gateway is the pod's own port, not the one of the Gateway or Service: any other leaves out {what}, and \
             the gateway is open; leave it out"
        )));
    } else if let Some(name) = name {
        report.warning(name.finding(format!("leaves out {what} in every other listener")));
    }
    let Some(chain) = listener.member("filterChain") else { return };
    for field in ["sni", "name", "destinationPort", "transportProtocol", "applicationProtocols"] {
        if let Some(place) = chain.member(field) {
            report.warning(place.finding(format!("leaves out {what} in every other filter chain")));
        }
    }
    if let Some(name) = chain.deep(&["filter", "name"]).filter(|name| name.node.text() != Some(MANAGER)) {
        report.problem(name.finding(format!(
            "names no filter that there is; {MANAGER} is: the patch matches nothing, and {what} is nowhere"
        )));
    }
}
