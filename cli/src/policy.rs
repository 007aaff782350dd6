//! A policy and the gate it makes, from a file of its own or from within an Envoy file. Names are looked up here.

use std::fs;
use std::io::Read;

use gate::{Format, Gate};

use crate::environment::Environment;
use crate::envoy;
use crate::output::Failure;
use crate::tree::{Node, Value};

/// Reads a text file; `-` is stdin.
///
/// # Errors
/// Where it cannot be read.
pub fn read(path: &str) -> Result<String, Failure> {
    let mut text = String::new();
    if path == "-" {
        std::io::stdin().read_to_string(&mut text).map_err(|error| Failure::new(format!("stdin: {error}")))?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(|error| Failure::new(format!("{path}: {error}")))
}

/// Whether a document is a policy itself, not an Envoy file that holds one.
pub fn is_policy(document: &Node) -> bool {
    const ENVOY: [&str; 7] = [
        "static_resources",
        "staticResources",
        "dynamic_resources",
        "resources",
        "http_filters",
        "filter_chains",
        "@type",
    ];
    !ENVOY.iter().any(|name| document.member(name).is_some())
}

/// A gate, and the policy it was made from.
pub struct Policy {
    /// The gate.
    pub gate: Gate,
    document: Node,
}

/// One session kind as one dashboard judges it.
pub struct Judge<'a> {
    /// How.
    pub format: &'a Format,
    /// The audience the dashboard demands.
    pub audience: &'a str,
    /// The dashboard's url.
    pub url: &'a str,
    /// The dashboard's name.
    pub dashboard: &'a str,
    /// The session kind's name.
    pub session: &'a str,
}

impl Judge<'_> {
    /// The dashboard's origin.
    pub fn origin(&self) -> String {
        self.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
    }
}

impl Policy {
    /// Loads the policy of a file.
    ///
    /// # Errors
    /// Where the file cannot be read, holds no policy or several, or the policy has problems: all of them.
    pub fn load(path: &str, environment: &Environment) -> Result<Self, Failure> {
        let document = Node::parse(&read(path)?).map_err(|error| Failure::new(format!("{path}: {error}")))?;
        let document = if is_policy(&document) { document } else { from_envoy(path, &document)? };
        Self::compile(path, document, environment)
    }

    /// Makes the gate of a policy.
    ///
    /// # Errors
    /// Where it has problems: all of them.
    pub fn compile(path: &str, document: Node, environment: &Environment) -> Result<Self, Failure> {
        match Gate::load(document.to_json().as_bytes(), &|name| environment.look_up(name)) {
            Ok(gate) => Ok(Self { gate, document }),
            Err(problems) => {
                let lines: Vec<String> = problems.iter().map(|problem| format!("{path}: {problem}")).collect();
                Err(Failure::new(lines.join("\n")))
            }
        }
    }

    /// How a dashboard judges a session kind; without names, where there is only one such pair.
    ///
    /// # Errors
    /// Where there is none of that name, with those there are.
    pub fn judge(&self, dashboard: Option<&str>, session: Option<&str>) -> Result<Judge<'_>, String> {
        let dashboards = self.document.member("dashboards").map(Node::items).unwrap_or_default();
        let names = || {
            let names: Vec<&str> = self.gate.dashboard_names().collect();
            names.join(", ")
        };
        let dashboard = dashboard.ok_or_else(|| format!("name a dashboard with --dashboard; there are {}", names()))?;
        let index = self
            .gate
            .dashboard_names()
            .position(|name| name == dashboard)
            .ok_or_else(|| format!("there is no dashboard of that name; there are {}", names()))?;
        let entry = dashboards.get(index).ok_or("there is no such dashboard")?;
        let kinds: Vec<&str> =
            entry.member("sessions").map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
        let place = match session {
            Some(session) => kinds.iter().position(|kind| *kind == session),
            None if kinds.len() == 1 => Some(0),
            None => None,
        };
        let name = entry.member("name").and_then(Node::text).unwrap_or_default();
        let place = place.ok_or_else(|| match kinds.as_slice() {
            [] => format!("dashboard {name} takes no sessions"),
            _ => format!("name a session kind of dashboard {name} with --session: {}", kinds.join(" or ")),
        })?;
        let (format, audience) = self.gate.judges(index, place).ok_or("there is no such session kind")?;
        let url = entry.member("url").and_then(Node::text).unwrap_or_default();
        Ok(Judge { format, audience, url, dashboard: name, session: kinds.get(place).copied().unwrap_or_default() })
    }

    /// Whether there is a connect endpoint.
    pub fn connects(&self) -> bool {
        self.document.member("connect").is_some_and(|connect| !matches!(connect.value, Value::Null))
    }
}

fn from_envoy(path: &str, document: &Node) -> Result<Node, Failure> {
    let mut policies: Vec<Result<Node, String>> = envoy::policies(document);
    match (policies.pop(), policies.len()) {
        (Some(policy), 0) => policy.map_err(|message| Failure::new(format!("{path}: {message}"))),
        (None, _) => Err(Failure::new(format!("{path}: holds neither a policy nor a dashgate filter"))),
        (Some(_), _) => Err(Failure::new(format!("{path}: holds several dashgate filters; give the policy alone"))),
    }
}
