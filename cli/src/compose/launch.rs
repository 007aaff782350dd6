//! How Envoy is started in a container: what its command line adds to its configuration, and what it makes it write. Decides nothing
//! about the configuration itself.

use super::service::Service;
use super::stack::Stack;
use crate::check::Report;
use crate::envoy::admin;
use crate::place::Place;
use crate::tree::{Node, Value};

/// The Envoy files that a stack holds as text: `configs` with their content, and `--config-yaml`.
pub fn written(stack: &Stack<'_>) -> Vec<(Node, String, usize)> {
    let mut found = Vec::new();
    let mut add = |place: &Place<'_>, text: &str| {
        if text.contains("static_resources")
            && let Ok(node) = Node::parse(text)
        {
            let line = place.node.line;
            found.push((lined(node, line), format!("{}: ", place.path_of("")), place.file));
        }
    };
    for root in &stack.roots {
        for (_, config) in root.member("configs").map(|configs| configs.members()).unwrap_or_default() {
            if let Some(content) = config.member("content") {
                add(&content, content.node.text().unwrap_or_default());
            }
        }
    }
    for service in stack.services.iter().filter(|service| service.is_envoy()) {
        for (text, place) in options(service, "--config-yaml") {
            add(&place, &text);
        }
    }
    found
}

fn lined(mut node: Node, line: Option<usize>) -> Node {
    node.line = line;
    node.value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| lined(item, line)).collect()),
        Value::Map(members) => Value::Map(members.into_iter().map(|(name, node)| (name, lined(node, line))).collect()),
        value => value,
    };
    node
}

/// Looks at the command line.
pub fn check(service: &Service<'_>, report: &mut Report) {
    const LEVELS: [&str; 2] = ["debug", "trace"];
    for name in ["-l", "--log-level", "--component-log-level"] {
        for (level, place) in options(service, name) {
            if level.split(',').any(|part| LEVELS.contains(&part.rsplit(':').next().unwrap_or_default())) {
                report.problem(place.finding("logs every header, and the sessions in them; use info"));
            }
        }
    }
    for (text, place) in options(service, "--config-yaml") {
        let Ok(node) = Node::parse(&text) else { continue };
        let node = lined(node, place.node.line);
        let root = Place { node: &node, path: format!("{}: ", place.path_of("")), file: place.file };
        if let Some(address) = root.deep(&["admin", "address"]).filter(|_| root.member("static_resources").is_none()) {
            admin::check_address(&address, report);
        }
    }
    for name in ["--allow-unknown-fields", "--allow-unknown-static-fields"] {
        for field in ["command", "entrypoint"] {
            if let Some((_, place)) = service.words(field).into_iter().find(|(word, _)| word == name) {
                report.warning(place.finding("lets a misspelt setting pass as none at all; leave it out"));
            }
        }
    }
}

/// The values of an option: of its own item, after `=`, or in the item after it.
fn options<'a>(service: &Service<'a>, name: &str) -> Vec<(String, Place<'a>)> {
    let mut found = Vec::new();
    for field in ["entrypoint", "command"] {
        let Some(command) = service.field(field) else { continue };
        // As a list each item is one argument, whatever is in it; as text it is words.
        let words: Vec<(String, Place<'a>)> = match command.items() {
            items if items.is_empty() => service.words(field),
            items => items.into_iter().map(|item| (item.scalar().unwrap_or_default(), item)).collect(),
        };
        for (at, (word, place)) in words.iter().enumerate() {
            if word == name {
                found.extend(words.get(at + 1).cloned());
            } else if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                found.push((value.to_owned(), place.clone()));
            } else if place.node.items().is_empty() && word.contains(&format!("{name} ")) {
                // A shell's line.
                let value = word.split_once(&format!("{name} ")).and_then(|(_, rest)| rest.split_whitespace().next());
                found.extend(value.map(|value| (value.to_owned(), place.clone())));
            }
        }
    }
    found
}
