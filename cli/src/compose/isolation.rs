//! What takes a container's walls away: a dashboard that has the machine has Envoy's keys. Decides nothing about what is in an image.

use super::{Member, Role};
use crate::check::Report;
use crate::place::Place;

/// With each of these a container's root can get at the machine, or at what others send and hold.
const CAPABILITIES: [&str; 10] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_PTRACE",
    "SYS_MODULE",
    "SYS_RAWIO",
    "NET_ADMIN",
    "NET_RAW",
    "DAC_READ_SEARCH",
    "DAC_OVERRIDE",
    "BPF",
];
/// The machine itself, or what holds every container's files and environment.
const PATHS: [&str; 8] = ["/", "/proc", "/sys", "/run", "/var/run", "/var/lib/docker", "/root", "/dev"];

/// Looks at every service that visitors reach: at those that Envoy leads to as problems, at the others as warnings.
pub fn check(members: &[Member<'_>], report: &mut Report) {
    let envoys: Vec<&str> =
        members.iter().filter(|member| member.role == Role::Envoy).map(|member| member.service.name).collect();
    // What nobody reaches may have the machine, as what watches it must.
    let is_reached = |member: &&Member<'_>| member.role != Role::Other || !member.service.list("ports").is_empty();
    for member in members.iter().filter(is_reached) {
        for (place, what) in found(member, &envoys) {
            let finding = place.finding(what);
            if member.role == Role::Other { report.warning(finding) } else { report.problem(finding) }
        }
        check_user(member, report);
    }
}

fn found<'a>(member: &Member<'a>, envoys: &[&str]) -> Vec<(Place<'a>, String)> {
    let service = &member.service;
    let name = service.name;
    let machine = |what: &str| format!("gives {name} {what}, and with it Envoy's keys; leave it out");
    let mut found = Vec::new();
    if let Some(place) = service.field("privileged").filter(|_| service.is_true("privileged")) {
        found.push((place, machine("the machine")));
    }
    for place in service.list("cap_add") {
        let word = place.scalar().unwrap_or_default().to_ascii_uppercase();
        if CAPABILITIES.contains(&word.strip_prefix("CAP_").unwrap_or(&word)) {
            found.push((place, machine("what its container should keep from it")));
        }
    }
    for place in service.list("security_opt") {
        let word = place.scalar().unwrap_or_default().replace('=', ":");
        if ["seccomp:unconfined", "apparmor:unconfined", "label:disable", "systempaths:unconfined"]
            .contains(&word.as_str())
        {
            found.push((place, machine("what its container should keep from it")));
        }
    }
    for field in ["pid", "ipc", "userns_mode", "cgroup"] {
        let Some(place) = service.field(field) else { continue };
        let word = service.text(field).unwrap_or_default();
        let shared = word.split_once(':').map(|(_, name)| name);
        let is_envoys = member.role != Role::Envoy && shared.is_some_and(|name| envoys.contains(&name));
        if word == "host" && !(field == "ipc" && member.role == Role::Envoy) {
            found.push((place, machine("the machine's own namespace")));
        } else if field == "pid" && is_envoys {
            found.push((place, format!("shows {name} Envoy's environment, and the keys in it; leave it out")));
        }
    }
    for mount in service.mounts() {
        let is_socket = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock"]
            .iter()
            .any(|socket| mount.source.ends_with(socket));
        if is_socket {
            found.push((mount.place, machine("the container engine, which is the machine")));
        } else if PATHS.contains(&mount.source.as_str()) {
            found.push((mount.place, machine(&format!("the machine's {}", mount.source))));
        }
    }
    found
}

fn check_user(member: &Member<'_>, report: &mut Report) {
    if member.role == Role::Other {
        return;
    }
    let service = &member.service;
    let user = service.text("user").unwrap_or_default();
    let user = user.split(':').next().unwrap_or_default();
    if let Some(place) = service.field("user").filter(|_| user == "root" || user == "0") {
        report.warning(
            place.finding(format!("makes {} root in its container; name a user that nobody else is", service.name)),
        );
    }
    // The official image starts as root, and Envoy becomes this user.
    let variables = service.pairs(&["environment"]);
    if let Some((.., place)) = variables.into_iter().find(|(name, value, _)| name == "ENVOY_UID" && value == "0") {
        report.warning(
            place.finding(format!("makes {} root in its container; name a user that nobody else is", service.name)),
        );
    }
}
