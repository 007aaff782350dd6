//! Where the JSON patches of Envoy Gateway's EnvoyPatchPolicies point: names of Envoy's resources, of filters and of fields that are not
//! there, and what stands before the gate or in its place. Envoy Gateway says so in a status that nobody reads.

use super::extension_policy;
use super::messages;
use super::patch_policy::Patch;
use super::resource::{GATEWAY_API, Resource};
use crate::check::Report;
use crate::envoy::rbac;
use crate::fields::nearest;

/// The filters that Envoy Gateway makes.
const FILTERS: [&str; 31] = [
    "envoy.filters.network.http_connection_manager",
    "envoy.filters.network.tcp_proxy",
    "envoy.filters.http.custom_response",
    "envoy.filters.http.health_check",
    "envoy.filters.http.fault",
    "envoy.filters.http.cors",
    "envoy.filters.http.csrf",
    "envoy.filters.http.header_mutation",
    "envoy.filters.http.ext_authz",
    "envoy.filters.http.api_key_auth",
    "envoy.filters.http.basic_auth",
    "envoy.filters.http.oauth2",
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.stateful_session",
    "envoy.filters.http.buffer",
    "envoy.filters.http.lua",
    "envoy.filters.http.ext_proc",
    "envoy.filters.http.wasm",
    "envoy.filters.http.dynamic_modules",
    "envoy.filters.http.geoip",
    "envoy.filters.http.rbac",
    "envoy.filters.http.local_ratelimit",
    "envoy.filters.http.ratelimit",
    "envoy.filters.http.bandwidth_limit",
    "envoy.filters.http.grpc_web",
    "envoy.filters.http.grpc_stats",
    "envoy.filters.http.credential_injector",
    "envoy.filters.http.compressor",
    "envoy.filters.http.dynamic_forward_proxy",
    "envoy.filters.http.router",
    "envoy.filters.http.upstream_codec",
];

/// The fields on the way to a filter or a route.
const STEPS: [&str; 14] = [
    "http_filters",
    "filters",
    "filter_chains",
    "default_filter_chain",
    "listener_filters",
    "virtual_hosts",
    "routes",
    "route",
    "typed_config",
    "typed_per_filter_config",
    "config",
    "vm_config",
    "configuration",
    "transport_socket",
];

/// Checks the patches of one policy; `locks`: the names of the locks that any of them brings.
pub fn check(
    policy: &Resource<'_>,
    patches: &[Patch<'_>],
    locks: &[&str],
    resources: &[Resource<'_>],
    report: &mut Report,
) {
    let gateway = policy.spec(&["targetRef"]).and_then(|target| {
        let named = |found: &&Resource<'_>| {
            found.is("Gateway", GATEWAY_API)
                && Some(found.name) == target.text("name")
                && found.namespace == policy.namespace
        };
        resources.iter().find(named).filter(|_| target.text("kind") == Some("Gateway"))
    });
    for patch in patches {
        if let Some(gateway) = gateway {
            check_name(patch, gateway, report);
        }
        check_path(patch, resources, report);
        check_effect(patch, report);
        let at = patch.place.member("operation").unwrap_or_else(|| patch.place.clone());
        let takes = matches!(patch.operation, "remove" | "replace") && patch.path.ends_with(")]");
        if let Some(lock) = quoted(&patch.path).into_iter().find(|name| takes && locks.contains(name)) {
            report.problem(at.finding(format!("takes the lock {lock} out again")));
        }
        if let Some(value) = &patch.value {
            let entries = if value.items().is_empty() { vec![value.clone()] } else { value.items() };
            entries
                .iter()
                .filter(|entry| entry.member("typed_config").is_some())
                .for_each(|entry| messages::check_filter(entry, report));
        }
    }
}

/// What Envoy Gateway calls the listeners and route tables of a Gateway; the names by port are those of its newer scheme.
pub fn names(gateway: &Resource<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for listener in gateway.list("listeners") {
        let name = format!("{}/{}/{}", gateway.namespace, gateway.name, listener.text("name").unwrap_or_default());
        let port = listener.word("port").unwrap_or_default();
        names.extend([format!("{name}-quic"), name]);
        names.extend(["tcp", "udp", "http"].map(|kind| format!("{kind}-{port}")));
    }
    names
}

fn check_name(patch: &Patch<'_>, gateway: &Resource<'_>, report: &mut Report) {
    let is_of_gateway =
        ["Listener", "RouteConfiguration"].iter().any(|kind| patch.kind.ends_with(&format!(".v3.{kind}")));
    let known = names(gateway);
    if !is_of_gateway || known.iter().any(|name| name == patch.name) {
        return;
    }
    let is_lock = patch.value.as_ref().is_some_and(rbac::is_lock);
    if let Some(place) = patch.place.member("name").filter(|_| !is_lock) {
        let meant = nearest(patch.name, known.iter().map(String::as_str))
            .map(|meant| format!("; {meant} is one"))
            .unwrap_or_default();
        report.problem(
            place.finding(format!("names no listener of {}{meant}: the patch changes nothing", gateway.title)),
        );
    }
}

fn check_path(patch: &Patch<'_>, resources: &[Resource<'_>], report: &mut Report) {
    let operation = patch.place.member("operation").unwrap_or_else(|| patch.place.clone());
    let at = |field: &str| operation.member(field).unwrap_or_else(|| operation.clone());
    let query = operation.text("jsonPath").unwrap_or_default();
    for quoted in quoted(query) {
        if quoted.starts_with("envoy.filters.") && !quoted.contains('/') && !FILTERS.contains(&quoted) {
            let meant = nearest(quoted, FILTERS.into_iter()).map(|meant| format!("; {meant} is")).unwrap_or_default();
            report.problem(
                at("jsonPath").finding(format!("names no filter that there is{meant}: the patch changes nothing")),
            );
        }
        if let Some(gate) = missing_gate(quoted, resources) {
            report.problem(
                at("jsonPath").finding(format!("names no gate of the files; {gate} is one: the patch changes nothing")),
            );
        }
    }
    for step in steps(query) {
        if let Some(meant) = nearest(step, STEPS.into_iter()).filter(|_| !STEPS.contains(&step)) {
            report.problem(
                at("jsonPath").finding(format!("names no field that there is; {meant} is: the patch changes nothing")),
            );
        }
    }
    let field =
        operation.text("path").unwrap_or_default().trim_start_matches('/').split('/').next().unwrap_or_default();
    let message = match query {
        query if query.ends_with("typed_config.config") => "Plugin",
        query if query.ends_with("typed_config") && query.contains("http_connection_manager") => "Manager",
        query if query.ends_with(".route") => "Route.route",
        _ => return,
    };
    if let Some(meant) = messages::meant(message, field) {
        report.problem(at("path").finding(format!("names no field that there is; {meant} is: the patch is refused")));
    }
}

/// What stands in quotes in a path: names, and patterns of names.
fn quoted(query: &str) -> Vec<&str> {
    let by = |mark: char| query.split(mark).skip(1).step_by(2).collect::<Vec<_>>();
    if query.contains('\'') { by('\'') } else { by('"') }
}

/// The fields of a path, without what stands in brackets.
fn steps(query: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (index, letter) in query.char_indices().chain([(query.len(), '.')]) {
        if depth == 0 && matches!(letter, '.' | '[' | '$') {
            steps.push(&query[start..index]);
        }
        match letter {
            '[' => depth += 1,
            ']' => {
                depth = depth.saturating_sub(1);
                start = index + 1;
            }
            '.' | '$' if depth == 0 => start = index + 1,
            _ => {}
        }
    }
    steps.retain(|step| !step.is_empty() && *step != "*");
    steps
}

/// A gate's filter is named after its policy: `…/namespace/name/wasm/0`.
fn missing_gate(pattern: &str, resources: &[Resource<'_>]) -> Option<String> {
    let pattern = pattern.trim_end_matches('$');
    let (before, number) = pattern.split_once("/wasm/")?;
    let number: Option<usize> = number.parse().ok();
    let mut parts = before.rsplit('/');
    let (name, namespace) = (parts.next()?, parts.next()?);
    let mut gates = resources.iter().filter(|resource| extension_policy::has_gate(resource)).peekable();
    let first = gates.peek().map(|gate| {
        let number = extension_policy::numbers(gate).first().copied().unwrap_or_default();
        format!("{}/{}/wasm/{number}", gate.namespace, gate.name)
    })?;
    let plain = |text: &str| text.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
    let is_known = gates.any(|gate| {
        gate.name == name
            && (gate.namespace == namespace || namespace.is_empty())
            && number.is_none_or(|number| extension_policy::numbers(gate).contains(&number))
    });
    (plain(name) && plain(namespace) && !is_known).then_some(first)
}

/// What a patch does to the gate without naming it.
fn check_effect(patch: &Patch<'_>, report: &mut Report) {
    let operation = patch.place.member("operation").unwrap_or_else(|| patch.place.clone());
    let ends = |names: &[&str]| names.iter().any(|name| patch.path.ends_with(name));
    let chains = [
        "default_filter_chain",
        "filter_chains",
        "filter_chains/0",
        "filters",
        "filters/0",
        "filter_chains[*]",
        "filters[*]",
    ];
    if patch.operation == "remove" && ends(&chains) {
        report.problem(operation.finding("takes the gate out again"));
    }
    let is_gates = patch.path.contains("wasm") || patch.path.contains("dashgate");
    if is_gates
        && patch.operation != "test"
        && ["/configuration", ".configuration", "vm_config"].iter().any(|part| patch.path.contains(part))
    {
        report.problem(operation.finding(
            "changes the gate's policy or module: what stands in its EnvoyExtensionPolicy is not what runs; say it there",
        ));
    }
    let first = patch.path.ends_with("http_filters/0") || (is_gates && patch.path.ends_with(")]"));
    let Some(value) = patch.value.as_ref().filter(|_| first && patch.operation == "add") else { return };
    let adds_headers =
        value.member("typed_config").is_some_and(|config| config.is_a("header_mutation.v3.HeaderMutation"));
    if let Some(name) = value.text("name").filter(|_| !adds_headers && !rbac::is_lock(value)) {
        report.warning(
            operation
                .finding(format!("puts {name} before the gate, where it sees sessions, and may answer in its place")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_path_apart() {
        let query = "..http_filters[?(@.name == 'envoy.filters.http.router')].typed_config";
        assert_eq!(steps(query), ["http_filters", "typed_config"]);
        assert_eq!(quoted(query), ["envoy.filters.http.router"]);
        assert_eq!(steps("$.virtual_hosts[*].routes[*].route"), ["virtual_hosts", "routes", "route"]);
        assert_eq!(steps(""), [""; 0]);
    }
}
