//! Pods whose gate is in their sidecar, and what takes their ports past it, or the sidecar away.

use super::aim::{self, Reach, Workload};
use super::exposure;
use super::gate::{Gate, Role};
use super::resource::Resource;
use crate::check::Report;
use crate::place::Place;

const EXCLUDED: &str = "traffic.sidecar.istio.io/excludeInboundPorts";
const INCLUDED: &str = "traffic.sidecar.istio.io/includeInboundPorts";
const INJECTED: &str = "sidecar.istio.io/inject";
const INTERCEPTION: &str = "sidecar.istio.io/interceptionMode";
const MODE: &str = "istio.io/dataplane-mode";
const AMBIENT: &str =
    "takes the sidecar away, and the gate with it: ztunnel runs no filter; leave it out, or put the gate at the edge";

/// Checks the pods of the files that such a gate is for.
pub fn check(resources: &[Resource<'_>], gates: &[&Gate<'_>], report: &mut Report) {
    let is_for = |workload: &Workload<'_>| {
        gates.iter().any(|gate| gate.role == Role::Sidecar && gate.aim.reaches(workload) == Reach::Yes)
    };
    for resource in resources {
        let found = aim::workloads(std::slice::from_ref(resource));
        if !found.iter().any(is_for) {
            continue;
        }
        if let Some(pod) = exposure::pod(resource) {
            check_pod(&pod, report);
        }
        if let Some(namespace) =
            resources.iter().find(|found| found.is("Namespace", "") && found.name == resource.namespace)
        {
            check_namespace(namespace, report);
        }
        if resource.kind == "Service" {
            resource.list("ports").iter().for_each(|port| check_port(port, report));
        }
        if resource.kind == "Sidecar" {
            resource.list("ingress").iter().for_each(|listener| check_listener(listener, report));
        }
    }
}

/// What a namespace says for all its pods.
fn check_namespace(namespace: &Resource<'_>, report: &mut Report) {
    let Some(labels) = namespace.place.deep(&["metadata", "labels"]) else { return };
    if let Some(injection) = labels.member("istio-injection").filter(|word| word.node.text() == Some("disabled")) {
        report.problem(injection.finding("takes the sidecar away, and the gate with it"));
    }
    // A pod with a sidecar stays with it.
    let injects = labels.text("istio-injection") == Some("enabled") || labels.member("istio.io/rev").is_some();
    if let Some(mode) = labels.member(MODE).filter(|mode| mode.node.text() == Some("ambient") && !injects) {
        report.problem(mode.finding(AMBIENT));
    }
}

/// The protocol is the first part of a port's name; of what is not HTTP no HTTP filter sees anything.
fn check_port(port: &Place<'_>, report: &mut Report) {
    const OTHERS: [&str; 6] = ["tcp", "tls", "https", "mongo", "mysql", "redis"];
    let said = port.member("appProtocol").or_else(|| port.member("name"));
    let Some((place, word)) = said.and_then(|place| Some((place.clone(), place.scalar()?))) else { return };
    let protocol = word.split('-').next().unwrap_or_default().to_ascii_lowercase();
    if OTHERS.contains(&protocol.as_str()) {
        report.problem(place.finding(format!("{protocol} runs no HTTP filter, and so no gate; use http")));
    }
}

/// A Sidecar says the protocol of its listener itself, whatever the Service calls the port.
fn check_listener(listener: &Place<'_>, report: &mut Report) {
    let Some(protocol) = listener.deep(&["port", "protocol"]) else { return };
    let word = protocol.scalar().unwrap_or_default().to_ascii_uppercase();
    if !["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].contains(&word.as_str()) {
        report.problem(protocol.finding(format!("{word} runs no HTTP filter, and so no gate; use HTTP")));
    }
}

fn check_pod(pod: &Place<'_>, report: &mut Report) {
    let said = |name: &str| {
        ["annotations", "labels"].iter().find_map(|field| {
            let words = pod.deep(&["metadata", field])?.members();
            words.into_iter().find(|(known, _)| *known == name).map(|(_, place)| place)
        })
    };
    if let Some(injected) = said(INJECTED).filter(|place| place.scalar().as_deref() == Some("false")) {
        report.problem(injected.finding("takes the sidecar away, and the gate with it"));
    }
    let injects = said(INJECTED).is_some_and(|place| place.scalar().as_deref() == Some("true"));
    if let Some(mode) = said(MODE).filter(|mode| mode.node.text() == Some("ambient") && !injects) {
        report.problem(mode.finding(AMBIENT));
    }
    if let Some(mode) = said(INTERCEPTION).filter(|mode| mode.node.text() == Some("NONE")) {
        report.problem(mode.finding("takes every port past the sidecar, and so past the gate; leave it out"));
    }
    let network = pod.deep(&["spec", "hostNetwork"]);
    if let Some(network) = network.filter(|network| network.node.is_true()) {
        report.problem(network.finding("takes the sidecar away, and the gate with it"));
    }
    let containers = pod.member("spec").map(|spec| spec.list("containers")).unwrap_or_default();
    let ports: Vec<String> = containers
        .iter()
        .flat_map(|container| container.list("ports"))
        .filter_map(|port| port.word("containerPort"))
        .collect();
    if let Some(place) = said(EXCLUDED) {
        let excluded = place.scalar().unwrap_or_default();
        let mut excluded = excluded.split(',').map(str::trim).filter(|port| !port.is_empty());
        if let Some(port) =
            excluded.find(|port| *port == "*" || ports.is_empty() || ports.iter().any(|known| known == port))
        {
            report.problem(place.finding(format!("takes port {port} past the sidecar, and so past the gate")));
        }
    }
    if let Some(place) = said(INCLUDED) {
        let included = place.scalar().unwrap_or_default();
        let included: Vec<&str> = included.split(',').map(str::trim).collect();
        let is_open = ports.is_empty() || ports.iter().any(|port| !included.contains(&port.as_str()));
        if !included.contains(&"*") && is_open {
            report.problem(place.finding("takes every port but these past the sidecar, and so past the gate"));
        }
    }
}
