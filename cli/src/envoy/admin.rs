//! The admin interface, which can stop Envoy and shows its configuration: a unix socket of Envoy's own user, of which a listener
//! shows one page at most.

use std::net::IpAddr;

use super::{detours, routes};
use crate::check::Report;
use crate::place::Place;
use crate::tree::Value;

/// What of the admin interface may be shown.
const SHOWN: [&str; 2] = ["/stats/prometheus", "/ready"];
/// 0600.
const OWN_USER: u32 = 0o600;

/// Checks the address, and every route that leads there.
pub fn check(root: &Place<'_>, chains: &[Place<'_>], report: &mut Report) {
    let Some(address) = root.deep(&["admin", "address"]) else { return };
    check_address(&address, report);
    check_listeners(root, report);
    for route in chains.iter().flat_map(routes::all) {
        let leads = routes::clusters_of(&route)
            .iter()
            .any(|(_, name)| detours::endpoints(root, name).iter().any(|endpoint| is_same(endpoint, &address)));
        if leads && !shows_one_page(&route) {
            report.problem(route.finding(
                "shows more of the admin interface than /stats/prometheus, and whoever has it can stop Envoy; \
                 match.path: /stats/prometheus",
            ));
        }
    }
}

/// The port that it listens on, where it is one.
pub fn port(root: &Place<'_>) -> Option<u16> {
    root.deep(&["admin", "address", "socket_address"])?.word("port_value")?.parse().ok()
}

/// A TCP port that a file listens on.
pub struct Listener<'a> {
    pub port: u16,
    /// The address, where it is one of the machine's own and neither all of them nor loopback.
    pub address: Option<Place<'a>>,
    /// Whether only what runs beside Envoy reaches it.
    pub is_loopback: bool,
    /// Whether a page of the admin interface is shown there.
    pub shows_metrics: bool,
}

/// The ports that a file listens on.
pub fn listeners<'a>(root: &Place<'a>) -> Vec<Listener<'a>> {
    let listeners = super::listeners(root);
    listeners
        .iter()
        .filter_map(|listener| {
            let socket = listener.deep(&["address", "socket_address"])?;
            let port = socket.word("port_value")?.parse().ok()?;
            let said = socket.text("address").and_then(|text| text.parse::<IpAddr>().ok());
            let is_loopback = said.is_some_and(|address| address.is_loopback());
            let own = said.is_some_and(|address| !address.is_loopback() && !address.is_unspecified());
            let address = socket.member("address").filter(|_| own);
            Some(Listener { port, address, is_loopback, shows_metrics: shows(root, listener) })
        })
        .collect()
}

/// Whether a listener leads to the admin interface.
fn shows(root: &Place<'_>, listener: &Place<'_>) -> bool {
    let Some(admin) = root.deep(&["admin", "address"]) else { return false };
    let clusters = super::connection_managers(listener).iter().flat_map(routes::clusters).collect::<Vec<_>>();
    clusters.iter().any(|(_, name)| detours::endpoints(root, name).iter().any(|endpoint| is_same(endpoint, &admin)))
}

/// Tells a page of the admin interface that every address of the machine shows.
fn check_listeners(root: &Place<'_>, report: &mut Report) {
    let listeners = super::listeners(root);
    for listener in listeners.iter().filter(|listener| shows(root, listener)) {
        let address = listener.deep(&["address", "socket_address", "address"]);
        if let Some(address) = address.filter(is_everywhere) {
            report.warning(address.finding(
                "shows Envoy's metrics to whoever reaches this machine; use 127.0.0.1, or an address that only Prometheus reaches",
            ));
        }
    }
}

fn is_everywhere(address: &Place<'_>) -> bool {
    address.node.text().and_then(|text| text.parse::<IpAddr>().ok()).is_some_and(|address| address.is_unspecified())
}

/// An interface on all addresses is reached by each of them.
fn is_same(endpoint: &str, admin: &Place<'_>) -> bool {
    let everywhere = admin.deep(&["socket_address", "address"]).is_some_and(|address| is_everywhere(&address));
    let port = admin.deep(&["socket_address"]).and_then(|socket| socket.word("port_value"));
    detours::said(admin).as_deref() == Some(endpoint)
        || (everywhere && endpoint.rsplit_once(':').is_some_and(|(_, other)| port.as_deref() == Some(other)))
}

/// Checks the address itself.
pub fn check_address(address: &Place<'_>, report: &mut Report) {
    const SOCKET: &str = "use a pipe with mode: 384 (0600)";
    if let Some(socket) = address.member("socket_address") {
        let host = socket.text("address").unwrap_or_default();
        if host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback()) {
            report.warning(socket.finding(format!(
                "lets every program of this machine stop Envoy and read its configuration; {SOCKET}"
            )));
        } else {
            report.problem(
                socket.finding(format!("lets whoever reaches {host} stop Envoy and read its configuration; {SOCKET}")),
            );
        }
    }
    let Some(pipe) = address.member("pipe") else { return };
    let mode = pipe.member("mode").and_then(|mode| match &mode.node.value {
        Value::Number(number) => number.parse::<u32>().ok(),
        _ => None,
    });
    if mode.is_none_or(|mode| mode == 0 || mode & !OWN_USER != 0) {
        report.warning(pipe.finding("is not for Envoy's user alone; mode: 384 (0600)"));
    }
}

fn shows_one_page(route: &Place<'_>) -> bool {
    let path = route.deep(&["match", "path"]).and_then(|path| path.node.text());
    let rewritten = ["prefix_rewrite", "regex_rewrite", "path_rewrite_policy", "path_rewrite"]
        .iter()
        .any(|name| route.deep(&["route", name]).is_some());
    path.is_some_and(|path| SHOWN.contains(&path)) && !rewritten
}
