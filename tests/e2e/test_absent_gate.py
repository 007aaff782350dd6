"""Rule 40: with the gate removed, disabled, disarmed or bypassed, the edge is closed and not open."""

import pytest

import bootstrap
from edge import EdgeStopped
from policy import only
from sessions import session
from stage import Stage, cookie

# Everything a host of ABI 0.2.1 can offer or call, but the one callback that judges requests.
CAPABILITIES_WITHOUT_THE_CALLBACK = [
    "proxy_on_vm_start", "proxy_on_configure", "proxy_on_context_create", "proxy_on_response_headers", "proxy_on_request_body",
    "proxy_on_request_trailers", "proxy_on_response_body", "proxy_on_response_trailers", "proxy_on_log", "proxy_on_done", "proxy_on_delete",
    "proxy_on_tick", "proxy_log", "proxy_get_log_level", "proxy_get_buffer_bytes", "proxy_set_buffer_bytes", "proxy_get_buffer_status",
    "proxy_get_property", "proxy_set_property", "proxy_define_metric", "proxy_increment_metric", "proxy_record_metric", "proxy_get_metric",
    "proxy_get_header_map_value", "proxy_get_header_map_pairs", "proxy_set_header_map_pairs", "proxy_add_header_map_value",
    "proxy_replace_header_map_value", "proxy_remove_header_map_value", "proxy_get_header_map_size", "proxy_send_local_response",
    "proxy_get_current_time_nanoseconds", "proxy_continue_stream", "proxy_close_stream", "proxy_set_effective_context", "proxy_done",
    "proxy_get_configuration", "proxy_call_foreign_function", "environ_get", "environ_sizes_get", "fd_write", "proc_exit",
    "clock_time_get", "random_get", "fd_read", "fd_close", "fd_seek", "fd_fdstat_get", "sched_yield", "args_get", "args_sizes_get",
]
DISABLED = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}


def removed(tree):
    manager = bootstrap.dashboards_manager(tree)
    gates = bootstrap.wasm_filters(manager)
    manager["http_filters"] = [one for one in manager["http_filters"] if one not in gates]


def disabled_on_every_route(tree):
    manager = bootstrap.dashboards_manager(tree)
    name = bootstrap.wasm_filters(manager)[0]["name"]
    for host in manager["route_config"]["virtual_hosts"]:
        for route in host["routes"]:
            route["typed_per_filter_config"] = {name: DISABLED}


def disabled_on_the_host(tree):
    manager = bootstrap.dashboards_manager(tree)
    name = bootstrap.wasm_filters(manager)[0]["name"]
    for host in manager["route_config"]["virtual_hosts"]:
        host["typed_per_filter_config"] = {name: DISABLED}


def disarmed_by_its_capabilities(tree):
    for gate in bootstrap.wasm_filters(tree):
        gate["typed_config"]["config"]["capability_restriction_config"] = {
            "allowed_capabilities": {name: {} for name in CAPABILITIES_WITHOUT_THE_CALLBACK}}


def disarmed_by_an_all_but_empty_list(tree):
    for gate in bootstrap.wasm_filters(tree):
        gate["typed_config"]["config"]["capability_restriction_config"] = {"allowed_capabilities": {"proxy_log": {}}}


def bypassed_by_upgrade_filters(tree):
    manager = bootstrap.dashboards_manager(tree)
    router = [one for one in manager["http_filters"] if one["name"].endswith("router")]
    for upgrade in manager["upgrade_configs"]:
        upgrade["filters"] = router


def ask_all_ways(stage, expected):
    for way in ("http1", "http2", "upgrade1", "upgrade2"):
        for dashboard, headers in (("training", []), ("training", cookie("training", session("training"))), ("portal", [])):
            stage.answers(way, expected, dashboard, headers=headers)
        stage.answers(way, expected, headers=[("x-dashgate-dashboard", "training"), ("wasm.dashgate_dashboard", "training")])


@pytest.mark.parametrize("edit", [removed, disarmed_by_its_capabilities])
def test_rule_40_without_the_gate_no_route_exists(edit):
    with Stage(only("portal", "training"), edit) as stage:
        ask_all_ways(stage, 404)


@pytest.mark.parametrize("edit", [disabled_on_every_route, disabled_on_the_host])
def test_rule_40_a_gate_disabled_on_routes_opens_nothing(edit):
    """Before the gate no route matches, so a setting on a locked route or on its host is never even found."""
    with Stage(only("portal", "training"), edit) as stage:
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            stage.answers(way, {401, 404})
            stage.answers(way, {403, 404}, origin="https://evil.example", headers=cookie("training", session("training")))


def test_rule_40_a_gate_without_any_capability_opens_nothing():
    try:
        with Stage(only("portal", "training"), disarmed_by_an_all_but_empty_list) as stage:
            ask_all_ways(stage, {404, 500, 503})
    except EdgeStopped as stopped:
        assert stopped.code == 1


def test_rule_40_custom_upgrade_filters_open_nothing():
    with Stage(only("portal", "training"), bypassed_by_upgrade_filters) as stage:
        for way in ("upgrade1", "upgrade2"):
            stage.answers(way, 404)
            stage.answers(way, 404, headers=cookie("training", session("training")))
            stage.answers(way, 404, origin="https://evil.example", headers=cookie("training", session("training")))
        stage.permits("http1", headers=cookie("training", session("training")))


def test_rule_40_every_route_to_a_backend_of_the_shipped_file_is_locked():
    tree = bootstrap.shipped()
    manager = bootstrap.dashboards_manager(tree)
    routes = [route for host in manager["route_config"]["virtual_hosts"] for route in host["routes"] if "route" in route]
    policies = bootstrap.wasm_filters(tree)[0]["typed_config"]["config"]["configuration"]["value"]
    assert routes
    for route in routes:
        assert bootstrap.lock_of(route) == bootstrap.cluster_of(route)
    assert {bootstrap.lock_of(route) for route in routes} == {dashboard["name"] for dashboard in policies["dashboards"]}
    assert all("filters" not in upgrade for upgrade in manager["upgrade_configs"])
