"""Envoy Gateway, rule 40: each way of losing the gate, with the lock and without. With it the door is shut, whatever else is wrong.

Where a way leaves the door open without the lock, that is shown too: so the lock is known to be what shuts it.
"""

import copy

import pytest

import gateway
from gateway import Gateway, lock, patches, the, without
from policy import only
from sessions import session
from stage import WAYS, cookie

GATE = "envoy.filters.http.wasm//dashboards/dashgate/wasm/0"
EVIL = "https://evil.example"
LUA = "function envoy_on_response(handle) handle:headers():add('x-lua', 'ran') end"


def policy():
    return only("portal", "training", reason_header=True)


def own_extension(merge: str | None, code: str = LUA) -> dict:
    """What the owner of one route may write beside it."""
    spec = {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "training"}],
            "lua": [{"type": "Inline", "inline": code}]}
    if merge:
        spec["mergeType"] = merge
    return {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyExtensionPolicy",
            "metadata": {"name": "of-the-route", "namespace": gateway.NAMESPACE}, "spec": spec}


def only_on_routes(documents):
    """The gate as its policy alone has it: without the patch that lets it run on every request."""
    kept = [patch for patch in patches(documents) if not (patch["operation"].get("op") == "remove")]
    assert len(kept) == len(patches(documents)) - 1
    the(documents, "EnvoyPatchPolicy")["spec"]["jsonPatches"] = kept


def without_the_first(documents):
    without("SecurityPolicy")(documents)


def without_the_second(documents):
    kept = [patch for patch in patches(documents) if not lock(patch)]
    assert len(kept) == len(patches(documents)) - 1
    the(documents, "EnvoyPatchPolicy")["spec"]["jsonPatches"] = kept


def deleted(documents):
    without("EnvoyExtensionPolicy")(documents)


def aimed_at_another_gateway(documents):
    the(documents, "EnvoyExtensionPolicy")["spec"]["targetRefs"][0]["name"] = "dashbords"


def aimed_at_the_redirect(documents):
    the(documents, "EnvoyExtensionPolicy")["spec"]["targetRefs"][0]["sectionName"] = "http"


def in_another_namespace(documents):
    the(documents, "EnvoyExtensionPolicy")["metadata"]["namespace"] = "default"


def dropped_by_the_routes_own(documents):
    only_on_routes(documents)
    documents.append(own_extension(None))


REMOVALS = [deleted, aimed_at_another_gateway, aimed_at_the_redirect, in_another_namespace, dropped_by_the_routes_own]


def is_shut(stage):
    """Nobody gets through on any way, not even with a good session, nor with headers that claim a permit."""
    good = cookie("training", session("training"))
    for way in WAYS:
        for headers in ([], good, [*good, ("x-dashgate-dashboard", "training"), ("wasm.dashgate_dashboard", "training")]):
            answer = stage.answers(way, 403, headers=headers)
            assert answer.values("x-dashgate-reason") == []
        assert stage.edge.rejected() == []


@pytest.mark.parametrize("removal", REMOVALS)
def test_rule_40_without_the_gate_the_lock_shuts_the_door(private_network, gateway_program, removal):
    with Gateway(policy(), removal) as stage:
        is_shut(stage)


@pytest.mark.parametrize("missing", [without_the_first, without_the_second, without("EnvoyPatchPolicy")],
                         ids=["second_alone", "first_alone", "no_patches"])
def test_rule_40_each_lock_shuts_it_alone(private_network, gateway_program, missing):
    def both(documents):
        dropped_by_the_routes_own(documents)
        missing(documents)
    with Gateway(policy(), both) as stage:
        good = cookie("training", session("training"))
        for way in ("http1", "http2", "upgrade1"):
            stage.answers(way, 403)
            stage.answers(way, 403, headers=[*good, ("x-dashgate-dashboard", "training")])
            stage.permits(way, "portal")


@pytest.mark.parametrize("removal", [deleted, dropped_by_the_routes_own])
def test_rule_40_it_is_the_locks_that_shut_it(private_network, gateway_program, removal):
    def unlocked(documents):
        removal(documents)
        without_the_first(documents)
        without_the_second(documents)
    with Gateway(policy(), unlocked) as stage:
        for way in ("http1", "http2", "upgrade1"):
            arrived = stage.permits(way, headers=[], origin="https://evil.example")
            assert arrived.values("origin") == ["https://evil.example"]


def test_a_routes_own_policy_without_merge_type_cannot_drop_the_gate(private_network, gateway_program):
    """As shipped: the gate runs on every request of the listener, the route's own script too, which sees no credential."""
    spying = "function envoy_on_request(handle) handle:headers():add('x-seen', handle:headers():get('cookie') or 'nothing') end"
    with Gateway(policy(), lambda documents: documents.append(own_extension(None, spying))) as stage:
        for way in WAYS:
            stage.refuses(way, "session_missing", 401)
            stage.refuses(way, "origin_not_allowed", 403, origin="https://evil.example",
                          headers=cookie("training", session("training")))
            arrived = stage.permits(way, headers=cookie("training", session("training")))
            assert arrived.values("x-seen") == ["nothing"]


def test_with_merge_type_the_gate_stays_and_the_routes_own_runs_too(private_network, gateway_program):
    """Even where the patch that lets the gate run on every request is missing."""
    def merged(documents):
        only_on_routes(documents)
        documents.append(own_extension("StrategicMerge"))
    with Gateway(policy(), merged) as stage:
        for way in WAYS:
            stage.refuses(way, "session_missing", 401)
            answer = stage.ask(way, headers=cookie("training", session("training")))
            assert (answer.status, answer.values("x-lua")) == (101 if way == "upgrade1" else 200, ["ran"])
        filters = stage.edge.http_filters()
        lua = next(name for name in filters if name.startswith("envoy.filters.http.lua"))
        assert filters.index(GATE) < filters.index(lua) < filters.index("dashgate.lock")


def test_a_module_that_is_not_the_pinned_one_opens_nothing(private_network, gateway_program):
    def other_digest(documents):
        wasm = the(documents, "EnvoyExtensionPolicy")["spec"]["wasm"][0]
        wasm["code"]["image"]["sha256"] = "0" * 64
    with Gateway(policy(), other_digest) as stage:
        for way in ("http1", "http2", "upgrade1"):
            stage.answers(way, 403, headers=cookie("training", session("training")))


def test_rule_40_a_permit_leads_only_where_its_dashboard_is(private_network, gateway_program):
    """Somebody's route takes a path of a dashboard's host: decision and route disagree, and the first lock says so."""
    def hijacked(documents):
        route = copy.deepcopy(the(documents, "HTTPRoute", "training"))
        route["metadata"]["name"] = "elsewhere"
        for rule in route["spec"]["rules"]:
            rule["matches"] = [{"path": {"type": "PathPrefix", "value": "/taken"}}]
            rule["backendRefs"] = the(documents, "HTTPRoute", "portal")["spec"]["rules"][0]["backendRefs"]
        documents.append(route)
    good = cookie("training", session("training"))
    with Gateway(policy(), hijacked) as stage:
        for way in WAYS:
            stage.answers(way, 403, path="/taken/x", headers=good)
            stage.permits(way, path="/x", headers=good)


def test_a_route_of_anybody_else_is_behind_the_lock_too(private_network, gateway_program):
    """A route that leads elsewhere, for a host that no dashboard has: the gate knows no such dashboard."""
    def another(documents):
        route = copy.deepcopy(the(documents, "HTTPRoute", "training"))
        route["metadata"]["name"], route["spec"]["hostnames"] = "elsewhere", ["elsewhere.example.org"]
        documents.append(route)
    with Gateway(policy(), another) as stage:
        for way in WAYS:
            stage.refuses(way, "dashboard_not_found", 404, host="elsewhere.example.org", origin="https://elsewhere.example.org",
                          headers=cookie("training", session("training")))


def test_request_buffer_takes_the_websockets_away(private_network, gateway_program):
    """In the shipped policy it is refused; in a policy of the route's own it is not: docs/envoy-gateway.md warns of it."""
    def own_buffer(documents):
        policy = copy.deepcopy(the(documents, "BackendTrafficPolicy"))
        policy["metadata"]["name"] = "of-the-route"
        policy["spec"] = {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "training"}],
                          "requestBuffer": {"limit": "64Ki"}}
        documents.append(policy)

    def shipped_buffer(documents):
        the(documents, "BackendTrafficPolicy")["spec"]["requestBuffer"] = {"limit": "64Ki"}

    good = cookie("training", session("training"))
    with Gateway(policy(), own_buffer) as stage:
        stage.permits("http1", headers=good)
        stage.permits("http2", headers=good)
        stage.answers("upgrade1", 403, headers=good)
        stage.permits("upgrade1", "portal")
    with pytest.raises(AssertionError, match="requestBuffer cannot be used together with httpUpgrade"):
        Gateway(policy(), shipped_buffer)


def test_another_wasm_filter_may_come_first_by_its_policys_name(private_network, gateway_program):
    """Envoy Gateway sorts them by name: so who may add Wasm to a route may see what browsers send there."""
    def earlier(documents):
        own = copy.deepcopy(the(documents, "EnvoyExtensionPolicy"))
        own["metadata"]["name"] = "a-name-before-the-gates"
        own["spec"] |= {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "training"}],
                        "mergeType": "StrategicMerge"}
        own["spec"]["wasm"][0]["name"] = "another"
        documents.append(own)
    with Gateway(policy(), earlier) as stage:
        order = stage.edge.http_filters()
        assert order.index("envoy.filters.http.wasm//dashboards/a-name-before-the-gates/wasm/0") < order.index(GATE)


def test_fail_open_opens_nothing(private_network, gateway_program):
    """A gate that may fail open, and does, because its policy is none: what gets past it is not permitted."""
    def open_to_failure(documents):
        wasm = the(documents, "EnvoyExtensionPolicy")["spec"]["wasm"][0]
        wasm["failOpen"], wasm["config"] = True, {"dashboards": "none"}
        patches = the(documents, "EnvoyPatchPolicy")["spec"]["jsonPatches"]
        kept = [patch for patch in patches if patch["operation"].get("path") != "/failure_policy"]
        assert len(kept) == len(patches) - 1
        the(documents, "EnvoyPatchPolicy")["spec"]["jsonPatches"] = kept
    with Gateway(policy(), open_to_failure) as stage:
        for way in WAYS:
            stage.answers(way, 403, headers=cookie("training", session("training")))
            stage.answers(way, 403, "portal")


def test_an_upgrade_with_filters_of_its_own_gets_past_everything(private_network, gateway_program):
    """Which only an EnvoyPatchPolicy can say: docs/envoy-gateway.md says to whom that right may be given."""
    router = {"name": "envoy.filters.http.router",
              "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}

    def bypassed(documents):
        manager = next(patch for patch in patches(documents) if patch["operation"].get("path") == "/delayed_close_timeout")
        operation = manager["operation"] | {"path": "/upgrade_configs",
                                            "value": [{"upgrade_type": "websocket", "filters": [router]}]}
        patches(documents).append(manager | {"operation": operation})
    with Gateway(policy(), bypassed) as stage:
        stage.refuses("http1", "origin_not_allowed", 403, origin=EVIL)
        stage.permits("upgrade1", origin=EVIL)
