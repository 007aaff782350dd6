//! Backends by all their names: `namespace/name` of Gateway API, a host of Istio's, another Service of the same pods, what a Backend or
//! a ServiceEntry stands for. Decides whether two names are one place.

use super::aim::labels;
use super::resource::Resource;

/// A Service as namespace and name, where a backend's name says one.
fn service(backend: &str) -> Option<(&str, &str)> {
    if let Some((namespace, name)) = backend.split_once('/') {
        return Some((namespace, name));
    }
    let mut parts = backend.splitn(4, '.');
    let (name, namespace, svc) = (parts.next()?, parts.next()?, parts.next()?);
    (svc == "svc").then_some((namespace, name))
}

/// Whether two backends are the same, or lead to the same pods.
pub fn same(one: &str, other: &str, resources: &[Resource<'_>]) -> bool {
    if one == other {
        return true;
    }
    let (Some(first), Some(second)) = (service(one), service(other)) else { return false };
    if first == second {
        return true;
    }
    let selector = |(namespace, name): (&str, &str)| {
        let found = resources
            .iter()
            .find(|found| found.is("Service", "") && (found.namespace, found.name) == (namespace, name));
        found.map(|found| labels(found.spec(&["selector"]))).filter(|selector| !selector.is_empty())
    };
    let holds = |all: &[(String, String)], some: &[(String, String)]| some.iter().all(|one| all.contains(one));
    let (Some(ours), Some(theirs)) = (selector(first), selector(second)) else { return false };
    first.0 == second.0 && (holds(&ours, &theirs) || holds(&theirs, &ours))
}

/// What a name stands for besides itself: the hosts of a Backend, the Services whose pods a ServiceEntry takes.
pub fn behind(backend: &str, resources: &[Resource<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for resource in resources {
        let endpoints = resource.list("endpoints");
        match resource.kind {
            "Backend" if backend == format!("{}/{}", resource.namespace, resource.name) => {
                found.extend(endpoints.iter().filter_map(|endpoint| endpoint.deep(&["fqdn", "hostname"])?.scalar()));
            }
            // A name for another Service.
            "Service" if service(backend) == Some((resource.namespace, resource.name)) => {
                found.extend(resource.spec(&["externalName"]).and_then(|host| host.scalar()));
            }
            "ServiceEntry" if resource.list("hosts").iter().any(|host| host.node.text() == Some(backend)) => {
                found.extend(endpoints.iter().filter_map(|endpoint| endpoint.word("address")));
                let taken = labels(resource.spec(&["workloadSelector", "labels"]));
                let services =
                    resources.iter().filter(|other| other.is("Service", "") && other.namespace == resource.namespace);
                let shares = |other: &&Resource<'_>| {
                    let selector = labels(other.spec(&["selector"]));
                    !selector.is_empty() && !taken.is_empty() && taken.iter().all(|label| selector.contains(label))
                };
                found.extend(services.filter(shares).map(|other| format!("{}/{}", other.namespace, other.name)));
            }
            _ => {}
        }
    }
    found
}
