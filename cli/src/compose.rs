//! A compose file around Envoy: what it mounts for Envoy is looked at as an Envoy file; here, what would let a browser or another
//! program past that Envoy. Decides nothing about the rest of the stack.

use crate::check::Report;
use crate::place::Place;
use crate::tree::Node;

/// Whether a document is a compose file.
pub fn is_compose(document: &Node) -> bool {
    document
        .member("services")
        .is_some_and(|services| services.members().iter().any(|(_, service)| is_service(service)))
}

fn is_service(service: &Node) -> bool {
    ["image", "build", "extends"].iter().any(|name| service.member(name).is_some())
}

/// The files that it mounts and that look like Envoy's configuration, as it names them.
pub fn configurations(document: &Node) -> Vec<String> {
    let root = Place::root(document);
    let mut found = Vec::new();
    for (name, service) in services(&root) {
        if !is_envoy(name, &service) {
            continue;
        }
        let volumes = service.list("volumes");
        let short = volumes.iter().filter_map(|volume| volume.node.text()?.split(':').next().map(str::to_owned));
        let long = volumes.iter().filter_map(|volume| volume.text("source").map(str::to_owned));
        found.extend(short.chain(long));
        for config in service.list("configs") {
            let name = config.node.text().or_else(|| config.text("source")).unwrap_or_default();
            found.extend(root.deep(&["configs", name, "file"]).and_then(|file| file.scalar()));
        }
    }
    found.retain(|path| [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end)));
    found
}

/// Looks for ports that lead past Envoy, and keys in plain sight.
pub fn check(root: &Place<'_>, report: &mut Report) {
    let services = services(root);
    if !services.iter().any(|(name, service)| is_envoy(name, service)) {
        return;
    }
    for (name, service) in &services {
        if let Some(ports) =
            service.member("ports").filter(|ports| !is_envoy(name, service) && !ports.items().is_empty())
        {
            report
                .problem(ports.finding("is reached from outside past Envoy, and so without dashgate; leave ports out"));
        }
        if is_envoy(name, service) {
            check_environment(service, report);
        }
        if service.text("network_mode") == Some("host") {
            let message = "shares the machine's network: all others reach it, or it all others, past Envoy";
            report.problem(service.finding(message));
        }
    }
}

/// A key in the file is a key in every copy of it.
fn check_environment(service: &Place<'_>, report: &mut Report) {
    let Some(environment) = service.member("environment") else { return };
    let listed = environment.items().into_iter().filter_map(|item| {
        let (name, value) = item.node.text()?.split_once('=')?;
        Some((name, value.to_owned(), item))
    });
    let mapped = environment.members().into_iter().filter_map(|(name, place)| Some((name, place.scalar()?, place)));
    for (name, value, place) in listed.chain(mapped) {
        let is_key = ["_KEY", "_SECRET", "_PASSWORD", "_HASH"].iter().any(|end| name.ends_with(end));
        if is_key && !value.is_empty() && !value.contains('$') {
            report.problem(place.finding(format!("gives {name} in plain sight; use env_file or a secret")));
        }
    }
}

fn services<'a>(root: &Place<'a>) -> Vec<(&'a str, Place<'a>)> {
    root.member("services").map(|services| services.members()).unwrap_or_default()
}

/// Whether a service runs Envoy: by its name, its image or its command.
fn is_envoy(name: &str, service: &Place<'_>) -> bool {
    let said = ["image", "command", "entrypoint"].iter().filter_map(|field| service.member(field));
    let mut is_envoy = name.contains("envoy");
    for place in said {
        place.walk(&mut |place| is_envoy |= place.node.text().is_some_and(|text| text.contains("envoy")));
    }
    is_envoy
}
