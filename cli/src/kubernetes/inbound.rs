//! Who may speak to a pod whose gate is in its sidecar: Istio's PeerAuthentication and AuthorizationPolicy for it. Decides whether
//! one lets in whom the others keep out, or keeps out everybody. A gate at the edge has other means.

use super::aim::{self, Aim, Reach};
use super::gate::{Gate, Role};
use super::resource::Resource;
use crate::check::Report;
use crate::place::Place;

const CLEAR: &str = "takes requests without TLS, and sessions with them, from whoever reaches the pod; use STRICT";

/// Checks the policies for the pods of such gates.
pub fn check(resources: &[Resource<'_>], gates: &[&Gate<'_>], report: &mut Report) {
    let concerns = |policy: &&Resource<'_>| {
        let (aim, spoken_of) = (Aim::of(policy), aim::workloads(std::slice::from_ref(*policy)));
        gates.iter().filter(|gate| gate.role == Role::Sidecar).any(|gate| {
            gate.aim.is_covered_by(&aim) || spoken_of.iter().any(|workload| gate.aim.reaches(workload) == Reach::Yes)
        })
    };
    let of_kind = |kind: &str| -> Vec<&Resource<'_>> {
        resources.iter().filter(|resource| resource.kind == kind).filter(concerns).collect()
    };
    check_peers(&of_kind("PeerAuthentication"), report);
    check_rights(&of_kind("AuthorizationPolicy"), report);
}

/// What is for the workload counts before what is for its namespace, and that before what is for the mesh.
fn check_peers(policies: &[&Resource<'_>], report: &mut Report) {
    let selects = |policy: &Resource<'_>| policy.spec(&["selector", "matchLabels"]).is_some();
    let has_own = policies.iter().any(|policy| selects(policy));
    for policy in policies.iter().filter(|policy| selects(policy) || !has_own) {
        let ports = policy.spec(&["portLevelMtls"]).map(|ports| ports.members()).unwrap_or_default();
        let of_ports = ports.iter().filter_map(|(_, port)| port.member("mode"));
        for mode in policy.spec(&["mtls", "mode"]).into_iter().chain(of_ports) {
            if matches!(mode.node.text(), Some("PERMISSIVE" | "DISABLE")) {
                report.warning(mode.finding(CLEAR));
            }
        }
    }
}

/// DENY comes first; of ALLOW one that meets is enough, and where there is none everybody is let in.
fn check_rights(policies: &[&Resource<'_>], report: &mut Report) {
    let action = |policy: &Resource<'_>| policy.spec(&["action"]).and_then(|action| action.scalar());
    let allows = |policy: &&&Resource<'_>| action(policy).is_none_or(|action| action == "ALLOW");
    for policy in policies {
        let rules = policy.list("rules");
        match action(policy).as_deref() {
            None | Some("ALLOW") => rules.iter().filter(|rule| is_wide(rule)).for_each(|rule| {
                report.warning(rule.finding(
                    "lets in whoever is in the mesh, past whoever stands before the pod: say from: [{source: {principals: […]}}]",
                ));
            }),
            Some("DENY") if rules.iter().any(|rule| ["from", "to", "when"].iter().all(|field| rule.member(field).is_none())) => {
                report.problem(policy.place.finding("keeps out everybody, who stands before the pod, too"));
            }
            Some("AUDIT") if !policies.iter().any(|other| allows(&other)) => {
                report.warning(policy.place.finding("keeps nobody out: only ALLOW and DENY do"));
            }
            _ => {}
        }
    }
    let allowing: Vec<&&Resource<'_>> = policies.iter().filter(allows).collect();
    if let Some(first) = allowing.first().filter(|_| allowing.iter().all(|policy| policy.list("rules").is_empty())) {
        report.problem(
            first.place.finding("keeps out everybody: it has no rules; say from: [{source: {principals: […]}}]"),
        );
    }
}

/// Whether a rule names nobody, or anybody.
fn is_wide(rule: &Place<'_>) -> bool {
    const NAMED: [&str; 6] =
        ["principals", "serviceAccounts", "namespaces", "requestPrincipals", "ipBlocks", "remoteIpBlocks"];
    let sources = rule.list("from");
    let names = |source: &Place<'_>| {
        let source = source.member("source");
        NAMED.iter().filter_map(|field| source.as_ref()?.member(field)).any(|list| {
            let items = list.items();
            !items.is_empty() && !items.iter().any(|item| matches!(item.node.text(), Some("*" | "0.0.0.0/0" | "::/0")))
        })
    };
    sources.is_empty() || !sources.iter().all(names)
}
