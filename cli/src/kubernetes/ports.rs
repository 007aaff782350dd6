//! The ports on which the pods of a sidecar's gate listen, as far as the files show them: a match by any other number leaves them
//! open. The usual mistake is the Service's own port.

use super::aim::{self, Aim, Reach};
use super::exposure;
use super::resource::Resource;
use crate::check::Report;
use crate::place::Place;

/// Tells a port on which nothing of what an aim meets listens; says whether it was told.
pub fn check(port: &Place<'_>, aim: &Aim<'_>, resources: &[Resource<'_>], report: &mut Report) -> bool {
    let Some(number) = port.scalar() else { return false };
    let known = listened(aim, resources);
    if known.is_empty() || known.contains(&number) {
        return false;
    }
    report.problem(port.finding(format!(
        "is no port on which the workload listens, which is {}: the gate runs nowhere, and the door is open; leave ports out",
        known.join(" or ")
    )));
    true
}

fn listened(aim: &Aim<'_>, resources: &[Resource<'_>]) -> Vec<String> {
    let is_met = |resource: &&Resource<'_>| {
        let found = aim::workloads(std::slice::from_ref(*resource));
        found.iter().any(|workload| workload.runs && aim.reaches(workload) == Reach::Yes)
    };
    let mut named: Vec<(String, String)> = Vec::new();
    let mut known = Vec::new();
    for pod in resources.iter().filter(is_met).filter_map(exposure::pod) {
        for port in pod.member("spec").map(|spec| spec.list("containers")).unwrap_or_default() {
            for port in port.list("ports") {
                let number = port.word("containerPort").unwrap_or_default();
                named.extend(port.word("name").map(|name| (name, number.clone())));
                known.push(number);
            }
        }
    }
    for service in resources.iter().filter(|resource| resource.kind == "Service").filter(is_met) {
        for port in service.list("ports") {
            let target = port.word("targetPort").or_else(|| port.word("port")).unwrap_or_default();
            if target.bytes().all(|digit| digit.is_ascii_digit()) {
                known.push(target);
            } else if let Some((_, number)) = named.iter().find(|(name, _)| *name == target) {
                known.push(number.clone());
            } else {
                // A name that the files do not explain may be any number.
                return Vec::new();
            }
        }
    }
    for sidecar in resources.iter().filter(|resource| resource.kind == "Sidecar").filter(is_met) {
        known
            .extend(sidecar.list("ingress").iter().filter_map(|listener| listener.deep(&["port", "number"])?.scalar()));
    }
    known.retain(|number| !number.is_empty());
    known.sort();
    known.dedup();
    known
}
