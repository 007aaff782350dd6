//! `dashgate render`: what Envoy, or a control plane in front of it, is given, made from one policy and where its parts run. So
//! nobody copies YAML by hand, and the files under `envoy/` are what it prints.
//!
//! One file holds both; `sections` lists what it says for each target. The policy's own text goes into the output as it is
//! written, comments included.

mod deployment;
mod envoy_gateway;
mod forms;
mod istio;
mod narrow;
mod sections;

use gate::Gate;
use minijinja::Environment as Templates;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde_json::Value;

use self::sections::{Section, TEMPLATES, section};
use crate::arguments::Render;
use crate::environment::Environment;
use crate::output::{Failure, Outcome, print};
use crate::policy::read;
use crate::tree::Node;

/// Runs the command.
///
/// # Errors
/// Where the file cannot be read, or is not what can be rendered: every problem, by path.
pub fn run(arguments: &Render) -> Result<Outcome, Failure> {
    let text = read(&arguments.file)?;
    let failed = |message: String| {
        let lines: Vec<String> = message.lines().map(|line| format!("{}: {line}", arguments.file)).collect();
        Failure::new(lines.join("\n"))
    };
    print(&rendered(&text, section(arguments.target), arguments.section.as_deref()).map_err(failed)?)?;
    Ok(Outcome::Fine)
}

fn rendered(text: &str, section: &Section, name: Option<&str>) -> Result<String, String> {
    let document = Node::parse(text)?;
    let unknown = document.members().iter().find(|(name, _)| !["deployment", "policy"].contains(&name.as_str()));
    if let Some((name, _)) = unknown {
        return Err(format!("{name}: is not a known key; there are deployment and policy"));
    }
    let policy = document.member("policy").ok_or("policy: is missing")?;
    check(policy)?;
    let deployment = document
        .member("deployment")
        .ok_or("deployment: is missing: docs/render.md lists what it says, envoy/policy.yaml is an example")?;
    let mut context = deployment::read(deployment, section, name.unwrap_or(section.name), policy)?;
    let mut written = block(text, "policy").ok_or("policy: must begin a line of its own, as a block")?;
    if let Some(dashboard) = context.get("dashboard").and_then(Value::as_str).map(str::to_owned) {
        written = narrow::to(&written, &dashboard).map_err(|problem| format!("policy: {problem}"))?;
        let part = Node::parse(&written)?;
        check(&part)?;
        deployment::narrow(&mut context, &dashboard, &part);
    }
    if !section.holds_forms {
        written = forms::off(&written, policy)?;
    }
    context.insert("policy".into(), written.into());
    let mut templates = Templates::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    templates.set_syntax(syntax.map_err(|error| error.to_string())?);
    for (name, template) in TEMPLATES {
        templates.add_template(name, template).map_err(|error| error.to_string())?;
    }
    let found = templates.get_template(section.template);
    found.and_then(|found| found.render(Serde(context))).map_err(|error| format!("{error:#}"))
}

/// What the gate itself says of a policy.
fn check(policy: &Node) -> Result<(), String> {
    // The keys are Envoy's to have: here any will do.
    let environment = Environment::without_keys();
    Gate::load(policy.to_json().as_bytes(), &|name| environment.look_up(name))
        .map(drop)
        .map_err(|problems| problems.iter().map(|problem| format!("policy.{problem}\n")).collect::<String>())
}

/// The lines below a top-level name, without their common indentation.
fn block(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != format!("{name}:"));
    lines.next()?;
    let block: Vec<&str> = lines.take_while(|line| line.is_empty() || line.starts_with(' ')).collect();
    let indent = block.iter().filter(|line| !line.is_empty()).map(|line| line.len() - line.trim_start().len()).min()?;
    let lines: Vec<&str> = block.iter().map(|line| line.get(indent..).unwrap_or_default()).collect();
    Some(lines.join("\n").trim_end().to_owned())
}
