//! Backends that one dashboard opens to everybody, and another asks a session for. Each host is judged by itself: under one host an
//! open part beside a closed one is what prefixes are for.

use super::{detours, plugin, routes};
use crate::check::Report;
use crate::place::Place;
use crate::tree::Node;

/// What of a dashboard matters here.
pub struct Permit {
    /// Its name.
    pub name: String,
    /// The host of its URL, without a port.
    pub host: String,
    /// The same with its port, as browsers say it; one of them, where each session has its own.
    authority: String,
    /// Whether it takes no session at all, wherever on its host.
    pub is_open: bool,
    /// Whose sessions it takes, as text to compare.
    demands: String,
}

/// The dashboards of a policy.
pub fn of_policy(policy: &Node) -> Vec<Permit> {
    let dashboards = policy.member("dashboards").map(Node::items).unwrap_or_default();
    let read = |dashboard: &Node| {
        let (_, rest) = dashboard.member("url")?.text()?.split_once("://")?;
        let (authority, path) = rest.split_once('/')?;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
        let is_open = path.is_empty() && dashboard.member("open").is_some_and(Node::is_true);
        let demands = ["sessions", "require", "subjects", "groups"]
            .map(|field| dashboard.member(field).map(Node::to_json).unwrap_or_default())
            .join(" ");
        let authority = authority.replace("{session}", "s").replace("{subject}", "s");
        Some(Permit { name: dashboard.member("name")?.text()?.to_owned(), host, authority, is_open, demands })
    };
    dashboards.iter().filter_map(read).collect()
}

/// Says that a route of an open dashboard leads where another asks for a session.
pub fn tell(place: &Place<'_>, backend: &str, open: &Permit, closed: &Permit, report: &mut Report) {
    report.problem(place.finding(format!(
        "leads to {backend} by the permit of {}, which is open to everybody, and {} asks for a session there",
        open.name, closed.name
    )));
}

/// A host is found by its name and its port, as the browser says them.
fn check_domains(chain: &Place<'_>, permits: &[Permit], report: &mut Report) {
    let Some(table) = chain.member("route_config") else { return };
    let any_port = table.is_true("ignore_port_in_host_matching") || chain.is_true("strip_any_host_port");
    for host in table.list("virtual_hosts") {
        let Some(domains) = host.member("domains") else { continue };
        for permit in permits {
            let leads = host.list("routes").iter().any(|route| routes::lock(route) == Some(permit.name.as_str()));
            let asked = if any_port { &permit.host } else { &permit.authority };
            let elsewhere = || {
                table.list("virtual_hosts").iter().any(|other| {
                    other.path != host.path
                        && other.list("domains").iter().any(|domain| is_asked(domain, asked))
                        && other.list("routes").iter().any(|route| routes::lock(route) == Some(permit.name.as_str()))
                })
            };
            if leads && !domains.items().iter().any(|domain| is_asked(domain, asked)) && !elsewhere() {
                report.problem(domains.finding(format!(
                    "none of these is {asked}, by which browsers ask for {}: it is answered 404",
                    permit.name
                )));
            }
        }
    }
}

fn is_asked(domain: &Place<'_>, authority: &str) -> bool {
    let domain = domain.node.text().unwrap_or_default().to_ascii_lowercase();
    match (domain.strip_prefix('*'), domain.strip_suffix('*')) {
        (Some(end), _) => authority.ends_with(end),
        (None, Some(begin)) => authority.starts_with(begin),
        (None, None) => domain == authority,
    }
}

/// Says that a route of one dashboard leads where another asks for other sessions.
fn tell_another(place: &Place<'_>, backend: &str, one: &Permit, other: &Permit, report: &mut Report) {
    let way = format!("leads to {backend} by the permit of {}, and {} asks for", one.name, other.name);
    if one.demands == other.demands {
        report.warning(place.finding(format!("{way} a session of its own there")));
    } else {
        report.problem(place.finding(format!("{way} other sessions there")));
    }
}

/// Checks the routes of a file's connection managers.
pub fn check(root: &Place<'_>, chains: &[&Place<'_>], plugins: &[Place<'_>], report: &mut Report) {
    let policies = plugins.iter().filter_map(|plugin| plugin::policy(plugin).ok());
    let permits: Vec<Permit> = policies.flat_map(|(policy, _)| of_policy(&policy)).collect();
    chains.iter().for_each(|chain| check_domains(chain, &permits, report));
    let all: Vec<Place<'_>> = chains.iter().flat_map(|chain| routes::all(chain)).collect();
    let ways: Vec<(&Permit, Place<'_>, &str, Vec<String>)> = all
        .iter()
        .filter_map(|route| {
            Some((route, permits.iter().find(|permit| Some(permit.name.as_str()) == routes::lock(route))?))
        })
        .flat_map(|(route, permit)| {
            let clusters = routes::clusters_of(route).into_iter();
            clusters.map(move |(place, name)| (permit, place, name, detours::endpoints(root, name)))
        })
        .collect();
    for (open, place, name, addresses) in ways.iter().filter(|(permit, ..)| permit.is_open) {
        let closed = ways.iter().find(|(permit, _, other, others)| {
            let same = name == other || addresses.iter().any(|address| others.contains(address));
            same && !permit.is_open && permit.host != open.host
        });
        if let Some((closed, ..)) = closed {
            tell(place, name, open, closed, report);
        }
    }
    let closed: Vec<_> = ways.iter().filter(|(permit, ..)| !permit.is_open).collect();
    for (at, (one, place, name, addresses)) in closed.iter().enumerate() {
        // Of two that lead to one backend the one that is not named like it is told, or else the later.
        let other = closed.iter().enumerate().find(|(number, (other, _, known, others))| {
            let same = name == known || addresses.iter().any(|address| others.contains(address));
            let is_others = *name == other.name || (*name != one.name && *number < at);
            same && one.name != other.name && one.host != other.host && is_others
        });
        if let Some((_, (other, ..))) = other {
            tell_another(place, name, one, other, report);
        }
    }
    for chain in chains {
        for (place, name) in routes::mirrors(chain) {
            let addresses = detours::endpoints(root, name);
            let guarded = closed.iter().find(|(_, _, other, others)| {
                name == *other || addresses.iter().any(|address| others.contains(address))
            });
            if let Some((dashboard, ..)) = guarded {
                report.problem(place.finding(format!(
                    "copies requests to {name}, where {} asks for a session, by the permit of whoever they were for",
                    dashboard.name
                )));
            }
        }
    }
}
