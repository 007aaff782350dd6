//! The gates of Envoy Gateway's against what else the files attach to the same Gateways: policies that would take their place,
//! and routes that have none. Decides nothing about the gates themselves.

use super::extension_policy::{Target, has_gate, targets};
use super::resource::Resource;
use super::routes::Route;
use super::{fields, traffic};
use crate::check::Report;

const ROUTES: [&str; 2] = ["HTTPRoute", "GRPCRoute"];

/// What is known of the gates of Envoy Gateway's.
pub struct Guards<'r, 'a> {
    /// The policies with a gate.
    pub gates: Vec<&'r Resource<'a>>,
    /// All objects.
    pub resources: &'r [Resource<'a>],
    /// All routes.
    pub routes: &'r [Route<'a>],
}

impl<'a> Guards<'_, 'a> {
    /// Whether a gate is attached to a Gateway as a whole or to a listener of it.
    pub fn guards_gateway(&self, namespace: &str, name: &str) -> bool {
        self.attached("Gateway", namespace, name)
    }

    /// Whether a gate is attached to that very listener, or to the whole Gateway.
    fn guards_listener(&self, namespace: &str, listener: &Target<'_>) -> bool {
        let is_for = |target: &Target<'_>| {
            target.kind == "Gateway"
                && target.name == listener.name
                && (target.section.is_none() || target.section == listener.section)
        };
        let mut gates = self.gates.iter().filter(|gate| gate.namespace == namespace);
        gates.any(|gate| targets(gate, self.resources).iter().any(is_for))
    }

    /// Whether a gate is attached to a route.
    fn guards_route(&self, route: &Resource<'_>) -> bool {
        self.attached(route.kind, route.namespace, route.name)
    }

    fn attached(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.gates.iter().any(|gate| {
            gate.namespace == namespace
                && targets(gate, self.resources).iter().any(|target| target.kind == kind && target.name == name)
        })
    }

    /// The Gateways, by namespace and name, before which gates stand, whole or in part.
    pub fn gateways(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for gate in &self.gates {
            for target in targets(gate, self.resources) {
                if target.kind == "Gateway" {
                    found.push((gate.namespace.to_owned(), target.name));
                } else if let Some(route) = self.route(&target, gate.namespace) {
                    found.extend(route.parents.iter().map(|(namespace, name, _)| (namespace.clone(), name.clone())));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    fn route(&self, target: &Target<'_>, namespace: &str) -> Option<&Route<'a>> {
        self.routes.iter().find(|route| {
            let resource = &route.resource;
            resource.kind == target.kind && resource.name == target.name && resource.namespace == namespace
        })
    }

    /// Checks the other policies, and the routes that have no gate.
    pub fn check(&self, report: &mut Report) {
        for policy in self.resources.iter().filter(|policy| policy.kind == "EnvoyExtensionPolicy") {
            if let Some(spec) = policy.place.member("spec") {
                fields::check_spec(policy.kind, &spec, report);
            }
            self.check_merge(policy, report);
            if !has_gate(policy) {
                self.check_replacement(policy, report);
            }
        }
        self.check_rivals(report);
        for route in self.routes.iter().filter(|route| route.is_http && !route.backends.is_empty()) {
            self.check_route(route, report);
        }
    }

    fn check_merge(&self, policy: &Resource<'a>, report: &mut Report) {
        let Some(merge) = policy.spec(&["mergeType"]) else { return };
        if !matches!(merge.node.text(), Some("StrategicMerge" | "JSONMerge")) {
            report.problem(merge.finding("is neither StrategicMerge nor JSONMerge: Envoy Gateway refuses the policy"));
        }
        if targets(policy, self.resources).iter().any(|target| target.kind == "Gateway") {
            report.problem(
                merge.finding("has a place only where the target is a route: Envoy Gateway refuses the policy"),
            );
        }
    }

    /// A policy without the gate, closer to a route than the one with it.
    fn check_replacement(&self, policy: &Resource<'a>, report: &mut Report) {
        for target in targets(policy, self.resources) {
            let on_listener = target.kind == "Gateway" && target.section.is_some();
            if !ROUTES.contains(&target.kind.as_str()) && !on_listener {
                continue;
            }
            let parents = match (on_listener, self.route(&target, policy.namespace)) {
                (true, _) => vec![(policy.namespace.to_owned(), target.name.clone())],
                (_, Some(route)) => {
                    route.parents.iter().map(|(namespace, name, _)| (namespace.clone(), name.clone())).collect()
                }
                // A route that is not in the files may hang on any of them.
                (_, None) => self.gateways(),
            };
            // A listener that none of the gates is for has none to lose.
            if on_listener && !self.gates.is_empty() && !self.guards_listener(policy.namespace, &target) {
                continue;
            }
            let guarded = parents.iter().find(|(namespace, name)| self.guards_gateway(namespace, name));
            let gateway = match guarded {
                Some((namespace, name)) => format!("Gateway {namespace}/{name}"),
                // Where the files have no gate at all, this would take away one that is elsewhere.
                None if self.gates.is_empty() => "its Gateway".to_owned(),
                None => continue,
            };
            let merge = policy.spec(&["mergeType"]);
            if merge.is_none() {
                report.problem(target.place.finding(format!(
                    "takes the place of the policy of {gateway} here, and the gate is gone; mergeType: StrategicMerge keeps it"
                )));
                continue;
            }
            if let Some(wasm) = policy.spec(&["wasm"]).filter(|wasm| !wasm.items().is_empty()) {
                report.problem(wasm.finding(format!(
                    "takes the place of the wasm list of {gateway}, and the gate is gone: merging replaces lists; put these there"
                )));
            }
            if let Some(lua) = policy.spec(&["lua"]).filter(|_| !traffic::runs_wasm_before_lua(self.resources)) {
                report
                    .warning(lua.finding("runs before the gate: it sees sessions, and may answer in the gate's place"));
            }
        }
    }

    /// Of several policies for one Gateway only the oldest counts.
    fn check_rivals(&self, report: &mut Report) {
        for gate in &self.gates {
            for target in &targets(gate, self.resources) {
                let rival = self.resources.iter().find(|other| {
                    other.kind == "EnvoyExtensionPolicy"
                        && other.title != gate.title
                        && other.namespace == gate.namespace
                        && targets(other, self.resources).iter().any(|theirs| {
                            theirs.kind == target.kind && theirs.name == target.name && theirs.section == target.section
                        })
                });
                if let Some(rival) = rival {
                    report.problem(target.place.finding(format!(
                        "is also the target of {}, and only the older of the two applies; put both into one",
                        rival.title
                    )));
                }
            }
        }
    }

    /// A route beside those with a gate, on the same Gateway.
    fn check_route(&self, route: &Route<'a>, report: &mut Report) {
        if self.guards_route(&route.resource) {
            return;
        }
        for (namespace, name, _) in &route.parents {
            if self.guards_gateway(namespace, name) {
                continue;
            }
            let beside = self.routes.iter().find(|other| {
                self.guards_route(&other.resource)
                    && other
                        .parents
                        .iter()
                        .any(|(their_namespace, their_name, _)| their_namespace == namespace && their_name == name)
            });
            if let Some(beside) = beside {
                report.problem(route.resource.place.finding(format!(
                    "has no gate, and {} on the same Gateway {namespace}/{name} has one; attach it to the Gateway",
                    beside.resource.title
                )));
            }
        }
    }
}
