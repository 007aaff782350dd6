//! The fields of Envoy's messages inside patches, beside the gate's own: Istio drops what it does not know from an EnvoyFilter's
//! value, and a lock that says `polices` demands nothing. Decides nothing about what the values do.

use super::neighbours::look_at;
use super::patch::Patch;
use crate::check::Report;
use crate::envoy::connection_managers;
use crate::fields::nearest;
use crate::place::Place;

const DROPPED: &str = "Istio drops it, Envoy refuses it";

/// The messages that are looked into, by the end of their type.
const TYPES: [(&str, &str); 5] = [
    ("envoy.extensions.filters.http.rbac.v3.RBAC", "Rbac"),
    ("envoy.extensions.filters.http.rbac.v3.RBACPerRoute", "RbacPerRoute"),
    ("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", "HeaderMutation"),
    ("envoy.extensions.filters.http.router.v3.Router", "Router"),
    ("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "Manager"),
];

/// Envoy 1.40's own definitions, as deep as a lock or a session's end depends on them.
const TABLE: &str = "
HttpFilter: name typed_config config_discovery is_optional disabled
Rbac: rules rules_stat_prefix matcher shadow_matcher shadow_rules shadow_rules_stat_prefix track_per_rule_stats
Rbac.rules: action policies audit_logging_options
Rbac.rules.policies each Policy
RbacPerRoute: rbac
RbacPerRoute.rbac is Rbac
Policy: permissions principals condition checked_condition cel_config
Policy.principals: and_ids or_ids any authenticated source_ip direct_remote_ip remote_ip header url_path metadata filter_state not_id \
sourced_metadata custom
Policy.principals.filter_state: key string_match address_match
Policy.principals.and_ids: ids
Policy.principals.and_ids.ids is Policy.principals
Policy.principals.or_ids: ids
Policy.principals.or_ids.ids is Policy.principals
HeaderMutation: mutations most_specific_header_mutations_wins
HeaderMutation.mutations: query_parameter_mutations request_mutations request_trailers_mutations response_mutations \
response_trailers_mutations
Router: dynamic_stats reject_connect_request_early_data respect_expected_rq_timeout start_child_span strict_check_headers \
suppress_envoy_headers suppress_grpc_request_failure_code_stats upstream_http_filters upstream_log upstream_log_options
Router.upstream_http_filters is HttpFilter
Manager: codec_type stat_prefix http_filters add_user_agent tracing common_http_protocol_options http1_safe_max_connection_duration \
http_protocol_options http2_protocol_options http3_protocol_options server_name server_header_transformation \
scheme_header_transformation max_request_headers_kb stream_idle_timeout stream_flush_timeout request_timeout request_headers_timeout \
drain_timeout drain_timeout_jitter delayed_close_timeout access_log access_log_flush_interval flush_access_log_on_new_request \
access_log_options use_remote_address xff_num_trusted_hops original_ip_detection_extensions early_header_mutation_extensions \
internal_address_config skip_xff_append via generate_request_id preserve_external_request_id always_set_request_id_in_response \
forward_client_cert_details set_current_client_cert_details forward_client_cert_matcher proxy_100_continue \
represent_ipv4_remote_address_as_ipv4_mapped_ipv6 upgrade_configs normalize_path merge_slashes path_with_escaped_slashes_action \
request_id_extension local_reply_config strip_matching_host_port strip_any_host_port stream_error_on_invalid_http_message \
path_normalization_options strip_trailing_host_dot proxy_status_config typed_header_validation_config append_x_forwarded_port \
append_local_overload add_proxy_protocol_connection_state forward_proto_config rds route_config scoped_routes
Manager.common_http_protocol_options: headers_with_underscores_action idle_timeout max_connection_duration \
max_connection_duration_jitter max_headers_count max_requests_per_connection max_response_headers_kb max_stream_duration
Route: name match route redirect direct_response filter_action non_forwarding_action metadata decorator typed_per_filter_config \
request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove tracing \
per_request_buffer_limit_bytes request_body_buffer_limit stat_prefix
Route.match: prefix path safe_regex connect_matcher path_separated_prefix path_match_policy case_sensitive runtime_fraction headers \
query_parameters cookies grpc tls_context dynamic_metadata filter_state
Route.match.filter_state: key string_match address_match
Route.route: cluster cluster_header weighted_clusters cluster_specifier_plugin inline_cluster_specifier_plugin \
cluster_not_found_response_code metadata_match prefix_rewrite regex_rewrite path_rewrite_policy path_rewrite host_rewrite_literal \
auto_host_rewrite host_rewrite_header host_rewrite_path_regex host_rewrite append_x_forwarded_host timeout idle_timeout flush_timeout \
early_data_policy retry_policy retry_policy_typed_config request_mirror_policies priority rate_limits include_vh_rate_limits \
hash_policy cors max_grpc_timeout grpc_timeout_offset upgrade_configs internal_redirect_policy internal_redirect_action \
max_internal_redirects hedge_policy max_stream_duration
Route.route.max_stream_duration: max_stream_duration grpc_timeout_header_max grpc_timeout_header_offset
";

/// Checks the patches of EnvoyFilters.
pub fn check(patches: &[Patch<'_>], report: &mut Report) {
    for patch in patches.iter().filter(|patch| patch.operation != "REMOVE") {
        let Some(value) = &patch.value else { continue };
        match patch.applies_to {
            "HTTP_FILTER" => check_filter(value, report),
            "HTTP_ROUTE" => look_at(value, "Route", TABLE, DROPPED, report),
            "NETWORK_FILTER" => {
                check_types(value, report);
                for manager in connection_managers(value) {
                    look_at(&manager.unwrapped(), "Manager", TABLE, DROPPED, report);
                }
            }
            _ => {}
        }
    }
}

/// Checks an entry of `http_filters`, or several.
pub fn check_filter(value: &Place<'_>, report: &mut Report) {
    look_at(value, "HttpFilter", TABLE, DROPPED, report);
    check_types(value, report);
}

/// A field of the connection manager or of the gate's plugin that a JSON patch sets, where it is nearly one.
pub fn meant(message: &str, field: &str) -> Option<&'static str> {
    const PLUGIN: &str = "name root_id vm_config configuration fail_open failure_policy reload_config capability_restriction_config \
                          allow_on_headers_stop_iteration";
    let fields = match message {
        "Plugin" => PLUGIN,
        _ => TABLE.lines().find_map(|line| line.strip_prefix(message)?.strip_prefix(": "))?,
    };
    let is_known = fields.split(' ').any(|known| known == field);
    nearest(field, fields.split(' ')).filter(|_| !is_known)
}

fn check_types(value: &Place<'_>, report: &mut Report) {
    value.walk(&mut |place| {
        let Some(kind) = place.member("@type") else { return };
        let Some(name) = kind.node.text().and_then(|text| text.rsplit('/').next()) else { return };
        if let Some((_, message)) = TYPES.iter().find(|(known, _)| *known == name) {
            look_at(place, message, TABLE, DROPPED, report);
        } else if let Some(known) =
            nearest(name, TYPES.iter().map(|(known, _)| *known)).filter(|known| is_misspelt(name, known))
        {
            report.problem(kind.finding(format!(
                "is no message that there is; type.googleapis.com/{known} is: the patch is dropped, or refused"
            )));
        }
    });
}

/// Long names are alike by nature: two letters at most.
fn is_misspelt(name: &str, known: &str) -> bool {
    let (first, second) = (name.rsplit('.').next().unwrap_or_default(), known.rsplit('.').next().unwrap_or_default());
    let rest = |name: &str| name.rsplit_once('.').map(|(rest, _)| rest.to_owned());
    rest(name) == rest(known) && first != "RBACPerRoute" && first.eq_ignore_ascii_case(second) && first != second
        || (rest(name) != rest(known) && first == second)
}
