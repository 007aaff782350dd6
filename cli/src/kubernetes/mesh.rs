//! Istio's own settings for all proxies, as far as the files show them: access logs, paths, protocols.

use super::resource::{Resource, VALUES};
use super::{exposure, routes, telemetry};
use crate::check::Report;
use crate::envoy::access_log;
use crate::place::Place;
use crate::tree::{Node, Value};
use crate::yaml::{self, Reader};

const DEFAULT: &str = "the default one logs the path with its query, which can hold a credential; use %PATH(NQ)%";

/// Checks the mesh configuration, wherever it is written, and what telemetry asks for.
pub fn check(resources: &[Resource<'_>], report: &mut Report) {
    for resource in resources {
        match resource.kind {
            "IstioOperator" => {
                for path in [&["meshConfig"][..], &["values", "meshConfig"]] {
                    if let Some(config) = resource.spec(path) {
                        check_config(&config, report);
                    }
                }
            }
            "Pod" | "Deployment" | "DaemonSet" | "StatefulSet" => check_proxies(resource, report),
            VALUES => {
                if let Some(config) = resource.place.member("meshConfig") {
                    check_config(&config, report);
                }
            }
            "Telemetry" => check_telemetry(resource, resources, report),
            "ConfigMap" => {
                if let Some((place, config)) = of_map(resource) {
                    check_config(&Place { node: &config, path: place.path.clone(), file: place.file }, report);
                }
            }
            _ => {}
        }
    }
}

/// What one proxy has of its own, as text in an annotation.
fn check_proxies(resource: &Resource<'_>, report: &mut Report) {
    let Some(annotations) = exposure::pod(resource).and_then(|pod| pod.deep(&["metadata", "annotations"])) else {
        return;
    };
    let Some(place) = annotations.member("proxy.istio.io/config") else { return };
    let Some(Ok(mut config)) = place.node.text().map(Node::parse) else { return };
    relocate(&mut config, place.node.line, place.node.text().is_some_and(|text| text.contains('\n')));
    if let Some(tags) = (Place { node: &config, ..place.clone() }).deep(&["tracing", "customTags"]) {
        telemetry::check_tags(&tags, report);
    }
}

/// Istio's own log and spans have the whole path, unless the mesh says otherwise of the former.
fn check_telemetry(telemetry: &Resource<'_>, resources: &[Resource<'_>], report: &mut Report) {
    let has_format = resources.iter().any(|resource| match resource.kind {
        VALUES | "IstioOperator" => of_installation(resource).is_some_and(|config| formats_logs(&config)),
        "ConfigMap" => of_map(resource).is_some_and(|(_, config)| formats_logs(&Place::root(&config))),
        _ => false,
    });
    telemetry::check(telemetry, resources, has_format, report);
}

/// The mesh's configuration as whoever installs Istio says it.
fn of_installation<'a>(resource: &Resource<'a>) -> Option<Place<'a>> {
    match resource.kind {
        VALUES => resource.place.member("meshConfig"),
        _ => resource.spec(&["meshConfig"]).or_else(|| resource.spec(&["values", "meshConfig"])),
    }
}

fn formats_logs(config: &Place<'_>) -> bool {
    config.member("accessLogFormat").is_some() || !config.list("extensionProviders").is_empty()
}

/// Whether the mesh merges slashes for all.
pub fn merges_slashes(resources: &[Resource<'_>]) -> bool {
    let merges = |config: &Place<'_>| {
        let normalization = config.deep(&["pathNormalization", "normalization"]);
        normalization.is_some_and(|word| matches!(word.node.text(), Some("MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES")))
    };
    resources.iter().any(|resource| match resource.kind {
        VALUES | "IstioOperator" => of_installation(resource).is_some_and(|config| merges(&config)),
        "ConfigMap" => of_map(resource).is_some_and(|(_, config)| merges(&Place::root(&config))),
        _ => false,
    })
}

/// The mesh configuration is text in a ConfigMap.
fn of_map<'a>(resource: &Resource<'a>) -> Option<(Place<'a>, Node)> {
    let place = resource.place.deep(&["data", "mesh"])?;
    let text = place.node.text()?;
    let mut config = yaml::parse_all(text, Reader::Kubernetes).ok()?.pop()?;
    relocate(&mut config, place.node.line, text.contains('\n'));
    Some((place, config))
}

/// A text of several lines is a block, whose first line is the line where it stands; any other is all on that one.
pub fn relocate(node: &mut Node, at: Option<usize>, is_block: bool) {
    node.line = match (at, node.line) {
        (Some(at), Some(line)) if is_block => Some(at + line - 1),
        _ => at,
    };
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| relocate(item, at, is_block)),
        Value::Map(members) => members.iter_mut().for_each(|(_, member)| relocate(member, at, is_block)),
        _ => {}
    }
}

fn check_config(config: &Place<'_>, report: &mut Report) {
    if let Some(format) = config.member("accessLogFormat") {
        access_log::check_formats(&format, report);
    } else if let Some(log) = config.member("accessLogFile").filter(|log| log.node.text() != Some("")) {
        report.problem(log.finding(format!("has no accessLogFormat beside it: {DEFAULT}")));
    }
    for provider in config.list("extensionProviders") {
        let Some(log) = provider.member("envoyFileAccessLog") else { continue };
        match log.member("logFormat") {
            Some(format) => access_log::check_formats(&format, report),
            None => report.problem(log.finding(format!("has no logFormat: {DEFAULT}"))),
        }
    }
    if let Some(word) =
        config.deep(&["pathNormalization", "normalization"]).filter(|word| word.node.text() == Some("NONE"))
    {
        report.problem(
            word.finding("leaves paths as they are: the path decided on may not be the path routed; use MERGE_SLASHES"),
        );
    }
    routes::check_protocol(config, report);
    if let Some(tags) = config.deep(&["defaultConfig", "tracing", "customTags"]) {
        telemetry::check_tags(&tags, report);
    }
}
