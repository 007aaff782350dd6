//! What Envoy Gateway's template needs beside the fields of its section: hosts, paths and backends as routes say them. Decides what of
//! a policy its resources cannot say, and refuses it.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::deployment::Context;
use super::istio::{module, place};
use crate::tree::Node;

/// Adds it to a section's fields and the dashboards.
pub fn complete(context: &mut Context, policy: &Node, problems: &mut Vec<String>) {
    let found = context.get("dashboards").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut dashboards = Vec::new();
    for (entry, dashboard) in policy.member("dashboards").map(Node::items).unwrap_or_default().iter().zip(found) {
        let name = dashboard["name"].as_str().unwrap_or_default();
        if dashboard["private"] == true {
            problems.push(format!("policy: dashboard {name}: Envoy Gateway cannot lead a session to its own backend"));
        }
        if name.ends_with('-') {
            problems.push(format!("policy: dashboard {name}: names a route, whose name cannot end in -"));
        }
        let (host, prefix) = place(entry.member("url").and_then(Node::text).unwrap_or_default());
        let path = if prefix.is_empty() { "/" } else { &prefix };
        let (service, endpoint) = backend(&dashboard["upstream"]);
        dashboards.push(json!({"name": name, "host": host, "path": path, "service": service, "endpoint": endpoint}));
    }
    context.insert("dashboards".into(), Value::Array(dashboards));
    let image = context.get("module").and_then(Value::as_str).and_then(module);
    match image.as_ref().and_then(|image| image["url"].as_str()).and_then(|url| url.strip_prefix("oci://")) {
        Some(name) => drop(
            context
                .insert("image".into(), json!({"name": name, "digest": image.as_ref().map(|image| &image["digest"])})),
        ),
        None => problems.push("deployment: module must be oci://IMAGE:TAG@sha256:DIGEST, the manifest's".into()),
    }
}

/// An upstream as a reference to a Service of the same namespace, or as the endpoint of a Backend.
fn backend(upstream: &Value) -> (Option<String>, Option<String>) {
    if let Some(path) = upstream["path"].as_str() {
        return (None, Some(format!("{{unix: {{path: {path}}}}}")));
    }
    let (host, port) = (upstream["host"].as_str().unwrap_or_default(), &upstream["port"]);
    if host.trim_matches('"').parse::<IpAddr>().is_ok() {
        return (None, Some(format!("{{ip: {{address: {host}, port: {port}}}}}")));
    }
    if !host.contains('.') {
        return (Some(format!("{{name: {host}, port: {port}}}")), None);
    }
    (None, Some(format!("{{fqdn: {{hostname: {host}, port: {port}}}}}")))
}
