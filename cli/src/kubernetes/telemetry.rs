//! Istio's Telemetry: access logs and spans with the path and its query, tags that copy a credential, and settings that look like a
//! protection and are none. Decides nothing about the mesh's own formats (`mesh`).

use super::aim::{Aim, Reach};
use super::gate::{Gate, Mesh, Role};
use super::patch::Patch;
use super::resource::Resource;
use crate::check::Report;
use crate::envoy::{access_log, connection_managers};
use crate::place::Place;

/// Checks one. `has_format`: the mesh's own logs have a format.
pub fn check(telemetry: &Resource<'_>, resources: &[Resource<'_>], has_format: bool, report: &mut Report) {
    // What is for some proxies counts before what is for all.
    let is_narrow = |resource: &Resource<'_>| {
        ["selector", "targetRef", "targetRefs"].iter().any(|field| resource.spec(&[field]).is_some())
    };
    let others: Vec<&Resource<'_>> = match is_narrow(telemetry) {
        true => Vec::new(),
        false => resources.iter().filter(|other| other.kind == "Telemetry" && is_narrow(other)).collect(),
    };
    let is_off =
        |list: &str, field: &str| others.iter().any(|other| other.list(list).iter().any(|entry| entry.is_true(field)));
    let (logs_off, spans_off) = (is_off("accessLogging", "disabled"), is_off("tracing", "disableSpanReporting"));
    for log in telemetry.list("accessLogging").into_iter().filter(|_| !logs_off) {
        if !log.is_true("disabled") {
            if !has_format {
                report.warning(log.finding(
                    "logs the path with its query, which can hold a credential, unless the mesh has a format of its own",
                ));
            }
        } else if log.list("providers").is_empty() && !has_format {
            report.warning(log.finding(
                "switches no log off that the mesh has by itself, which logs the path with its query: name its provider, \
                 providers: [{name: envoy}]",
            ));
        }
    }
    for spans in telemetry.list("tracing") {
        if !spans.is_true("disableSpanReporting") && !spans_off {
            report.warning(
                spans.finding("makes spans, which have the path with its query, and that can hold a credential"),
            );
        }
        if let Some(tags) = spans.member("customTags") {
            check_tags(&tags, report);
        }
    }
}

/// Tags by name, as Telemetry and a proxy's configuration have them.
pub fn check_tags(tags: &Place<'_>, report: &mut Report) {
    for (_, tag) in tags.members() {
        let header = tag.deep(&["header", "name"]);
        let is_secret = |name: &Place<'_>| {
            name.node.text().is_some_and(|name| access_log::secret(&format!("%REQ({name})%")).is_some())
        };
        if let Some(header) = header.filter(is_secret) {
            report.problem(header.finding("goes into the traces, and can hold a credential"));
        }
        if let Some(formatter) = tag.member("formatter") {
            access_log::check_formats(&formatter, report);
        }
    }
}

/// Checks whether each is for the proxies that have a gate, where it seems to be meant for them.
pub fn check_reach<'a>(gates: &[&Gate<'a>], patches: &[Patch<'a>], mesh: &Mesh<'_, 'a>, report: &mut Report) {
    const MEANT: [&str; 4] = ["Telemetry", "PeerAuthentication", "AuthorizationPolicy", "RequestAuthentication"];
    for resource in mesh.resources.iter().filter(|resource| MEANT.contains(&resource.kind)) {
        let aim = Aim::of(resource);
        if gates.iter().any(|gate| mesh.covers(gate, &aim)) {
            if resource.kind == "Telemetry" {
                check_silence(resource, gates, patches, mesh, report);
            }
            continue;
        }
        let runs = mesh.workloads.iter().filter(|workload| workload.runs);
        if runs.clone().any(|workload| aim.reaches(workload) == Reach::Yes) {
            continue;
        }
        // Many are for something else; one that is nearly for a gate's proxies is not.
        let near = gates.iter().find_map(|gate| misses_by_a_letter(&aim, gate));
        if let Some(meant) = near {
            report.problem(
                aim.place.finding(format!("meets nothing in the files given; {meant} is what the gate is for")),
            );
        }
    }
}

fn misses_by_a_letter(aim: &Aim<'_>, gate: &Gate<'_>) -> Option<String> {
    let near = |one: &str, other: &str| one != other && crate::fields::nearest(one, [other].into_iter()).is_some();
    if aim.labels == gate.aim.labels && !aim.labels.is_empty() {
        return near(aim.namespace, gate.aim.namespace).then(|| format!("namespace {}", gate.aim.namespace));
    }
    let same = aim.namespace == gate.aim.namespace;
    let label = aim.labels.iter().find_map(|(name, value)| {
        gate.aim
            .labels
            .iter()
            .find(|(known, wanted)| (known == name && near(value, wanted)) || (value == wanted && near(name, known)))
    });
    let reference = aim.references.iter().find_map(|(_, kind, name)| {
        gate.aim.references.iter().find(|(_, known, wanted)| known == kind && near(name, wanted))
    });
    let label = label.filter(|_| same).map(|(name, value)| format!("{name}: {value}"));
    label.or_else(|| reference.filter(|_| same).map(|(_, kind, name)| format!("{kind} {name}")))
}

/// Without any log nobody sees what was refused.
fn check_silence<'a>(
    telemetry: &Resource<'a>,
    gates: &[&Gate<'a>],
    patches: &[Patch<'a>],
    mesh: &Mesh<'_, 'a>,
    report: &mut Report,
) {
    let off: Vec<Place<'a>> =
        telemetry.list("accessLogging").into_iter().filter(|log| log.is_true("disabled")).collect();
    let Some(off) = off.first().filter(|_| telemetry.list("accessLogging").iter().all(|log| log.is_true("disabled")))
    else {
        return;
    };
    for gate in gates.iter().filter(|gate| gate.role != Role::Unknown && mesh.covers(gate, &Aim::of(telemetry))) {
        let beside = patches.iter().filter(|patch| patch.is_for(gate.role) && mesh.covers(gate, &patch.aim));
        let mut managers = beside.filter_map(|patch| patch.value.as_ref()).flat_map(connection_managers);
        if !managers.any(|manager| !manager.list("access_log").is_empty()) {
            report.warning(off.finding(
                "switches the access log off, and no EnvoyFilter beside it has one: nobody sees what was refused",
            ));
        }
    }
}
