//! One HTTP connection manager that has the gate: the order of its filters, its upgrades and its normalisation.

use super::{before, discovery, fields, plugin, rbac, removals, routes};
use crate::check::Report;
use crate::place::Place;

pub use super::before::{check_words, is_judged};

/// The gate among a connection manager's filters: here, or by discovery under a name or type that says so.
pub fn gate<'a>(chain: &Place<'a>) -> Option<Place<'a>> {
    chain.list("http_filters").into_iter().find(|filter| {
        let discovered = filter.member("config_discovery").is_some()
            && filter.text("name").is_some_and(|name| name.contains("dashgate"));
        let mut is_gate = discovered;
        if let Some(config) = filter.member("typed_config") {
            config.walk(&mut |place| is_gate |= plugin::is_dashgate(place));
        }
        is_gate
    })
}

/// Whether a gate is inside another filter, which decides for which requests it runs.
fn is_wrapped(gate: &Place<'_>) -> bool {
    gate.member("typed_config").is_some_and(|config| !plugin::is_dashgate(&config))
}

/// Looks for what would let a request past the gate.
pub fn check(chain: &Place<'_>, dashboards: Option<&[String]>, report: &mut Report) {
    let Some(gate) = gate(chain) else { return };
    let filters = chain.list("http_filters");
    check_presence(&gate, report);
    if is_wrapped(&gate) {
        report.problem(gate.finding(
            "runs the gate only for the requests that this filter picks: the others pass without it; put the gate into \
             http_filters itself",
        ));
    }
    check_upgrades(chain, report);
    check_sockets(chain, report);
    check_normalisation(chain, report);
    check_authority(chain, dashboards, report);
    check_address(chain, report);
    before::check_preflights(&filters, &gate, report);
    check_replies(chain, report);
    if !filters.first().is_some_and(secures_transport) {
        report.warning(chain.finding(
            "the first of http_filters is no header_mutation that sets strict-transport-security: \
             refusals and Envoy's own answers go out without it",
        ));
    }
    if !filters.iter().any(|filter| adds(filter, "x-content-type-options")) {
        report.warning(chain.finding(
            "no header_mutation among http_filters sets x-content-type-options: nosniff: browsers guess what dashboards' answers are",
        ));
    }
    let routes = chain.member("route_config");
    removals::check(chain, &filters.iter().cloned().chain(routes).collect::<Vec<_>>(), report);
    filters.iter().for_each(|filter| rbac::check(filter, report));
    let before: Vec<Place<'_>> = filters.iter().take_while(|filter| filter.path != gate.path).cloned().collect();
    rbac::check_order(&before, report);
    chain.list("early_header_mutation_extensions").iter().chain(&before).for_each(|filter| check_words(filter, report));
    if before.iter().any(|filter| filter.member("typed_config").is_some_and(|config| config.is_a("router.v3.Router"))) {
        report.problem(gate.finding("stands after the router, where nothing runs; put it before"));
    }
    let locked = rbac::demands_the_lock(&filters, &gate);
    routes::check(chain, gate.text("name").unwrap_or_default(), dashboards, locked, report);
}

/// What an entry of `http_filters` says about whether the gate runs.
pub fn check_presence(gate: &Place<'_>, report: &mut Report) {
    fields::check_entry(gate, report);
    discovery::check(gate, report);
    for (field, what) in [("disabled", "switches the gate off"), ("is_optional", "lets Envoy leave the gate out")] {
        if gate.is_true(field) {
            report.problem(gate.finding(format!("{field}: true {what}")));
        }
    }
}

/// What would run instead of the gate for upgrades.
pub fn check_upgrades(place: &Place<'_>, report: &mut Report) {
    place.walk(&mut |upgrade| {
        let filters = upgrade.member("upgrade_type").and_then(|_| upgrade.member("filters"));
        if let Some(filters) = filters.filter(|filters| !filters.items().is_empty()) {
            let message =
                "run instead of http_filters for upgrades: WebSockets would pass without the gate; leave them out";
            report.problem(filters.finding(message));
        }
    });
}

/// Whether WebSockets are let through at all, which Bokeh's and Panel's pages are nothing without.
fn check_sockets(chain: &Place<'_>, report: &mut Report) {
    let mut needs_them = false;
    chain.walk(&mut |place| needs_them |= place.text("format") == Some("bokeh"));
    let upgrades = chain.list("upgrade_configs");
    let websocket = upgrades
        .iter()
        .find(|upgrade| upgrade.text("upgrade_type").is_some_and(|kind| kind.eq_ignore_ascii_case("websocket")));
    match websocket {
        None if needs_them => report
            .warning(chain.finding(
                "upgrade_configs: [{upgrade_type: websocket}] is missing: dashboards' WebSockets are refused",
            )),
        Some(upgrade) => {
            let off = upgrade.member("enabled").filter(|enabled| enabled.scalar().as_deref() == Some("false"));
            if let Some(off) = off {
                report.warning(off.finding("refuses dashboards' WebSockets; leave it out"));
            }
        }
        None => {}
    }
}

fn check_normalisation(chain: &Place<'_>, report: &mut Report) {
    for field in ["normalize_path", "merge_slashes"] {
        if !chain.is_true(field) {
            let message = format!("{field}: true is missing: the path decided on may not be the path routed");
            report.problem(chain.finding(message));
        }
    }
    let underscores = chain
        .member("common_http_protocol_options")
        .and_then(|options| options.text("headers_with_underscores_action"));
    if !matches!(underscores, Some("DROP_HEADER" | "REJECT_REQUEST")) {
        report.problem(chain.finding(
            "common_http_protocol_options.headers_with_underscores_action: DROP_HEADER is missing: \
             many backends take x_dashgate_subject for x-dashgate-subject",
        ));
    }
    let slashes = chain.text("path_with_escaped_slashes_action");
    if !matches!(slashes, Some("UNESCAPE_AND_REDIRECT" | "UNESCAPE_AND_FORWARD" | "REJECT_REQUEST")) {
        report.warning(chain.finding(
            "path_with_escaped_slashes_action is not set: the gate refuses paths with %2F, where a redirect would help",
        ));
    }
}

/// An authority without its port is not the one that the browser has asked for.
fn check_authority(chain: &Place<'_>, dashboards: Option<&[String]>, report: &mut Report) {
    let mut with_port = false;
    if dashboards.is_some() {
        chain.walk(&mut |place| {
            let listed = place.list("dashboards");
            with_port |= listed.iter().filter_map(|dashboard| dashboard.text("url")).any(|url| {
                let authority = url.split('/').nth(2).unwrap_or_default();
                authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
            });
        });
    }
    for field in ["strip_any_host_port", "strip_matching_host_port"] {
        let Some(place) = chain.member(field).filter(|place| place.node.is_true()) else { continue };
        if with_port && field == "strip_matching_host_port" {
            report.warning(place.finding(
                "takes the listener's own port from the authority before the gate: a dashboard whose url has that is found by nobody",
            ));
        } else if with_port {
            report.problem(place.finding(
                "takes the port from the authority before the gate: a dashboard whose url has one is found by nobody; leave it out",
            ));
        } else if field == "strip_any_host_port" {
            report.warning(place.finding("takes any port for a dashboard's own before the gate sees it; leave it out"));
        }
    }
    let smuggling = chain.deep(&["http_protocol_options", "allow_chunked_length"]).filter(|place| place.node.is_true());
    if let Some(place) = smuggling {
        report.problem(place.finding(
            "takes requests that say two lengths, of which a proxy before Envoy may have read the other; leave it out",
        ));
    }
}

/// Where nothing says how the client's address is found, a client says it, and whether it is one of the house.
fn check_address(chain: &Place<'_>, report: &mut Report) {
    let told =
        ["xff_num_trusted_hops", "original_ip_detection_extensions"].iter().any(|name| chain.member(name).is_some());
    let internal = chain.member("internal_address_config").map(|config| config.list("cidr_ranges")).unwrap_or_default();
    for range in internal {
        if let Some(length) = range.member("prefix_len").filter(|length| length.scalar().as_deref() == Some("0")) {
            report.problem(
                length.finding("makes everybody internal: a client's x-envoy-* headers steer retries and timeouts"),
            );
        }
    }
    if !chain.is_true("use_remote_address") && !told {
        report.warning(chain.finding(
            "use_remote_address: true is missing: a client's X-Forwarded-For counts, and x-envoy-* headers of whoever \
             it makes look internal",
        ));
    }
}

/// Refusals are told by their status: to browsers, caches and whoever reads the log.
fn check_replies(chain: &Place<'_>, report: &mut Report) {
    let mappers = chain.member("local_reply_config").map(|config| config.list("mappers")).unwrap_or_default();
    for status in mappers.iter().filter_map(|mapper| mapper.member("status_code")) {
        if status.scalar().is_some_and(|code| code.starts_with(['2', '3'])) {
            report.warning(
                status.finding("turns refusals into something else: clients and caches take them for answers"),
            );
        }
    }
}

/// Whether a filter sets HSTS for all that passes it: a header added by a route or by a later filter is missing on the gate's
/// own answers.
pub fn secures_transport(filter: &Place<'_>) -> bool {
    adds(filter, "strict-transport-security")
}

fn adds(filter: &Place<'_>, name: &str) -> bool {
    let Some(config) = filter.member("typed_config").filter(|config| config.is_a("header_mutation.v3.HeaderMutation"))
    else {
        return false;
    };
    let mutations =
        config.member("mutations").map(|mutations| mutations.list("response_mutations")).unwrap_or_default();
    mutations.iter().filter_map(|mutation| mutation.deep(&["append", "header"])).any(|header| {
        // A browser that is told this forgets what it was told before.
        let ends = header.text("value").is_some_and(|value| value.replace(' ', "").starts_with("max-age=0"));
        header.text("key").is_some_and(|key| key.eq_ignore_ascii_case(name)) && !ends
    })
}
