//! Patches for another kind of proxy than the gate beside them runs in: accepted, and applied nowhere. Decides nothing about the
//! gate's own patches (`envoy_filter`).

use super::gate::{Gate, Mesh, Role};
use super::patch::Patch;
use crate::check::Report;
use crate::envoy::rbac;

/// Checks the patches of resources that are for a gate's proxies alone.
pub fn check<'a>(gates: &[&Gate<'a>], patches: &[Patch<'a>], mesh: &Mesh<'_, 'a>, report: &mut Report) {
    // Where the gate's own patch says the wrong kind, that is told of it.
    for gate in gates {
        for gateway in mesh.met(&gate.aim) {
            let class = gateway.spec(&["gatewayClassName"]);
            if let Some(class) =
                class.filter(|class| class.node.text().is_some_and(|class| class.ends_with("waypoint")))
            {
                report.problem(class.finding(
                    "is for what workloads send each other: patches for gateways meet nothing there, and the gate has no lock; use istio",
                ));
            }
        }
    }
    for gate in gates.iter().filter(|gate| mesh.role(&gate.aim) == gate.role) {
        let (right, wrong): (&str, &[&str]) = match gate.role {
            Role::Gateway => ("GATEWAY", &["SIDECAR_INBOUND", "SIDECAR_OUTBOUND"]),
            Role::Sidecar => ("SIDECAR_INBOUND", &["GATEWAY"]),
            Role::Unknown => continue,
        };
        // One for all workloads of a namespace may well mean others.
        let same = |patch: &&Patch<'a>| {
            patch.aim.labels == gate.aim.labels
                && patch.aim.namespace == gate.aim.namespace
                && (!gate.aim.labels.is_empty() || !gate.aim.references.is_empty())
                && patch.aim.references.len() == gate.aim.references.len()
        };
        for patch in patches.iter().filter(same).filter(|patch| wrong.contains(&patch.context)) {
            let Some(place) = patch.place.deep(&["match", "context"]) else { continue };
            let is_gate = gate.names.iter().any(|name| name == patch.name()) || patch.applies_to == "EXTENSION_CONFIG";
            if is_gate {
                continue;
            }
            let message = format!("is for another kind of proxy than the gate's: the patch meets nothing; use {right}");
            if patch.value.as_ref().is_some_and(rbac::is_lock) {
                report.problem(place.finding(message));
            } else {
                report.warning(place.finding(message));
            }
        }
    }
}
