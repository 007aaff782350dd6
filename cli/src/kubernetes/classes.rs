//! The chain from an Envoy Gateway's Gateway to its class, and from there to the EnvoyProxy with the keys, the filters' order and the
//! logs; and the controller's own configuration. Decides where a link is missing.

use super::extension_policy;
use super::mesh;
use super::resource::{GATEWAY_API, Resource, VALUES};
use super::variables;
use crate::check::Report;
use crate::fields::nearest;
use crate::place::Place;
use crate::tree::Node;
use crate::yaml::{self, Reader};

/// The controllers that serve Gateways with a gate.
const CONTROLLERS: [&str; 2] = ["gateway.envoyproxy.io/gatewayclass-controller", "istio.io/gateway-controller"];

/// Checks every link that the files show.
pub fn check(resources: &[Resource<'_>], report: &mut Report) {
    for resource in resources {
        if resource.is("GatewayClass", GATEWAY_API) {
            check_class(resource, resources, report);
        } else if resource.is("Gateway", GATEWAY_API) {
            check_gateway(resource, resources, report);
        } else if resource.kind == "EnvoyProxy" {
            check_keys(resource, resources, report);
        }
    }
}

fn check_class(class: &Resource<'_>, resources: &[Resource<'_>], report: &mut Report) {
    if let Some(name) = class.spec(&["controllerName"]) {
        let said = name.node.text().unwrap_or_default();
        if let Some(meant) = nearest(said, CONTROLLERS.into_iter()).filter(|meant| *meant != said) {
            report
                .problem(name.finding(format!("is no controller that there is; {meant} is: nobody serves this class")));
        }
    }
    if let Some(reference) = class.spec(&["parametersRef"]) {
        check_proxy(&reference, reference.text("namespace").unwrap_or_default(), resources, report);
    }
}

fn check_gateway(gateway: &Resource<'_>, resources: &[Resource<'_>], report: &mut Report) {
    if let Some(reference) = gateway.spec(&["infrastructure", "parametersRef"]) {
        check_proxy(&reference, gateway.namespace, resources, report);
    }
    let Some(class) = gateway.spec(&["gatewayClassName"]) else { return };
    let said = class.node.text().unwrap_or_default();
    let classes = || resources.iter().filter(|found| found.is("GatewayClass", GATEWAY_API)).map(|found| found.name);
    if let Some(meant) = nearest(said, classes()).filter(|_| !classes().any(|known| known == said)) {
        report
            .problem(class.finding(format!("is no GatewayClass of the files; {meant} is: nobody serves this Gateway")));
    }
}

/// The EnvoyProxy that a class or a Gateway names.
fn check_proxy(reference: &Place<'_>, namespace: &str, resources: &[Resource<'_>], report: &mut Report) {
    if reference.text("kind") != Some("EnvoyProxy") {
        return;
    }
    let proxies = || resources.iter().filter(|found| found.kind == "EnvoyProxy");
    let name = reference.text("name").unwrap_or_default();
    if !proxies().any(|proxy| proxy.name == name && proxy.namespace == namespace)
        // One of another name altogether may well be elsewhere.
        && let Some(other) = proxies().find(|proxy| nearest(name, [proxy.name].into_iter()).is_some())
    {
        report.problem(reference.finding(format!(
            "names no EnvoyProxy of the files; {} is one: its keys, its order of filters and its logs are for nobody",
            other.title
        )));
    }
}

/// The keys that the gates' policies read, where an EnvoyProxy gives its container some.
fn check_keys(proxy: &Resource<'_>, resources: &[Resource<'_>], report: &mut Report) {
    let kubernetes = proxy.spec(&["provider", "kubernetes"]);
    let container =
        ["envoyDeployment", "envoyDaemonSet"].iter().find_map(|field| kubernetes.as_ref()?.deep(&[field, "container"]));
    let Some(list) = container.as_ref().and_then(|container| container.member("env")) else { return };
    let named: Vec<&str> = list.items().iter().filter_map(|entry| entry.text("name")).collect();
    for gate in resources.iter().filter(|resource| extension_policy::has_gate(resource)) {
        for entry in gate.list("wasm") {
            let config = entry.member("config");
            for key in config.as_ref().map(|config| variables::of_policy(config.node)).unwrap_or_default() {
                if !named.contains(&key) {
                    report.problem(list.finding(format!(
                        "lacks {key}, which {} reads, so the filter cannot have that key",
                        gate.title
                    )));
                }
            }
        }
    }
}

/// Envoy Gateway's own configuration, by itself or as text in its ConfigMap.
pub fn check_controllers(resources: &[Resource<'_>], report: &mut Report) {
    for resource in resources {
        if resource.kind == "EnvoyGateway" {
            check_controller(&resource.place, resources, report);
        }
        if let Some(config) = resource.place.deep(&["config", "envoyGateway"]).filter(|_| resource.kind == VALUES) {
            check_controller(&config, resources, report);
        }
        let data = resource.place.member("data").filter(|_| resource.kind == "ConfigMap");
        for (_, place) in data.map(|data| data.members()).unwrap_or_default() {
            let text = place.node.text().unwrap_or_default();
            if !text.contains("kind: EnvoyGateway") {
                continue;
            }
            let Some(mut node) = yaml::parse_all(text, Reader::Kubernetes).ok().and_then(|mut all| all.pop()) else {
                continue;
            };
            mesh::relocate(&mut node, place.node.line, text.contains('\n'));
            if node.member("kind").and_then(Node::text) == Some("EnvoyGateway") {
                check_controller(&Place { node: &node, path: place.path.clone(), file: place.file }, resources, report);
            }
        }
    }
}

fn check_controller(config: &Place<'_>, resources: &[Resource<'_>], report: &mut Report) {
    let needed = resources.iter().find(|resource| resource.kind == "EnvoyPatchPolicy");
    let enabled = config.deep(&["extensionApis"]).is_some_and(|apis| apis.is_true("enableEnvoyPatchPolicy"));
    if let Some(policy) = needed.filter(|_| !enabled) {
        let message = format!(
            "extensionApis.enableEnvoyPatchPolicy: true is missing: {} is not applied, nor the lock in it",
            policy.title
        );
        report.problem(config.finding(message));
    }
    if let Some(manager) = config.member("extensionManager") {
        report.warning(
            manager.finding("hands Envoy's configuration to another server, which may take the gate or its lock out"),
        );
    }
}
