//! Whether a gateway's lock binds each permit to the routes of its own dashboard: in Istio by the metadata that patches give to
//! routes, in Envoy Gateway by their names. Decides nothing about whether there is a lock, nor where it stands.

use super::extension_policy::targets;
use super::lock_bonds::{Bond, Label, Rule, asks_for_scheme, locks};
use super::lock_names::{Dashboards, named, of_hosts};
use super::patch::Patch;
use super::resource::Resource;
use super::routes::Route;
use super::security;
use crate::check::Report;
use crate::envoy::LOCK;
use crate::place::Place;

/// Whether some lock binds every permit to a route: a route without is shut.
pub fn binds(patches: &[Patch<'_>]) -> bool {
    locks(patches).iter().any(|(_, rules)| !rules.is_empty() && rules.iter().all(Rule::is_bound))
}

/// Checks the locks of EnvoyFilters, and the metadata that their patches give to routes.
pub fn check(patches: &[Patch<'_>], routes: &[Route<'_>], dashboards: &Dashboards, report: &mut Report) {
    let locks = locks(patches);
    let names: Vec<(Place<'_>, Label, String)> = patches.iter().filter(|patch| gives(patch)).flat_map(given).collect();
    for (lock, rules) in &locks {
        check_lock(lock, rules, &names, binds(patches), dashboards, report);
    }
    let is_https = patches.iter().any(demands_https);
    let all = || locks.iter().flat_map(|(_, rules)| rules).flat_map(|rule| &rule.bonds);
    for (place, _) in all().filter(|(_, bond)| *bond == Bond::Plain && !is_https) {
        report.problem(place.finding(
            "lets permits by any route over plain HTTP, where only redirects should be: no patch for every route has \
             match.headers with x-forwarded-proto that is exactly https",
        ));
    }
    let bound = all();
    let asked: Vec<(&Label, &str)> = bound
        .filter_map(|(_, bond)| match bond {
            Bond::Name(label, name) => Some((label, name.as_str())),
            _ => None,
        })
        .collect();
    if !asked.is_empty() {
        patches
            .iter()
            .filter(|patch| gives(patch))
            .for_each(|patch| check_patch(patch, &asked, routes, dashboards, report));
    }
}

fn check_lock(
    lock: &Place<'_>,
    rules: &[Rule<'_>],
    given: &[(Place<'_>, Label, String)],
    is_bound_elsewhere: bool,
    dashboards: &Dashboards,
    report: &mut Report,
) {
    let any_bound = rules.iter().any(Rule::is_bound);
    let mut free = Vec::new();
    for rule in rules {
        for (place, bond) in &rule.bonds {
            match bond {
                Bond::Plain => {}
                Bond::Free => free.push((place, rule)),
                Bond::Half => report.problem(place.finding(format!(
                    "lets {} by any route over TLS, too: plain HTTP is header x-forwarded-proto that is exactly http, and \
                     requested_server_name that is exactly empty, both in and_rules",
                    who(rule)
                ))),
                Bond::Elsewhere => report.problem(place.finding(
                    "asks for metadata that is no route's: nobody gets through by this; metadata_source: ROUTE",
                )),
                Bond::Name(label, name) => check_name(place, rule, (label, name), given, dashboards, report),
            }
        }
    }
    // One with a single dashboard has no other to protect, and one that no route is bound by may stand beside one that is.
    let is_single = dashboards.names.len() == 1
        || (dashboards.names.is_empty() && rules.len() == 1 && !rules[0].permits.is_empty());
    if !any_bound && (is_single || is_bound_elsewhere) {
        return;
    }
    let is_open = |rule: &Rule<'_>| {
        dashboards
            .permits
            .iter()
            .any(|permit| permit.is_open && (rule.permits.is_empty() || rule.permits.contains(&permit.name)))
    };
    let message = |who: &str| {
        format!(
            "lets {who} by any route: one that somebody adds, or that no patch has reached, leads to another's backend; \
             sourced_metadata of the ROUTE with the dashboard's name binds it"
        )
    };
    if any_bound {
        free.iter().for_each(|(place, rule)| report.problem(place.finding(message(&who(rule)))));
    } else if !free.is_empty() {
        let place = lock.deep(&["typed_config", "rules"]).unwrap_or_else(|| lock.clone());
        if rules.iter().any(is_open) {
            report.problem(place.finding(message("the permit to an open dashboard, which everybody has,")));
        } else {
            report.warning(place.finding(message("the permit to any dashboard")));
        }
    }
}

fn who(rule: &Rule<'_>) -> String {
    match rule.permits.as_slice() {
        [] => "the permit to any dashboard".to_owned(),
        names => format!("the permit to {}", names.join(", ")),
    }
}

fn check_name(
    place: &Place<'_>,
    rule: &Rule<'_>,
    (label, name): (&Label, &str),
    given: &[(Place<'_>, Label, String)],
    dashboards: &Dashboards,
    report: &mut Report,
) {
    // Istio's own, which says what resource a route comes from.
    if label.first().is_some_and(|filter| filter == "istio") {
        return;
    }
    let is_given = |(_, known, _): &(Place<'_>, Label, String)| known == label;
    let is_usual = label.iter().map(String::as_str).eq(["dashgate", "dashboard"]);
    let is_elsewhere = given.is_empty() && is_usual;
    if !is_elsewhere && !given.iter().any(is_given) {
        report.problem(place.finding(format!(
            "asks for metadata {} of the route, which no patch gives: nobody gets through by this",
            label.join(".")
        )));
    } else if rule.permits.is_empty() {
        report.problem(place.finding(format!("lets the permit to any dashboard by the routes of {name}")));
    } else if let Some(other) = rule.permits.iter().find(|other| *other != name && dashboards.has(other)) {
        report.problem(place.finding(format!("lets the permit to {other} by the routes of {name}")));
    }
}

/// Whether a patch is for routes that are there.
fn gives(patch: &Patch<'_>) -> bool {
    patch.applies_to == "HTTP_ROUTE" && patch.operation != "REMOVE" && matches!(patch.context, "GATEWAY" | "ANY")
}

/// Whether a patch takes every route that leads somewhere away from plain HTTP.
fn demands_https(patch: &Patch<'_>) -> bool {
    let vhost = patch.place.deep(&["match", "routeConfiguration", "vhost"]);
    let narrows = |names: &[&str]| vhost.as_ref().is_some_and(|vhost| vhost.deep(names).is_some());
    let is_for_all = ![&["name"][..], &["domainName"], &["route", "name"]].into_iter().any(narrows);
    let headers = patch.value.as_ref().and_then(|value| value.member("match")).map(|found| found.list("headers"));
    gives(patch)
        && patch.operation == "MERGE"
        && is_for_all
        && headers.unwrap_or_default().iter().any(|header| asks_for_scheme(header, "https"))
}

/// The texts in the metadata that a patch gives.
fn given<'a>(patch: &Patch<'a>) -> Vec<(Place<'a>, Label, String)> {
    fn below<'a>(place: &Place<'a>, label: &Label, found: &mut Vec<(Place<'a>, Label, String)>) {
        if let Some(said) = place.scalar() {
            found.push((place.clone(), label.clone(), said));
        }
        for (name, member) in place.members() {
            below(&member, &label.iter().cloned().chain([name.to_owned()]).collect(), found);
        }
    }
    let mut found = Vec::new();
    if let Some(all) = patch.value.as_ref().and_then(|value| value.deep(&["metadata", "filter_metadata"])) {
        below(&all, &Vec::new(), &mut found);
    }
    found
}

fn check_patch(
    patch: &Patch<'_>,
    asked: &[(&Label, &str)],
    routes: &[Route<'_>],
    dashboards: &Dashboards,
    report: &mut Report,
) {
    let said = given(patch).into_iter().find(|(_, label, _)| asked.iter().any(|(known, _)| *known == label));
    let vhost = patch.place.deep(&["match", "routeConfiguration", "vhost"]);
    let route = vhost.as_ref().and_then(|vhost| vhost.deep(&["route", "name"])).and_then(|name| name.scalar());
    let is_for_all = vhost.is_none_or(|vhost| vhost.member("name").or_else(|| vhost.member("domainName")).is_none());
    let states = patch.value.as_ref().and_then(|value| value.member("match")).map(|found| found.list("filter_state"));
    let state = states.unwrap_or_default().into_iter().find(|state| state.text("key") == Some(LOCK));
    let exact = state.and_then(|state| state.deep(&["string_match", "exact"])).and_then(|exact| exact.scalar());
    let Some((place, _, name)) = said else {
        let asks = exact.and_then(|exact| Some((asked.iter().find(|(_, name)| *name == exact)?, exact)));
        if let Some(((label, _), exact)) = asks.filter(|_| route.is_some()) {
            report.problem(patch.place.finding(format!(
                "gives the route no metadata {}: {exact}, which the lock asks for: nobody gets there",
                label.join(".")
            )));
        }
        return;
    };
    let is_new = patch.operation == "ADD" || patch.operation.starts_with("INSERT");
    if route.is_none() && is_for_all && !is_new {
        report.problem(place.finding(format!(
            "gives every route the name of {name}, which the lock asks for: the permit to {name} leads by each; match.routeConfiguration.vhost.route.name says which one"
        )));
        return;
    }
    let known = named(routes);
    let hosts: Vec<_> = known.iter().filter(|(known, ..)| Some(known) == route.as_ref()).collect();
    let own: Vec<&str> = hosts
        .iter()
        .flat_map(|(.., route)| of_hosts(route, &dashboards.permits))
        .map(|permit| permit.name.as_str())
        .collect();
    let right = match &exact {
        // Where that is the wrong one, it is told of it.
        Some(exact) => Some(exact.as_str()).filter(|exact| *exact != name && (own.is_empty() || own.contains(exact))),
        None => own.first().copied().filter(|_| !own.contains(&name.as_str())),
    };
    if let Some(right) = right {
        report.problem(
            place.finding(format!("is not {right}, whose permit leads here: the lock lets nobody by this route")),
        );
    }
}

/// Checks the expressions of SecurityPolicies for a Gateway: a route's own is bound to it.
pub fn check_expressions(
    resources: &[Resource<'_>],
    routes: &[Route<'_>],
    dashboards: &Dashboards,
    report: &mut Report,
) {
    for policy in resources.iter().filter(|policy| security::is_lock(policy)) {
        if !targets(policy, resources).iter().any(|target| target.kind == "Gateway") {
            continue;
        }
        let rules = policy.spec(&["authorization"]).map(|found| found.list("rules")).unwrap_or_default();
        let allowing = rules.iter().filter(|rule| rule.text("action") != Some("Deny"));
        let allowing: Vec<_> = allowing.collect();
        let any_bound = allowing
            .iter()
            .filter_map(|rule| rule.text("cel"))
            .flat_map(security::ways)
            .any(|(_, name)| name.is_some());
        for cel in allowing.iter().filter_map(|rule| rule.member("cel")) {
            for (permit, name) in security::ways(cel.node.text().unwrap_or_default()) {
                let Some(name) = name else {
                    check_nameless(&cel, &permit, any_bound, dashboards, report);
                    continue;
                };
                let of_other = routes.iter().filter(|route| route.is_http).find_map(|route| {
                    let found = &route.resource;
                    let whole = format!("{}/{}/{}/", found.kind.to_ascii_lowercase(), found.namespace, found.name);
                    let own = of_hosts(route, &dashboards.permits);
                    let leads = whole.starts_with(&name) || name.starts_with(&whole);
                    let is_own = own.iter().any(|known| known.name == permit);
                    (leads && !own.is_empty() && !is_own).then(|| own[0].name.clone())
                });
                if let Some(other) = of_other.filter(|_| dashboards.has(&permit)) {
                    report.problem(cel.finding(format!("lets the permit to {permit} by the routes of {other}")));
                }
            }
        }
    }
}

fn check_nameless(cel: &Place<'_>, permit: &str, any_bound: bool, dashboards: &Dashboards, report: &mut Report) {
    if dashboards.names.len() == 1 && !any_bound {
        return;
    }
    let message = format!(
        "lets the permit to {permit} by any route: one that somebody adds leads to another's backend; xds.route_name.startsWith('httproute/…/') binds it"
    );
    if any_bound || dashboards.permits.iter().any(|known| known.is_open) {
        report.problem(cel.finding(message));
    } else {
        report.warning(cel.finding(message));
    }
}
