//! Other extensions in the same proxies as a gate of Istio's: one that runs before it, and a second gate. Decides nothing about what
//! EnvoyFilters put there (`order`).

use super::aim::{Aim, Reach};
use super::gate::{Gate, Mesh, Start};
use super::resource::Resource;
use crate::check::Report;

/// Checks the extensions beside each gate.
pub fn check<'a>(gates: &[&Gate<'a>], mesh: &Mesh<'_, 'a>, report: &mut Report) {
    for gate in gates {
        let is_gate = |other: &Resource<'a>| gates.iter().any(|gate| gate.resource.title == other.title);
        let extensions = mesh.resources.iter().filter(|other| matches!(other.kind, "TrafficExtension" | "WasmPlugin"));
        for other in extensions.filter(|other| !is_gate(other) && shares(gate, &Aim::of(other), mesh)) {
            if let Some(place) = other.place.member("spec").filter(|_| runs_before(other, gate)) {
                report.warning(place.finding(format!(
                    "runs before the gate of {}: it sees sessions, and may answer in the gate's place; a higher priority there",
                    gate.resource.title
                )));
            }
        }
    }
    for (index, second) in gates.iter().enumerate() {
        let first =
            gates.iter().take(index).find(|first| first.role == second.role && shares(first, &second.aim, mesh));
        if let Some(first) = first {
            report.problem(second.resource.place.finding(format!(
                "brings a gate where {} has brought one: the first takes the session out of a request, and the second refuses it",
                first.resource.title
            )));
        }
    }
}

/// Whether another resource is surely for a proxy that a gate is for.
fn shares<'a>(gate: &Gate<'a>, aim: &Aim<'a>, mesh: &Mesh<'_, 'a>) -> bool {
    let meets = |gateway: &Resource<'a>| aim.reaches_gateway(gateway, &mesh.workloads) == Reach::Yes;
    mesh.met(&gate.aim).any(meets) || gate.aim.is_covered_by(aim)
}

/// By phase, then by priority; what says none comes last.
fn runs_before(other: &Resource<'_>, gate: &Gate<'_>) -> bool {
    let phase = |resource: &Resource<'_>| match resource.spec(&["phase"]).and_then(|phase| phase.scalar()).as_deref() {
        Some("AUTHN") => 0,
        Some("AUTHZ") => 1,
        _ => 2,
    };
    let priority = |resource: &Resource<'_>| -> i64 {
        resource.spec(&["priority"]).and_then(|priority| priority.scalar()?.parse().ok()).unwrap_or(i64::MIN)
    };
    // An EnvoyFilter's gate stands where its patch says, most often before all of these.
    gate.start != Start::Patched
        && (phase(other), -i128::from(priority(other))) < (phase(&gate.resource), -i128::from(priority(&gate.resource)))
}
