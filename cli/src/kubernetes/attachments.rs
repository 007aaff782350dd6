//! What Envoy Gateway's other policies are attached to. One that names nothing is accepted, and applies nowhere: the lock, the
//! headers or the paths it was for are as if it were not there. Decides nothing about the gate's own policy (`extension_policy`).

use super::extension_policy::{self, Target, targets};
use super::resource::{GATEWAY_API, Resource};
use crate::check::Report;
use crate::fields::nearest;

const POLICIES: [&str; 5] =
    ["ClientTrafficPolicy", "BackendTrafficPolicy", "SecurityPolicy", "EnvoyPatchPolicy", "EnvoyExtensionPolicy"];

/// Checks the targets of every policy that is not a gate's.
pub fn check(resources: &[Resource<'_>], report: &mut Report) {
    for policy in resources.iter().filter(|policy| POLICIES.contains(&policy.kind)) {
        if extension_policy::has_gate(policy) {
            continue;
        }
        let on_gateway = targets(policy, resources).iter().any(|target| target.kind == "Gateway");
        let merge = policy.spec(&["mergeType"]).filter(|_| on_gateway && policy.kind != "EnvoyExtensionPolicy");
        if let Some(merge) = merge {
            report.problem(
                merge.finding("has a place only where the target is a route: Envoy Gateway refuses the policy"),
            );
        }
        for target in targets(policy, resources).iter().filter(|target| target.place.member("matchLabels").is_none()) {
            if check_words(target, report) {
                check_target(policy, target, resources, report);
            }
        }
    }
}

/// Checks what any target must say; says whether it names something at all.
pub fn check_words(target: &Target<'_>, report: &mut Report) -> bool {
    let place = &target.place;
    if let Some(namespace) = place.member("namespace") {
        report.problem(
            namespace.finding("cannot be another's: a policy applies in its own namespace only; leave it out"),
        );
    }
    match place.text("group") {
        Some(GATEWAY_API) => true,
        Some(_) if target.kind == "Gateway" || target.kind.ends_with("Route") => {
            report.problem(place.finding(format!("is of another group than {GATEWAY_API}: it names nothing")));
            false
        }
        Some(_) => true,
        None => {
            report.problem(
                place.finding(format!("has no group: the API server refuses the resource; group: {GATEWAY_API}")),
            );
            true
        }
    }
}

fn check_target(policy: &Resource<'_>, target: &Target<'_>, resources: &[Resource<'_>], report: &mut Report) {
    let Target { place, kind, name, section } = target;
    let is_class = kind == "GatewayClass";
    let alike: Vec<&Resource<'_>> = resources.iter().filter(|found| found.is(kind, GATEWAY_API)).collect();
    let beside: Vec<&&Resource<'_>> =
        alike.iter().filter(|found| is_class || found.namespace == policy.namespace).collect();
    if let Some(found) = beside.iter().find(|found| found.name == name) {
        let list = if kind == "Gateway" { "listeners" } else { "rules" };
        let parts = found.list(list);
        let is_known = |section: &&String| parts.iter().any(|part| part.text("name") == Some(section.as_str()));
        if let Some(section) = section.as_ref().filter(|section| !is_known(section)) {
            let at = place.member("sectionName").unwrap_or_else(|| place.clone());
            report.problem(at.finding(format!(
                "names nothing among the {list} of {}, which has no {section}: it is attached to nothing",
                found.title
            )));
        }
        return;
    }
    if let Some(other) = alike.iter().find(|found| found.name == name) {
        report.problem(place.finding(format!(
            "names {}, and is in namespace {}: a policy applies in its own namespace only",
            other.title, policy.namespace
        )));
    } else if let Some(meant) = nearest(name, beside.iter().map(|found| found.name)) {
        report
            .problem(place.finding(format!("names no {kind} of the files; {meant} is one: it is attached to nothing")));
    }
}
