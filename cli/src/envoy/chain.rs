//! One HTTP connection manager that has the gate: the order of its filters, its upgrades and its normalisation.

use super::place::Place;
use super::{plugin, rbac, routes};
use crate::check::Report;

/// The gate among a connection manager's filters: here, or by discovery under a name or type that says so.
pub fn gate<'a>(chain: &Place<'a>) -> Option<Place<'a>> {
    chain.list("http_filters").into_iter().find(|filter| {
        let discovered = filter.member("config_discovery").is_some()
            && filter.text("name").is_some_and(|name| name.contains("dashgate"));
        discovered || filter.member("typed_config").is_some_and(|config| plugin::is_dashgate(&config))
    })
}

/// Looks for what would let a request past the gate.
pub fn check(chain: &Place<'_>, dashboards: Option<&[String]>, report: &mut Report) {
    let Some(gate) = gate(chain) else { return };
    check_presence(&gate, report);
    check_upgrades(chain, report);
    check_normalisation(chain, report);
    check_transport_security(chain, report);
    let locked = rbac::demands_the_lock(chain, &gate);
    routes::check(chain, gate.text("name").unwrap_or_default(), dashboards, locked, report);
}

fn check_presence(gate: &Place<'_>, report: &mut Report) {
    for (field, what) in [("disabled", "switches the gate off"), ("is_optional", "lets Envoy leave the gate out")] {
        if gate.is_true(field) {
            report.problems.push(gate.finding(format!("{field}: true {what}")));
        }
    }
}

fn check_upgrades(chain: &Place<'_>, report: &mut Report) {
    for upgrade in chain.list("upgrade_configs") {
        if let Some(filters) = upgrade.member("filters").filter(|filters| !filters.items().is_empty()) {
            let message =
                "run instead of http_filters for upgrades: WebSockets would pass without the gate; leave them out";
            report.problems.push(filters.finding(message));
        }
    }
}

fn check_normalisation(chain: &Place<'_>, report: &mut Report) {
    for field in ["normalize_path", "merge_slashes"] {
        if !chain.is_true(field) {
            let message = format!("{field}: true is missing: the path decided on may not be the path routed");
            report.problems.push(chain.finding(message));
        }
    }
    let underscores = chain
        .member("common_http_protocol_options")
        .and_then(|options| options.text("headers_with_underscores_action"));
    if !matches!(underscores, Some("DROP_HEADER" | "REJECT_REQUEST")) {
        report.problems.push(chain.finding(
            "common_http_protocol_options.headers_with_underscores_action: DROP_HEADER is missing: \
             many backends take x_dashgate_subject for x-dashgate-subject",
        ));
    }
    let slashes = chain.text("path_with_escaped_slashes_action");
    if !matches!(slashes, Some("UNESCAPE_AND_REDIRECT" | "UNESCAPE_AND_FORWARD" | "REJECT_REQUEST")) {
        report.warnings.push(chain.finding(
            "path_with_escaped_slashes_action is not set: the gate refuses paths with %2F, where a redirect would help",
        ));
    }
}

/// A header added by a route or by a later filter is missing on the gate's own answers.
fn check_transport_security(chain: &Place<'_>, report: &mut Report) {
    let first = chain.list("http_filters").into_iter().next();
    let sets = first.and_then(|filter| filter.member("typed_config")).is_some_and(|config| {
        config.is_a("header_mutation.v3.HeaderMutation")
            && config.deep(&["mutations"]).is_some_and(|mutations| {
                mutations.list("response_mutations").iter().any(|mutation| {
                    let key = mutation.deep(&["append", "header", "key"]).and_then(|key| key.node.text());
                    key.is_some_and(|key| key.eq_ignore_ascii_case("strict-transport-security"))
                })
            })
    });
    if !sets {
        report.warnings.push(chain.finding(
            "the first of http_filters is no header_mutation that sets strict-transport-security: \
             refusals and Envoy's own answers go out without it",
        ));
    }
}
