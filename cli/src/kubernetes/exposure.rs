//! Services and pods of dashboards that are reached from outside the cluster by themselves, past every gateway, and Ingresses that
//! lead to them. Decides nothing about Services that no gate stands before.

use super::aim::labels;
use super::resource::Resource;
use crate::check::Report;
use crate::place::Place;

const REACHED: &str = "is reached from outside the cluster past the gateway";

/// A pod, or the template of pods.
pub fn pod<'a>(resource: &Resource<'a>) -> Option<Place<'a>> {
    match resource.kind {
        "Pod" => Some(resource.place.clone()),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => resource.spec(&["template"]),
        _ => None,
    }
}

/// Checks the Services and Ingresses of the files against the backends that gates stand before; `routed`: the namespaces of the routes
/// that hang on these gates.
pub fn check(resources: &[Resource<'_>], backends: &[&str], routed: &[&str], report: &mut Report) {
    let is_guarded = |namespace: &str, name: &str| {
        let host = format!("{name}.{namespace}.");
        backends.iter().any(|backend| *backend == format!("{namespace}/{name}") || backend.starts_with(&host))
    };
    let selectors: Vec<(&str, Vec<(String, String)>)> = resources
        .iter()
        .filter(|resource| resource.kind == "Service" && is_guarded(resource.namespace, resource.name))
        .map(|service| (service.namespace, labels(service.spec(&["selector"]))))
        .filter(|(_, selector)| !selector.is_empty())
        .collect();
    // Another Service of the same pods is another door to them.
    let is_guarded = |namespace: &str, name: &str| {
        let found = resources
            .iter()
            .find(|other| other.kind == "Service" && other.namespace == namespace && other.name == name)
            .map(|other| labels(other.spec(&["selector"])))
            .filter(|selector| !selector.is_empty());
        let shares = found.is_some_and(|selector| {
            let holds = |all: &[(String, String)], some: &[(String, String)]| some.iter().all(|one| all.contains(one));
            selectors.iter().any(|(of, known)| *of == namespace && (holds(known, &selector) || holds(&selector, known)))
        });
        shares || is_guarded(namespace, name)
    };
    for resource in resources {
        if let Some(pod) = pod(resource) {
            let known = labels(pod.deep(&["metadata", "labels"]));
            let is_behind = selectors
                .iter()
                .any(|(of, selector)| *of == resource.namespace && selector.iter().all(|label| known.contains(label)));
            if is_behind {
                check_pod(&pod, report);
            }
        }
        let (namespace, name) = (resource.namespace, resource.name);
        match resource.kind {
            "Service" if is_guarded(namespace, name) => {
                let kind = resource.spec(&["type"]);
                if let Some(kind) = kind.filter(|kind| matches!(kind.node.text(), Some("NodePort" | "LoadBalancer"))) {
                    report.problem(kind.finding(format!("{REACHED}; use ClusterIP")));
                }
                if let Some(addresses) = resource.spec(&["externalIPs"]).filter(|list| !list.items().is_empty()) {
                    report.problem(addresses.finding(format!("{REACHED}; leave them out")));
                }
            }
            "ReferenceGrant" => check_grant(resource, backends, routed, report),
            // The same in the words of OpenShift, Contour and Traefik.
            "Route" | "HTTPProxy" | "IngressRoute" | "IngressRouteTCP" if !resource.group.ends_with(".k8s.io") => {
                let Some(spec) = resource.place.member("spec") else { continue };
                spec.walk(&mut |place| {
                    let to = place.member("to").into_iter().chain(place.list("services"));
                    for name in to.filter_map(|target| target.member("name")) {
                        if is_guarded(namespace, name.node.text().unwrap_or_default()) {
                            report.problem(name.finding("is led to past the gateway, and so without dashgate"));
                        }
                    }
                });
            }
            "Ingress" => {
                let Some(spec) = resource.place.member("spec") else { continue };
                spec.walk(&mut |place| {
                    let service = place.deep(&["service", "name"]).filter(|name| name.node.text().is_some());
                    if let Some(service) =
                        service.filter(|name| is_guarded(namespace, name.node.text().unwrap_or_default()))
                    {
                        report.problem(service.finding("is led to past the gateway, and so without dashgate"));
                    }
                });
            }
            _ => {}
        }
    }
}

/// Routes of another namespace may then lead to these Services, on Gateways of its own.
fn check_grant(grant: &Resource<'_>, backends: &[&str], routed: &[&str], report: &mut Report) {
    let behind = backends.iter().any(|backend| {
        backend.starts_with(&format!("{}/", grant.namespace)) || backend.contains(&format!(".{}.svc", grant.namespace))
    });
    let to_services = grant.list("to").iter().any(|to| to.text("kind") == Some("Service"));
    for from in grant.list("from").iter().filter(|_| behind && to_services) {
        let namespace = from.text("namespace").unwrap_or_default();
        if from.text("kind").is_some_and(|kind| kind.ends_with("Route")) && !routed.contains(&namespace) {
            report.warning(from.finding(format!(
                "lets routes of namespace {namespace} lead to dashboards, on Gateways of their own; leave it out"
            )));
        }
    }
}

/// The ports of a pod that the machine it runs on has, too.
fn check_pod(pod: &Place<'_>, report: &mut Report) {
    let Some(spec) = pod.member("spec") else { return };
    if let Some(network) = spec.member("hostNetwork").filter(|network| network.node.is_true()) {
        report.problem(network.finding(format!("{REACHED}; leave it out")));
    }
    for port in spec.list("containers").iter().flat_map(|container| container.list("ports")) {
        if let Some(port) = port.member("hostPort") {
            report.problem(port.finding(format!("{REACHED}; leave it out")));
        }
    }
}
