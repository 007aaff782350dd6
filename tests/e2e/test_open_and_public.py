"""Rules 5 to 7: what needs no session, how little that is, and the gate's own paths."""

import pytest

from sessions import bokeh_id, session
from stage import bearer, cookie, plain_ways, upgrade_ways, ways

IDENTITY = [("X-Dashgate-Subject", "root"), ("x-dashgate-session", "0"), ("X-DASHGATE", "1"), ("x-dashgate-anything", "1")]


@ways
def test_rule_5_an_open_entry_needs_no_session(gate, way):
    arrived = gate.permits(way, "portal", "/login")
    assert not [name for name in arrived.names() if name.startswith("x-dashgate-subject")]


@plain_ways
def test_rule_5_an_open_entry_takes_forms_of_its_own_pages(gate, way):
    arrived = gate.permits(way, "portal", "/login", method="POST", body=b"user=ana&password=secret")
    assert arrived.body == b"user=ana&password=secret"


@ways
def test_rule_5_all_other_rules_hold_on_an_open_entry(gate, way):
    gate.refuses(way, "origin_not_allowed", 403, "portal", origin="https://evil.example")
    gate.refuses(way, "origin_repeated", 403, "portal", origin="https://portal.example.org,https://evil.example")
    arrived = gate.permits(way, "portal", headers=[*IDENTITY, *cookie("training", session("training"))])
    assert not [name for name in arrived.names() if name.startswith("x-dashgate")], arrived.headers
    assert arrived.values("cookie") == []


@upgrade_ways
def test_rule_5_an_open_entry_still_wants_an_origin_on_upgrades(gate, way):
    gate.refuses(way, "origin_missing", 403, "portal", origin=None)


@plain_ways
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_rule_6_a_public_path_needs_no_session(gate, way, method):
    gate.permits(way, "report", "/static/js/bokeh.min.js?v=1", method=method, origin=None)


@plain_ways
def test_rule_6_a_public_path_may_be_loaded_by_another_sites_page(gate, way):
    gate.permits(way, "report", "/static/js/bokeh.min.js", origin=None,
                 headers=[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")])


@plain_ways
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "TRACE"])
def test_rule_6_only_get_and_head_are_public(gate, way, method):
    gate.answers(way, {400, 401, 403}, "report", "/static/js/bokeh.min.js", method=method, body=b"")


@upgrade_ways
def test_rule_6_an_upgrade_is_never_public(gate, way):
    gate.refuses(way, "session_missing", 401, "report", "/static/ws")


@plain_ways
def test_rule_6_a_body_is_never_public(gate, way):
    gate.answers(way, {401, 403}, "report", "/static/js/bokeh.min.js", body=b"bokeh-session-id=x", origin=None)


@plain_ways
@pytest.mark.parametrize("path", ["/?x=/static/", "/data?/static/x", "/static/../data", "/static/%2e%2e/data", "/static/..;/data",
                                  "/static%2f..%2fdata", "/staticx/data", "/Static/data", "/data/static/x", "/static/..\\data"])
def test_rule_6_nothing_but_the_path_makes_a_request_public(gate, way, path):
    gate.answers(way, {307, 400, 401, 403}, "report", path, origin=None)


@plain_ways
def test_rule_6_origin_host_and_stripping_hold_on_public_paths(gate, way):
    path = "/static/js/bokeh.min.js"
    gate.refuses(way, "origin_not_allowed", 403, "report", path, origin="https://evil.example")
    token, identity = session("report"), bokeh_id()
    arrived = gate.permits(way, "report", path, origin=None,
                           headers=[*IDENTITY, ("cookie", f"theme=dark; __Host-dashgate-report={token}; lang=en"), *bearer(token)])
    assert not [name for name in arrived.names() if name.startswith("x-dashgate")], arrived.headers
    assert arrived.values("cookie") == ["theme=dark; lang=en"]
    assert arrived.values("authorization") == []
    # `other` keeps nothing, so a Bokeh id in a query would not go up there; `report` keeps Bokeh's.
    kept = gate.permits(way, "report", f"{path}?bokeh-session-id={identity}", origin=None)
    assert kept.target == f"{path}?bokeh-session-id={identity}"


@ways
@pytest.mark.parametrize("path", ["/.dashgate/", "/.dashgate", "/.dashgate/unknown", "/.dashgate/connect/", "/.dashgate/connect/x",
                                  "/.dashgate//unknown", "/%2edashgate/unknown", "/./.dashgate/unknown", "/x/../.dashgate/unknown",
                                  "/.dashgate/../.dashgate/unknown", "/.dashgate/session/x"])
@pytest.mark.parametrize("dashboard", ["training", "portal"])
def test_rule_7_nothing_under_the_gates_own_path_reaches_a_backend(gate, way, path, dashboard):
    gate.answers(way, {403, 404}, dashboard, path, headers=cookie(dashboard, session(dashboard)))


@plain_ways
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "GET", "POST"])
@pytest.mark.parametrize("endpoint", ["connect", "logout", "session"])
def test_rule_7_no_method_on_the_gates_endpoints_reaches_a_backend(gate, way, method, endpoint):
    answer = gate.ask(way, "training", f"/.dashgate/{endpoint}", method=method, body=b"", headers=cookie("training", session("training")))
    assert answer.status in (200, 204, 303, 400, 401, 403, 404)
    assert gate.upstream.received() == []
