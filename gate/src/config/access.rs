//! The part of a dashboard's configuration that says who may open it and where its sessions may lead.

use std::sync::Arc;

use super::compile::Compiler;
use super::reader::Reader;
use super::url::Url;
use crate::access::Access;
use crate::backend::{self, Allowed, Hosts, Network};
use crate::facts::{Path, Paths};
use crate::place::Named;
use crate::policy::{Format, Kind};
use crate::table::Table;

/// What dashboards ask of sessions: the rest is not read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    groups: bool,
    id: bool,
    backend: bool,
}

impl Asked {
    /// What the dashboards ask that take the session kind of that name.
    pub fn of(document: &Reader<'_>, kind: &str) -> Self {
        let takes = |item: &Reader<'_>| item.words("sessions").any(|name| name == kind);
        let dashboards = || document.items("dashboards").iter().map(Reader).filter(takes);
        Self {
            groups: dashboards().any(|item| !item.items("groups").is_empty()),
            id: dashboards().any(|item| item.text("url").unwrap_or_default().contains("{session}")),
            backend: dashboards().any(|item| !item.items("backends").is_empty()),
        }
    }

    /// Where a session kind says what is asked for; `usual` says whether its format has usual places for it.
    pub fn paths(self, session: &Reader<'_>, usual: bool) -> Paths {
        let path = |asked: bool, field: &str, name: &'static str| {
            let text = session.text(field).or(usual.then_some(name));
            text.filter(|_| asked).map(Path::parse)
        };
        Paths {
            groups: path(self.groups, "groups_from", "groups"),
            id: path(self.id, "session_id_from", "sid"),
            backend: path(self.backend, "backend_from", "backend"),
        }
    }
}

/// Whether a session of this kind can say `what`: its subject, groups, session id or backend.
fn says(kind: &Kind, what: &str) -> bool {
    let (subject, facts) = match &kind.format {
        Format::Jwt(policy) => (true, &policy.facts),
        Format::Signed(policy) => (policy.subject_from.is_some(), &policy.facts),
        Format::Bokeh(_) => return false,
    };
    match what {
        "subject" => subject,
        "groups" => facts.groups.is_some(),
        "session_id" => facts.id.is_some(),
        _ => facts.backend.is_some(),
    }
}

impl Compiler {
    /// Who may open a dashboard, of whoever has a session for it.
    pub(super) fn access(&mut self, path: &str, item: &Reader<'_>, url: &Url<'_>, kinds: &[Arc<Kind>]) -> Access {
        let slot = url.slot;
        let listed =
            |field: &str| -> Table<()> { item.words(field).map(|word| (word.as_bytes().into(), ())).collect() };
        let mut wanted = Vec::new();
        match slot.map(|slot| slot.named) {
            Some(Named::Subject) => wanted.push(("url", "subject")),
            Some(Named::Session) => wanted.push(("url", "session_id")),
            None => {}
        }
        if !item.items("subjects").is_empty() && item.items("groups").is_empty() {
            wanted.push(("subjects", "subject"));
        }
        if !item.items("groups").is_empty() && item.items("subjects").is_empty() {
            wanted.push(("groups", "groups"));
        }
        if !item.items("backends").is_empty() {
            wanted.push(("backends", "backend"));
        }
        self.restrict(path, item, url);
        for (field, what) in wanted {
            if item.truth("open") {
                self.problem(format!("{path}.{field}"), "asks for sessions, and open: true for none");
                continue;
            }
            let said = match item.text("require") {
                Some("all") => kinds.iter().any(|kind| says(kind, what)),
                _ => kinds.iter().all(|kind| says(kind, what)),
            };
            if !said {
                let message = format!(
                    "needs session kinds that say it: set {what}_from there, or require all with one that does"
                );
                self.problem(format!("{path}.{field}"), message);
            }
        }
        let backends = (!item.items("backends").is_empty()).then(|| self.backends(path, item));
        Access { subjects: listed("subjects"), groups: listed("groups"), backends }
    }

    /// What does not go with a url that names somebody.
    fn restrict(&mut self, path: &str, item: &Reader<'_>, url: &Url<'_>) {
        let slot = url.slot;
        for field in ["subjects", "groups", "backends"] {
            if item.has(field) && item.items(field).is_empty() {
                self.problem(
                    format!("{path}.{field}"),
                    "lists none; leave it out where it is not meant to narrow anything",
                );
            }
        }
        let names = slot.is_some_and(|slot| slot.named == Named::Subject) || !item.items("subjects").is_empty();
        if names && item.items("sessions").len() > 1 && item.text("require") != Some("all") {
            let message =
                "takes one name for one person, whichever of these kinds says it: whoever is ada there is ada here";
            self.warning(format!("{path}.sessions"), message);
        }
        let parent = url.authority.strip_prefix("*.");
        for (index, origin) in item.words("origins").enumerate() {
            if parent.is_some_and(|parent| origin.split_once("://*.").is_some_and(|(_, host)| host == parent)) {
                let message = "lets the pages of every owner in as if they were this one's own";
                self.warning(format!("{path}.origins[{index}]"), message);
            }
        }
        if !slot.is_some_and(|slot| slot.in_path) {
            return;
        }
        if !item.items("public").is_empty() {
            self.problem(format!("{path}.public"), "must be empty where the path names somebody: it could be a name");
        }
        if item.has("cookie") && slot.is_some_and(|slot| slot.named == Named::Session) {
            self.problem(
                format!("{path}.cookie"),
                "cannot be chosen where the path names the session: each has its own",
            );
        }
    }

    fn backends(&mut self, path: &str, item: &Reader<'_>) -> Vec<Allowed> {
        let mut allowed = Vec::new();
        if !item.items("public").is_empty() {
            self.problem(format!("{path}.public"), "must be empty with backends: without a session there is none");
        }
        for (index, entry) in item.items("backends").iter().enumerate() {
            let (entry, path) = (Reader(entry), format!("{path}.backends[{index}]"));
            let hosts = match (entry.text("network"), entry.text("zone")) {
                (Some(network), None) => Network::parse(network).map(Hosts::Network),
                (None, Some(zone)) => Some(Hosts::Zone(format!(".{zone}"))),
                _ => {
                    self.problem(&path, "must hold one of network and zone");
                    None
                }
            };
            let ports = entry.text("ports").and_then(backend::parse_ports);
            allowed.extend(hosts.zip(ports).map(|(hosts, ports)| Allowed { hosts, ports }));
        }
        let zones = allowed.iter().filter(|allowed| matches!(allowed.hosts, Hosts::Zone(_))).count();
        if zones > 0 && zones < allowed.len() {
            let message = "holds networks and zones: Envoy routes to addresses and to names by different clusters, so make two dashboards";
            self.problem(format!("{path}.backends"), message);
        }
        for (index, _) in allowed.iter().enumerate().filter(|(_, allowed)| allowed.hosts.is_vast()) {
            self.warning(
                format!("{path}.backends[{index}]"),
                "is a large part of all addresses: whoever signs sessions reaches what Envoy can",
            );
        }
        allowed
    }
}
