//! Services of dashboards that are reached from outside the cluster by themselves, past every gateway, and Ingresses that lead to
//! them. Decides nothing about Services that no gate stands before.

use super::resource::Resource;
use crate::check::Report;

/// Checks the Services and Ingresses of the files against the backends that gates stand before.
pub fn check(resources: &[Resource<'_>], backends: &[&str], report: &mut Report) {
    let is_guarded = |namespace: &str, name: &str| {
        let host = format!("{name}.{namespace}.");
        backends.iter().any(|backend| *backend == format!("{namespace}/{name}") || backend.starts_with(&host))
    };
    for resource in resources {
        let (namespace, name) = (resource.namespace, resource.name);
        match resource.kind {
            "Service" if is_guarded(namespace, name) => {
                let kind = resource.spec(&["type"]);
                if let Some(kind) = kind.filter(|kind| matches!(kind.node.text(), Some("NodePort" | "LoadBalancer"))) {
                    report.problem(kind.finding("is reached from outside the cluster past the gateway; use ClusterIP"));
                }
                if let Some(addresses) = resource.spec(&["externalIPs"]).filter(|list| !list.items().is_empty()) {
                    report.problem(
                        addresses.finding("is reached from outside the cluster past the gateway; leave them out"),
                    );
                }
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
