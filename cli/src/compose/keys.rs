//! Keys: by name, in no file that is copied, and with Envoy and who signs alone. Says their names, never their values.

use super::service::{Mount, filled};
use super::{Member, Role};
use crate::check::Report;
use crate::envoy;
use crate::place::Place;

/// What is the same on every machine, or is no secret.
const SHARED: [&str; 6] =
    ["/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/usr", "/var/log", "/etc/ca-certificates"];

/// Looks for keys in plain sight, and for keys that a dashboard gets.
pub fn check(members: &[Member<'_>], envoys: &[Place<'_>], report: &mut Report) {
    let keys: Vec<envoy::Key> = envoys.iter().flat_map(|root| envoy::keys(root)).collect();
    let pipes: Vec<String> = envoys.iter().flat_map(|root| envoy::pipes(root)).collect();
    for member in members {
        check_variables(member, &keys, report);
        check_words(member, &keys, report);
    }
    let holders = |role: Role| members.iter().filter(move |member| member.role == role);
    for member in members.iter().filter(|member| member.role == Role::Guarded) {
        for (name, _, place) in member.service.pairs(&["environment"]) {
            if keys.iter().any(|key| key.name == name && key.signs_for_all) {
                report.problem(place.finding(format!("gives {} {name}: {MAKES}; leave it out", member.service.name)));
            }
        }
        holders(Role::Envoy).for_each(|holder| check_shared(holder, member, &keys, &pipes, report));
        for portal in holders(Role::Open) {
            for mount in
                member.service.mounts().into_iter().filter(|mount| shared(mount, &portal.service.mounts(), &[]))
            {
                report.warning(mount.place.finding(format!(
                    "gives {} {}, which {} has, too: where the key that signs sessions is in it, {MAKES}",
                    member.service.name, mount.source, portal.service.name
                )));
            }
        }
    }
}

const MAKES: &str = "whoever runs code there makes sessions for every dashboard";

fn given(what: &str, service: &str) -> String {
    format!("gives {service} {what}, which Envoy has, too, and its keys may be in it: {MAKES}; leave it out")
}

/// What Envoy and a dashboard both get.
fn check_shared(holder: &Member<'_>, member: &Member<'_>, keys: &[envoy::Key], pipes: &[String], report: &mut Report) {
    let name = member.service.name;
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '.'], "_");
    let sources = |member: &Member<'_>, field: &str| {
        let read = |place: Place<'_>| {
            let word = place.scalar().or_else(|| place.word("source")).or_else(|| place.word("path"))?;
            Some(filled(&word).trim_start_matches("./").to_owned())
        };
        member
            .service
            .list(field)
            .into_iter()
            .map(|place| (read(place.clone()).unwrap_or_default(), place.path, place.node.line, place.file))
            .collect::<Vec<_>>()
    };
    for field in ["env_file", "secrets"] {
        let held = sources(holder, field);
        for (source, path, line, file) in sources(member, field) {
            let is_own = keys.iter().any(|key| !key.signs_for_all && plain(&source).contains(&plain(&key.name)));
            if !source.is_empty() && !is_own && held.iter().any(|(known, ..)| *known == source) {
                report.problem(crate::check::Finding { file, path, line, message: given(&source, name) });
            }
        }
    }
    for from in member.service.list("volumes_from") {
        let source = from.scalar().unwrap_or_default();
        if source.trim_start_matches("container:").split(':').next() == Some(holder.service.name) {
            report.problem(from.finding(given("the volumes", name)));
        }
    }
    for mount in member.service.mounts().into_iter().filter(|mount| shared(mount, &holder.service.mounts(), pipes)) {
        report.problem(mount.place.finding(given(&mount.source, name)));
    }
}

/// Whether one of them mounts the same, and it is neither a file of configuration nor where they meet.
fn shared(mount: &Mount<'_>, others: &[Mount<'_>], pipes: &[String]) -> bool {
    !mount.source.is_empty()
        && others.iter().any(|other| {
            let is_config = [".yaml", ".yml", ".json", ".wasm"].iter().any(|end| other.source.ends_with(end));
            let is_shared = SHARED.iter().any(|path| other.source.starts_with(path) || other.target.starts_with(path));
            let meets = pipes.iter().any(|pipe| pipe.starts_with(&other.target));
            let same = covers(&mount.source, &other.source) || covers(&other.source, &mount.source);
            same && !is_config && !is_shared && !meets
        })
}

/// Whether one is the other, or a directory above it.
fn covers(upper: &str, lower: &str) -> bool {
    upper == lower || lower.strip_prefix(upper).is_some_and(|rest| rest.starts_with('/'))
}

/// A key in the file is a key in every copy of it, and one that builds an image is in that image.
fn check_variables(member: &Member<'_>, keys: &[envoy::Key], report: &mut Report) {
    let is_key = |name: &str| {
        let ends = ["_KEY", "_SECRET", "_PASSWORD", "_HASH", "_TOKEN"].iter().any(|end| name.ends_with(end));
        keys.iter().any(|key| key.name == name) || (member.role == Role::Envoy && ends)
    };
    for (name, value, place) in member.service.pairs(&["environment"]) {
        if is_key(&name) && !filled(&value).is_empty() {
            report.problem(place.finding(format!("gives {name} in plain sight; use env_file or a secret")));
        }
    }
    for (name, _, place) in member.service.pairs(&["build", "args"]) {
        if is_key(&name) {
            report.problem(place.finding(format!(
                "gives {name} to the image, where whoever has it reads it; use env_file or a secret"
            )));
        }
    }
}

/// A key that a command says is one that every list of processes shows.
fn check_words(member: &Member<'_>, keys: &[envoy::Key], report: &mut Report) {
    for field in ["command", "entrypoint"] {
        for (word, place) in member.service.words(field) {
            let said = keys.iter().find(|key| {
                let (_, value) = word.split_once(&format!("{}=", key.name)).unwrap_or_default();
                !value.is_empty() && !value.starts_with('$') && !value.starts_with("\"$")
            });
            if let Some(key) = said {
                report.problem(place.finding(format!("gives {} in plain sight; use env_file or a secret", key.name)));
            }
        }
    }
}
