//! The keys' way from a pod's environment into the VM: by name only. A value written into a resource stands in etcd, in every
//! backup of it and in /config_dump.

use super::exposure;
use super::resource::Resource;
use crate::check::Report;
use crate::place::Place;
use crate::tree::Node;

/// The names of the environment variables that a policy reads its secrets from.
pub fn of_policy(policy: &Node) -> Vec<&str> {
    let keys = policy.member("keys").map(Node::items).unwrap_or_default().iter().filter_map(|key| key.member("env"));
    let kinds = policy.member("sessions").map(Node::members).unwrap_or_default();
    let passwords = kinds.iter().filter_map(|(_, kind)| kind.member("password_env"));
    keys.chain(passwords).filter_map(Node::text).collect()
}

/// Checks `vmConfig.env` of Istio's resources.
pub fn check_istio(wasm: &Place<'_>, policy: Option<&Node>, report: &mut Report) {
    let entries = wasm.member("vmConfig").map(|config| config.list("env")).unwrap_or_default();
    let needed = policy.map(of_policy).unwrap_or_default();
    let mut seen: Vec<&str> = Vec::new();
    for entry in &entries {
        let Some(name) = entry.text("name") else {
            report.problem(entry.finding("has no name"));
            continue;
        };
        if seen.contains(&name) {
            report.problem(entry.finding(format!("names {name} a second time: Istio refuses the resource")));
        }
        seen.push(name);
        let (from, value) = (entry.text("valueFrom"), entry.member("value"));
        match (from, value) {
            (Some("HOST"), Some(value)) => {
                report.problem(value.finding("has no place beside valueFrom: HOST: Istio refuses the resource"));
            }
            (Some("HOST"), None) => {}
            (None | Some("INLINE"), Some(value)) if needed.contains(&name) => report.problem(value.finding(format!(
                "gives {name} in plain sight (this resource, etcd, /config_dump); valueFrom: HOST takes it from the proxy's \
                 environment"
            ))),
            (None | Some("INLINE"), Some(_)) => {}
            (None | Some("INLINE"), None) => {
                report.problem(entry.finding(format!("gives {name} no value; valueFrom: HOST is missing")));
            }
            (Some(_), _) => report.problem(entry.finding("valueFrom is neither HOST nor INLINE")),
        }
    }
    for name in needed.into_iter().filter(|name| !seen.contains(name)) {
        let place = wasm.deep(&["vmConfig", "env"]).unwrap_or_else(|| wasm.clone());
        report.problem(place.finding(format!(
            "vmConfig.env lacks {{name: {name}, valueFrom: HOST}}, so the filter cannot have that key"
        )));
    }
}

/// Checks `env.hostKeys` of a wasm entry of Envoy Gateway's.
pub fn check_gateway(entry: &Place<'_>, policy: Option<&Node>, report: &mut Report) {
    let keys = entry.member("env").map(|env| env.list("hostKeys")).unwrap_or_default();
    let named: Vec<&str> = keys.iter().filter_map(|key| key.node.text()).collect();
    for name in policy.map(of_policy).unwrap_or_default() {
        if !named.contains(&name) {
            let place = entry.deep(&["env", "hostKeys"]).unwrap_or_else(|| entry.clone());
            report.problem(place.finding(format!("env.hostKeys lacks {name}, so the filter cannot have that key")));
        }
    }
}

/// Checks what gives the proxies' containers their environment, wherever the files show it.
pub fn check_pods(resources: &[Resource<'_>], report: &mut Report) {
    let mut names: Vec<&str> = Vec::new();
    for resource in resources {
        resource.place.walk(&mut |place| {
            if place.member("dashboards").is_some() {
                names.extend(of_policy(place.node));
            }
        });
    }
    for resource in resources {
        let data = resource.place.member("data").filter(|_| resource.kind == "ConfigMap");
        for (name, value) in data.map(|data| data.members()).unwrap_or_default() {
            if names.contains(&name) {
                report
                    .problem(value.finding(format!("gives {name} in plain sight (this resource, etcd); use a Secret")));
            }
        }
        let of_proxies = resource.spec(&["environmentVariables"]).filter(|_| resource.kind == "ProxyConfig");
        for (_, value) in
            of_proxies.map(|map| map.members()).unwrap_or_default().into_iter().filter(|(name, _)| names.contains(name))
        {
            report.problem(value.finding("gives a key in plain sight (this resource, etcd); use a Secret in the pod"));
        }
        if exposure::pod(resource).is_none() && resource.kind != "EnvoyProxy" {
            continue;
        }
        resource.place.walk(&mut |place| {
            for entry in place.list("env") {
                let name = entry.text("name").unwrap_or_default();
                if let Some(value) = entry.member("value").filter(|_| names.contains(&name)) {
                    report.problem(value.finding(format!(
                        "gives {name} in plain sight (this resource, etcd); valueFrom: {{secretKeyRef}} takes it from a Secret"
                    )));
                }
            }
        });
    }
}
