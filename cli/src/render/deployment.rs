//! Where the parts of a deployment run: the `deployment` of a file that is rendered. Decides what is missing and what is odd.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::sections::{Field, Kind, NAMES, Section};
use crate::tree::Node;

/// What the templates are given.
pub type Context = Map<String, Value>;

/// Reads one section, and with it what the policy's dashboards ask of it.
///
/// # Errors
/// Every problem, one a line, each with its path.
pub fn read(node: &Node, section: &Section, name: &str, policy: &Node) -> Result<Context, String> {
    let mut problems = Vec::new();
    for (name, _) in node.members().iter().filter(|(name, _)| name != "upstreams" && !NAMES.contains(&name.as_str())) {
        problems.push(format!("deployment.{name}: is not a known key"));
    }
    let mut context = match node.member(name) {
        Some(fields) => read_fields(fields, section, name, &mut problems),
        None => {
            problems.push(format!("deployment.{name}: is missing: docs/render.md lists what it says"));
            Context::new()
        }
    };
    // Where dashboards run may differ from target to target: what the section says goes before what is said for all of them.
    let own = node.member(name).and_then(|fields| fields.member("upstreams"));
    let upstreams = own.or_else(|| node.member("upstreams")).filter(|_| section.has_upstreams);
    let dashboards = dashboards(upstreams, section.has_upstreams, policy, &mut problems);
    context.insert("private".into(), json!(dashboards.iter().any(|dashboard| dashboard["private"] == true)));
    context.insert("dashboards".into(), Value::Array(dashboards));
    context.insert("variables".into(), json!(variables(policy)));
    if problems.is_empty() {
        (section.complete)(&mut context, policy, &mut problems);
    }
    if problems.is_empty() { Ok(context) } else { Err(problems.join("\n")) }
}

/// Leaves one dashboard in what was read, with the keys of its own part of the policy and the place its section gives it.
pub fn narrow(context: &mut Context, dashboard: &str, part: &Node) {
    let upstream = context.get("upstream").cloned();
    if let Some(Value::Array(dashboards)) = context.get_mut("dashboards") {
        dashboards.retain(|each| each["name"] == dashboard);
        for (each, upstream) in dashboards.iter_mut().zip(upstream) {
            each["upstream"] = upstream;
        }
    }
    context.insert("variables".into(), json!(variables(part)));
}

/// The fields of a section, each as its kind demands.
fn read_fields(node: &Node, section: &Section, within: &str, problems: &mut Vec<String>) -> Context {
    let is_known = |name: &str| {
        section.fields.iter().any(|field| field.name == name) || (section.has_upstreams && name == "upstreams")
    };
    for (name, _) in node.members().iter().filter(|(name, _)| !is_known(name)) {
        problems.push(format!("deployment.{within}.{name}: is not a known key"));
    }
    let mut context = Context::new();
    for field in section.fields {
        match read_field(node.member(field.name), field) {
            Ok(value) => drop(context.insert(field.name.into(), value)),
            Err(message) => problems.push(format!("deployment.{within}.{}: {message}", field.name)),
        }
    }
    context
}

fn read_field(node: Option<&Node>, field: &Field) -> Result<Value, String> {
    let text = node.map(Node::text);
    let text = match (text, field.default) {
        (Some(text), _) => text,
        (None, Some(default)) => Some(default),
        (None, None) => return Err(format!("is missing: {}", field.about)),
    };
    match field.kind {
        Kind::Flag => match node.map(|node| &node.value) {
            None => Ok(json!(false)),
            Some(crate::tree::Value::Bool(truth)) => Ok(json!(truth)),
            Some(_) => Err("must be true or false".to_owned()),
        },
        // Numbers, too, where a port is written without quotes.
        Kind::Port => {
            let number = match node.map(|node| &node.value) {
                Some(crate::tree::Value::Number(number)) => Some(number.as_str()),
                _ => text,
            };
            match number.map(str::parse::<u16>) {
                Some(Ok(port)) if port > 0 => Ok(json!(port)),
                _ if node.is_none() => Ok(Value::Null),
                _ => Err("must be a port number".to_owned()),
            }
        }
        Kind::Label => match text.and_then(|text| text.split_once('=')) {
            Some((name, value)) if is_plain(name) && is_plain(value) => Ok(json!(format!("{name}={value}"))),
            _ => Err("must be a label, such as istio=ingressgateway".to_owned()),
        },
        Kind::Url => match text.and_then(|text| text.split_once("://")) {
            Some((scheme, rest)) if is_plain(scheme) && rest.split(':').all(is_plain) => Ok(json!(text)),
            _ => Err("must be a URL, such as oci://images.example.org/dashgate@sha256:…".to_owned()),
        },
        Kind::Plain => match text.filter(|text| is_plain(text) || (text.is_empty() && node.is_none())) {
            Some(text) => Ok(json!(text)),
            None => Err("must be a plain text, such as a path or a name".to_owned()),
        },
        Kind::Address => match text.and_then(address) {
            Some((host, port)) => Ok(json!({"host": host, "port": port})),
            None if node.is_none() => Ok(Value::Null),
            None => Err("must be an address with a port, such as 127.0.0.1:8443".to_owned()),
        },
        Kind::Upstream => {
            text.and_then(upstream).ok_or_else(|| "must be where it runs: 127.0.0.1:5006 or unix:PATH".to_owned())
        }
        Kind::Collector => {
            match text.filter(|text| !text.starts_with("unix:")).and_then(|text| Some((upstream(text)?, text))) {
                Some((mut collector, text)) => {
                    collector["authority"] = json!(text);
                    Ok(collector)
                }
                None if node.is_none() => Ok(Value::Null),
                None => Err("must be an address or a name with a port, such as 127.0.0.1:4318".to_owned()),
            }
        }
        Kind::Percent => match node.map(|node| &node.value) {
            None => Ok(json!(100)),
            Some(crate::tree::Value::Number(text)) => match text.parse::<u8>() {
                Ok(percent @ 1..=100) => Ok(json!(percent)),
                _ => Err("must be a whole number from 1 to 100".to_owned()),
            },
            Some(_) => Err("must be a whole number from 1 to 100".to_owned()),
        },
        Kind::Remark => text.map(comment).ok_or_else(|| "must be some lines of text".to_owned()),
        Kind::Word(words) => match text.filter(|text| words.contains(text)) {
            Some(text) => Ok(json!(text)),
            None => Err(format!("must be one of {}", words.join(", "))),
        },
    }
}

/// A remark as the lines of a comment.
fn comment(text: &str) -> Value {
    let lines = text.trim_end().lines().map(|line| format!("# {line}").trim_end().to_owned());
    json!(lines.collect::<Vec<_>>().join("\n"))
}

/// The dashboards, each with where it runs; one whose sessions name their backends runs nowhere else.
fn dashboards(upstreams: Option<&Node>, needed: bool, policy: &Node, problems: &mut Vec<String>) -> Vec<Value> {
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
            _ if !needed => Value::Null,
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

/// An upstream as a cluster's type and address, and by itself.
fn upstream(text: &str) -> Option<Value> {
    if let Some(path) = text.strip_prefix("unix:") {
        return is_plain(path)
            .then(|| json!({"type": "STATIC", "address": format!("{{pipe: {{path: {path}}}}}"), "path": path}));
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
    let address = format!("{{socket_address: {{address: {quoted}, port_value: {port}}}}}");
    Some(json!({"type": kind, "address": address, "host": quoted, "port": port}))
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

/// The environment variables that the policy's keys and passwords are in, each once.
fn variables(policy: &Node) -> Vec<&str> {
    let mut found = Vec::new();
    let keys = policy.member("keys").map(Node::items).unwrap_or_default().iter().filter_map(|key| key.member("env"));
    let kinds = policy.member("sessions").map(Node::members).unwrap_or_default();
    for name in keys.chain(kinds.iter().filter_map(|(_, kind)| kind.member("password_env"))).filter_map(Node::text) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
