//! The ways past the gate: a connection manager without it, or a TCP proxy, that leads to a backend which the gate guards
//! elsewhere in the file, under the same cluster or under another with the same address.

use super::{backends, routes};
use crate::check::Report;
use crate::place::Place;

/// Checks what has no gate against the backends of what has one.
pub fn check(root: &Place<'_>, guarded: &[&Place<'_>], bare: &[&Place<'_>], report: &mut Report) {
    let backends: Vec<&str> = guarded.iter().flat_map(|chain| routes::clusters(chain)).map(|(_, name)| name).collect();
    let mut ways: Vec<(Place<'_>, &str)> = bare.iter().flat_map(|chain| everywhere(chain)).collect();
    let dynamic = backends::dynamic(root);
    root.walk(&mut |place| {
        if place.is_a("tcp_proxy.v3.TcpProxy") {
            let weighted = place.deep(&["weighted_clusters"]).map(|weighted| weighted.list("clusters"));
            let named = weighted.unwrap_or_default().into_iter().filter_map(|cluster| cluster.member("name"));
            let named = place.member("cluster").into_iter().chain(named);
            for named in named {
                let Some(name) = named.node.text() else { continue };
                if !guarded.is_empty() && dynamic.contains(&name) {
                    report.problem(named.finding(ANYWHERE));
                }
                ways.push((named.clone(), name));
            }
        }
    });
    if !guarded.is_empty() {
        bare.iter().for_each(|chain| check_dynamic(root, chain, report));
    }
    let led = if guarded.is_empty() { Vec::new() } else { backends::led(root) };
    for (place, name) in &ways {
        match led.iter().find(|(cluster, _)| cluster.text("name") == Some(name)) {
            Some((_, Some(_))) => report.problem(place.finding(ANYWHERE)),
            Some((_, None)) => report.warning(place.finding(
                "leads to where the connection was meant for, without dashgate: whether that may be what it guards in this file is not known",
            )),
            None => {}
        }
    }
    for (place, name) in ways {
        let own = endpoints(root, name);
        let guarded = backends
            .iter()
            .find(|backend| **backend == name || endpoints(root, backend).iter().any(|address| own.contains(address)));
        if let Some(guarded) = guarded {
            let which =
                if *guarded == name { name.to_owned() } else { format!("{name}, the same backend as {guarded}") };
            report.problem(
                place.finding(format!(
                    "leads to {which}, which dashgate guards elsewhere in this file, without dashgate"
                )),
            );
        }
    }
}

const ANYWHERE: &str =
    "leads wherever a client says, without dashgate, and so to what it guards elsewhere in this file, too";

/// All that a connection manager leads to: by its routes, by matcher trees of them, by copies.
fn everywhere<'a>(chain: &Place<'a>) -> Vec<(Place<'a>, &'a str)> {
    let mut found = routes::mirrors(chain);
    chain.walk(&mut |place| found.extend(routes::clusters_of(place)));
    found
}

/// A way without the gate whose end the client names: any backend may be meant.
fn check_dynamic(root: &Place<'_>, chain: &Place<'_>, report: &mut Report) {
    let dynamic = backends::dynamic(root);
    let mut ways: Vec<Place<'_>> = routes::all(chain)
        .iter()
        .filter_map(|route| route.member("route"))
        .flat_map(|action| ["cluster_header", "cluster_specifier_plugin"].map(|field| action.member(field)))
        .flatten()
        .collect();
    ways.extend(routes::clusters(chain).into_iter().filter(|(_, name)| dynamic.contains(name)).map(|(place, _)| place));
    for field in ["rds", "scoped_routes"] {
        if let Some(place) = chain.member(field) {
            report.warning(place.finding(
                "says nothing here of its routes: whether they lead to what dashgate guards in this file is not known",
            ));
        }
    }
    for way in ways {
        report.problem(way.finding(ANYWHERE));
    }
}

/// The addresses that a cluster of the file has, those of an aggregate's clusters included.
pub fn endpoints(root: &Place<'_>, cluster: &str) -> Vec<String> {
    let mut found = own_endpoints(root, cluster);
    let mut names = aggregated(root, cluster);
    let mut at = 0;
    while let Some(name) = names.get(at).cloned() {
        found.extend(own_endpoints(root, &name));
        let more: Vec<String> = aggregated(root, &name).into_iter().filter(|more| !names.contains(more)).collect();
        names.extend(more);
        at += 1;
    }
    found
}

fn aggregated(root: &Place<'_>, cluster: &str) -> Vec<String> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        let kind = place.deep(&["cluster_type", "typed_config"]).filter(|_| place.text("name") == Some(cluster));
        if let Some(kind) = kind.filter(|kind| kind.is_a("aggregate.v3.ClusterConfig")) {
            found.extend(kind.list("clusters").iter().filter_map(|name| name.node.text()).map(str::to_owned));
        }
    });
    found
}

fn own_endpoints(root: &Place<'_>, cluster: &str) -> Vec<String> {
    let mut found = Vec::new();
    root.walk(&mut |place| {
        let discovered = place.member("eds_cluster_config").filter(|_| place.text("name") == Some(cluster));
        if let Some(discovered) = discovered {
            // Endpoints that come by discovery are the same where their name is.
            found.push(format!("by discovery as {}", discovered.text("service_name").unwrap_or(cluster)));
        }
        if place.text("name") == Some(cluster)
            && let Some(assignment) = place.member("load_assignment")
        {
            assignment.walk(&mut |place| {
                found.extend(place.deep(&["endpoint", "address"]).and_then(|address| said(&address)));
            });
        }
    });
    found
}

/// An address as text.
pub fn said(address: &Place<'_>) -> Option<String> {
    if let Some(pipe) = address.member("pipe") {
        return pipe.text("path").map(str::to_owned);
    }
    let socket = address.member("socket_address")?;
    let port = socket.word("port_value").or_else(|| socket.word("named_port"))?;
    // One machine has many names for itself.
    let host = match socket.text("address")? {
        "localhost" | "::1" | "0.0.0.0" | "::" | "::ffff:127.0.0.1" => "127.0.0.1",
        host => host,
    };
    Some(format!("{}:{port}", host.trim_end_matches('.').to_ascii_lowercase()))
}
