//! Patches that take a gate or its lock out, switch it off for some requests, or say what is the gate's to say. Decides nothing about
//! how a gate is brought (`envoy_filter`, `extension_policy`).

use super::patch::Patch;
use crate::check::Report;
use crate::envoy::LOCK;
use crate::place::Place;

/// A patch that takes the gate or its lock out.
pub fn check_removal(patch: &Patch<'_>, gates: &[String], locks: &[&str], report: &mut Report) {
    let Some(anchor) = &patch.anchor else { return };
    let name = anchor.node.text().unwrap_or_default();
    let is_gate = gates.iter().any(|gate| gate == name) || (name.contains("dashgate") && !locks.contains(&name));
    if is_gate && ["REMOVE", "REPLACE"].contains(&patch.operation) && patch.applies_to == "HTTP_FILTER" {
        report.problem(patch.place.finding(format!("takes the gate {name} out again")));
    } else if locks.contains(&name)
        && ["REMOVE", "REPLACE"].contains(&patch.operation)
        && patch.applies_to == "HTTP_FILTER"
    {
        report.problem(patch.place.finding(format!("takes the lock {name} out again")));
    }
}

/// A route, host or cluster for which the gate does not run.
pub fn check_disabling(value: &Place<'_>, gates: &[String], report: &mut Report) {
    value.walk(&mut |place| {
        let Some(settings) = place.member("typed_per_filter_config") else { return };
        for (name, setting) in settings.members() {
            let is_gate =
                name.contains("dashgate") || name == "envoy.filters.http.wasm" || gates.iter().any(|gate| gate == name);
            if is_gate && (setting.is_true("disabled") || setting.is_true("is_optional")) {
                report.problem(setting.finding("switches the gate off here"));
            }
        }
    });
}

/// A route or host for which a lock has other rules, or none: an RBACPerRoute takes the place of the filter's own.
pub fn check_unlocking(value: &Place<'_>, locks: &[&str], report: &mut Report) {
    value.walk(&mut |place| {
        let Some(settings) = place.member("typed_per_filter_config") else { return };
        for (_, setting) in settings.members().into_iter().filter(|(name, _)| locks.contains(name)) {
            let mut asks = false;
            setting.walk(&mut |place| asks |= place.text("key") == Some(LOCK));
            if setting.is_true("disabled") || !asks {
                report.problem(setting.finding("switches the lock off here"));
            }
        }
    });
}

/// The gate's own filter state, said by something else.
pub fn check_state(value: &Place<'_>, report: &mut Report) {
    value.walk(&mut |place| {
        if place.text("object_key").is_some_and(|key| key.starts_with("wasm.dashgate_")) {
            report.problem(place.finding("says what is the gate's alone to say"));
        }
    });
}
