//! Where the parts of a deployment run: the `deployment` of a file that is rendered. Decides what is missing and what is odd.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::tree::Node;

/// What the templates are given.
pub type Context = Map<String, Value>;

const ADDRESSES: [&str; 3] = ["listen", "redirect", "metrics"];
const TEXTS: [&str; 4] = ["node", "admin", "tls", "module"];

/// Reads it, with what the policy's dashboards ask of it.
///
/// # Errors
/// Every problem, one a line, each with its path.
pub fn read(node: &Node, policy: &Node) -> Result<Context, String> {
        let mut problems = Vec::new();
        let mut context = Context::new();
        for (name, _) in node.members() {
            if !ADDRESSES.contains(&name.as_str()) && !TEXTS.contains(&name.as_str()) && name != "upstreams" {
                problems.push(format!("deployment.{name}: is not a known key"));
            }
        }
        for name in TEXTS {
            match node.member(name).and_then(Node::text).filter(|text| is_plain(text)) {
                Some(text) => drop(context.insert(name.into(), json!(text))),
                None => problems.push(format!("deployment.{name}: must be a plain text, such as a path or a name")),
            }
        }
        for name in ADDRESSES {
            match node.member(name).and_then(Node::text).and_then(address) {
                Some((host, port)) => drop(context.insert(name.into(), json!({"host": host, "port": port}))),
                None => problems.push(format!("deployment.{name}: must be an address with a port, such as 127.0.0.1:8443")),
            }
        }
        let dashboards = dashboards(node.member("upstreams"), policy, &mut problems);
        context.insert("private".into(), json!(dashboards.iter().any(|dashboard| dashboard["private"] == true)));
        context.insert("dashboards".into(), Value::Array(dashboards));
        context.insert("variables".into(), json!(variables(policy)));
        if problems.is_empty() { Ok(context) } else { Err(problems.join("\n")) }
}

/// The dashboards, each with where it runs; one whose sessions name their backends runs nowhere else.
fn dashboards(upstreams: Option<&Node>, policy: &Node, problems: &mut Vec<String>) -> Vec<Value> {
    let items = policy.member("dashboards").map(Node::items).unwrap_or_default();
    let name = |item: &Node| item.member("name").and_then(Node::text).unwrap_or_default().to_owned();
    for (known, _) in upstreams.map(Node::members).unwrap_or_default() {
        if !items.iter().any(|item| name(item) == *known) {
            problems.push(format!("deployment.upstreams.{known}: is not the name of a dashboard"));
        }
    }
    let mut found = Vec::new();
    for item in items {
        let name = name(item);
        let is_private = item.member("backends").is_some_and(|backends| !backends.items().is_empty());
        let given = upstreams.and_then(|upstreams| upstreams.member(&name)).and_then(Node::text);
        let upstream = match (given, is_private) {
            (None, true) => Value::Null,
            (Some(_), true) => {
                problems.push(format!("deployment.upstreams.{name}: has no place: its sessions name their backends"));
                Value::Null
            }
            (given, false) => given.and_then(upstream).unwrap_or_else(|| {
                let message = "must be where it runs: 127.0.0.1:5006, a name with a port, or unix:PATH";
                problems.push(format!("deployment.upstreams.{name}: {message}"));
                Value::Null
            }),
        };
        found.push(json!({"name": name, "private": is_private, "upstream": upstream}));
    }
    found
}

/// An upstream as a cluster's type and address.
fn upstream(text: &str) -> Option<Value> {
    if let Some(path) = text.strip_prefix("unix:") {
        return is_plain(path).then(|| json!({"type": "STATIC", "address": format!("{{pipe: {{path: {path}}}}}")}));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let kind = match host.parse::<IpAddr>() {
        Ok(_) => "STATIC",
        Err(_) if is_plain(host) && !host.contains(['/', ':']) => "STRICT_DNS",
        Err(_) => return None,
    };
    let quoted = if host.contains(':') { format!("\"{host}\"") } else { host.to_owned() };
    Some(json!({"type": kind, "address": format!("{{socket_address: {{address: {quoted}, port_value: {port}}}}}")}))
}

fn address(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    let host = if host.is_ipv6() { format!("\"{host}\"") } else { host.to_string() };
    Some((host, port.parse().ok().filter(|port| *port > 0)?))
}

/// Whether a text stands for itself as a plain scalar within a flow mapping.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-@+".contains(&byte))
        && !text.starts_with(['-', '@'])
}

/// The environment variables that the policy's keys are in, each once.
fn variables(policy: &Node) -> Vec<&str> {
    let mut found = Vec::new();
    for key in policy.member("keys").map(Node::items).unwrap_or_default() {
        found.extend(key.member("env").and_then(Node::text).filter(|name| !found.contains(name)));
    }
    found
}
