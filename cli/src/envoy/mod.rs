//! An Envoy file around a policy: finds the dashgate filters and the settings that would let a request past them.
//!
//! Each trap was measured on Envoy 1.40: a file that has one loads, and answers requests that the gate never saw.
//! What a control plane adds later cannot be seen here; where routes come from elsewhere, an RBAC filter must hold.

mod backends;
mod chain;
mod place;
mod plugin;
mod rbac;
mod routes;

use crate::check::Report;
use crate::environment::Environment;
use crate::tree::Node;
use place::Place;

/// The filter state that says which dashboard a request was permitted to. Only the gate can write it.
const LOCK: &str = "wasm.dashgate_dashboard";

/// The policies of all dashgate filters of a file.
pub fn policies(document: &Node) -> Vec<Result<Node, String>> {
    plugins(&Place::root(document)).iter().map(|plugin| plugin::policy(plugin).map(|(policy, _)| policy)).collect()
}

/// Looks for every trap.
pub fn check(document: &Node, environment: &Environment, report: &mut Report) {
    let root = Place::root(document);
    let plugins = plugins(&root);
    let mut names = Some(Vec::new());
    for plugin in &plugins {
        match (plugin::check(plugin, environment, report), &mut names) {
            (Some(more), Some(names)) => names.extend(more),
            _ => names = None,
        }
    }
    let mut chains = Vec::new();
    root.walk(&mut |place| {
        if place.is_a("http_connection_manager.v3.HttpConnectionManager") {
            chains.push(place.clone());
        }
    });
    let guarded: Vec<&Place<'_>> = chains.iter().filter(|chain| chain::gate(chain).is_some()).collect();
    if plugins.is_empty() {
        // A filter that comes by discovery has its policy elsewhere: then any name may be a dashboard's.
        names = None;
    }
    let private = backends::private(&plugins);
    for chain in &guarded {
        chain::check(chain, names.as_deref(), report);
        backends::check_routes(&root, chain, private.as_deref(), report);
    }
    if !guarded.is_empty() {
        backends::check_clusters(&root, report);
    }
    let backends: Vec<&str> = guarded.iter().flat_map(|chain| routes::clusters(chain)).map(|(_, name)| name).collect();
    for chain in chains.iter().filter(|chain| chain::gate(chain).is_none()) {
        for (place, name) in routes::clusters(chain).iter().filter(|(_, name)| backends.contains(name)) {
            let message = format!("leads to {name}, which dashgate guards elsewhere in this file, without dashgate");
            report.problems.push(place.finding(message));
        }
    }
    if plugins.is_empty() && guarded.is_empty() {
        report.problems.push(root.finding("holds neither a policy nor a dashgate filter"));
    } else if !chains.is_empty() && guarded.is_empty() {
        let message = "is not among the http_filters of any connection manager of this file, so it sees no request";
        report.problems.extend(plugins.iter().map(|plugin| plugin.finding(message)));
    }
}

/// The `Wasm` messages that are dashgate's.
fn plugins<'a>(root: &Place<'a>) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        if plugin::is_dashgate(place) {
            found.push(place.clone());
        }
    });
    found
}

#[cfg(test)]
mod tests;
