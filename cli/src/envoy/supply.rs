//! What an Envoy is given besides the file that is looked at: listeners by discovery, runtime values, filter state of a connection.
//! Decides nothing about what comes; says that it was not seen, or that it undoes what the file says.

use super::{LOCK, plugin};
use crate::check::Report;
use crate::place::Place;

/// Whether Envoy refuses a path with a fragment, and logs it with that.
const FRAGMENT: &str = "envoy.reloadable_features.http_reject_path_with_fragment";

/// Checks a file in which some connection manager has the gate.
pub fn check(root: &Place<'_>, guarded: &[&Place<'_>], report: &mut Report) {
    if guarded.is_empty() {
        return;
    }
    if let Some(listeners) = root.deep(&["dynamic_resources", "lds_config"]) {
        report.warning(listeners.finding(
            "brings listeners that are not in this file: whether they lead to what dashgate guards here, without it, is not known",
        ));
    }
    check_connections(root, report);
    check_runtime(root, report);
}

/// Filter state of a connection is there before the gate is, for every request on it.
fn check_connections(root: &Place<'_>, report: &mut Report) {
    root.walk(&mut |place| {
        if !place.is_a("filters.network.set_filter_state.v3.Config") {
            return;
        }
        place.walk(&mut |value| {
            if let Some(key) = value.member("object_key").filter(|key| key.node.text() == Some(LOCK)) {
                report.problem(key.finding("says what is the gate's alone to say"));
            }
        });
    });
}

fn check_runtime(root: &Place<'_>, report: &mut Report) {
    // A piece of a file, such as a listener alone, has its runtime elsewhere.
    if root.member("static_resources").is_none() {
        return;
    }
    let layers = root.member("layered_runtime").map(|runtime| runtime.list("layers")).unwrap_or_default();
    let mut fragment = None;
    for layer in &layers {
        if let Some(discovered) = layer.member("rtds_layer") {
            report.warning(discovered.finding("brings settings that are not in this file, and may undo what it says"));
        }
        for (name, value) in flat(layer.member("static_layer")) {
            let off = value.scalar().as_deref() == Some("false");
            if name == FRAGMENT {
                fragment = Some(off);
            } else if off && name.starts_with("envoy.reloadable_features.") {
                report.warning(
                    value.finding(
                        "takes back what this release of Envoy does, such as a check of requests; leave it out",
                    ),
                );
            }
        }
    }
    let connects = super::plugins(root)
        .iter()
        .filter_map(|plugin| plugin::policy(plugin).ok())
        .any(|(policy, _)| policy.member("connect").is_some());
    if connects && fragment != Some(true) {
        let place = root.member("layered_runtime").unwrap_or_else(|| root.clone());
        report.warning(place.finding(format!(
            "{FRAGMENT}: false is missing in layered_runtime: the path of a refused connect link is logged with its fragment, which \
             holds a session"
        )));
    }
}

/// The values of a layer by their whole names, which dots or maps make.
fn flat<'a>(layer: Option<Place<'a>>) -> Vec<(String, Place<'a>)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, Place<'a>)> = layer.map(|layer| (String::new(), layer)).into_iter().collect();
    while let Some((name, place)) = open.pop() {
        if place.node.members().is_empty() {
            found.push((name, place));
            continue;
        }
        let members = place.members().into_iter();
        open.extend(
            members.map(|(own, place)| (if name.is_empty() { own.to_owned() } else { format!("{name}.{own}") }, place)),
        );
    }
    found
}
