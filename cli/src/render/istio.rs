//! What Istio's templates need beside the fields of their section: where the resources attach, the hosts and the routes. Decides what
//! of a policy Istio's resources cannot say, and refuses it.

use serde_json::{Map, Value, json};

use super::deployment::Context;
use crate::tree::Node;

/// Adds it to a section's fields and the dashboards.
pub fn complete(context: &mut Context, policy: &Node, problems: &mut Vec<String>) {
    let said = context.clone();
    let field = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api, gateway, namespace) = (field("api"), field("gateway"), field("namespace"));
    let names = context.get("dashboards").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut dashboards = Vec::new();
    for (entry, dashboard) in policy.member("dashboards").map(Node::items).unwrap_or_default().iter().zip(names) {
        let url = entry.member("url").and_then(Node::text).unwrap_or_default();
        let name = dashboard["name"].as_str().unwrap_or_default();
        if dashboard["private"] == true {
            problems
                .push(format!("policy: dashboard {name}: Istio's routes cannot follow a session to its own backend"));
        }
        if name.ends_with('-') {
            problems.push(format!("policy: dashboard {name}: names a Service, whose name cannot end in -"));
        }
        let (host, prefix) = place(url);
        let service = format!("{name}.{}.svc.cluster.local", field("services"));
        let routes = match api.as_str() {
            "gateway-api" => vec![format!("{namespace}.{name}.0"), format!("{namespace}.{name}.1")],
            _ => vec![format!("{name}-grpc"), name.to_owned()],
        };
        dashboards.push(json!({"name": name, "host": host, "prefix": prefix, "service": service, "routes": routes}));
    }
    if api != "classic" && said.get("redirect").is_some_and(|port| !port.is_null()) {
        problems.push("deployment: redirect is for a classic Gateway: here nothing listens to plain HTTP".to_owned());
    }
    let route = |dashboard: &Value, index: usize| dashboard["routes"][index].as_str().map(str::to_owned);
    for dashboard in dashboards.iter().filter(|_| api == "classic") {
        if dashboards.iter().any(|other| route(other, 0) == route(dashboard, 1)) {
            let name = dashboard["name"].as_str().unwrap_or_default();
            problems.push(format!(
                "policy: dashboard {name}: another one's route for gRPC has that name; call it otherwise"
            ));
        }
    }
    if api == "sidecar" && dashboards.len() != 1 {
        problems.push("policy: a sidecar stands beside one dashboard: the policy must hold that one alone".to_owned());
    }
    context.insert("attach".into(), attach(&api, &gateway, &field("workload")));
    context.insert("labels".into(), json!(labels(&field("workload"))));
    context.insert("context".into(), json!(if api == "sidecar" { "SIDECAR_INBOUND" } else { "GATEWAY" }));
    context.insert("hosts".into(), by_host(&dashboards));
    context.insert("dashboards".into(), Value::Array(dashboards));
    match module(&field("module")) {
        Some(module) => drop(context.insert("module".into(), module)),
        None => {
            problems.push("deployment: module must be file:///PATH or oci://IMAGE@sha256:DIGEST, the manifest's".into())
        }
    }
}

/// How each kind of resource says which proxies it is for.
fn attach(api: &str, gateway: &str, workload: &str) -> Value {
    if api == "gateway-api" {
        let target = format!("targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: {gateway}}}]");
        return json!({"envoyfilter": target, "selector": target});
    }
    let labels = labels(workload);
    json!({
        "envoyfilter": format!("workloadSelector: {{labels: {labels}}}"),
        "selector": format!("selector: {{matchLabels: {labels}}}"),
    })
}

/// `name=value` as a flow mapping.
fn labels(workload: &str) -> String {
    let (name, value) = workload.split_once('=').unwrap_or_default();
    format!("{{{name}: {value}}}")
}

/// A dashboard's host and the path it begins with, a wildcard and the part before it where they hold a name.
pub fn place(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = match host.split_once('}') {
        Some((_, after)) => format!("*{after}"),
        None => host.to_owned(),
    };
    let path = path.split_once('{').map_or(path, |(before, _)| before).trim_end_matches('/');
    (host, if path.is_empty() { String::new() } else { format!("/{path}") })
}

/// The hosts in the policy's order, each with its dashboards, the longest path first.
fn by_host(dashboards: &[Value]) -> Value {
    let mut hosts: Vec<(&Value, Vec<&Value>)> = Vec::new();
    for dashboard in dashboards {
        match hosts.iter_mut().find(|(host, _)| **host == dashboard["host"]) {
            Some((_, found)) => found.push(dashboard),
            None => hosts.push((&dashboard["host"], vec![dashboard])),
        }
    }
    for (_, found) in &mut hosts {
        found.sort_by_key(|dashboard| std::cmp::Reverse(dashboard["prefix"].as_str().unwrap_or_default().len()));
    }
    hosts.into_iter().map(|(host, dashboards)| json!({"name": host, "dashboards": dashboards})).collect()
}

/// The module as each resource names it.
pub fn module(text: &str) -> Option<Value> {
    if let Some(path) = text.strip_prefix("file://") {
        return path.starts_with('/').then(|| json!({"reference": text, "file": path}));
    }
    let (image, digest) = text.split_once("@sha256:")?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut found = Map::new();
    for (name, value) in [("reference", text), ("url", image), ("digest", digest)] {
        found.insert(name.into(), value.into());
    }
    (image.starts_with("oci://") && is_digest).then_some(Value::Object(found))
}
