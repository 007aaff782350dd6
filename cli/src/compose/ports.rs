//! Published ports: only Envoy's listeners are for the outside. Decides nothing about what listens there.

use super::service::{Service, filled};
use super::{Member, Role};
use crate::check::Report;
use crate::envoy::admin::{self, Listener};
use crate::place::Place;

/// Where Envoy's admin interface is by custom.
const ADMIN: u16 = 9901;

/// A published port.
struct Port<'a> {
    /// The machine's address that it is bound to; nothing for all of them.
    address: Option<String>,
    first: u16,
    last: u16,
    place: Place<'a>,
}

impl Port<'_> {
    fn holds(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    fn is_loopback(&self) -> bool {
        self.address.as_deref().is_some_and(|address| {
            address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback()) || address == "localhost"
        })
    }
}

/// Looks for ports that lead past the gate.
pub fn check(members: &[Member<'_>], envoys: &[Place<'_>], report: &mut Report) {
    check_addresses(members, envoys, report);
    for member in members {
        let ports: Vec<Port<'_>> = member.service.list("ports").into_iter().filter_map(read).collect();
        match member.role {
            Role::Envoy => ports.iter().for_each(|port| check_envoys(port, envoys, report)),
            Role::Guarded | Role::Unknown => {
                if let (Some(_), Some(field)) = (ports.first(), member.service.field("ports")) {
                    report.problem(
                        field.finding("is reached from outside past Envoy, and so without dashgate; leave ports out"),
                    );
                }
            }
            Role::Open => {
                const TOLD: &str =
                    "is reached past Envoy: without TLS, and with x-dashgate-* headers of whoever comes; leave it out";
                for port in &ports {
                    let finding = port.place.finding(TOLD);
                    if port.is_loopback() { report.warning(finding) } else { report.problem(finding) }
                }
            }
            Role::Other => {
                for port in ports.iter().filter(|port| !port.is_loopback() && !member.service.is_store()) {
                    if let Some((network, dashboard)) = met(member, members) {
                        report.warning(port.place.finding(format!(
                            "is reached from outside, and shares {network} with {dashboard}: whether it leads there without \
                             dashgate is not known"
                        )));
                    }
                }
            }
        }
    }
}

/// A listener that is bound to an address is bound to one of Envoy's: on a network where its container has that.
fn check_addresses(members: &[Member<'_>], envoys: &[Place<'_>], report: &mut Report) {
    let mut own = members.iter().filter(|member| member.role == Role::Envoy);
    // With several, which of them reads which file is not known.
    let (Some(envoy), None) = (own.next(), own.next()) else { return };
    if envoy.service.networks().is_empty() {
        return;
    }
    let hosts = envoy.service.hosts();
    for address in envoys.iter().flat_map(admin::listeners).filter_map(|listener| listener.address) {
        if !hosts.iter().any(|host| Some(host.as_str()) == address.node.text()) {
            report.problem(address.finding(format!(
                "is no address of {}, so Envoy does not start; give it that as ipv4_address on one of its networks, or use 0.0.0.0",
                envoy.service.name
            )));
        }
    }
}

/// What Envoy shows besides its listeners for dashboards.
fn check_envoys(port: &Port<'_>, envoys: &[Place<'_>], report: &mut Report) {
    let admins: Vec<u16> = envoys.iter().filter_map(admin::port).collect();
    let listeners: Vec<Listener<'_>> = envoys.iter().flat_map(admin::listeners).collect();
    let by_custom =
        port.first == ADMIN && port.last == ADMIN && !listeners.iter().any(|listener| listener.port == ADMIN);
    if admins.iter().any(|admin| port.holds(*admin)) || by_custom {
        report.problem(port.place.finding(
            "is where Envoy's admin interface is: whoever reaches it can stop Envoy and read its configuration; leave it out",
        ));
        return;
    }
    let meant: Vec<&Listener<'_>> = listeners.iter().filter(|listener| port.holds(listener.port)).collect();
    if !meant.is_empty() && meant.iter().all(|listener| listener.is_loopback) {
        report.problem(port.place.finding(
            "leads nowhere: Envoy listens on its container's own 127.0.0.1 there, which nobody outside reaches; 0.0.0.0",
        ));
    } else if meant.iter().any(|listener| listener.shows_metrics) && !port.is_loopback() {
        report.warning(port.place.finding(
            "shows Envoy's metrics to whoever reaches this machine; publish it on 127.0.0.1, or let Prometheus come by a network",
        ));
    }
}

/// A network on which a service meets a guarded dashboard.
fn met<'a>(member: &Member<'_>, members: &'a [Member<'_>]) -> Option<(String, &'a str)> {
    member.service.networks().into_iter().find_map(|(name, _)| {
        let dashboard = members.iter().find(|other| {
            other.role == Role::Guarded && other.service.networks().iter().any(|(known, _)| *known == name)
        })?;
        Some((format!("network {name}"), dashboard.service.name))
    })
}

/// The machine's ports under which a service is found, where each is said.
pub fn published(service: &Service<'_>) -> Vec<String> {
    let said = |place: Place<'_>| match place.scalar() {
        None => place.word("published").map(|port| filled(&port)),
        Some(text) => {
            let text = filled(&text);
            let (rest, _) = text.rsplit_once(':')?;
            Some(rest.rsplit_once(':').map_or(rest, |(_, port)| port).to_owned())
        }
    };
    service.list("ports").into_iter().filter_map(said).collect()
}

/// Both forms: `[address:][published:]target[/protocol]`, and a map.
fn read(place: Place<'_>) -> Option<Port<'_>> {
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    // What no number can be read from is published all the same.
    const ANY: (u16, u16) = (0, u16::MAX);
    let Some(text) = place.scalar() else {
        let target = place.word("target").map(|target| filled(&target))?;
        let (first, last) = range(&target).unwrap_or(ANY);
        return Some(Port { address: place.word("host_ip").map(|address| filled(&address)), first, last, place });
    };
    let text = filled(&text);
    let text = text.split('/').next().unwrap_or_default();
    let (rest, target) = text.rsplit_once(':').unwrap_or(("", text));
    let (first, last) = range(target).unwrap_or(ANY);
    let address = rest.rsplit_once(':').map(|(address, _)| address.trim_matches(['[', ']']).to_owned());
    Some(Port { address: address.filter(|address| !address.is_empty()), first, last, place })
}
