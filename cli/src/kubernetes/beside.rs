//! What has to stand beside a gate in Istio, because Istio's own resources cannot say it: the lock (an RBAC filter after the gate
//! that demands its filter state), the session's end, what is taken out of answers, paths, and headers on every answer.

use super::gate::{Gate, Mesh, Role};
use super::order::{self, Slot};
use super::patch::{self, Patch};
use crate::check::Report;
use crate::envoy::{LOCK, chain, connection_managers, rbac, removals};
use crate::place::Place;

/// Checks what stands beside a gate; `entry` is the patch that places it, where one does.
pub fn check<'a>(
    gate: &Gate<'a>,
    entry: Option<&Patch<'a>>,
    patches: &[Patch<'a>],
    mesh: &Mesh<'_, 'a>,
    report: &mut Report,
) {
    let beside: Vec<&Patch<'a>> =
        patches.iter().filter(|patch| patch.is_for(gate.role) && mesh.covers(gate, &patch.aim)).collect();
    let matters = |patch: &Patch<'a>| -> Option<&'static str> {
        if patch.value.as_ref().is_some_and(rbac::is_lock) {
            return Some("the lock");
        }
        entry
            .is_some_and(|entry| entry.place.path == patch.place.path && entry.order == patch.order)
            .then_some("the gate")
    };
    let slots = order::line_up(gate, &beside, &matters, report);
    for lock in beside.iter().filter(|patch| matters(patch) == Some("the lock")) {
        patch::check_match(lock, gate.role, "the lock", mesh.resources, report);
    }
    beside.iter().filter_map(|patch| patch.value.as_ref()).for_each(|value| rbac::check(value, report));
    let index = check_position(gate, entry, &slots, report);
    check_lock(gate, index, &slots, &beside, patches, report);
    if index.is_none() {
        return;
    }
    let before = index.map(|index| slots.iter().take(index)).into_iter().flatten();
    before.flat_map(|slot| &slot.values).for_each(|value| chain::check_words(value, report));
    check_answers(gate, &slots, &beside, report);
    check_time(gate, &beside, report);
    check_paths(gate, mesh, &beside, report);
}

/// Where the gate stands, if it does.
fn check_position(
    gate: &Gate<'_>,
    entry: Option<&Patch<'_>>,
    slots: &[Slot<'_>],
    report: &mut Report,
) -> Option<usize> {
    let index = order::position(slots, gate);
    let Some(entry) = entry else { return index };
    let at = entry.place.deep(&["patch", "operation"]).unwrap_or_else(|| entry.place.clone());
    let Some(index) = index else {
        if matches!(entry.operation, "MERGE" | "REMOVE" | "REPLACE") {
            report.problem(at.finding("puts nothing among the filters: there is no gate; use INSERT_FIRST"));
        }
        return None;
    };
    if entry.operation == "REPLACE" {
        report.problem(at.finding(
            "puts the gate in the place of another filter, and where that one is not, nowhere; use INSERT_FIRST",
        ));
    }
    if index > order::router(slots) {
        let message =
            format!("{} puts the gate after the router, where nothing runs; use INSERT_FIRST", entry.operation);
        report.problem(at.finding(message));
        return None;
    }
    if order::is_late(slots, index) {
        report.warning(at.finding(format!(
            "{} puts the gate after Istio's own authentication and authorization; use INSERT_FIRST",
            entry.operation
        )));
    }
    Some(index)
}

fn check_lock(
    gate: &Gate<'_>,
    index: Option<usize>,
    slots: &[Slot<'_>],
    beside: &[&Patch<'_>],
    all: &[Patch<'_>],
    report: &mut Report,
) {
    let is_lock = |slot: &Slot<'_>| slot.values.iter().any(rbac::is_lock);
    let router = order::router(slots);
    // Without a gate there is nothing that the lock could come before.
    let before: Vec<Place<'_>> = slots.iter().take(index.unwrap_or(0)).flat_map(|slot| slot.values.clone()).collect();
    rbac::check_order(&before, report);
    let late = slots.iter().skip(router + 1).any(is_lock);
    if slots.iter().take(router).any(is_lock) {
        return;
    }
    if late {
        report.problem(
            gate.resource.place.finding("the lock stands after the router, where nothing runs; INSERT_BEFORE it"),
        );
        return;
    }
    if routes_are_locked(beside) {
        return;
    }
    let why = match all.iter().any(|patch| patch.value.as_ref().is_some_and(rbac::is_lock)) {
        true => format!("the RBAC filter that demands filter state {LOCK} is for something else, or nowhere"),
        false => format!("no RBAC filter after the gate demands filter state {LOCK}"),
    };
    report.problem(gate.resource.place.finding(format!(
        "has no lock: {why}, so that without the gate, for whatever reason, the dashboards are open; an EnvoyFilter beside it must put \
         one before envoy.filters.http.router"
    )));
}

/// Routes of their own that match on the gate's word, for every route.
fn routes_are_locked(beside: &[&Patch<'_>]) -> bool {
    beside.iter().filter(|patch| ["HTTP_ROUTE", "VIRTUAL_HOST"].contains(&patch.applies_to)).any(|patch| {
        let names = [&["name"][..], &["domainName"], &["route", "name"]];
        let host = patch.place.deep(&["match", "routeConfiguration", "vhost"]);
        let narrowed = host.is_some_and(|host| names.iter().any(|name| host.deep(name).is_some()));
        let states =
            patch.value.as_ref().and_then(|value| value.member("match")).map(|matched| matched.list("filter_state"));
        !narrowed && states.unwrap_or_default().iter().any(|state| state.text("key") == Some(LOCK))
    })
}

/// What backends say to browsers, and what every answer must say.
fn check_answers(gate: &Gate<'_>, slots: &[Slot<'_>], beside: &[&Patch<'_>], report: &mut Report) {
    let at = &gate.resource.place;
    let mut places: Vec<Place<'_>> = slots.iter().flat_map(|slot| slot.values.clone()).collect();
    let routes =
        beside.iter().filter(|patch| matches!(patch.applies_to, "ROUTE_CONFIGURATION" | "VIRTUAL_HOST" | "HTTP_ROUTE"));
    places.extend(routes.filter_map(|patch| patch.value.clone()));
    removals::check(at, &places, report);
    let first = slots.first().is_some_and(|slot| slot.values.iter().any(chain::secures_transport));
    if gate.role != Role::Sidecar && !first {
        report.warning(at.finding(
            "no header_mutation before it sets strict-transport-security: refusals and Envoy's own answers go out without it",
        ));
    }
}

/// Envoy ends a stream by `grpc-timeout` only where the route says so.
fn check_time(gate: &Gate<'_>, beside: &[&Patch<'_>], report: &mut Report) {
    let mut ends = false;
    for value in beside.iter().filter_map(|patch| patch.value.as_ref()) {
        value.walk(&mut |place| ends |= place.deep(&["max_stream_duration", "grpc_timeout_header_max"]).is_some());
    }
    if !ends {
        report.problem(gate.resource.place.finding(
            "no EnvoyFilter beside it sets max_stream_duration.grpc_timeout_header_max on the routes: streams would outlive their \
             session",
        ));
    }
}

fn check_paths(gate: &Gate<'_>, mesh: &Mesh<'_, '_>, beside: &[&Patch<'_>], report: &mut Report) {
    let managers: Vec<Place<'_>> =
        beside.iter().filter_map(|patch| patch.value.as_ref()).flat_map(connection_managers).collect();
    let merges =
        managers.iter().any(|manager| manager.is_true("merge_slashes")) || super::mesh::merges_slashes(mesh.resources);
    let underscores = managers.iter().any(|manager| {
        let action = manager.deep(&["common_http_protocol_options", "headers_with_underscores_action"]);
        action.is_some_and(|action| matches!(action.node.text(), Some("DROP_HEADER" | "REJECT_REQUEST")))
    });
    let missing: Vec<&str> =
        [(merges, "merge_slashes: true"), (underscores, "headers_with_underscores_action: DROP_HEADER")]
            .into_iter()
            .filter(|(is_said, _)| !is_said)
            .map(|(_, what)| what)
            .collect();
    if !missing.is_empty() {
        report.warning(gate.resource.place.finding(format!(
            "no EnvoyFilter beside it sets {} on the connection manager: the gate refuses what Envoy would put right",
            missing.join(" and ")
        )));
    }
}
