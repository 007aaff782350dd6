//! A gate whose configuration comes by discovery (ECDS): what runs until it has come, and whether it can come at all. Without it
//! Envoy answers 500, unless the file says otherwise.

use super::plugin;
use crate::check::Report;
use crate::place::Place;

/// The type by which Envoy knows a Wasm filter.
pub const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Checks an entry of `http_filters` that is discovered.
pub fn check(entry: &Place<'_>, report: &mut Report) {
    let Some(discovery) = entry.member("config_discovery") else { return };
    if let Some(default) = discovery.member("default_config").filter(|default| !plugin::is_dashgate(default)) {
        report
            .problem(default.finding("runs instead of the gate until the gate's configuration has come; leave it out"));
    }
    let types = discovery.list("type_urls");
    if types.is_empty() {
        report.problem(discovery.finding(format!("type_urls: [{WASM}] is missing: the filter is refused as it comes")));
    } else if !types.iter().any(|url| url.node.text() == Some(WASM)) {
        let message = format!("lacks {WASM}: the gate is refused as it comes");
        report.problem(discovery.member("type_urls").unwrap_or(discovery.clone()).finding(message));
    }
    let Some(source) = discovery.member("config_source") else {
        report.problem(discovery.finding("config_source is missing: the gate's configuration never comes"));
        return;
    };
    if !["ads", "path", "path_config_source", "api_config_source", "self"]
        .iter()
        .any(|name| source.member(name).is_some())
    {
        report.problem(source.finding("says no source, such as ads: {}: the gate's configuration never comes"));
    }
    if let Some(timeout) = source.member("initial_fetch_timeout").filter(|timeout| !is_zero(timeout)) {
        report
            .warning(timeout.finding(
                "opens the listener before the gate is there, and it answers 500 until then; 0s waits for it",
            ));
    }
}

fn is_zero(duration: &Place<'_>) -> bool {
    duration.scalar().is_some_and(|text| text.trim_end_matches('s').parse::<f64>() == Ok(0.0))
}
