//! What an RBAC lock of Istio's asks of the route that a permit leads by: metadata with a dashboard's name, or plain HTTP. Decides
//! nothing about whether that is right (`lock_routes`).

use super::patch::Patch;
use crate::envoy::{LOCK, rbac};
use crate::place::Place;

/// Where routes carry the name of their dashboard: a filter's name, and a path below it.
pub type Label = Vec<String>;

/// What a permission asks of a route.
#[derive(Clone, Debug, PartialEq)]
pub enum Bond {
    /// That it carries this name there.
    Name(Label, String),
    /// That it came by plain HTTP, where routes redirect.
    Plain,
    /// One half of that.
    Half,
    /// Metadata that is no route's.
    Elsewhere,
    /// Nothing that binds.
    Free,
}

/// One policy of a lock.
pub struct Rule<'a> {
    /// The permits it is for; none where it is for any.
    pub permits: Vec<String>,
    /// What each permission asks of a route.
    pub bonds: Vec<(Place<'a>, Bond)>,
}

impl Rule<'_> {
    /// Whether each does.
    pub fn is_bound(&self) -> bool {
        !self.bonds.is_empty() && self.bonds.iter().all(|(_, bond)| matches!(bond, Bond::Name(..) | Bond::Plain))
    }
}

/// The locks of gateways: a sidecar's has one dashboard behind it, and no other route.
pub fn locks<'a>(patches: &[Patch<'a>]) -> Vec<(Place<'a>, Vec<Rule<'a>>)> {
    let gateways = patches.iter().filter(|patch| matches!(patch.context, "GATEWAY" | "ANY"));
    gateways
        .filter_map(|patch| patch.value.clone())
        .filter(rbac::is_lock)
        .map(|lock| (lock.clone(), rules(&lock)))
        .collect()
}

fn rules<'a>(lock: &Place<'a>) -> Vec<Rule<'a>> {
    let policies = lock.deep(&["typed_config", "rules", "policies"]).map(|found| found.members()).unwrap_or_default();
    let read = |(_, place): (&str, Place<'a>)| {
        let (mut permits, mut is_for_any) = (Vec::new(), false);
        place.walk(&mut |state| {
            if state.text("key") == Some(LOCK) {
                match state.deep(&["string_match", "exact"]).and_then(|exact| exact.scalar()) {
                    Some(name) => permits.push(name),
                    None => is_for_any = true,
                }
            }
        });
        permits.retain(|_| !is_for_any);
        let bonds =
            place.list("permissions").into_iter().map(|permission| (permission.clone(), bond(&permission))).collect();
        Rule { permits, bonds }
    };
    policies.into_iter().map(read).collect()
}

fn bond(permission: &Place<'_>) -> Bond {
    if let Some(all) = permission.member("and_rules") {
        let rules = all.list("rules");
        let bonds: Vec<Bond> = rules.iter().map(bond).collect();
        let halves = [rules.iter().any(is_plain_header), rules.iter().any(is_nameless)];
        let whole = bonds.iter().find(|bond| matches!(bond, Bond::Name(..) | Bond::Plain)).cloned();
        let next = || bonds.iter().find(|bond| **bond == Bond::Elsewhere).cloned();
        return match (whole, halves) {
            (Some(bond), _) => bond,
            (None, [true, true]) => Bond::Plain,
            (None, [false, false]) => next().unwrap_or(Bond::Free),
            (None, _) => Bond::Half,
        };
    }
    if let Some(one_of) = permission.member("or_rules") {
        let bonds: Vec<Bond> = one_of.list("rules").iter().map(bond).collect();
        let first = bonds.first().cloned().unwrap_or(Bond::Free);
        return if bonds.iter().all(|bond| *bond == first) { first } else { Bond::Free };
    }
    if let Some(sourced) = permission.member("sourced_metadata") {
        let source = sourced.word("metadata_source");
        return match sourced.member("metadata_matcher") {
            Some(matcher) if matches!(source.as_deref(), Some("ROUTE" | "1")) => label(&matcher),
            Some(matcher) if !matcher.is_true("invert") => Bond::Elsewhere,
            _ => Bond::Free,
        };
    }
    match permission.member("metadata") {
        Some(matcher) if !matcher.is_true("invert") => Bond::Elsewhere,
        _ if is_plain_header(permission) || is_nameless(permission) => Bond::Half,
        _ => Bond::Free,
    }
}

fn label(matcher: &Place<'_>) -> Bond {
    let exact = matcher.deep(&["value", "string_match", "exact"]).and_then(|exact| exact.scalar());
    let Some(name) = exact.filter(|_| !matcher.is_true("invert")) else { return Bond::Free };
    let path = matcher.list("path");
    let keys = path.iter().map(|step| step.word("key").unwrap_or_default());
    Bond::Name(matcher.word("filter").into_iter().chain(keys).collect(), name)
}

fn is_plain_header(permission: &Place<'_>) -> bool {
    permission.member("header").is_some_and(|header| asks_for_scheme(&header, "http"))
}

/// Whether a header matcher asks for this scheme. Envoy itself writes that header, by the connection.
pub fn asks_for_scheme(header: &Place<'_>, scheme: &str) -> bool {
    let said = header.deep(&["string_match", "exact"]).or_else(|| header.member("exact_match"));
    header.text("name") == Some("x-forwarded-proto")
        && !header.is_true("invert_match")
        && said.is_some_and(|said| said.node.text() == Some(scheme))
}

/// Over plain HTTP there is no server's name.
fn is_nameless(permission: &Place<'_>) -> bool {
    permission.deep(&["requested_server_name", "exact"]).is_some_and(|name| name.node.text() == Some(""))
}
