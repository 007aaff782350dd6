//! An EnvoyFilter that brings the gate: by discovery (EXTENSION_CONFIG and an HTTP_FILTER of the same name), or inline. Decides
//! whether both halves fit, and whether the patches beside them switch the gate off.

use super::gate::{Gate, Mesh, Role, Start};
use super::patch::{self, Patch};
use super::resource::Resource;
use super::{extension, fields, messages, module, switches};
use crate::check::Report;
use crate::environment::Environment;
use crate::envoy::{access_log, chain, connection_managers, plugin, rbac, routes};
use crate::place::Place;

/// The resources of an EnvoyFilter's patches that are dashgate's own messages.
fn message<'a>(patch: &Patch<'a>) -> Option<Place<'a>> {
    let is_ours = |message: &Place<'_>| {
        plugin::is_dashgate(message) || (patch.is_taken && message.is_a("filters.http.wasm.v3.Wasm"))
    };
    patch.value.as_ref()?.member("typed_config").filter(is_ours)
}

/// Whether an EnvoyFilter brings what is dashgate's by its own word.
pub fn is_dashgate(resource: &Resource<'_>) -> bool {
    let mut is_ours = false;
    resource.place.walk(&mut |place| {
        let discovered = place.member("config_discovery").is_some();
        is_ours |= plugin::is_dashgate(place)
            || (discovered && place.text("name").is_some_and(|name| name.contains("dashgate")));
    });
    resource.kind == "EnvoyFilter" && is_ours
}

/// The patches that bring the filter's configuration.
fn configurations<'p, 'a>(patches: &'p [Patch<'a>]) -> Vec<&'p Patch<'a>> {
    patches.iter().filter(|patch| patch.applies_to == "EXTENSION_CONFIG" && message(patch).is_some()).collect()
}

/// Whether a patch puts the gate among the filters, inline or by discovery.
fn is_entry(patch: &Patch<'_>, configurations: &[&Patch<'_>]) -> bool {
    if patch.applies_to != "HTTP_FILTER" {
        return false;
    }
    if message(patch).is_some() {
        return true;
    }
    let discovered = patch.value.as_ref().is_some_and(|value| value.member("config_discovery").is_some());
    let named = patch.name().contains("dashgate") || configurations.iter().any(|config| config.name() == patch.name());
    let alone = configurations.iter().any(|config| config.order == patch.order);
    discovered && (named || alone)
}

/// Checks the gates of all EnvoyFilters, and says which they are.
pub fn check<'a>(
    patches: &[Patch<'a>],
    mesh: &Mesh<'_, 'a>,
    environment: &Environment,
    report: &mut Report,
) -> Vec<(Gate<'a>, Option<Patch<'a>>)> {
    let configurations = configurations(patches);
    let entries: Vec<&Patch<'a>> = patches.iter().filter(|patch| is_entry(patch, &configurations)).collect();
    for config in &configurations {
        check_configuration(config, &entries, environment, report);
    }
    let mut gates = Vec::new();
    for entry in &entries {
        if let Some(message) = message(entry) {
            plugin::check(&message, environment, report);
            plugin::check_fetch(&message, report);
        }
        check_entry(entry, &configurations, patches, report);
        let gate = gate(entry, mesh);
        patch::check_match(entry, gate.role, "the gate", mesh.resources, report);
        check_context(entry, &gate, mesh, report);
        gates.push((gate, Some((*entry).clone())));
    }
    // A configuration that nothing runs is a gate all the same: one that is missing.
    let orphans = configurations.iter().filter(|config| !entries.iter().any(|entry| entry.name() == config.name()));
    if entries.is_empty() {
        gates.extend(orphans.map(|config| (gate(config, mesh), None)));
    }
    gates
}

fn gate<'a>(patch: &Patch<'a>, mesh: &Mesh<'_, 'a>) -> Gate<'a> {
    let role = match patch.context {
        "GATEWAY" => Role::Gateway,
        "SIDECAR_INBOUND" => Role::Sidecar,
        _ => mesh.role(&patch.aim),
    };
    let resource = mesh.resources[patch.order.2].clone();
    Gate { resource, aim: patch.aim.clone(), role, start: Start::Patched, names: vec![patch.name().to_owned()] }
}

fn check_configuration(config: &Patch<'_>, entries: &[&Patch<'_>], environment: &Environment, report: &mut Report) {
    let Some(message) = message(config) else { return };
    plugin::check(&message, environment, report);
    if let Some(remote) = message.deep(&["config", "vm_config", "code", "remote"]) {
        check_remote(&remote, report);
    }
    if config.operation != "ADD" {
        let place = config.place.deep(&["patch", "operation"]).unwrap_or_else(|| config.place.clone());
        report.problem(
            place.finding(
                "must be ADD for an EXTENSION_CONFIG: else it goes nowhere, and the filter has no configuration",
            ),
        );
    }
    let place = config.value.as_ref().and_then(|value| value.member("name")).unwrap_or_else(|| config.place.clone());
    let Some(entry) = entries.iter().find(|entry| entry.name() == config.name()) else {
        let discovered: Vec<&str> =
            entries.iter().filter(|entry| self::message(entry).is_none()).map(|entry| entry.name()).collect();
        report.problem(place.finding(match discovered.first() {
            Some(name) => format!(
                "is not {name}, which is the name that the HTTP_FILTER asks for: the gate never gets its configuration"
            ),
            None => "is asked for by no HTTP_FILTER: nothing puts the gate among the filters".to_owned(),
        }));
        return;
    };
    if let Some(proxy) = config.place.deep(&["match", "proxy"]) {
        report.warning(proxy.finding("leaves out the gate where the proxy is another one, after an update for one"));
    }
    if config.context != entry.context && ![config.context, entry.context].contains(&"ANY") {
        let message = format!(
            "is {}, and the HTTP_FILTER's is {}: the gate never gets its configuration",
            config.context, entry.context
        );
        report.problem(config.place.deep(&["match", "context"]).unwrap_or(place).finding(message));
    }
}

/// The agent fetches it, by the digest of the image's manifest.
fn check_remote(remote: &Place<'_>, report: &mut Report) {
    let hash = remote.member("sha256").filter(|hash| hash.node.text() != Some(""));
    if let Some(hash) = &hash {
        module::check_hash(hash, report);
    }
    let Some(uri) = remote.deep(&["http_uri", "uri"]) else { return };
    match uri.node.text().and_then(|text| text.split_once("://")) {
        Some(("oci", image)) => module::check_image(&uri, image, hash.is_some(), report),
        _ if hash.is_none() => {
            report.problem(remote.finding("is not pinned: sha256 must say the hash of the .wasm, quoted"));
        }
        _ => {}
    }
}

fn check_entry(entry: &Patch<'_>, configurations: &[&Patch<'_>], patches: &[Patch<'_>], report: &mut Report) {
    let Some(value) = &entry.value else { return };
    chain::check_presence(value, report);
    if let Some(class) = entry.place.deep(&["patch", "filterClass"]) {
        report.problem(class.finding("is not implemented by Istio: it places nothing; use operation: INSERT_FIRST"));
    }
    if message(entry).is_some() || configurations.iter().any(|config| config.name() == entry.name()) {
        return;
    }
    let named = patches.iter().find(|patch| patch.applies_to == "EXTENSION_CONFIG" && patch.name() == entry.name());
    match named.and_then(|patch| patch.value.as_ref()) {
        Some(other) => report
            .problem(other.finding("is no Wasm filter of dashgate's, and the HTTP_FILTER of this name asks for one")),
        None if configurations.is_empty() => {
            report.warning(value.finding("its EXTENSION_CONFIG is not in the files given: without one it answers 500"));
        }
        None => {}
    }
}

/// A patch for one kind of proxy, on a workload of the other kind.
fn check_context(entry: &Patch<'_>, gate: &Gate<'_>, mesh: &Mesh<'_, '_>, report: &mut Report) {
    let Some(place) = entry.place.deep(&["match", "context"]) else {
        report.warning(
            entry.place.finding("has no match.context: it also runs for what a sidecar sends, where no gate belongs"),
        );
        return;
    };
    let at_edge = mesh.met(&gate.aim).next().is_some();
    let met = mesh.workloads.iter().filter(|workload| gate.aim.reaches(workload) == super::aim::Reach::Yes);
    let kinds: Vec<bool> = met.map(|workload| super::aim::is_gateway(workload, &mesh.gateways)).collect();
    let inside = !kinds.is_empty() && kinds.iter().all(|is_gateway| !is_gateway);
    match entry.context {
        "SIDECAR_INBOUND" if at_edge => {
            report.problem(place.finding(
                "is for sidecars, and what this applies to is a gateway: the gate meets nothing; use GATEWAY",
            ));
        }
        "GATEWAY" if inside && !at_edge => {
            report.problem(place.finding(
                "is for gateways, and what this applies to is none: the gate meets nothing; use SIDECAR_INBOUND",
            ))
        }
        "ANY" => report.warning(place.finding("also runs for what a sidecar sends, where no gate belongs")),
        _ => {}
    }
}

/// Checks what any EnvoyFilter could do to a gate of the files.
pub fn check_all(resources: &[Resource<'_>], patches: &[Patch<'_>], gates: &[String], report: &mut Report) {
    for resource in resources.iter().filter(|resource| resource.kind == "EnvoyFilter") {
        let Some(spec) = resource.place.member("spec") else {
            report.problem(resource.place.finding("has no spec: it patches nothing"));
            continue;
        };
        fields::check_spec(resource.kind, &spec, report);
        extension::check_target(&spec, report);
    }
    messages::check(patches, report);
    let locks: Vec<&str> =
        patches.iter().filter(|patch| patch.value.as_ref().is_some_and(rbac::is_lock)).map(Patch::name).collect();
    for patch in patches {
        patch::check_words(patch, report);
        switches::check_removal(patch, gates, &locks, report);
        let Some(value) = &patch.value else { continue };
        switches::check_disabling(value, gates, report);
        switches::check_unlocking(value, &locks, report);
        chain::check_upgrades(value, report);
        switches::check_state(value, report);
        check_ways(patch, value, report);
        for manager in connection_managers(value) {
            check_weakening(&manager, report);
            access_log::check(&manager, report);
        }
    }
}

/// A listener or a network filter of the patch's own, which no patch for HTTP filters is for.
fn check_ways(patch: &Patch<'_>, value: &Place<'_>, report: &mut Report) {
    let is_new = patch.operation != "MERGE" && patch.operation != "REMOVE";
    if !is_new || !["LISTENER", "FILTER_CHAIN", "NETWORK_FILTER"].contains(&patch.applies_to) {
        return;
    }
    value.walk(&mut |place| {
        if place.is_a("tcp_proxy.v3.TcpProxy") {
            report.problem(place.finding("hands connections on as they are: no HTTP filter runs, and so no gate"));
        }
    });
    for manager in connection_managers(value) {
        if patch.applies_to == "LISTENER" && chain::gate(&manager).is_none() {
            let leads = routes::all(&manager).iter().any(|route| route.member("route").is_some());
            if leads || manager.member("rds").is_some() {
                report.problem(manager.finding("leads to backends by a listener that has no gate"));
            }
        }
    }
}

fn check_weakening(manager: &Place<'_>, report: &mut Report) {
    for field in ["normalize_path", "merge_slashes", "use_remote_address"] {
        if let Some(place) = manager.member(field).filter(|place| place.scalar().as_deref() == Some("false")) {
            report.problem(
                place.finding(
                    "must be true: the path decided on may not be the path routed, nor the client who it says",
                ),
            );
        }
    }
    let underscores = manager.deep(&["common_http_protocol_options", "headers_with_underscores_action"]);
    if let Some(place) = underscores.filter(|place| place.node.text() == Some("ALLOW")) {
        report.problem(place.finding("many backends take x_dashgate_subject for x-dashgate-subject; use DROP_HEADER"));
    }
}

/// Whether a patch lets the filter hold bodies, where its own resource cannot say so.
pub fn allows_forms(patches: &[Patch<'_>]) -> bool {
    let mut allowed = false;
    for value in patches.iter().filter(|patch| message(patch).is_none()).filter_map(|patch| patch.value.as_ref()) {
        value.walk(&mut |place| allowed |= place.is_true("allow_on_headers_stop_iteration"));
    }
    allowed
}
