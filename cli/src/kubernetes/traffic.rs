//! Envoy Gateway's other policies, and Gateways themselves: paths and header names left as they come, logs with the query, WebSockets
//! switched off, preflights answered before the gate, the filters' order turned round.

use super::resource::{GATEWAY_API, ISTIO, Resource};
use super::{extension_policy, mesh, patch_policy, routes, security};
use crate::check::Report;
use crate::envoy::{access_log, admin, chain};
use crate::place::Place;
use crate::tree::Node;

/// Whether something is the gate's affair.
type Concern<'c> = &'c dyn Fn(&Resource<'_>) -> bool;

/// Checks the Gateways that have a gate, and the policies for them.
pub fn check(resources: &[Resource<'_>], is_guarded: Concern<'_>, concerns: Concern<'_>, report: &mut Report) {
    for resource in resources {
        match resource.kind {
            "ClientTrafficPolicy" if concerns(resource) => check_client(resource, report),
            "BackendTrafficPolicy" if concerns(resource) => check_backend(resource, report),
            "SecurityPolicy" if concerns(resource) => {
                if let Some(cors) = resource.spec(&["cors"]) {
                    report.warning(
                        cors.finding("answers preflights before the gate, which judges them itself; leave it out"),
                    );
                }
            }
            "EnvoyProxy" => {
                check_proxy(resource, resources.iter().any(security::is_lock), report);
                check_merging(resource, resources, report);
                if let Some(tracing) =
                    resource.spec(&["telemetry", "tracing"]).filter(|_| !patch_policy::cuts_paths(resources))
                {
                    report.warning(tracing.finding(
                        "makes spans, which have the path with its query, and that can hold a credential; an EnvoyPatchPolicy can set \
                         max_path_tag_length: 0",
                    ));
                }
            }
            "ListenerSet" | "XListenerSet" => check_more_listeners(resource, resources, is_guarded, report),
            "Gateway" if !is_guarded(resource) => {}
            "Gateway" if resource.group == ISTIO => check_servers(resource, report),
            "Gateway" if resource.group == GATEWAY_API => check_gateway_listeners(resource, resources, report),
            _ => {}
        }
    }
}

fn check_client(policy: &Resource<'_>, report: &mut Report) {
    if let Some(action) =
        policy.spec(&["headers", "withUnderscoresAction"]).filter(|action| action.node.text() == Some("Allow"))
    {
        report.problem(
            action.finding(
                "many backends take x_dashgate_subject for x-dashgate-subject; use RejectRequest or DropHeader",
            ),
        );
    }
    if let Some(disabled) = policy.spec(&["path", "disableMergeSlashes"]).filter(|disabled| disabled.node.is_true()) {
        report.problem(disabled.finding("must be false: the path decided on may not be the path routed"));
    }
    if let Some(action) =
        policy.spec(&["path", "escapedSlashesAction"]).filter(|action| action.node.text() == Some("KeepUnchanged"))
    {
        report.warning(
            action.finding("the gate refuses paths with %2F, where a redirect would help; use UnescapeAndRedirect"),
        );
    }
    for (field, is_response) in [("earlyRequestHeaders", false), ("lateResponseHeaders", true)] {
        if let Some(headers) = policy.spec(&["headers", field]) {
            let mut found = Report::default();
            routes::check_headers(&headers, is_response, &mut found);
            found.problems.into_iter().for_each(|finding| report.problem(finding));
            if !is_response {
                check_judged(&headers, report);
            }
        }
    }
    for upgrade in policy.spec(&["http1"]).map(|http1| http1.list("ignoredUpgradeTypes")).unwrap_or_default() {
        if upgrade.text("value").is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            report.problem(upgrade.finding("takes the upgrade out of every WebSocket's handshake"));
        }
    }
}

/// What the gate judges by, changed before it.
fn check_judged(headers: &Place<'_>, report: &mut Report) {
    let added = headers.list("set").into_iter().chain(headers.list("add")).chain(headers.list("addIfAbsent"));
    let added = added.filter(|header| header.text("name").is_some_and(chain::is_judged));
    let removed = headers.list("remove").into_iter().filter(|name| {
        let name = name.node.text().unwrap_or_default().to_ascii_lowercase();
        name == "origin" || name.starts_with("sec-fetch-")
    });
    for place in added.chain(removed) {
        report.problem(place.finding("is what the gate judges by, and changed before it: the client's own is lost"));
    }
}

fn check_backend(policy: &Resource<'_>, report: &mut Report) {
    if let Some(buffer) = policy.spec(&["requestBuffer"]) {
        report.problem(buffer.finding("switches WebSockets off, which dashboards need; leave it out"));
    }
    for answer in policy.list("responseOverride") {
        report.warning(
            answer.finding("turns refusals into something else, where it meets their status: leave 4xx alone"),
        );
    }
    let upgrades = policy.list("httpUpgrade");
    if !upgrades.is_empty()
        && !upgrades
            .iter()
            .any(|upgrade| upgrade.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("websocket")))
    {
        let place = policy.spec(&["httpUpgrade"]).unwrap_or_else(|| policy.place.clone());
        report.problem(place.finding("leaves out websocket, which dashboards need"));
    }
}

fn check_proxy(proxy: &Resource<'_>, has_lock: bool, report: &mut Report) {
    const DEFAULT: &str = "the default one logs the path with its query, which can hold a credential; use %PATH(NQ)%";
    let log = proxy.spec(&["telemetry", "accessLog"]);
    let is_off = log.as_ref().is_some_and(|log| log.is_true("disable"));
    let settings = log.as_ref().map(|log| log.list("settings")).unwrap_or_default();
    if settings.is_empty() && !is_off {
        let place = log.unwrap_or_else(|| proxy.place.clone());
        report.problem(place.finding(format!("has no telemetry.accessLog.settings with a format: {DEFAULT}")));
    }
    // Replace is what it is where nothing is said.
    let replaces = |bootstrap: &Place<'_>| {
        bootstrap.text("type").is_none_or(|kind| kind == "Replace") && bootstrap.member("value").is_some()
    };
    if let Some(bootstrap) = proxy.spec(&["bootstrap"]).filter(replaces) {
        report.warning(bootstrap.finding(
            "takes the place of Envoy Gateway's own bootstrap, and what a later version says there is lost; use Merge",
        ));
    }
    if let Some(text) = proxy.spec(&["bootstrap", "value"])
        && let Ok(mut node) = Node::parse(text.node.text().unwrap_or_default())
    {
        mesh::relocate(&mut node, text.node.line, text.node.text().is_some_and(|text| text.contains('\n')));
        if let Some(address) = (Place { node: &node, ..text }).deep(&["admin", "address"]) {
            admin::check_address(&address, report);
        }
    }
    for sink in settings.iter().flat_map(|setting| setting.list("sinks")) {
        let kind = sink.deep(&["als", "type"]).and_then(|kind| kind.node.text());
        if kind == Some("HTTP") {
            report.problem(sink.finding("sends the path with its query, and the Referer: these can hold a credential"));
        }
    }
    for setting in &settings {
        match setting.member("format") {
            Some(format) => access_log::check_formats(&format, report),
            None => report.problem(setting.finding(format!("has no format: {DEFAULT}"))),
        }
    }
    for entry in proxy.list("filterOrder") {
        let (moved, before, after) = (entry.text("name"), entry.text("before"), entry.text("after"));
        // What only adds headers to answers may stand in front; anything else sees what the gate has not judged.
        let in_front = before == Some(WASM) && moved != Some("envoy.filters.http.header_mutation");
        let behind = moved == Some(WASM) && after.is_some_and(|after| after != "envoy.filters.http.header_mutation");
        if in_front || behind {
            let other = if in_front { moved } else { after }.unwrap_or_default();
            if other == RBAC && has_lock {
                report.problem(entry.finding("puts the lock before the gate, and it refuses everybody; leave it out"));
                continue;
            }
            report.warning(
                entry.finding(format!(
                    "puts {other} before the gate, where it sees sessions, and may answer in its place"
                )),
            );
        }
    }
}

/// One Envoy for all Gateways of a class takes its patches for the class.
fn check_merging(proxy: &Resource<'_>, resources: &[Resource<'_>], report: &mut Report) {
    let Some(merged) = proxy.spec(&["mergeGateways"]).filter(|merged| merged.node.is_true()) else { return };
    let policy = resources.iter().find(|resource| {
        let target = resource.spec(&["targetRef", "kind"]).and_then(|kind| kind.scalar());
        resource.kind == "EnvoyPatchPolicy" && target.as_deref() == Some("Gateway")
    });
    if let Some(policy) = policy {
        report.problem(merged.finding(format!(
            "takes an EnvoyPatchPolicy for a GatewayClass only: {} is not applied, nor the lock in it",
            policy.title
        )));
    }
}

const WASM: &str = "envoy.filters.http.wasm";
const RBAC: &str = "envoy.filters.http.rbac";

/// Whether the proxies are told to run the gate before scripts.
pub fn runs_wasm_before_lua(resources: &[Resource<'_>]) -> bool {
    resources.iter().filter(|resource| resource.kind == "EnvoyProxy").any(|proxy| {
        let says = |entry: &Place<'_>| {
            entry.text("name") == Some(WASM) && entry.text("before") == Some("envoy.filters.http.lua")
        };
        proxy.list("filterOrder").iter().any(says)
    })
}

/// Istio's Gateway: ports for which no HTTP filter runs.
fn check_servers(gateway: &Resource<'_>, report: &mut Report) {
    for server in gateway.list("servers") {
        let protocol = server.deep(&["port", "protocol"]).and_then(|protocol| protocol.node.text()).unwrap_or_default();
        let mode = server.deep(&["tls", "mode"]);
        if let Some(mode) = mode.filter(|mode| matches!(mode.node.text(), Some("PASSTHROUGH" | "AUTO_PASSTHROUGH"))) {
            report.problem(
                mode.finding("hands connections on as they are: no HTTP filter runs, and so no gate; use SIMPLE"),
            );
        } else if ["TCP", "TLS", "MONGO", "MYSQL", "REDIS"].contains(&protocol) {
            report.problem(server.finding(format!("{protocol} runs no HTTP filter, and so no gate; use HTTPS")));
        } else if protocol != "HTTPS" && !server.deep(&["tls"]).is_some_and(|tls| tls.is_true("httpsRedirect")) {
            report.warning(server.finding(format!("{CLEAR}; use HTTPS, and tls: {{httpsRedirect: true}} here")));
        }
    }
}

/// Listeners that others add to a Gateway.
fn check_more_listeners(set: &Resource<'_>, resources: &[Resource<'_>], is_guarded: Concern<'_>, report: &mut Report) {
    let Some(parent) = set.spec(&["parentRef"]) else { return };
    let namespace = parent.text("namespace").unwrap_or(set.namespace);
    let is_parent = |gateway: &&Resource<'_>| {
        gateway.is("Gateway", GATEWAY_API)
            && gateway.namespace == namespace
            && Some(gateway.name) == parent.text("name")
            && is_guarded(gateway)
    };
    let Some(gateway) = resources.iter().find(is_parent) else { return };
    let mut has_own = false;
    let mut has_whole = false;
    for policy in resources.iter().filter(|resource| extension_policy::has_gate(resource)) {
        for target in extension_policy::targets(policy, resources) {
            has_own |= target.kind == set.kind && target.name == set.name && policy.namespace == set.namespace;
            has_whole |= target.kind == "Gateway" && target.name == gateway.name && target.section.is_none();
        }
    }
    let what = format!("adds listeners to {}", gateway.title);
    if !has_own && !has_whole && resources.iter().any(extension_policy::has_gate) {
        report
            .problem(parent.finding(format!("{what}, and the gate is for one of its own alone; attach it here, too")));
    } else if !has_own {
        report.warning(parent.finding(format!("{what}: whether the gate and its lock are there is not known")));
    }
}

const CLEAR: &str = "takes requests without TLS, and sessions with them";

fn check_gateway_listeners(gateway: &Resource<'_>, resources: &[Resource<'_>], report: &mut Report) {
    let routes = routes::all(resources);
    for listener in gateway.list("listeners") {
        let name = listener.text("name").unwrap_or_default();
        let leads = routes.iter().any(|route| !route.backends.is_empty() && route.hangs_on_listener(gateway, name));
        if leads && listener.text("protocol") == Some("HTTP") {
            report.warning(listener.finding(format!("{CLEAR}; use HTTPS, and only a redirect here")));
        }
        if let Some(from) =
            listener.deep(&["allowedRoutes", "namespaces", "from"]).filter(|from| from.node.text() == Some("All"))
        {
            report.warning(from.finding(
                "lets routes of every namespace hang here: whoever may write one can lead a permitted session to a backend of theirs; \
                 use Same, or Selector",
            ));
        }
        if let Some(mode) = listener.deep(&["tls", "mode"]).filter(|mode| mode.node.text() == Some("Passthrough")) {
            report.problem(
                mode.finding("hands connections on as they are: no HTTP filter runs, and so no gate; use Terminate"),
            );
        } else if let Some(protocol) =
            listener.text("protocol").filter(|protocol| ["TCP", "TLS", "UDP"].contains(protocol))
        {
            report.problem(listener.finding(format!("{protocol} runs no HTTP filter, and so no gate; use HTTPS")));
        }
    }
}
