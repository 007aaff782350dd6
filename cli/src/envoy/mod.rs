//! An Envoy file around a policy: finds the dashgate filters and the settings that would let a request past them.
//!
//! Each trap was measured on Envoy 1.40: a file that has one loads, and answers requests that the gate never saw.
//! What a control plane adds later cannot be seen here; where routes come from elsewhere, an RBAC filter must hold. The
//! pieces of Envoy configuration that such a control plane is given are looked at by the same functions (`kubernetes/`).

pub mod access_log;
pub mod admin;
mod backends;
mod before;
pub mod chain;
mod detours;
pub mod discovery;
pub mod fields;
pub mod permits;
pub mod plugin;
pub mod rbac;
pub mod removals;
pub mod routes;
mod supply;
mod tls;

use crate::check::Report;
use crate::environment::Environment;
use crate::place::Place;
use crate::tree::Node;

/// The filter state that says which dashboard a request was permitted to. Only the gate can write it.
pub const LOCK: &str = "wasm.dashgate_dashboard";

/// Where the gate's routes lead.
pub struct Backend {
    /// A host's name or address.
    pub host: String,
    /// The port there.
    pub port: String,
    /// Whether everybody is led there.
    pub is_open: bool,
}

/// A key of a policy.
pub struct Key {
    /// The variable that holds it.
    pub name: String,
    /// Whether it makes sessions for every dashboard, and not just values that one dashboard's own framework reads, too.
    pub signs_for_all: bool,
}

/// The hosts behind the gate of a file.
pub fn reached(root: &Place<'_>) -> Vec<Backend> {
    let permits: Vec<permits::Permit> =
        policies(root.node).into_iter().flatten().flat_map(|policy| permits::of_policy(&policy)).collect();
    let mut found = Vec::new();
    for chain in connection_managers(root).iter().filter(|chain| chain::gate(chain).is_some()) {
        for route in routes::all(chain) {
            let lock = routes::lock(&route);
            let is_open = permits.iter().any(|permit| permit.is_open && Some(permit.name.as_str()) == lock);
            for endpoint in routes::clusters_of(&route).iter().flat_map(|(_, name)| detours::endpoints(root, name)) {
                if let Some((host, port)) = endpoint.rsplit_once(':') {
                    found.push(Backend { host: host.to_owned(), port: port.to_owned(), is_open });
                }
            }
        }
    }
    found
}

/// The unix sockets behind the gate of a file.
pub fn pipes(root: &Place<'_>) -> Vec<String> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        found.extend(place.deep(&["endpoint", "address", "pipe"]).and_then(|pipe| pipe.word("path")))
    });
    found
}

/// The keys of a file's policies.
pub fn keys(root: &Place<'_>) -> Vec<Key> {
    let mut found = Vec::new();
    for policy in policies(root.node).into_iter().flatten() {
        let kinds = policy.member("sessions").map(Node::members).unwrap_or_default();
        for key in policy.member("keys").map(Node::items).unwrap_or_default() {
            let (Some(id), Some(name)) =
                (key.member("id").and_then(Node::text), key.member("env").and_then(Node::text))
            else {
                continue;
            };
            let signs_for_all = kinds.iter().any(|(_, kind)| {
                let is_jwt = kind.member("format").and_then(Node::text) == Some("jwt");
                is_jwt
                    && kind
                        .member("keys")
                        .map(Node::items)
                        .unwrap_or_default()
                        .iter()
                        .any(|known| known.text() == Some(id))
            });
            found.push(Key { name: name.to_owned(), signs_for_all });
        }
    }
    found
}

/// The policies of all dashgate filters of a file.
pub fn policies(document: &Node) -> Vec<Result<Node, String>> {
    plugins(&Place::root(document)).iter().map(|plugin| plugin::policy(plugin).map(|(policy, _)| policy)).collect()
}

/// Looks for every trap; says whether there is a dashgate filter at all.
pub fn check(root: &Place<'_>, environment: &Environment, report: &mut Report) -> bool {
    let plugins = plugins(root);
    let mut names = Some(Vec::new());
    for plugin in &plugins {
        match (plugin::check(plugin, environment, report), &mut names) {
            (Some(more), Some(names)) => names.extend(more),
            _ => names = None,
        }
        plugin::check_fetch(plugin, report);
    }
    let chains = connection_managers(root);
    let (guarded, bare): (Vec<&Place<'_>>, Vec<&Place<'_>>) =
        chains.iter().partition(|chain| chain::gate(chain).is_some());
    if plugins.is_empty() {
        // A filter that comes by discovery has its policy elsewhere: then any name may be a dashboard's.
        names = None;
    }
    let private = backends::private(&plugins);
    for chain in &guarded {
        chain::check(chain, names.as_deref(), report);
        backends::check_routes(root, chain, private.as_deref(), report);
    }
    if !guarded.is_empty() {
        backends::check_clusters(root, &guarded, report);
        admin::check(root, &chains, report);
        chains.iter().for_each(|chain| access_log::check(chain, report));
    }
    permits::check(root, &guarded, &plugins, report);
    detours::check(root, &guarded, &bare, report);
    tls::check(root, &guarded, report);
    supply::check(root, &guarded, report);
    if !chains.is_empty() && guarded.is_empty() {
        let message = "is not among the http_filters of any connection manager of this file, so it sees no request";
        plugins.iter().for_each(|plugin| report.problem(plugin.finding(message)));
    }
    !plugins.is_empty() || !guarded.is_empty()
}

/// The `Wasm` messages that are dashgate's.
pub fn plugins<'a>(root: &Place<'a>) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        if plugin::is_dashgate(place) {
            found.push(place.clone());
        }
    });
    found
}

/// The connection managers, wherever they are.
pub fn connection_managers<'a>(root: &Place<'a>) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        if place.is_a("http_connection_manager.v3.HttpConnectionManager") {
            found.push(place.clone());
        }
    });
    found
}

/// The listeners of a bootstrap, or of a file that Envoy discovers them in.
pub fn listeners<'a>(root: &Place<'a>) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        if ["filter_chains", "default_filter_chain"].iter().any(|name| place.member(name).is_some()) {
            found.push(place.clone());
        }
    });
    found
}

#[cfg(test)]
mod tests;
