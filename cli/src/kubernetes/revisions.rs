//! The label `istio.io/rev`: a resource that has it is read by the control plane of that revision alone. Decides whether a gate or
//! its lock is read by another one than the gateways and workloads they are for.

use super::aim::{Reach, Workload};
use super::gate::{Gate, Mesh};
use super::patch::Patch;
use super::resource::Resource;
use crate::check::Report;
use crate::envoy::{LOCK, rbac};
use crate::place::Place;

const LABEL: &str = "istio.io/rev";

/// Checks the gates, and the locks beside them.
pub fn check<'a>(gates: &[Gate<'a>], patches: &[Patch<'a>], mesh: &Mesh<'_, 'a>, report: &mut Report) {
    for gate in gates {
        let beside = patches.iter().filter(|patch| mesh.covers(gate, &patch.aim) && is_lock(patch));
        let mut locks: Vec<&Resource<'a>> = Vec::new();
        for lock in beside.map(|patch| &mesh.resources[patch.order.2]) {
            if lock.title != gate.resource.title && !locks.iter().any(|known| known.title == lock.title) {
                locks.push(lock);
            }
        }
        let own = label(&gate.resource);
        if let Some(place) = &own {
            check_gate(gate, place, &locks, mesh, report);
        }
        for lock in locks {
            if let Some(place) =
                label(lock).filter(|place| own.as_ref().is_none_or(|own| own.scalar() != place.scalar()))
            {
                report.problem(place.finding(format!(
                    "leaves the lock to the control plane of that revision alone, and {} is for another one, or for all: there the \
                     lock is missing; leave the label out",
                    gate.resource.title
                )));
            }
        }
    }
}

fn check_gate<'a>(
    gate: &Gate<'a>,
    place: &Place<'a>,
    locks: &[&Resource<'a>],
    mesh: &Mesh<'_, 'a>,
    report: &mut Report,
) {
    let revision = place.scalar().unwrap_or_default();
    let mut others: Vec<(String, Option<String>)> = Vec::new();
    // What the pods say is what counts; where the files do not show them, what else is read for them.
    for workload in mesh.workloads.iter().filter(|found| found.is_whole && gate.aim.reaches(found) == Reach::Yes) {
        if let Some(known) = of_workload(workload, mesh.resources) {
            others.push((workload.title.clone(), Some(known)));
        }
    }
    if others.is_empty() {
        let gateways = mesh.met(&gate.aim).chain(locks.iter().copied());
        others.extend(gateways.map(|other| (other.title.clone(), label(other).and_then(|place| place.scalar()))));
    }
    if others.is_empty() {
        report.warning(place.finding(format!(
            "leaves the gate to the control plane of revision {revision} alone: whether its proxies are of that one is not said in the \
             files"
        )));
    } else if let Some((title, known)) = others.iter().find(|(_, known)| known.as_ref() != Some(&revision)) {
        let whose = known.as_ref().map_or("for all".to_owned(), |known| format!("for {known}"));
        report.problem(place.finding(format!(
            "leaves the gate to the control plane of revision {revision} alone, and {title} is {whose}: there the gate is missing; leave \
             the label out"
        )));
    }
}

/// The revision of a pod: its own label, or its namespace's.
fn of_workload(workload: &Workload<'_>, resources: &[Resource<'_>]) -> Option<String> {
    let own = workload.labels.iter().find(|(name, _)| name == LABEL).map(|(_, value)| value.clone());
    let namespace = || resources.iter().find(|found| found.kind == "Namespace" && found.name == workload.namespace);
    own.or_else(|| label(namespace()?)?.scalar())
}

fn label<'a>(resource: &Resource<'a>) -> Option<Place<'a>> {
    resource.place.deep(&["metadata", "labels", LABEL])
}

/// Whether a patch demands the gate's word, by a filter or on routes.
fn is_lock(patch: &Patch<'_>) -> bool {
    let Some(value) = &patch.value else { return false };
    let states = value.member("match").map(|matched| matched.list("filter_state")).unwrap_or_default();
    rbac::is_lock(value) || states.iter().any(|state| state.text("key") == Some(LOCK))
}
