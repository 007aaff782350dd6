"""The same verdicts beside the dashboard as at the edge, over HTTP, HTTP/1.1 upgrades and HTTP/2 extended CONNECT."""

import time

import bootstrap
import pytest
from beside import DASHBOARD, SHIPPED, Beside
from sessions import bokeh_id, bokeh_token, session, tampered
from stage import cookie, is_upgrade, plain_ways, upgrade_ways, ways


def credentials(way: str, portal: str | None = None, identity: str | None = None) -> dict:
    """Both sessions that the dashboard asks for, each where its kind is carried."""
    identity = identity or bokeh_id()
    lines = cookie(DASHBOARD, portal or session(DASHBOARD))
    if is_upgrade(way):
        return {"headers": [*lines, ("sec-websocket-protocol", f"bokeh, {bokeh_token(identity)}")]}
    return {"headers": [*lines, ("bokeh-session-id", identity)]}


@ways
def test_both_sessions_open_the_dashboard_which_sees_only_its_own(sidecar, way):
    portal, identity = session(DASHBOARD), bokeh_id()
    arrived = sidecar.permits(way, DASHBOARD, **credentials(way, portal, identity))
    assert portal.encode() not in arrived.everything()
    kept = arrived.values("sec-websocket-protocol" if is_upgrade(way) else "bokeh-session-id")
    assert len(kept) == 1 and (is_upgrade(way) or kept == [identity])
    assert arrived.values("x-dashgate-subject") == ["ana"]


@ways
def test_without_a_session_nothing_arrives(sidecar, way):
    sidecar.refuses(way, "session_missing", 401, DASHBOARD)


@ways
def test_nor_with_a_tampered_one(sidecar, way):
    sidecar.refuses(way, "signature_invalid", 401, DASHBOARD, **credentials(way, tampered(session(DASHBOARD))))


@ways
def test_nor_from_a_foreign_origin(sidecar, way):
    sidecar.refuses(way, "origin_not_allowed", 403, DASHBOARD, origin="https://evil.example", **credentials(way))


@ways
def test_nor_with_another_dashboards_session(sidecar, way):
    sidecar.refuses(way, "audience_not_allowed", 403, DASHBOARD, **credentials(way, session("training")))


@plain_ways
def test_another_dashboard_is_not_there(sidecar, way):
    sidecar.refuses(way, "dashboard_not_found", 404, "training", headers=cookie("training", session("training")))


@upgrade_ways
def test_a_websocket_ends_with_its_session(sidecar, way):
    ending = session(DASHBOARD, exp=int(time.time()) - 27)      # the skew is 30 s: some 3 s are left
    with sidecar.open(way, DASHBOARD, **credentials(way, ending)) as live:
        assert live.exchange(b"hello") == b"hello"
        ended = live.seconds_until_closed(8)
    assert ended is not None and ended < 5.5


@plain_ways
def test_answers_are_hardened_here_too(sidecar, way):
    answer = sidecar.refuses(way, "session_missing", 401, DASHBOARD)
    assert answer.value("strict-transport-security") == "max-age=63072000; includeSubDomains"
    assert answer.value("x-content-type-options") == "nosniff"


@plain_ways
def test_the_clients_address_is_the_one_that_the_edge_saw_and_not_the_one_a_client_claims(sidecar, way):
    given = credentials(way)
    given["headers"] += [("x-forwarded-for", "10.0.0.1, 203.0.113.7")]
    path = f"/forwarded-{way}"
    arrived = sidecar.permits(way, DASHBOARD, path, **given)
    (forwarded,) = arrived.values("x-forwarded-for")
    assert forwarded.rsplit(",", 1)[0] == "10.0.0.1, 203.0.113.7"       # and behind it the edge's own address
    entry = sidecar.edge.wait_for_access(lambda entry: entry["path"] == path)
    assert entry["remote_address"] == "203.0.113.7"


def without_the_gate(tree):
    manager = bootstrap.dashboards_manager(tree)
    gates = bootstrap.wasm_filters(manager)
    manager["http_filters"] = [one for one in manager["http_filters"] if one not in gates]


def test_without_the_gate_no_route_exists():
    with Beside(without_the_gate) as sidecar:
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            sidecar.answers(way, 404, DASHBOARD, **credentials(way))


def test_the_shipped_file_holds_one_dashboard_its_kinds_and_their_keys_alone():
    tree = bootstrap.shipped(SHIPPED)
    (gate,) = bootstrap.wasm_filters(tree)
    plugin = gate["typed_config"]["config"]
    policy = plugin["configuration"]["value"]
    assert [dashboard["name"] for dashboard in policy["dashboards"]] == ["bokeh"]
    assert list(policy["sessions"]) == policy["dashboards"][0]["sessions"]
    assert {key["env"] for key in policy["keys"]} == set(plugin["vm_config"]["environment_variables"]["host_env_keys"])
    assert {bootstrap.lock_of(route) for route in bootstrap.locked_routes(tree)} == {"bokeh"}
    assert [cluster["name"] for cluster in tree["static_resources"]["clusters"]] == ["bokeh", "admin"]


def test_the_shipped_file_demands_the_edges_certificate_twice_over():
    """Either would do in Envoy 1.40; with neither any peer would get to the gate."""
    (context,) = [node for node in bootstrap.walk(bootstrap.shipped(SHIPPED)) if "require_client_certificate" in node]
    assert context["require_client_certificate"] is True
    validation = context["common_tls_context"]["combined_validation_context"]
    assert len(validation["default_validation_context"]["match_typed_subject_alt_names"]) == 1


@pytest.mark.parametrize("part", ["overload_manager", "layered_runtime", "stats_config"])
def test_its_limits_are_the_edges(part):
    assert bootstrap.shipped(SHIPPED)[part] == bootstrap.shipped()[part]
