"""Pages over HTTP/3: the verdicts, the headers and what the upstream receives are those of the other protocols."""

import time
from urllib.parse import urlencode

import bootstrap
import client3
import pytest
from over_udp import DASHBOARDS, Http3Stage
from policy import host_of, origin_of
from sessions import bokeh_id, session, tampered
from stage import bearer, cookie
from upstream import Script

PORTAL = "https://portal.example.org"


def test_a_session_reaches_its_dashboard_and_stays_at_the_gate(gate):
    token = session("training")
    arrived = gate.permits3("training", "/runs?tag=loss", headers=[*cookie("training", token), ("x-kept", "yes")])
    assert (arrived.method, arrived.target) == ("GET", "/runs?tag=loss")
    assert arrived.values("host") == [host_of("training")] and arrived.values("origin") == [origin_of("training")]
    assert arrived.values("x-kept") == ["yes"] and arrived.values("x-dashgate-subject") == ["ana"]
    assert arrived.values("x-forwarded-proto") == ["https"]
    assert token.encode() not in arrived.everything() and arrived.values("cookie") == []


def test_what_arrives_is_what_arrives_over_http_2(gate):
    lines = [*cookie("lenient", session("lenient", jti="the-same", sub="bo")), ("accept", "text/html"), ("x-number", "7")]
    over3 = gate.permits3("lenient", "/page", headers=lines)
    over2 = gate.permits("http2", "lenient", "/page", headers=lines)
    assert over3.start_line == over2.start_line
    assert {name: value for name, value in over3.without_envoys() if name != "x-dashgate-expires"} == \
        {name: value for name, value in over2.without_envoys() if name != "x-dashgate-expires"}


def test_a_body_goes_up_whole(gate):
    body = bytes(range(256)) * 400
    arrived = gate.permits3(method="POST", path="/data", body=body, headers=cookie("training", session("training")))
    assert (arrived.method, arrived.body) == ("POST", body)


def test_identity_headers_and_time_limits_of_a_client_go_nowhere(gate):
    lines = [("x-dashgate-subject", "mallory"), ("x-dashgate-dashboard", "other"), ("grpc-timeout", "9H"), ("x_custom", "1")]
    arrived = gate.permits3(headers=[*lines, *cookie("training", session("training"))])
    assert arrived.values("x-dashgate-subject") == ["ana"]
    assert {"x-dashgate-dashboard", "grpc-timeout", "x_custom"}.isdisjoint(arrived.names())


@pytest.mark.parametrize("reason,status,asked", [
    ("session_missing", 401, lambda: {}),
    ("signature_invalid", 401, lambda: {"headers": cookie("training", tampered(session("training")))}),
    ("audience_not_allowed", 403, lambda: {"headers": cookie("training", session("other"))}),
    ("session_expired", 401, lambda: {"headers": cookie("training", session("training", iat=int(time.time()) - 900, exp=int(time.time()) - 300))}),
    ("origin_not_allowed", 403, lambda: {"origin": "https://evil.example", "headers": cookie("training", session("training"))}),
    ("origin_missing", 403, lambda: {"origin": None, "method": "POST", "body": b"", "headers": cookie("training", session("training"))}),
    ("dashboard_not_found", 404, lambda: {"host": "unknown.example.org"}),
    ("authority_invalid", 400, lambda: {"host": "training.example.org."} | {"method": "POST", "body": b""}),
])
def test_each_refusal_has_its_reason_and_its_headers(gate, reason, status, asked):
    answer = gate.refuses3(reason, status, **asked())
    assert answer.value("strict-transport-security") == "max-age=63072000; includeSubDomains"
    assert answer.value("x-content-type-options") == "nosniff"


def test_a_bearer_is_carried_over_http_3_too(gate):
    token = session("training")
    assert gate.permits3(headers=bearer(token)).values("authorization") == []


def test_a_bokeh_id_in_the_query_goes_up_where_it_is_kept_and_into_no_log(gate):
    identity = bokeh_id()
    arrived = gate.permits3("bokeh", f"/app-over-3?bokeh-session-id={identity}")
    assert arrived.target == f"/app-over-3?bokeh-session-id={identity}"
    entry = gate.edge.wait_for_access(lambda entry: entry["path"] == "/app-over-3")
    assert entry["protocol"] == "HTTP/3" and entry["dashgate_dashboard"] == "bokeh" and identity not in str(entry)


def test_a_connect_form_is_read_and_answered_with_the_cookie(gate):
    token = session("training")
    form = urlencode({"token": token, "next": "/"}).encode()
    outcome = gate.over3(method="POST", path="/.dashgate/connect", body=form, origin=PORTAL,
                         headers=[("content-type", "application/x-www-form-urlencoded")])
    assert (outcome.answer.status, outcome.answer.value("location")) == (303, "/")
    (line,) = outcome.answer.values("set-cookie")
    assert line.startswith(f"__Host-dashgate-training={token}; ") and "HttpOnly" in line
    assert gate.upstream.received() == []


def test_an_escaped_slash_is_redirected_before_it_is_judged(gate):
    outcome = gate.over3(path="/a%2fb", headers=cookie("training", session("training")))
    assert (outcome.answer.status, outcome.answer.value("location")) == (307, "/a/b")
    assert gate.upstream.received() == []


def test_a_long_answer_ends_with_its_session(gate):
    gate.upstream.script("/ticking", Script(stream="tick"))
    started = time.monotonic()
    outcome = gate.over3("brief", "/ticking", headers=cookie("brief", session("brief", exp=int(time.time()) + 3)))
    assert outcome.answer.status == 200 and outcome.answer.body.startswith(b"tick\n")
    assert 1 < time.monotonic() - started < 5.5


def test_an_authority_with_a_user_in_it_is_given_up_by_envoy(gate):
    outcome = gate.over3(host="u@training.example.org", headers=cookie("training", session("training")))
    assert outcome.answer.status == 0 and outcome.reset is not None
    assert gate.upstream.received() == []


# ---- what is not there: WebSockets, tunnels, early data

CONNECT = [(":method", "CONNECT"), (":scheme", "https"), (":authority", host_of("training")), (":path", "/socket")]


@pytest.mark.parametrize("good", [True, False])
def test_a_websocket_is_neither_offered_nor_taken_not_even_with_a_session(gate, good):
    lines = cookie("training", session("training")) if good else []
    outcome = gate.over3(pseudo=[*CONNECT, (":protocol", "websocket")], headers=[("sec-websocket-version", "13"), *lines])
    assert outcome.settings.get(client3.ENABLE_CONNECT_PROTOCOL, 0) == 0
    assert outcome.answer.status not in (200, 101) and (outcome.reset is not None or outcome.answer.status >= 400)
    assert gate.upstream.received() == []


def test_no_tunnel_is_opened(gate):
    pseudo = [(":method", "CONNECT"), (":authority", f"{host_of('training')}:443")]
    outcome = gate.over3(pseudo=pseudo, headers=cookie("training", session("training")))
    assert outcome.answer.status not in (200, 101) and (outcome.reset is not None or outcome.answer.status >= 400)
    assert gate.upstream.received() == []


def test_an_upgrade_as_http_1_has_it_is_no_upgrade(gate):
    lines = [("upgrade", "websocket"), ("connection", "Upgrade"), *cookie("training", session("training"))]
    outcome = gate.over3(headers=lines)
    assert outcome.answer.status not in (200, 101)
    assert gate.upstream.received() == []


def test_no_request_is_taken_as_early_data(gate):
    """It could be sent again by whoever saw it on the way."""
    first = gate.over3(headers=cookie("training", session("training")))
    assert first.answer.status == 200
    for ticket in first.tickets:
        assert not ticket.max_early_data_size
        again = gate.over3(headers=cookie("training", session("training")), ticket=ticket)
        assert again.answer.status == 200 and not again.early_data_taken


# ---- around it

def test_answers_over_tcp_tell_of_it_and_those_of_the_shipped_edge_do_not(gate):
    for way in ("http1", "http2"):
        assert gate.ask(way).value("alt-svc") == 'h3=":8443"; ma=86400'
    assert "alt-svc" not in (bootstrap.ROOT / "envoy/edge.yaml").read_text()
    assert "udp_listener_config" not in (bootstrap.ROOT / "envoy/edge.yaml").read_text()


def test_websockets_go_on_over_tcp(gate):
    for way in ("upgrade1", "upgrade2"):
        gate.permits(way, headers=cookie("training", session("training")))


def without_the_gate(tree):
    for manager in bootstrap.connection_managers(tree):
        gates = bootstrap.wasm_filters(manager)
        manager["http_filters"] = [one for one in manager["http_filters"] if one not in gates]


def test_without_the_gate_no_route_exists_here_either():
    with Http3Stage(without_the_gate) as stage:
        for lines in ([], cookie("training", session("training")), [("x-dashgate-dashboard", "training")]):
            assert stage.over3(headers=lines).answer.status == 404
        assert stage.upstream.received() == []


def test_both_listeners_have_the_same_filters_routes_and_certificates(gate):
    tree = gate_tree = bootstrap.yaml.safe_load((gate.edge.folder / "bootstrap.yaml").read_text())
    first, second = [manager for manager in bootstrap.connection_managers(gate_tree) if bootstrap.wasm_filters(manager)]
    assert first["http_filters"] == second["http_filters"] and first["route_config"] == second["route_config"]
    assert first["access_log"] == second["access_log"]
    assert first["common_http_protocol_options"] == second["common_http_protocol_options"]
    contexts = [node for node in bootstrap.walk(tree) if "tls_certificate_sds_secret_configs" in node]
    assert len(contexts) == 2 and contexts[0]["tls_certificate_sds_secret_configs"] == contexts[1]["tls_certificate_sds_secret_configs"]
    assert set(DASHBOARDS) == {bootstrap.lock_of(route) for route in bootstrap.locked_routes(tree)}
