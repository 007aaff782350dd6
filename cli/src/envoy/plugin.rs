//! One `Wasm` message: the policy in it, and the settings of the VM that carry or undo it.

use super::fields;
use crate::check::{Report, look_at_policy};
use crate::environment::Environment;
use crate::place::Place;
use crate::tree::{Node, Value};

/// What the filter exports for Envoy to call and what it calls of Envoy. Envoy takes both for capabilities: where a
/// list lacks `proxy_on_request_headers`, requests pass unchecked and nothing says so.
pub const CAPABILITIES: [&str; 24] = [
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_log",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_add_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_set_property",
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_send_local_response",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "proc_exit",
];

/// Whether this is a `Wasm` filter of dashgate's: by a name, the module's file, or a policy in it.
pub fn is_dashgate(place: &Place<'_>) -> bool {
    if !place.is_a("filters.http.wasm.v3.Wasm") {
        return false;
    }
    let Some(config) = place.member("config") else { return false };
    let named = |place: Option<Place<'_>>| {
        place.and_then(|place| place.node.text()).is_some_and(|text| text.contains("dashgate"))
    };
    named(config.member("name"))
        || named(config.member("root_id"))
        || named(config.deep(&["vm_config", "vm_id"]))
        || named(config.deep(&["vm_config", "code", "local", "filename"]))
        || policy(place).is_ok_and(|(policy, _)| policy.member("dashboards").is_some())
        // A policy that cannot be read is one all the same.
        || config
            .deep(&["configuration", "value"])
            .and_then(|value| value.node.text())
            .is_some_and(|text| text.contains("dashboards") && text.contains("url"))
}

/// The policy of a filter, and where it stands.
///
/// # Errors
/// Where there is none, or it is not JSON.
pub fn policy<'a>(plugin: &Place<'a>) -> Result<(Node, Place<'a>), String> {
    let configuration = plugin.deep(&["config", "configuration"]).ok_or("the dashgate filter has no configuration")?;
    let value = configuration.member("value");
    match value {
        Some(value) if configuration.is_a("google.protobuf.Struct") => Ok((value.node.clone(), value)),
        Some(value) if configuration.is_a("google.protobuf.StringValue") => {
            let text = value.node.text().ok_or("the filter's configuration is not a string")?;
            let parsed = Node::parse(text).map_err(|message| format!("the filter's configuration: {message}"))?;
            Ok((lined(parsed, value.node.line), value))
        }
        _ => Err("the filter's configuration is neither a google.protobuf.Struct nor a StringValue".to_owned()),
    }
}

/// Text within a file has no lines of its own that would help: all of it stands where the text begins.
fn lined(mut node: Node, line: Option<usize>) -> Node {
    node.line = line;
    node.value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| lined(item, line)).collect()),
        Value::Map(members) => {
            Value::Map(members.into_iter().map(|(name, member)| (name, lined(member, line))).collect())
        }
        value => value,
    };
    node
}

/// Checks one filter; returns the names of its dashboards, where its policy is sound.
pub fn check(plugin: &Place<'_>, environment: &Environment, report: &mut Report) -> Option<Vec<String>> {
    fields::check_filter(plugin, report);
    let config = plugin.member("config")?;
    check_failure(&config, report);
    check_capabilities(&config, report);
    check_code(&config, report);
    let (policy, place) = match policy(plugin) {
        Ok(found) => found,
        Err(message) => {
            report.problem(config.finding(message));
            return None;
        }
    };
    check_keys(&config, &policy, report);
    let gate = look_at_policy(&policy, &place, environment, report)?;
    if gate.reads_bodies() && !config.is_true("allow_on_headers_stop_iteration") {
        report.problem(config.finding(
            "allow_on_headers_stop_iteration: true is missing: without it connect forms hang; \
             set it, or say connect.form: false in the policy",
        ));
    }
    Some(gate.dashboard_names().map(str::to_owned).collect())
}

fn check_failure(config: &Place<'_>, report: &mut Report) {
    const OPEN: &str = "lets every request through unchecked once the filter has failed; use FAIL_RELOAD";
    if let Some(policy) = config.member("failure_policy") {
        match &policy.node.value {
            Value::Text(word) if word == "FAIL_OPEN" => report.problem(policy.finding(OPEN)),
            Value::Number(number) if number == "3" => report.problem(policy.finding(OPEN)),
            Value::Text(word) if word == "FAIL_RELOAD" => return,
            Value::Number(number) if number == "1" => return,
            _ => report.warning(
                policy
                    .finding("answers 503 until a restart once the filter has failed; FAIL_RELOAD recovers by itself"),
            ),
        }
        return;
    }
    match config.member("fail_open") {
        Some(open) if open.node.is_true() => report.problem(open.finding(OPEN)),
        _ => report.warning(config.finding(
            "has no failure_policy: the default answers 503 until a restart once the filter has failed; \
             FAIL_RELOAD recovers by itself",
        )),
    }
}

/// Envoy's own fetch of a module: officially unstable, and every listener waits for it.
pub fn check_fetch(plugin: &Place<'_>, report: &mut Report) {
    if let Some(remote) = plugin.deep(&["config", "vm_config", "code", "remote"]) {
        report.problem(remote.finding(
            "is fetched by Envoy itself, which says of this that it is unstable and may crash; use code.local.filename",
        ));
    }
}

/// A module that was compiled before is run without being looked at.
fn check_code(config: &Place<'_>, report: &mut Report) {
    let runtime = config.deep(&["vm_config", "runtime"]);
    if let Some(runtime) = runtime.filter(|runtime| runtime.node.text() != Some("envoy.wasm.runtime.v8")) {
        report.problem(
            runtime.finding("is not in Envoy's official builds, or runs no module; use envoy.wasm.runtime.v8"),
        );
    }
    let Some(precompiled) = config.deep(&["vm_config", "allow_precompiled"]).filter(|place| place.node.is_true())
    else {
        return;
    };
    report.problem(
        precompiled.finding("runs machine code found in the module, which Envoy does not verify; leave it out"),
    );
}

fn check_capabilities(config: &Place<'_>, report: &mut Report) {
    let Some(restriction) = config.member("capability_restriction_config") else { return };
    let allowed: Vec<&str> = restriction
        .member("allowed_capabilities")
        .map(|allowed| allowed.members().into_iter().map(|(name, _)| name).collect())
        .unwrap_or_default();
    let missing: Vec<&str> = CAPABILITIES.into_iter().filter(|name| !allowed.contains(name)).collect();
    if !missing.is_empty() {
        let message = format!(
            "lacks {}: without its callbacks the filter lets requests through and says nothing",
            missing.join(", ")
        );
        report.problem(restriction.finding(message));
    }
}

/// Keys reach the VM by name only: `key_values` would show them in /config_dump and in this file.
fn check_keys(config: &Place<'_>, policy: &Node, report: &mut Report) {
    let variables = config.deep(&["vm_config", "environment_variables"]);
    let named: Vec<&str> = variables
        .as_ref()
        .map(|variables| variables.list("host_env_keys").iter().filter_map(|key| key.node.text()).collect())
        .unwrap_or_default();
    let shown = variables.as_ref().and_then(|variables| variables.member("key_values"));
    let keys = policy.member("keys").map(Node::items).unwrap_or_default().iter().filter_map(|key| key.member("env"));
    let kinds = policy.member("sessions").map(Node::members).unwrap_or_default();
    let passwords = kinds.iter().filter_map(|(_, kind)| kind.member("password_env"));
    for name in keys.chain(passwords).filter_map(Node::text) {
        let in_plain_sight = shown
            .as_ref()
            .and_then(|shown| shown.members().into_iter().find(|(known, _)| *known == name).map(|(_, place)| place));
        if let Some(place) = in_plain_sight {
            let message = format!("gives {name} in plain sight (this file, /config_dump); list it in host_env_keys");
            report.problem(place.finding(message));
        } else if !named.contains(&name) {
            let place = variables.as_ref().unwrap_or(config);
            report.problem(place.finding(format!("host_env_keys lacks {name}, so the filter cannot have that key")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CAPABILITIES;

    /// The filter binds its ABI by hand, so that file is the list of what it needs.
    #[test]
    fn knows_every_call_the_filter_makes_and_every_callback_it_has() {
        let abi = include_str!("../../../filter/src/abi.rs");
        let mut called: Vec<&str> = abi
            .split("fn proxy_")
            .skip(1)
            .filter_map(|rest| rest.split('(').next())
            .filter(|name| *name != "abi_version_0_2_1" && *name != "on_memory_allocate")
            .collect();
        called.sort_unstable();
        called.dedup();
        let mut known: Vec<&str> = CAPABILITIES.iter().filter_map(|name| name.strip_prefix("proxy_")).collect();
        known.sort_unstable();
        assert_eq!(known, called);
    }
}
