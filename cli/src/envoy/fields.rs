//! The fields of the messages that carry the gate. Envoy refuses those it does not know; Istio drops them from what is inside
//! an EnvoyFilter, and the gate runs without them.

use crate::check::Report;
use crate::fields::Shape::{Any, Fields, List};
use crate::fields::{Shape, check};
use crate::place::Place;

const DROPPED: &str = "Istio drops it, Envoy refuses it";

/// `envoy.extensions.filters.http.wasm.v3.Wasm`.
const WASM: Shape = Fields(&[(
    "config",
    Fields(&[
        ("name", Any),
        ("root_id", Any),
        (
            "vm_config",
            Fields(&[
                ("vm_id", Any),
                ("runtime", Any),
                ("code", Fields(&[("local", Any), ("remote", REMOTE)])),
                ("configuration", Any),
                ("allow_precompiled", Any),
                ("nack_on_code_cache_miss", Any),
                ("environment_variables", Fields(&[("host_env_keys", Any), ("key_values", Any)])),
            ]),
        ),
        ("configuration", Any),
        ("fail_open", Any),
        ("failure_policy", Any),
        ("reload_config", Fields(&[("backoff", Fields(&[("base_interval", Any), ("max_interval", Any)]))])),
        ("capability_restriction_config", Fields(&[("allowed_capabilities", Any)])),
        ("allow_on_headers_stop_iteration", Any),
    ]),
)]);

const REMOTE: Shape = Fields(&[
    ("http_uri", Fields(&[("uri", Any), ("cluster", Any), ("timeout", Any)])),
    ("sha256", Any),
    ("retry_policy", Any),
]);

/// `envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter`.
const HTTP_FILTER: Shape = Fields(&[
    ("name", Any),
    ("typed_config", Any),
    ("config_discovery", DISCOVERY),
    ("is_optional", Any),
    ("disabled", Any),
]);

const DISCOVERY: Shape = Fields(&[
    (
        "config_source",
        Fields(&[
            ("authorities", List(&Any)),
            ("path", Any),
            ("path_config_source", Any),
            ("api_config_source", Any),
            ("ads", Any),
            ("self", Any),
            ("initial_fetch_timeout", Any),
            ("resource_api_version", Any),
        ]),
    ),
    ("default_config", Any),
    ("apply_default_config_without_warming", Any),
    ("type_urls", Any),
]);

/// Checks the message of a Wasm filter.
pub fn check_filter(filter: &Place<'_>, report: &mut Report) {
    check(&filter.unwrapped(), &WASM, DROPPED, report);
}

/// Checks an entry of `http_filters`.
pub fn check_entry(entry: &Place<'_>, report: &mut Report) {
    check(entry, &HTTP_FILTER, DROPPED, report);
}
