//! Envoy's configurations for the benchmark: `envoy/edge.yaml`'s listener over plain HTTP, with one filter or none.

use super::scenario::{COOKIE, FRIEND, KEY_ID, PORTAL, URL};

/// One Envoy's configuration and the environment it needs.
pub struct Setting {
    /// Names it in the table's scenarios and in target/bench.
    pub name: &'static str,
    /// Keys, by variable.
    pub environment: Vec<(String, String)>,
    /// Its listeners, each with a filter of its own. Those of dashgate share one VM.
    pub listeners: Vec<Listener>,
}

/// A listener: its filter, and its routes with their lock and action.
pub struct Listener {
    filter: String,
    routes: String,
}

/// How many of each there are in a policy.
struct Size {
    dashboards: usize,
    keys: usize,
    origins: usize,
}

const SMALL: Size = Size { dashboards: 1, keys: 1, origins: 1 };

/// The policies of the one dashgate, by listener: sizes side by side in one process, because the same module in another
/// process differs by more than they do. The last two are for sessions that other scenarios must not make known or forget.
const POLICIES: [Size; 6] = [
    SMALL,
    Size { dashboards: 1000, ..SMALL },
    Size { keys: 100, ..SMALL },
    Size { origins: 10_000, ..SMALL },
    SMALL,
    SMALL,
];

/// Envoy answers by itself.
pub const HERE: &str = "direct_response: {status: 200, body: {inline_string: ok}}";

/// All settings: one Envoy runs for each.
pub fn settings(key: &str, backend: u16) -> Vec<Setting> {
    let here = HERE.to_string();
    let there = format!("route: {{cluster: backend-{backend}, timeout: 0s, idle_timeout: 300s}}");
    let until = "max_stream_duration: {max_stream_duration: 86400s, grpc_timeout_header_max: 0s}";
    let there_until = format!("route: {{cluster: backend-{backend}, timeout: 0s, idle_timeout: 300s, {until}}}");
    let variables = environment(key);
    let gate = |name, sizes: &[Size], action: &str| Setting {
        name,
        environment: variables.clone(),
        listeners: sizes.iter().map(|size| gate_listener(&variables, &policy(size), action)).collect(),
    };
    let native = |name, filter: String, action: &str| Setting {
        name,
        environment: Vec::new(),
        listeners: vec![native_listener(filter, action)],
    };
    let jwt_authn = |key: &str, cache| jwt_authn(&symmetric(key), cache);
    vec![
        native("none", String::new(), &here),
        Setting {
            listeners: vec![native_listener(jwt_authn(key, ""), &here), native_listener(jwt_authn(key, CACHED), &here)],
            ..native("jwt_authn", String::new(), &here)
        },
        gate("dashgate", &POLICIES, &here),
        native("upstream-none", String::new(), &there),
        native("upstream-jwt_authn", jwt_authn(key, ""), &there),
        gate("upstream-dashgate", &[SMALL], &there_until),
    ]
}

/// A listener with Envoy's own filter, or none.
pub fn native_listener(filter: String, action: &str) -> Listener {
    Listener { filter, routes: format!("              - {{match: {{prefix: /}}, {action}}}\n") }
}

/// A listener with dashgate under a policy, its keys in these variables, for a dashboard named report.
pub fn gate_listener(variables: &[(String, String)], policy: &str, action: &str) -> Listener {
    Listener { filter: dashgate(variables, policy), routes: locked_routes(action) }
}

/// A key for `jwt_authn`, as a JWK.
pub fn symmetric(key: &str) -> String {
    format!(r#"{{"kty":"oct","alg":"HS256","kid":"{KEY_ID}","k":"{key}"}}"#)
}

/// `jwt_authn`'s own cache of verified tokens, which is off unless it is asked for.
const CACHED: &str = "jwt_cache_config: {jwt_cache_size: 16384}";

/// The two routes of edge.yaml, which exist only for what the gate permitted.
fn locked_routes(action: &str) -> String {
    let lock = "filter_state: [{key: wasm.dashgate_dashboard, string_match: {exact: report}}]";
    format!(
        "              - {{match: {{prefix: /, grpc: {{}}, {lock}}}, {action}}}\n              \
                       - {{match: {{prefix: /, {lock}}}, request_headers_to_remove: [grpc-timeout], {action}}}\n"
    )
}

/// The same for all policies, without which they would not share a VM.
fn environment(key: &str) -> Vec<(String, String)> {
    // Each other key is the real one with other characters first.
    let keys = POLICIES.iter().map(|size| size.keys).max().unwrap_or(1);
    let others = (1..keys).map(|number| (format!("KEY_{number}"), format!("{number:04}{}", &key[4..])));
    others.chain([("DASHGATE_KEY".to_string(), key.to_string())]).collect()
}

/// Envoy's own filter for signed sessions, doing what it can of the same.
pub fn jwt_authn(key: &str, cache: &str) -> String {
    format!(
        r#"          - name: envoy.filters.http.jwt_authn
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                portal:
                  issuer: {PORTAL}
                  audiences: ["{URL}"]
                  from_cookies: [{COOKIE}]
                  clock_skew_seconds: 30
                  {cache}
                  claim_to_headers: [{{header_name: x-dashgate-subject, claim_name: sub}}]
                  local_jwks: {{inline_string: '{{"keys":[{key}]}}'}}
              rules:
              - {{match: {{prefix: /}}, requires: {{provider_name: portal}}}}
"#
    )
}

/// dashgate as edge.yaml has it. The policy is JSON, which is YAML too.
fn dashgate(variables: &[(String, String)], policy: &str) -> String {
    let variables: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        r#"          - name: dashgate
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: dashgate
                root_id: dashgate
                failure_policy: FAIL_RELOAD
                reload_config: {{backoff: {{base_interval: 0.1s, max_interval: 1s}}}}
                allow_on_headers_stop_iteration: true
                vm_config:
                  vm_id: dashgate
                  runtime: envoy.wasm.runtime.v8
                  code: {{local: {{filename: {}}}}}
                  environment_variables: {{host_env_keys: [BOKEH_SECRET_KEY, {}]}}
                configuration:
                  "@type": type.googleapis.com/google.protobuf.Struct
                  value: {policy}
"#,
        crate::step::target().join("dashgate.wasm").display(),
        variables.join(", "),
    )
}

fn policy(size: &Size) -> String {
    let key = |id: &str, variable: &str| format!(r#"{{"id":"{id}","env":"{variable}","encoding":"base64url"}}"#);
    let mut keys: Vec<String> =
        (1..size.keys).map(|number| key(&format!("old-{number}"), &format!("KEY_{number}"))).collect();
    keys.push(key(KEY_ID, "DASHGATE_KEY"));
    let mut ids: Vec<String> = (1..size.keys).map(|number| format!(r#""old-{number}""#)).collect();
    ids.push(format!(r#""{KEY_ID}""#));
    let mut origins: Vec<String> =
        (1..size.origins).map(|number| format!(r#""https://other-{number:05}.example.org""#)).collect();
    origins.push(format!(r#""{FRIEND}""#));
    let other = |number: usize| {
        format!(r#"{{"name":"report-{number}","url":"https://report-{number}.example.org/","sessions":["portal"]}}"#)
    };
    // The one that is asked for stands in the middle.
    let mut dashboards: Vec<String> = (1..size.dashboards / 2).map(other).collect();
    dashboards
        .push(format!(r#"{{"name":"report","url":"{URL}","sessions":["portal"],"origins":[{}]}}"#, origins.join(",")));
    dashboards.extend((size.dashboards / 2..size.dashboards).filter(|number| *number > 0).map(other));
    format!(
        r#"{{"keys":[{},{{"id":"bokeh","env":"BOKEH_SECRET_KEY","encoding":"utf8"}}],"sessions":{{"portal":{{"format":"jwt","keys":[{}],"issuer":"{PORTAL}","carriers":["cookie","bearer","subprotocol"],"clock_skew_seconds":30,"max_lifetime_seconds":43200}},"bokeh":{{"format":"bokeh","keys":["bokeh"],"max_stream_seconds":43200}}}},"connect":{{"from":["{PORTAL}"],"login_url":"{PORTAL}/login"}},"dashboards":[{{"name":"portal","url":"{PORTAL}/","open":true}},{{"name":"plot","url":"https://plot.example.org/","sessions":["portal","bokeh"],"require":"all","keep":["bokeh"],"public":["/static/"]}},{}]}}"#,
        keys.join(","),
        ids.join(","),
        dashboards.join(",")
    )
}

impl Setting {
    /// The whole bootstrap, each listener on its port.
    pub fn yaml(&self, ports: &[u16]) -> String {
        let routes = self.listeners.iter().map(|listener| listener.routes.as_str()).collect::<String>();
        let backend = routes.split("backend-").nth(1).and_then(|rest| rest.split(',').next());
        let clusters = backend.map_or_else(|| "  clusters: []\n".to_string(), cluster);
        let listeners = self.listeners.iter().zip(ports).map(|(listener, port)| listener.yaml(*port));
        format!("static_resources:\n  listeners:\n{}{clusters}", listeners.collect::<String>())
    }
}

impl Listener {
    fn yaml(&self, port: u16) -> String {
        format!(
            r#"  - name: dashboards-{port}
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    per_connection_buffer_limit_bytes: 32768
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: dashboards
          normalize_path: true
          merge_slashes: true
          path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT
          use_remote_address: true
          internal_address_config: {{cidr_ranges: [{{address_prefix: 255.255.255.255, prefix_len: 32}}]}}
          upgrade_configs: [{{upgrade_type: websocket}}]
          max_request_headers_kb: 60
          common_http_protocol_options: {{headers_with_underscores_action: DROP_HEADER, max_headers_count: 100, idle_timeout: 3600s}}
          request_headers_timeout: 10s
          stream_idle_timeout: 300s
          delayed_close_timeout: 0.5s
          http_filters:
          - name: envoy.filters.http.header_mutation
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
              mutations:
                response_mutations:
                - append:
                    header: {{key: strict-transport-security, value: max-age=63072000; includeSubDomains}}
                    append_action: OVERWRITE_IF_EXISTS_OR_ADD
                - append:
                    header: {{key: x-content-type-options, value: nosniff}}
                    append_action: OVERWRITE_IF_EXISTS_OR_ADD
{}          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              suppress_envoy_headers: true
          route_config:
            name: dashboards
            virtual_hosts:
            - name: dashboards
              domains: ["*"]
              routes:
{}"#,
            self.filter, self.routes
        )
    }
}

fn cluster(port: &str) -> String {
    format!(
        r#"  clusters:
  - name: backend-{port}
    type: STATIC
    connect_timeout: 2s
    per_connection_buffer_limit_bytes: 32768
    load_assignment:
      cluster_name: backend-{port}
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}]}}]
"#
    )
}
