//! Who reaches a dashboard from within: only Envoy should. A dashboard runs code for its visitors, and what that code reaches, they do.

use super::stack::Stack;
use super::{Member, Role};
use crate::check::Report;
use crate::place::Place;

/// Looks for networks on which others than Envoy meet a dashboard.
pub fn check(stack: &Stack<'_>, members: &[Member<'_>], report: &mut Report) {
    members.iter().for_each(|member| check_mode(stack, member, members, report));
    check_names(members, report);
    let mut names: Vec<String> = Vec::new();
    for (name, _) in members.iter().flat_map(|member| member.service.networks()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let guarded = members.iter().filter(|member| member.role == Role::Guarded);
    let is_closed = guarded
        .flat_map(|member| member.service.networks())
        .any(|(name, _)| stack.entry("networks", &name).is_some_and(|network| is_closed(&network)));
    for name in names {
        let on: Vec<(&Member<'_>, Place<'_>)> = members
            .iter()
            .filter(|member| matches!(member.role, Role::Guarded | Role::Open))
            .filter_map(|member| {
                let own = member.service.networks().into_iter().find(|(known, _)| *known == name)?;
                Some((member, own.1))
            })
            .collect();
        check_members(&name, &on, report);
        let Some((member, place)) = on.iter().find(|(member, _)| member.role == Role::Guarded) else { continue };
        let network = stack.entry("networks", &name);
        if let Some(network) = &network {
            check_network(network, member.service.name, report);
        }
        if is_closed && !network.as_ref().is_some_and(|network| network.is_true("internal")) {
            report.warning(place.finding(format!(
                "network {name} is not internal, as others here are: {} has a way out, and the machine's users one to it; internal: true",
                member.service.name
            )));
        }
    }
}

/// Two that answer to one name: Envoy leads the sessions for one to the other, now and then.
fn check_names(members: &[Member<'_>], report: &mut Report) {
    let led = |member: &&Member<'_>| matches!(member.role, Role::Guarded | Role::Open);
    for (at, member) in members.iter().enumerate().filter(|(_, member)| led(member)) {
        for other in members.iter().take(at).filter(led) {
            let names = other.service.hosts();
            if let Some(name) = member.service.hosts().into_iter().find(|name| names.contains(name)) {
                report.problem(member.service.place().finding(format!(
                    "is found by Envoy as {name}, and so is {}: each gets the other's requests",
                    other.service.name
                )));
            }
        }
    }
}

/// Whether a network is meant to have no way out, and none for the machine's users.
fn is_closed(network: &Place<'_>) -> bool {
    let inhibited =
        network.deep(&["driver_opts", "com.docker.network.bridge.inhibit_ipv4"]).and_then(|place| place.scalar());
    network.is_true("internal") || inhibited.as_deref() == Some("true")
}

fn check_members(network: &str, on: &[(&Member<'_>, Place<'_>)], report: &mut Report) {
    let names =
        |role: Role| on.iter().filter(move |(member, _)| member.role == role).map(|(member, _)| member.service.name);
    let guarded: Vec<&str> = names(Role::Guarded).collect();
    let open: Vec<&str> = names(Role::Open).collect();
    let Some((_, place)) = on.last() else { return };
    if guarded.len() > 1 {
        report.problem(place.finding(format!(
            "on network {network}, {} reach one another without dashgate; give each a network of its own with Envoy",
            listed(&guarded)
        )));
    }
    if let (false, [portal, ..]) = (guarded.is_empty(), open.as_slice()) {
        report.warning(place.finding(format!(
            "on network {network}, {} and {portal} reach one another past Envoy; give each a network of its own with Envoy",
            listed(&guarded)
        )));
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [name] => (*name).to_owned(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}

fn check_network(network: &Place<'_>, dashboard: &str, report: &mut Report) {
    if let Some(driver) = network.member("driver") {
        let word = driver.scalar().unwrap_or_default();
        if ["macvlan", "ipvlan", "host"].contains(&word.as_str()) {
            report.problem(driver.finding(format!(
                "gives {dashboard} an address that the machine's neighbours reach past Envoy; leave it out"
            )));
        }
    }
    for name in ["com.docker.network.bridge.gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv6"] {
        let mode = network.deep(&["driver_opts", name]);
        if let Some(mode) = mode.filter(|mode| matches!(mode.node.text(), Some("routed" | "nat-unprotected"))) {
            report.problem(mode.finding(format!(
                "lets the machine's neighbours reach {dashboard} past Envoy, whether or not its port is published; leave it out"
            )));
        }
    }
    if let Some(external) = network.member("external").filter(|external| external.scalar().as_deref() != Some("false"))
    {
        report.warning(external.finding(format!(
            "is made elsewhere: who else is on it, and so reaches {dashboard} past Envoy, is not known"
        )));
    }
}

fn check_mode(stack: &Stack<'_>, member: &Member<'_>, members: &[Member<'_>], report: &mut Report) {
    let Some(mode) = member.service.text("network_mode") else { return };
    let place = member.service.place();
    if mode == "host" {
        let is_part = member.role != Role::Other || members.iter().all(|member| member.role != Role::Guarded);
        if is_part {
            report.problem(
                place.finding("shares the machine's network: all others reach it, or it all others, past Envoy"),
            );
        }
        return;
    }
    let Some(name) = member.service.neighbour() else { return };
    let Some(neighbour) = stack.find(&name) else {
        if matches!(member.role, Role::Guarded | Role::Envoy | Role::Unknown) {
            report.problem(place.finding(format!(
                "shares the network of {name}, which is not in the files: who reaches it past Envoy is not known"
            )));
        }
        return;
    };
    let role = members.iter().find(|other| other.service.name == neighbour.name).map(|other| other.role);
    let others = members.iter().any(|other| other.role == Role::Guarded && other.service.name != member.service.name);
    let is_dashboard = matches!(role, Some(Role::Guarded | Role::Unknown));
    // One dashboard beside its own Envoy, on loopback, is a sidecar.
    let beside_envoy = role == Some(Role::Envoy) && (others || member.role == Role::Unknown);
    if is_dashboard || (beside_envoy && member.role != Role::Envoy) {
        let message =
            format!("shares the network of {name}, and so reaches what only Envoy should, or is reached past it");
        report.problem(place.finding(message));
    }
}
