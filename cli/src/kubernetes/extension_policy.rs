//! Envoy Gateway's EnvoyExtensionPolicy with the gate in it: its policy, its module, and what it is attached to. Envoy Gateway
//! applies the most specific policy alone, unless that one says mergeType; a list in it still replaces the other's (`guards`).

use super::guards::Guards;
use super::resource::{GATEWAY_API, Resource};
use super::routes::Route;
use super::{attachments, module, traffic, variables};
use crate::check::{Report, look_at_policy};
use crate::environment::Environment;
use crate::fields::nearest;
use crate::place::Place;

/// What a policy is attached to.
#[derive(Clone)]
pub struct Target<'a> {
    /// Where it says so.
    pub place: Place<'a>,
    /// Gateway, HTTPRoute and so on.
    pub kind: String,
    /// Its name; it is in the policy's own namespace.
    pub name: String,
    /// A listener or rule of it.
    pub section: Option<String>,
}

/// The targets of a policy of Envoy Gateway's, those it selects by labels in the files included.
pub fn targets<'a>(policy: &Resource<'a>, resources: &[Resource<'a>]) -> Vec<Target<'a>> {
    let one = policy.spec(&["targetRef"]).into_iter();
    let named = one.chain(policy.list("targetRefs")).map(|place| Target {
        kind: place.text("kind").unwrap_or_default().to_owned(),
        name: place.text("name").unwrap_or_default().to_owned(),
        section: place.text("sectionName").map(str::to_owned),
        place,
    });
    let mut found: Vec<Target<'a>> = named.collect();
    for selector in policy.list("targetSelectors") {
        let kind = selector.text("kind").unwrap_or_default();
        let wanted = super::aim::labels(selector.member("matchLabels"));
        for resource in
            resources.iter().filter(|resource| resource.kind == kind && resource.namespace == policy.namespace)
        {
            let labels = super::aim::labels(resource.place.deep(&["metadata", "labels"]));
            if wanted.iter().all(|label| labels.contains(label)) {
                let (kind, name) = (kind.to_owned(), resource.name.to_owned());
                found.push(Target { place: selector.clone(), kind, name, section: None });
            }
        }
    }
    found
}

fn entries<'a>(policy: &Resource<'a>) -> Vec<Place<'a>> {
    policy.list("wasm").into_iter().filter(|entry| policy.is_taken || is_dashgate(entry)).collect()
}

/// The places of the gate's own entries among the policy's.
pub fn numbers(policy: &Resource<'_>) -> Vec<usize> {
    let all = policy.list("wasm").into_iter().enumerate();
    all.filter(|(_, entry)| policy.is_taken || is_dashgate(entry)).map(|(number, _)| number).collect()
}

fn is_dashgate(entry: &Place<'_>) -> bool {
    let named = |text: Option<&str>| text.is_some_and(|text| text.contains("dashgate"));
    let url = ["image", "http"].iter().find_map(|source| entry.deep(&["code", source, "url"]));
    named(entry.text("name"))
        || named(entry.text("rootID"))
        || named(url.and_then(|url| url.node.text()))
        || entry.deep(&["config", "dashboards"]).is_some()
}

/// Whether a policy brings the gate.
pub fn has_gate(policy: &Resource<'_>) -> bool {
    policy.kind == "EnvoyExtensionPolicy"
        && (!entries(policy).is_empty() || (policy.name.contains("dashgate") && policy.spec(&["wasm"]).is_some()))
}

/// Checks a policy that brings the gate.
pub fn check_gate(
    policy: &Resource<'_>,
    guards: &Guards<'_, '_>,
    forms: bool,
    environment: &Environment,
    report: &mut Report,
) {
    let entries = entries(policy);
    if entries.is_empty() {
        report.problem(
            policy.place.finding("has no wasm entry that is dashgate's: none is named so, and none holds a policy"),
        );
    }
    for entry in &entries {
        if let Some(open) = entry.member("failOpen").filter(|open| open.scalar().as_deref() != Some("false")) {
            report.problem(open.finding(
                "lets every request through unchecked once the filter has failed, or has no good policy; false",
            ));
        }
        match entry.member("code") {
            Some(code) => module::check_gateway(&code, report),
            None => report.problem(entry.finding("has no code: there is no module to run")),
        }
        let Some(config) = entry.member("config") else {
            report.problem(entry.finding("has no config: there is no policy, and every request is refused"));
            continue;
        };
        variables::check_gateway(entry, Some(config.node), report);
        if let Some(gate) = look_at_policy(config.node, &config, environment, report)
            && gate.reads_bodies()
            && !forms
        {
            report.problem(config.finding(
                "connect.form is on, and this kind of resource cannot set allow_on_headers_stop_iteration: forms would hang; \
                 say connect: {form: false}, and connect by fragment",
            ));
        }
    }
    let first = numbers(policy).first().copied().unwrap_or_default();
    for other in policy.list("wasm").into_iter().take(first) {
        report.warning(
            other.finding("runs before the gate: it sees sessions, and may answer in the gate's place; put it after"),
        );
    }
    let targets = targets(policy, guards.resources);
    if targets.is_empty() {
        if policy.list("targetSelectors").is_empty() {
            report.problem(policy.place.finding("has no targetRefs: it is attached to nothing"));
        } else {
            report.warning(
                policy
                    .place
                    .finding("what it selects is not in the files given: whether it meets anything is not known"),
            );
        }
    }
    for target in &targets {
        check_target(policy, target, guards, report);
    }
    if let Some(lua) = policy.spec(&["lua"]).filter(|_| !traffic::runs_wasm_before_lua(guards.resources)) {
        report.warning(lua.finding("runs before the gate: it sees sessions, and may answer in the gate's place"));
    }
}

/// A target that is not there, or that no HTTP filter runs for.
fn check_target(policy: &Resource<'_>, target: &Target<'_>, guards: &Guards<'_, '_>, report: &mut Report) {
    let resources = guards.resources;
    let Target { place, kind, name, .. } = target;
    if !attachments::check_words(target, report) {
        return;
    }
    if !["Gateway", "HTTPRoute", "GRPCRoute", "ListenerSet", "XListenerSet", "GatewayClass"].contains(&kind.as_str()) {
        report.problem(place.finding(format!("is a {kind}, for which no HTTP filter runs: attach it to the Gateway")));
        return;
    }
    let alike: Vec<&Resource<'_>> =
        resources.iter().filter(|resource| resource.kind == kind && resource.group == GATEWAY_API).collect();
    let Some(found) = alike
        .iter()
        .find(|resource| resource.name == name && (kind == "GatewayClass" || resource.namespace == policy.namespace))
    else {
        if let Some(other) = alike.iter().find(|resource| resource.name == name) {
            report.problem(place.finding(format!(
                "names {}, and is in namespace {}: a policy applies in its own namespace only, so that the door stays open",
                other.title, policy.namespace
            )));
        } else if alike.is_empty() {
            report.warning(
                place.finding(format!("{kind} {name} is not in the files given: whether it is there is not known")),
            );
        } else {
            let meant = nearest(name, alike.iter().map(|resource| resource.name)).unwrap_or(alike[0].name);
            report.problem(place.finding(format!("names no {kind} of the files; {meant} is one: the door stays open")));
        }
        return;
    };
    check_section(found, target, guards.routes, report);
}

/// A section leaves out all the others.
fn check_section(found: &Resource<'_>, target: &Target<'_>, routes: &[Route<'_>], report: &mut Report) {
    let Some(section) = &target.section else { return };
    let place = target.place.member("sectionName").unwrap_or_else(|| target.place.clone());
    let list = if target.kind == "Gateway" { "listeners" } else { "rules" };
    let parts = found.list(list);
    let (same, mut others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.text("name") == Some(section));
    if target.kind == "Gateway" {
        // A listener that only redirects needs no gate.
        others.retain(|part| {
            let leads = |route: &&Route<'_>| {
                !route.backends.is_empty() && route.hangs_on_listener(found, part.text("name").unwrap_or_default())
            };
            routes.iter().any(|route| leads(&route))
        });
    } else {
        others.retain(|part| !part.list("backendRefs").is_empty());
    }
    if same.is_empty() {
        report
            .problem(place.finding(format!("names nothing among the {list} of {}: the door stays open", found.title)));
    } else if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|part| part.text("name").unwrap_or("one without a name")).collect();
        report.problem(place.finding(format!(
            "leaves {} of {} without the gate; attach it to the whole",
            names.join(", "),
            found.title
        )));
    }
}
