"""Rules 25 and 26: OPTIONS, and what counts as an upgrade."""

import pytest

from sessions import session, tampered
from stage import HTTP1_UPGRADE, KEY, cookie, plain_ways, upgrade_ways, ways
from upstream import Script

ASKS = [("access-control-request-method", "POST"), ("access-control-request-headers", "content-type")]


@plain_ways
@pytest.mark.parametrize("origin", ["https://portal.example.org", "https://one.lab.example.org", "https://partners.example.org"])
def test_rule_25_answers_the_preflight_of_an_allowed_origin_itself(gate, way, origin):
    answer = gate.answers(way, 204, "partners", "/data", method="OPTIONS", origin=origin, headers=ASKS)
    assert answer.value("access-control-allow-origin") == origin
    assert answer.value("access-control-allow-credentials") == "true"
    assert [name.strip() for name in answer.value("access-control-allow-methods").split(",")] == ["GET", "POST"]
    assert [name.strip() for name in answer.value("access-control-allow-headers").split(",")] == ["content-type", "x-reading"]
    assert answer.value("access-control-max-age") == "600"
    assert "origin" in answer.value("vary").lower()
    assert answer.body == b""


@plain_ways
@pytest.mark.parametrize("dashboard,origin", [("partners", "https://evil.example"), ("partners", "null"), ("partners", "https://lab.example.org"),
                                              ("training", "https://portal.example.org")])
def test_rule_25_refuses_the_preflight_of_any_other_origin(gate, way, dashboard, origin):
    answer = gate.answers(way, 403, dashboard, "/data", method="OPTIONS", origin=origin, headers=ASKS)
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]


@plain_ways
@pytest.mark.parametrize("headers", [[], ASKS, ASKS[:1], [*ASKS, ("content-type", "application/json")],
                                     [("access-control-request-method", "")], [("access-control-request-headers", "x")],
                                     [*ASKS, *ASKS[:1]]])
@pytest.mark.parametrize("origin", [None, "https://training.example.org"])
@pytest.mark.parametrize("body", [None, b"{}"])
def test_rule_25_a_forged_options_request_gets_no_data(gate, way, headers, origin, body):
    """TensorBoard serves all its data to any OPTIONS: none may arrive there without a session."""
    gate.answers(way, {204, 400, 401, 403}, path="/data/runs", method="OPTIONS", origin=origin, headers=headers, body=body)


@plain_ways
def test_rule_25_a_session_does_not_turn_a_preflight_into_a_request(gate, way):
    gate.answers(way, 204, path="/data", method="OPTIONS", headers=[*ASKS, *cookie("training", session("training"))])


@plain_ways
def test_rule_25_any_other_options_request_is_judged_like_a_method(gate, way):
    arrived = gate.permits(way, path="/data", method="OPTIONS", headers=cookie("training", session("training")))
    assert arrived.method == "OPTIONS"
    gate.refuses(way, "session_missing", 401, path="/data", method="OPTIONS")
    gate.refuses(way, "signature_invalid", 401, path="/data", method="OPTIONS", headers=cookie("training", tampered(session("training"))))


@plain_ways
def test_rule_25_the_backends_own_cors_answer_stays(gate, way):
    gate.upstream.script("/cors", Script(headers=[("Access-Control-Allow-Origin", "https://portal.example.org"), ("Vary", "Origin")]))
    answer = gate.ask(way, "partners", "/cors", origin="https://portal.example.org", headers=cookie("partners", session("partners")))
    assert answer.values("access-control-allow-origin") == ["https://portal.example.org"]
    assert answer.values("vary") == ["Origin"]


def upgrade_lines(**changes):
    lines = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": KEY, **changes}
    return [(name.replace("_", "-"), value) for name, value in lines.items()]


def raw_http1(gate, method, lines, body=b"", path="/ws"):
    with gate.http1() as connection:
        connection.send(method, path, [("host", "training.example.org"), ("origin", "https://training.example.org"), *lines,
                                       *cookie("training", session("training"))], body)
        return connection.answer(method)


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get"])
def test_rule_26_an_upgrade_is_a_get(gate, method):
    answer = raw_http1(gate, method, upgrade_lines())
    assert answer.status in (400, 403), answer.status
    assert gate.upstream.received() == []


@pytest.mark.parametrize("lines,body,method", [
    ([("content-length", "5")], b"hello", "GET"), ([("content-length", "0")], b"", "GET"), ([("transfer-encoding", "identity")], b"", "GET"),
    ([("content-length", "5"), ("transfer-encoding", "chunked")], b"0\r\n\r\n", "GET"), ([("content-length", "5")], b"hello", "POST"),
    ([("transfer-encoding", "chunked")], b"5\r\nhello\r\n0\r\n\r\n", "POST"),
])
def test_rule_26_an_upgrade_has_no_body(gate, lines, body, method):
    answer = raw_http1(gate, method, [*upgrade_lines(), *lines], body)
    assert answer.status in (400, 403, 501), answer.status
    assert gate.upstream.received() == []


def test_rule_26_envoy_takes_chunks_out_of_an_upgrade_before_anyone_could_read_them_as_a_body(gate):
    """Envoy removes Transfer-Encoding from an upgrade before any filter sees it: what follows is the tunnel's, and only that."""
    answer = raw_http1(gate, "GET", [*upgrade_lines(), ("transfer-encoding", "chunked")], b"5\r\nhello\r\n0\r\n\r\n")
    if answer.status == 101:
        [recorded] = gate.upstream.received()
        assert (recorded.values("transfer-encoding"), recorded.values("content-length"), recorded.body) == ([], [], b"")
    else:
        assert answer.status in (400, 403) and gate.upstream.received() == []


@pytest.mark.parametrize("protocol", ["h2c", "WebSocket2", "websocket, h2c", "h2c, websocket", "tcp", "TLS/1.0", "", "websocket ,x",
                                      "connect-udp", "spdy/3", b"websocket\xff"])
def test_rule_26_refuses_any_other_upgrade(gate, protocol):
    answer = raw_http1(gate, "GET", upgrade_lines(upgrade=protocol))
    # An empty or unknown Upgrade that Envoy takes out is a plain request; it must then have arrived as one.
    if answer.status == 200:
        arrived = gate.upstream.received()
        assert [recorded.values("upgrade") for recorded in arrived] == [[]]
    else:
        assert answer.status in (400, 403, 404), answer.status
        assert gate.upstream.received() == []


def test_rule_26_refuses_two_upgrade_lines(gate):
    answer = raw_http1(gate, "GET", [*upgrade_lines(), ("upgrade", "h2c")])
    assert answer.status in (400, 403)
    assert gate.upstream.received() == []


@pytest.mark.parametrize("lines", [
    [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA")],
])
def test_rule_26_refuses_the_upgrade_to_http2(gate, lines):
    answer = raw_http1(gate, "GET", lines)
    if answer.status == 200:
        arrived = gate.upstream.received()[0]
        assert (arrived.values("upgrade"), arrived.values("http2-settings")) == ([], [])
    else:
        assert answer.status in (400, 403)
        assert gate.upstream.received() == []


def test_rule_26_an_upgrade_header_without_connection_is_no_way_around(gate):
    """Whatever it is taken for, it needs the session and the Origin that its kind needs."""
    with gate.http1() as connection:
        connection.send("GET", "/ws", [("host", "training.example.org"), ("upgrade", "websocket"), ("sec-websocket-key", KEY)])
        assert connection.answer().status in (400, 401, 403)
    assert gate.upstream.received() == []


@pytest.mark.parametrize("protocol", ["websocket2", "h2c", "connect-tcp", "webtransport", "WEBSOCKET"])
def test_rule_26_extended_connect_to_anything_else_is_refused(gate, protocol):
    with gate.http2() as connection:
        number = connection.start([(":method", "CONNECT"), (":protocol", protocol), (":scheme", "https"), (":path", "/ws"),
                                   (":authority", "training.example.org")],
                                  [("origin", "https://training.example.org"), ("sec-websocket-version", "13"),
                                   *cookie("training", session("training"))], end=False)
        answer = connection.answer(number, whole=False)
    if protocol == "WEBSOCKET" and answer.status == 200:
        assert [recorded.dashboard for recorded in gate.upstream.received()] == ["training"]
        return
    assert answer.status in (0, 400, 403, 404)
    assert gate.upstream.received() == []


@upgrade_ways
def test_rule_26_both_kinds_of_upgrade_open_a_working_tunnel(gate, way):
    with gate.open(way, path="/ws", headers=cookie("training", session("training"))) as live:
        assert live.exchange(b"\x81\x85abcdhello") == b"\x81\x85abcdhello"
        assert live.exchange(bytes(range(256)) * 64) == bytes(range(256)) * 64


@ways
def test_rule_26_the_verdict_on_an_extended_connect_is_that_on_an_upgrade(gate, way):
    gate.refuses(way, "session_missing", 401, path="/ws")
    gate.refuses(way, "origin_not_allowed", 403, path="/ws", origin="https://evil.example", headers=cookie("training", session("training")))


def test_a_denied_upgrade_leaves_no_open_tunnel(gate):
    """CVE-2026-118264: whatever follows on the connection is a request, and is judged."""
    with gate.http1() as connection:
        head = [("host", "training.example.org"), ("origin", "https://training.example.org")]
        connection.send("GET", "/ws", [*head, *HTTP1_UPGRADE])
        connection.send("GET", "/second", head)
        first, second = connection.answer(), connection.answer()
    assert first.status == 401
    assert second.status in (0, 401)
    assert gate.upstream.received() == []


def test_bytes_sent_before_the_101_reach_nobody_when_it_is_denied(gate):
    with gate.http1() as connection:
        connection.send("GET", "/ws", [("host", "training.example.org"), ("origin", "https://evil.example"), *HTTP1_UPGRADE,
                                       *cookie("training", session("training"))], b"\x81\x85abcdhello" * 10)
        assert connection.answer().status == 403
    with gate.http2() as connection:
        number = connection.start([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/ws"),
                                   (":authority", "training.example.org")], [("origin", "https://evil.example")], end=False)
        connection.send_data(number, b"\x81\x85abcdhello" * 10)
        assert connection.answer(number).status == 403
    assert gate.upstream.received() == []


def test_pipelined_requests_are_judged_one_by_one(gate):
    with gate.http1() as connection:
        good = [("host", "training.example.org"), *cookie("training", session("training"))]
        for target, lines in (("/one", good), ("/two", good[:1]), ("/three", good)):
            connection.send("GET", target, lines)
        statuses = [connection.answer().status for _ in range(3)]
    # Envoy closes the connection under a request that was pipelined behind a local reply: 0 is fine, 200 would be, too.
    assert statuses[:2] == [200, 401] and statuses[2] in (0, 200)
    assert "/two" not in [recorded.target for recorded in gate.upstream.received()]
    with gate.http1() as connection:
        for target, lines, status in (("/four", good, 200), ("/five", good[:1], 401), ("/six", good, 200)):
            connection.send("GET", target, lines)
            assert connection.answer().status == status


@upgrade_ways
def test_rule_37_a_refused_upgrade_is_no_grpc_answer(gate, way):
    """Envoy answers gRPC's content type with 200 and a grpc-status: over HTTP/2 that would say the WebSocket is open."""
    answer = gate.ask(way, headers=[("content-type", "application/grpc")])
    assert answer.status == 401, answer.text
    assert gate.upstream.received() == []
