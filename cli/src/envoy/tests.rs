//! Each trap once: `envoy/edge.yaml` with one thing changed has exactly that finding; as it is, it has none.

use crate::check::{Report, look_at_policy};
use crate::environment::Environment;
use crate::place::Place;
use crate::tree::{Node, Value};

const EDGE: &str = include_str!("../../../envoy/edge.yaml");
const WASM: &str = "http.wasm.v3.Wasm";
const CHAIN: &str = "HttpConnectionManager";

fn edge() -> Node {
    Node::parse(EDGE).unwrap()
}

/// The first message of a type.
fn first<'a>(node: &'a mut Node, message: &str) -> Option<&'a mut Node> {
    if node.member("@type").and_then(Node::text).is_some_and(|url| url.ends_with(message)) {
        return Some(node);
    }
    match &mut node.value {
        Value::List(items) => items.iter_mut().find_map(|item| first(item, message)),
        Value::Map(members) => members.iter_mut().find_map(|(_, member)| first(member, message)),
        _ => None,
    }
}

/// The value at a path, each missing map member made.
fn at<'a>(node: &'a mut Node, path: &str) -> &'a mut Node {
    path.split('.').fold(node, |node, step| match &mut node.value {
        Value::List(items) => &mut items[step.parse::<usize>().unwrap()],
        Value::Map(members) => {
            let index = members.iter().position(|(name, _)| name == step).unwrap_or_else(|| {
                members.push((step.to_owned(), Node { line: None, value: Value::Map(Vec::new()) }));
                members.len() - 1
            });
            &mut members[index].1
        }
        _ => panic!("{step} of {path} is under a scalar"),
    })
}

fn set(node: &mut Node, path: &str, yaml: &str) {
    *at(node, path) = Node::parse(yaml).unwrap();
}

fn unset(node: &mut Node, path: &str) {
    let (parent, name) = path.rsplit_once('.').map_or((None, path), |(parent, name)| (Some(parent), name));
    let parent = match parent {
        Some(parent) => at(node, parent),
        None => node,
    };
    let Value::Map(members) = &mut parent.value else { panic!("{path} is in no map") };
    let before = members.len();
    members.retain(|(known, _)| known != name);
    assert_eq!(members.len(), before - 1, "{path} was not there");
}

/// Puts a filter before the last one, the router.
fn add_filter(chain: &mut Node, yaml: &str) {
    let Value::List(filters) = &mut at(chain, "http_filters").value else { panic!("no filters") };
    filters.insert(filters.len() - 1, Node::parse(yaml).unwrap());
}

/// Makes every backend route match without the lock.
fn unlock(chain: &mut Node) {
    let Value::List(routes) = &mut at(chain, "route_config.virtual_hosts.0.routes").value else { panic!("no routes") };
    routes
        .iter_mut()
        .filter(|route| route.member("route").is_some())
        .for_each(|route| unset(route, "match.filter_state"));
}

fn report(document: &Node) -> Report {
    let mut report = Report::default();
    super::check(&Place::root(document), &Environment::without_keys(), &mut report);
    report
}

/// The problems, then the warnings, of the edge with one message changed: the path's end and the message's begin.
fn found(message: &str, change: impl FnOnce(&mut Node)) -> Vec<String> {
    let mut document = edge();
    change(first(&mut document, message).unwrap());
    let report = report(&document);
    let tell = |kind: &str, finding: &crate::check::Finding| {
        let path = finding.path.split_once(".typed_config.").map_or("", |(_, path)| path);
        let path = path.split_once(".typed_config.").map_or(path, |(_, path)| path);
        format!("{kind} {path}: {}", finding.message)
    };
    let problems = report.problems.iter().map(|finding| tell("problem", finding));
    problems.chain(report.warnings.iter().map(|finding| tell("warning", finding))).collect()
}

#[track_caller]
fn assert_one(findings: &[String], begins: &str) {
    let [finding] = findings else { panic!("not one finding: {findings:#?}") };
    assert!(finding.starts_with(begins), "{finding}\n{begins}");
}

#[test]
fn finds_nothing_in_the_shipped_edge() {
    assert_eq!(found(WASM, |_| {}), Vec::<String>::new());
    let mut policy = Report::default();
    let document = super::policies(&edge()).pop().unwrap().unwrap();
    assert!(look_at_policy(&document, &Place::root(&document), &Environment::without_keys(), &mut policy).is_some());
}

#[test]
fn finds_a_form_that_the_filter_could_not_hold() {
    let flag = "config.allow_on_headers_stop_iteration";
    assert_one(
        &found(WASM, |wasm| unset(wasm, flag)),
        "problem config: allow_on_headers_stop_iteration: true is missing",
    );
    assert_one(&found(WASM, |wasm| set(wasm, flag, "false")), "problem config: allow_on_headers_stop_iteration");
    let without_forms = found(WASM, |wasm| {
        unset(wasm, flag);
        set(wasm, "config.configuration.value.connect.form", "false");
    });
    assert_eq!(without_forms, Vec::<String>::new());
}

#[test]
fn finds_a_filter_that_fails_open() {
    let path = "config.failure_policy";
    assert_one(&found(WASM, |wasm| set(wasm, path, "FAIL_OPEN")), "problem config.failure_policy: lets every request");
    assert_one(&found(WASM, |wasm| set(wasm, path, "3")), "problem config.failure_policy: lets every request");
    assert_one(&found(WASM, |wasm| set(wasm, path, "FAIL_CLOSED")), "warning config.failure_policy: answers 503");
    assert_one(&found(WASM, |wasm| unset(wasm, path)), "warning config: has no failure_policy");
    let deprecated = found(WASM, |wasm| {
        unset(wasm, path);
        set(wasm, "config.fail_open", "true");
    });
    assert_one(&deprecated, "problem config.fail_open: lets every request");
    assert_eq!(found(WASM, |wasm| set(wasm, path, "1")), Vec::<String>::new());
}

#[test]
fn finds_keys_that_are_missing_or_in_plain_sight() {
    let variables = "config.vm_config.environment_variables";
    assert_one(
        &found(WASM, |wasm| set(wasm, variables, "{host_env_keys: [DASHGATE_KEY]}")),
        "problem config.vm_config.environment_variables: host_env_keys lacks BOKEH_SECRET_KEY",
    );
    let shown = found(WASM, |wasm| {
        set(wasm, variables, "{host_env_keys: [DASHGATE_KEY], key_values: {BOKEH_SECRET_KEY: not-to-be-repeated}}");
    });
    assert_one(
        &shown,
        "problem config.vm_config.environment_variables.key_values.BOKEH_SECRET_KEY: gives BOKEH_SECRET_KEY",
    );
    assert!(!shown[0].contains("not-to-be-repeated"));
    assert_eq!(found(WASM, |wasm| unset(wasm, variables)).len(), 2);
    let jupyter = "{format: jupyter, keys: [bokeh], cookie: __Host-x, subject_from: name, password_env: JUPYTER_HASH}";
    assert_one(
        &found(WASM, |wasm| set(wasm, "config.configuration.value.sessions.jupyter", jupyter)),
        "problem config.vm_config.environment_variables: host_env_keys lacks JUPYTER_HASH",
    );
    let other = found(WASM, |wasm| set(wasm, &format!("{variables}.key_values"), "{MODE: production}"));
    assert_eq!(other, Vec::<String>::new());
}

#[test]
fn finds_a_capability_list_that_silences_the_filter() {
    let path = "config.capability_restriction_config.allowed_capabilities";
    let list = |without: &str| {
        let names = super::plugin::CAPABILITIES.iter().filter(|name| **name != without);
        format!("{{{}}}", names.map(|name| format!("{name}: {{}}")).collect::<Vec<_>>().join(", "))
    };
    assert_eq!(found(WASM, |wasm| set(wasm, path, &list(""))), Vec::<String>::new());
    for name in super::plugin::CAPABILITIES {
        let expected = format!("problem config.capability_restriction_config: lacks {name}:");
        assert_one(&found(WASM, |wasm| set(wasm, path, &list(name))), &expected);
    }
    let empty = found(WASM, |wasm| set(wasm, path, "{}"));
    assert_one(&empty, "problem config.capability_restriction_config: lacks proxy_on_vm_start, ");
}

#[test]
fn finds_upgrades_with_filters_of_their_own() {
    let own = "[{upgrade_type: websocket, filters: [{name: envoy.filters.http.router}]}]";
    assert_one(
        &found(CHAIN, |chain| set(chain, "upgrade_configs", own)),
        "problem upgrade_configs[0].filters: run instead of http_filters",
    );
    let none = "[{upgrade_type: websocket, enabled: true, filters: []}]";
    assert_eq!(found(CHAIN, |chain| set(chain, "upgrade_configs", none)), Vec::<String>::new());
}

#[test]
fn finds_a_backend_route_without_the_lock() {
    let route = "route_config.virtual_hosts.0.routes.1";
    let lock = |yaml: &str| found(CHAIN, |chain| set(chain, &format!("{route}.match.filter_state"), yaml));
    let unlocked = found(CHAIN, |chain| unset(chain, &format!("{route}.match.filter_state")));
    assert_one(&unlocked, "problem route_config.virtual_hosts[0].routes[1]: leads to a backend without");
    let place = "problem route_config.virtual_hosts[0].routes[1]";
    assert_one(&lock("[{key: other, string_match: {exact: portal}}]"), &format!("{place}: leads to a backend without"));
    let any = lock("[{key: wasm.dashgate_dashboard, string_match: {prefix: ''}}]");
    assert_one(&any, &format!("{place}.match.filter_state[0]: must match string_match.exact"));
    let unknown = lock("[{key: wasm.dashgate_dashboard, string_match: {exact: nobody}}]");
    assert_one(&unknown, &format!("{place}.match.filter_state[0]: names no dashboard"));
    let redirect = found(CHAIN, |chain| {
        set(chain, &format!("{route}.match"), "{prefix: /old/}");
        unset(chain, &format!("{route}.route"));
        set(chain, &format!("{route}.redirect"), "{path_redirect: /}");
    });
    assert_eq!(redirect, Vec::<String>::new());
}

#[test]
fn takes_an_rbac_filter_after_the_gate_for_the_lock() {
    let rbac = |rules: &str| {
        format!(
            "{{name: rbac, typed_config: {{'@type': type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC, \
             rules: {rules}}}}}"
        )
    };
    let allow = |principal: &str| {
        rbac(&format!(
            "{{action: ALLOW, policies: {{a: {{permissions: [{{any: true}}], principals: [{principal}]}}}}}}"
        ))
    };
    let state = "{filter_state: {key: wasm.dashgate_dashboard, string_match: {safe_regex: {regex: '.+'}}}}";
    let with = |filter: String| {
        found(CHAIN, |chain| {
            unlock(chain);
            add_filter(chain, &filter);
        })
    };
    let unlocked = found(CHAIN, unlock).len();
    assert!(unlocked >= 3);
    for demanding in [
        allow(state),
        allow(&format!("{{and_ids: {{ids: [{{any: true}}, {state}]}}}}")),
        allow(&format!("{{or_ids: {{ids: [{state}, {state}]}}}}")),
    ] {
        assert_eq!(with(demanding), Vec::<String>::new());
    }
    for lax in [
        allow("{any: true}"),
        allow(&format!("{state}, {{any: true}}")),
        allow(&format!("{{or_ids: {{ids: [{state}, {{any: true}}]}}}}")),
        allow(&format!("{{not_id: {state}}}")),
        allow(state).replace("ALLOW", "DENY"),
        allow(state).replace("ALLOW", "LOG"),
        allow(state).replace("rules:", "shadow_rules:"),
        allow(state).replace("name: rbac,", "name: rbac, disabled: true,"),
    ] {
        let findings = with(lax.clone());
        let asks = lax.contains("wasm.dashgate_dashboard");
        assert_eq!(findings.len(), unlocked + usize::from(asks), "{lax}");
        let filter = "problem http_filters[2]: asks for filter state wasm.dashgate_dashboard, and lets others through";
        assert_eq!(findings.iter().any(|finding| finding.starts_with(filter)), asks, "{findings:#?}");
    }
    let other = allow(&state.replace("dashgate_dashboard", "dashgate_reason"));
    assert_eq!(with(other).len(), unlocked);
    let nobody_else = format!(
        "{{action: DENY, policies: {{a: {{permissions: [{{any: true}}], principals: [{{not_id: {state}}}]}}}}}}"
    );
    assert_eq!(with(rbac(&nobody_else)), Vec::<String>::new());
    let before_the_gate = found(CHAIN, |chain| {
        unlock(chain);
        let Value::List(filters) = &mut at(chain, "http_filters").value else { panic!("no filters") };
        filters.insert(1, Node::parse(&allow(state)).unwrap());
    });
    assert_eq!(before_the_gate.len(), unlocked + 1);
    let early = "problem http_filters[1]: stands before the gate";
    assert!(before_the_gate.iter().any(|finding| finding.starts_with(early)), "{before_the_gate:#?}");
}

#[test]
fn finds_routes_that_come_from_elsewhere() {
    let elsewhere = found(CHAIN, |chain| {
        unset(chain, "route_config");
        set(chain, "rds", "{route_config_name: dashboards}");
    });
    assert_one(&elsewhere, "problem : the routes are not in this file");
}

#[test]
fn finds_a_gate_that_is_switched_off() {
    let off = "{dashgate: {'@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}";
    for (place, shown) in [
        ("route_config", "route_config"),
        ("route_config.virtual_hosts.0", "route_config.virtual_hosts[0]"),
        ("route_config.virtual_hosts.0.routes.0", "route_config.virtual_hosts[0].routes[0]"),
    ] {
        let findings = found(CHAIN, |chain| set(chain, &format!("{place}.typed_per_filter_config"), off));
        assert_one(&findings, &format!("problem {shown}.typed_per_filter_config.dashgate: switches the gate off"));
    }
    let other = off.replace("{dashgate:", "{cors:");
    let findings = found(CHAIN, |chain| set(chain, "route_config.typed_per_filter_config", &other));
    assert_eq!(findings, Vec::<String>::new());
    for field in ["disabled", "is_optional"] {
        let findings = found(CHAIN, |chain| set(chain, &format!("http_filters.1.{field}"), "true"));
        assert_one(&findings, &format!("problem http_filters[1]: {field}: true"));
    }
    let bare = found(CHAIN, |chain| {
        let Value::List(filters) = &mut at(chain, "http_filters").value else { panic!("no filters") };
        filters.remove(1);
    });
    // The file has none then, which is for the caller to say.
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn finds_streams_that_would_outlive_their_session() {
    let route = "route_config.virtual_hosts.0.routes.3";
    let findings =
        found(CHAIN, |chain| unset(chain, &format!("{route}.route.max_stream_duration.grpc_timeout_header_max")));
    assert_one(
        &findings,
        "problem route_config.virtual_hosts[0].routes[3].route: max_stream_duration.grpc_timeout_header_max is missing",
    );
    let findings = found(CHAIN, |chain| unset(chain, &format!("{route}.request_headers_to_remove")));
    assert_one(&findings, "warning route_config.virtual_hosts[0].routes[3]: request_headers_to_remove");
}

#[test]
fn finds_what_is_not_normalised() {
    for field in ["normalize_path", "merge_slashes"] {
        let expected = format!("problem : {field}: true is missing");
        assert_one(&found(CHAIN, |chain| unset(chain, field)), &expected);
        assert_one(&found(CHAIN, |chain| set(chain, field, "false")), &expected);
    }
    let underscores = "common_http_protocol_options.headers_with_underscores_action";
    let expected = "problem : common_http_protocol_options.headers_with_underscores_action: DROP_HEADER is missing";
    assert_one(&found(CHAIN, |chain| unset(chain, underscores)), expected);
    assert_one(&found(CHAIN, |chain| set(chain, underscores, "ALLOW")), expected);
    assert_eq!(found(CHAIN, |chain| set(chain, underscores, "REJECT_REQUEST")), Vec::<String>::new());
    let slashes = "path_with_escaped_slashes_action";
    assert_one(&found(CHAIN, |chain| unset(chain, slashes)), "warning : path_with_escaped_slashes_action is not set");
}

#[test]
fn warns_where_transport_security_is_not_set_first() {
    let moved = found(CHAIN, |chain| {
        let Value::List(filters) = &mut at(chain, "http_filters").value else { panic!("no filters") };
        filters.swap(0, 1);
    });
    assert_one(&moved, "warning : the first of http_filters is no header_mutation");
}

#[test]
fn finds_a_way_around_the_gate_through_another_listener() {
    let mut document = edge();
    let around = Node::parse(
        "{name: around, filter_chains: [{filters: [{name: hcm, typed_config: {'@type': type.googleapis.com/envoy.extensions.\
         filters.network.http_connection_manager.v3.HttpConnectionManager, route_config: {virtual_hosts: [{routes: \
         [{route: {weighted_clusters: {clusters: [{name: bokeh}, {name: elsewhere}]}}}]}]}}}]}]}",
    );
    let Value::List(listeners) = &mut at(&mut document, "static_resources.listeners").value else {
        panic!("no listeners")
    };
    listeners.push(around.unwrap());
    let messages: Vec<String> = report(&document).problems.into_iter().map(|problem| problem.message).collect();
    assert_eq!(messages, ["leads to bokeh, which dashgate guards elsewhere in this file, without dashgate"]);
}

#[test]
fn reads_a_policy_that_is_json_text_and_fields_in_camel_case() {
    let mut document = edge();
    let wasm = first(&mut document, WASM).unwrap();
    let policy = at(wasm, "config.configuration.value").to_json();
    let configuration = at(wasm, "config.configuration");
    set(configuration, "@type", "type.googleapis.com/google.protobuf.StringValue");
    at(configuration, "value").value =
        Value::Text(policy.replace("tensorboard.localhost:8443/", "tensorboard.localhost:8443"));
    let camel = Node::parse(
        &document.to_json().replace("\"failure_policy\":\"FAIL_RELOAD\"", "\"failurePolicy\":\"FAIL_OPEN\""),
    );
    let report = report(&camel.unwrap());
    let places: Vec<String> = report
        .problems
        .iter()
        .map(|problem| problem.path.rsplit_once(".config.").map_or(String::new(), |(_, path)| path.to_owned()))
        .collect();
    assert_eq!(places, ["failurePolicy", "configuration.value.dashboards[2].url"]);
}

#[test]
fn checks_the_resource_of_a_discovered_filter_and_the_chain_that_discovers_it() {
    let mut document = edge();
    let wasm = first(&mut document, WASM).unwrap().to_json();
    let resource = format!(
        "{{\"resources\":[{{\"@type\":\"type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig\",\
         \"name\":\"dashgate\",\"typed_config\":{wasm}}}]}}"
    );
    assert!(report(&Node::parse(&resource).unwrap()).problems.is_empty());
    let open = Node::parse(&resource.replace("FAIL_RELOAD", "FAIL_OPEN")).unwrap();
    assert_eq!(report(&open).problems.len(), 1);

    let chain = first(&mut document, CHAIN).unwrap();
    set(
        chain,
        "http_filters.1",
        "{name: dashgate, config_discovery: {config_source: {ads: {}}, type_urls: \
         [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]}}",
    );
    assert!(report(&document).problems.is_empty());
    unlock(first(&mut document, CHAIN).unwrap());
    assert!(report(&document).problems.len() >= 3);
}
