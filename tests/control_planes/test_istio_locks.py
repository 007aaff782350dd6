"""Rule 40 under Istio: each known way of leaving a gateway open, tried on the rendered resources. With the locks the door is shut.

Each is tried without the locks, too: there it must be open, or it would prove nothing.
"""

import copy

import pytest

from client import Http1
from istio import Mesh
from locks import extension, is_filter_lock, is_route_lock, patch_of, placed, without
from policy import only
from rendered import the
from sessions import session
from stage import WAYS, cookie

NAMES = ("other", "training")
EXTENSION, FILTER = ("istio-trafficextension", "istio"), ("istio-envoyfilter", "istio")
GATEWAY_API, GATEWAY_API_FILTER = ("istio-trafficextension", "istio-gateway-api"), ("istio-envoyfilter", "istio-gateway-api")
ROUTER = {"name": "envoy.filters.http.router", "typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
PLAIN = 8082
LUA = "function envoy_on_request(handle) end"


def removed(documents):
    documents.remove(extension(documents))


def for_the_services_port(documents):
    extension(documents)["spec"]["match"] = [{"mode": "CLIENT", "ports": [{"number": 443}]}]


def for_a_servers_side(documents):
    extension(documents)["spec"]["match"] = [{"mode": "SERVER"}]


def for_another_label(documents):
    extension(documents)["spec"]["selector"]["matchLabels"] = {"istio": "ingres-gateway"}


def in_another_namespace(documents):
    extension(documents)["metadata"]["namespace"] = "dashboards"


def for_another_gateway(documents):
    extension(documents)["spec"]["targetRefs"][0]["name"] = "dashboard"


def patched_for_another_gateway(documents):
    the(documents, "EnvoyFilter", "dashgate")["spec"]["targetRefs"][0]["name"] = "dashboard"


def beside_lua(documents):
    extension(documents)["spec"]["lua"] = {"inlineCode": LUA}


def patched_for_the_services_port(documents):
    placed(documents)["match"]["listener"]["portNumber"] = 443


def patched_before_a_misspelt_filter(documents):
    patch = placed(documents)
    patch["match"]["listener"]["filterChain"]["filter"]["subFilter"] = {"name": "envoy.filters.http.routr"}
    patch["patch"]["operation"] = "INSERT_BEFORE"


def patched_into_a_misspelt_manager(documents):
    placed(documents)["match"]["listener"]["filterChain"]["filter"]["name"] = "envoy.http_connection_manager"


def patched_for_a_sidecar(documents):
    placed(documents)["match"]["context"] = "SIDECAR_INBOUND"


def patched_for_another_label(documents):
    the(documents, "EnvoyFilter", "dashgate")["spec"]["workloadSelector"]["labels"] = {"istio": "ingres-gateway"}


def patched_in_another_namespace(documents):
    the(documents, "EnvoyFilter", "dashgate")["metadata"]["namespace"] = "dashboards"


def disarmed_by_its_capabilities(documents):
    plugin = patch_of(documents, "EXTENSION_CONFIG")["patch"]["value"]["typed_config"]["config"]
    plugin["capability_restriction_config"] = {"allowed_capabilities": {name: {} for name in (
        "proxy_on_vm_start", "proxy_on_configure", "proxy_on_context_create", "proxy_log", "proxy_get_buffer_bytes", "proxy_define_metric",
        "proxy_get_property", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "clock_time_get", "random_get")}}


def added_patch(documents, name, patch):
    """One more EnvoyFilter for the same gateway: another team's, say."""
    model = the(documents, "EnvoyFilter", "dashgate-locks")
    documents.append({"apiVersion": model["apiVersion"], "kind": "EnvoyFilter",
                      "metadata": {"name": name, "namespace": model["metadata"]["namespace"]},
                      "spec": {**{key: copy.deepcopy(model["spec"][key]) for key in ("workloadSelector", "targetRefs") if key in model["spec"]},
                               "configPatches": [patch]}})


def manager_patch(operation, settings):
    name = "envoy.filters.network.http_connection_manager"
    config = {"@type": f"type.googleapis.com/{MANAGER}", **settings}
    return {"applyTo": "NETWORK_FILTER", "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": {"name": name}}}},
            "patch": {"operation": operation, "value": {"name": name, "typed_config": config}}}


def upgraded_past_the_filters(documents):
    """A manager of somebody's own: no gate in it, and upgrades that pass by every filter, the lock among them."""
    settings = {"stat_prefix": "own", "http_filters": [ROUTER], "upgrade_configs": [{"upgrade_type": "websocket", "filters": [ROUTER]}],
                "rds": {"route_config_name": "https.443.https.dashboards.istio-ingress", "config_source": {"ads": {}, "resource_api_version": "V3"}}}
    added_patch(documents, "manager", manager_patch("REPLACE", settings))


# The way, the form it is tried on, the ways of asking that it opens, and what the locks answer there.
TRAPS = [
    (removed, EXTENSION, WAYS, 403),
    (for_the_services_port, EXTENSION, WAYS, 403),
    (for_a_servers_side, EXTENSION, WAYS, 403),
    (for_another_label, EXTENSION, WAYS, 403),
    (in_another_namespace, EXTENSION, WAYS, 403),
    (beside_lua, EXTENSION, WAYS, 403),
    (patched_for_the_services_port, FILTER, WAYS, 403),
    (patched_before_a_misspelt_filter, FILTER, WAYS, 403),
    (patched_into_a_misspelt_manager, FILTER, WAYS, 403),
    (patched_for_a_sidecar, FILTER, WAYS, 403),
    (patched_for_another_label, FILTER, WAYS, 403),
    (patched_in_another_namespace, FILTER, WAYS, 403),
    (disarmed_by_its_capabilities, FILTER, WAYS, 403),
    (upgraded_past_the_filters, EXTENSION, WAYS, {403, 404}),
    (removed, GATEWAY_API, WAYS, 403),
    (for_the_services_port, GATEWAY_API, WAYS, 403),
    (for_a_servers_side, GATEWAY_API, WAYS, 403),
    (for_another_gateway, GATEWAY_API, WAYS, 403),
    (in_another_namespace, GATEWAY_API, WAYS, 403),
    (patched_for_another_gateway, GATEWAY_API_FILTER, WAYS, 403),
    (patched_before_a_misspelt_filter, GATEWAY_API_FILTER, WAYS, 403),
]
traps = pytest.mark.parametrize("trap,form,opened,status", TRAPS, ids=[f"{trap[0].__name__}-{trap[1][1]}" for trap in TRAPS])


def asked_badly(stage, way, statuses):
    """Nobody's request, a stranger's, and one with a good session: none may reach a dashboard that nobody guards."""
    stage.upstream.forget()
    good = cookie("training", session("training"))
    stage.answers(way, statuses)
    stage.answers(way, statuses, origin="https://evil.example", headers=good)
    stage.answers(way, statuses, headers=good)


@traps
def test_rule_40_the_locks_shut_the_door(trap, form, opened, status, mesh, private_network):
    with Mesh(*form, only(*NAMES), trap) as stage:
        for way in opened:
            asked_badly(stage, way, status)


@traps
def test_rule_40_without_them_it_stands_open(trap, form, opened, status, mesh, private_network):
    def edit(documents):
        trap(documents)
        without(documents, is_route_lock, is_filter_lock)

    with Mesh(*form, only(*NAMES), edit) as stage:
        for way in opened:
            arrived = stage.ask(way, origin="https://evil.example")
            assert arrived.status == (101 if way == "upgrade1" else 200)
        assert len(stage.upstream.received()) == len(opened)


@pytest.mark.parametrize("lock,status", [(is_route_lock, 403), (is_filter_lock, 404)], ids=["the filters", "the routes"])
def test_rule_40_each_of_the_two_holds_alone(lock, status, mesh, private_network):
    def edit(documents):
        removed(documents)
        without(documents, lock)

    with Mesh(*EXTENSION, only(*NAMES), edit) as stage:
        for way in WAYS:
            asked_badly(stage, way, status)
        told = "rbac_access_denied_matched_policy[none]" if status == 403 else "route_not_found"
        stage.edge.wait(lambda: len(stage.edge.access_log()) == 3 * len(WAYS), stage.edge.access_log, "entry for each", 5)
        assert {(entry["response_code_details"], entry["dashgate_reason"]) for entry in stage.edge.access_log()} == {(told, None)}


def test_rule_40_a_route_to_another_dashboard_is_no_way_there(mesh, private_network):
    """The routes say where a host leads, the gate who may go: where they disagree nobody gets through."""
    def edit(documents):
        for one in documents:
            if one["kind"] == "VirtualService":
                for route in one["spec"]["http"]:
                    other = {"training": "other", "other": "training"}
                    route["route"][0]["destination"]["host"] = "{}.dashboards.svc.cluster.local".format(other[one["metadata"]["name"]])
                    route["name"] = route["name"].replace(one["metadata"]["name"], other[one["metadata"]["name"]])

    with Mesh(*EXTENSION, only(*NAMES), edit) as stage:
        for way in WAYS:
            stage.answers(way, 403, headers=cookie("training", session("training")))


def taken_from_the_portal(documents):
    """A rule within the open portal's own resource that leads to another dashboard's Service."""
    portal, training = (the(documents, "VirtualService", name)["spec"]["http"] for name in ("portal", "training"))
    portal.insert(0, {"name": "taken", "match": [{"uri": {"prefix": "/taken/"}}], "route": copy.deepcopy(training[-1]["route"])})


def test_rule_40_an_open_permit_is_none_to_another_dashboard(mesh, private_network):
    """It costs nothing, so it leads only by routes that carry the open dashboard's name."""
    with Mesh(*EXTENSION, only("portal", *NAMES), taken_from_the_portal, redirect="80") as stage:
        for way in WAYS:
            stage.answers(way, 403, "portal", path="/taken/x")
            stage.answers(way, 403, "portal", path="/taken/x", headers=[("x-forwarded-proto", "http")])     # as if to be redirected
            stage.permits(way, "portal", path="/x")
        # As docs/troubleshooting.md has it.
        stage.edge.wait(lambda: len(stage.edge.access_log()) == 3 * len(WAYS), stage.edge.access_log, "entry for each", 5)
        refused = [entry for entry in stage.edge.access_log() if entry["path"] == "/taken/x"]
        told = {(entry["response_code_details"], entry["dashgate_dashboard"]) for entry in refused}
        assert len(refused) == 2 * len(WAYS) and told == {("rbac_access_denied_matched_policy[none]", "portal")}


def without_the_redirect(documents):
    taken_from_the_portal(documents)
    [server] = [one for one in the(documents, "Gateway")["spec"]["servers"] if one["port"]["protocol"] == "HTTP"]
    del server["tls"]


def beside_a_plain_gateway(documents):
    """Somebody's own Gateway, in plain HTTP on the same pods, with a rule for the portal's host."""
    model, portal, training = (the(documents, kind, name) for kind, name in (
        ("Gateway", None), ("VirtualService", "portal"), ("VirtualService", "training")))
    documents += [
        {**model, "metadata": {**model["metadata"], "name": "plain"}, "spec": {
            "selector": model["spec"]["selector"],
            "servers": [{"port": {"number": PLAIN, "name": "plain", "protocol": "HTTP"}, "hosts": portal["spec"]["hosts"]}]}},
        {**portal, "metadata": {**portal["metadata"], "name": "plain"}, "spec": {
            "hosts": portal["spec"]["hosts"], "gateways": ["plain"], "http": [{"route": copy.deepcopy(training["spec"]["http"][-1]["route"])}]}},
    ]


def asked_plainly(port, path, *headers):
    with Http1(port, None) as connection:
        connection.send("GET", path, [("host", "portal.example.org"), *headers])
        return connection.answer().status


@pytest.mark.parametrize("edit,port", [(without_the_redirect, 80), (beside_a_plain_gateway, PLAIN)],
                         ids=["the redirect taken out", "a Gateway beside it"])
def test_rule_40_plain_http_leads_nowhere_but_to_https(edit, port, mesh, private_network):
    """What the lock lets by for the redirect, whose route carries no name, finds no route where there is no redirect."""
    with Mesh(*EXTENSION, only("portal", *NAMES), edit, redirect="80") as stage:
        assert asked_plainly(port, "/taken/x") == 404
        assert asked_plainly(port, "/taken/x", ("x-forwarded-proto", "https")) == 404
        assert stage.upstream.received() == []
        stage.permits("http1", "portal", path="/x")

    def unlocked(documents):
        edit(documents)
        without(documents, is_route_lock, is_filter_lock)

    with Mesh(*EXTENSION, only("portal", *NAMES), unlocked, redirect="80") as stage:
        assert asked_plainly(port, "/taken/x") == 200
        assert [one.dashboard for one in stage.upstream.received()] == ["training"]


def test_rule_40_without_the_filters_lock_it_would_be(mesh, private_network):
    def edit(documents):
        taken_from_the_portal(documents)
        without(documents, is_filter_lock)

    with Mesh(*EXTENSION, only("portal", *NAMES), edit) as stage:
        for way in WAYS:
            assert stage.ask(way, "portal", path="/taken/x").status == (101 if way == "upgrade1" else 200)
        assert len(stage.upstream.received()) == len(WAYS)


def in_the_wrong_order(documents):
    """Another team's filter in front of the gate that answers by itself is theirs; the gate behind the locks opens nothing."""
    patch = placed(documents)
    patch["match"]["listener"]["filterChain"]["filter"]["subFilter"] = {"name": "envoy.filters.http.router"}
    patch["patch"]["operation"] = "INSERT_BEFORE"
    the(documents, "EnvoyFilter", "dashgate")["spec"]["priority"] = 20


def test_rule_40_a_gate_behind_its_locks_opens_nothing(mesh, private_network):
    with Mesh(*FILTER, only(*NAMES), in_the_wrong_order) as stage:
        for way in WAYS:
            asked_badly(stage, way, 403)


@pytest.mark.parametrize("operation", ["INSERT_AFTER", "ADD"])
def test_rule_40_a_gate_behind_the_router_is_no_listener_at_all(operation, mesh, private_network):
    def edit(documents):
        patch = placed(documents)
        patch["match"]["listener"]["filterChain"]["filter"]["subFilter"] = {"name": "envoy.filters.http.router"}
        patch["patch"]["operation"] = operation

    with pytest.raises(AssertionError, match="no listener on"):
        Mesh(*FILTER, only(*NAMES), edit)


def test_rule_40_a_second_way_to_upgrade_is_no_listener_at_all(mesh, private_network):
    """Istio adds to the list of upgrades, and Envoy takes each only once."""
    def edit(documents):
        added_patch(documents, "upgrades", manager_patch("MERGE", {
            "upgrade_configs": [{"upgrade_type": "websocket", "filters": [ROUTER]}]}))

    with pytest.raises(AssertionError, match="no listener on"):
        Mesh(*EXTENSION, only(*NAMES), edit)


def test_rule_49_a_module_that_is_not_there_is_a_closed_door(mesh, private_network):
    def edit(documents):
        extension(documents)["spec"]["wasm"]["url"] = "file:///there/is/none.wasm"

    with Mesh(*EXTENSION, only(*NAMES), edit) as stage:
        for way in WAYS:
            asked_badly(stage, way, 500)


def test_rule_49_a_policy_that_the_gate_refuses_is_a_closed_door(mesh, private_network):
    def edit(documents):
        extension(documents)["spec"]["wasm"]["pluginConfig"]["dashboard"] = []

    with Mesh(*EXTENSION, only(*NAMES), edit) as stage:
        for way in WAYS:
            asked_badly(stage, way, 500)
