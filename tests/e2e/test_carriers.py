"""Rules 10 to 13: where a session is looked for, and the shapes in which it is refused."""

import pytest

from sessions import bokeh_id, bokeh_token, session
from stage import bearer, cookie, plain_ways, subprotocol, upgrade_ways, ways
from upstream import Script


@ways
def test_rule_10_permits_a_session_by_cookie(gate, way):
    arrived = gate.permits(way, headers=cookie("training", session("training")))
    assert arrived.values("x-dashgate-subject") == ["ana"]


@ways
def test_rule_10_permits_a_session_by_bearer(gate, way):
    for scheme in ("Bearer", "bearer", "BEARER"):
        arrived = gate.permits(way, headers=[("authorization", f"{scheme} {session('training')}")])
        assert (arrived.values("x-dashgate-subject"), arrived.values("authorization")) == (["ana"], [])


@upgrade_ways
@pytest.mark.parametrize("others", [[], ["chat"], ["chat", "superchat"]])
def test_rule_10_permits_a_session_by_subprotocol_and_takes_it_out(gate, way, others):
    arrived = gate.permits(way, headers=subprotocol(session("training"), *others))
    assert arrived.values("sec-websocket-protocol") == ([", ".join(others)] if others else [])


@ways
def test_rule_10_only_the_carriers_of_the_session_kind_are_read(gate, way):
    """`bounded` takes cookies only."""
    gate.permits(way, "bounded", headers=cookie("bounded", session("bounded")))
    gate.refuses(way, "session_missing", 401, "bounded", headers=bearer(session("bounded")))
    gate.refuses(way, "session_missing", 401, headers=cookie("other", session("training")))


@ways
@pytest.mark.parametrize("name", ["token", "access_token", "session", "jwt", "bearer", "dashgate", "__Host-dashgate-training",
                                  "bokeh-session-id", "bokeh-token"])
def test_rule_10_no_jwt_is_read_from_a_query(gate, way, name):
    gate.refuses(way, "session_missing", 401, path=f"/?{name}={session('training')}")


@ways
@pytest.mark.parametrize("name", ["__host-dashgate-training", "__Host-Dashgate-training", "__Host-dashgate-training ",
                                  "%5F_Host-dashgate-training", "dashgate-training", "__Secure-dashgate-training",
                                  "__Host-dashgate-trainin", "__Host-dashgate-trainings", "x__Host-dashgate-training"])
def test_rule_11_cookie_names_compare_exactly(gate, way, name):
    gate.answers(way, {401, 403}, headers=[("cookie", f"{name}={session('training')}")])


@ways
def test_rule_11_refuses_the_cookie_twice(gate, way):
    good, other = session("training"), session("training", sub="bob")
    for pair in ((good, other), (good, good), (good, ""), ("", good), (good, "x")):
        line = "; ".join(f"__Host-dashgate-training={token}" for token in pair)
        gate.refuses(way, "credential_repeated", 403, headers=[("cookie", line)])
        lines = [("cookie", f"__Host-dashgate-training={token}") for token in pair]
        gate.refuses(way, "credential_repeated", 403, headers=lines)
        gate.refuses(way, "credential_repeated", 403, headers=[lines[0], ("cookie", "theme=dark"), lines[1]])


@ways
def test_rule_11_finds_the_cookie_in_any_of_several_lines(gate, way):
    lines = [("cookie", "theme=dark"), ("cookie", f"lang=en; __Host-dashgate-training={session('training')}"), ("cookie", "z=1")]
    gate.permits(way, headers=lines)


@ways
def test_rule_11_refuses_two_bearers(gate, way):
    """Envoy joins two Authorization lines with a comma; either way it is no single token."""
    token = session("training")
    gate.answers(way, {401, 403}, headers=[*bearer(token), *bearer(token)])
    gate.answers(way, {401, 403}, headers=[*bearer(token), ("authorization", "Basic YTpi")])
    gate.answers(way, {401, 403}, headers=[("authorization", "Basic YTpi"), *bearer(token)])
    for line in (f"Bearer {token},{token}", f"Bearer {token} {token}", token, f"Token {token}",
                 f"Bearer={token}", f"Bearer,{token}"):
        gate.answers(way, {401, 403}, headers=[("authorization", line)])


@upgrade_ways
def test_rule_11_refuses_two_credentials_in_the_subprotocols(gate, way):
    token = session("training")
    for line in (f"dashgate, {token}, dashgate, {token}", f"dashgate, {token}, dashgate"):
        gate.answers(way, {401, 403}, headers=[("sec-websocket-protocol", line)])
    gate.answers(way, {401, 403}, headers=[*subprotocol(token), *subprotocol(token)])
    for line in ("dashgate", "dashgate,", "dashgate, ", f"DASHGATE, {token}", f"Dashgate, {token}", f"{token}, dashgate"):
        gate.answers(way, {401, 403}, headers=[("sec-websocket-protocol", line)])


@ways
def test_rule_11_refuses_two_different_credentials_for_one_session_kind(gate, way):
    ana, bob = session("training"), session("training", sub="bob")
    gate.refuses(way, "credential_conflict", 403, headers=[*cookie("training", ana), *bearer(bob)])
    gate.permits(way, headers=[*cookie("training", ana), *bearer(ana)])


@ways
@pytest.mark.parametrize("odd", [b"\x80", b"\xff", "\u00a0".encode("latin-1"), b"\x85", b"\xe2\x82\xac", b"\x7f", b"\x1f", b"\t", b"\x01"])
def test_rule_11_refuses_cookie_bytes_that_parsers_read_differently(gate, way, odd):
    token = session("training").encode()
    for line in (b"theme=" + odd + b"; __Host-dashgate-training=" + token, b"a=1;" + odd + b"__Host-dashgate-training=" + token,
                 b"__Host-dashgate-training=" + token + odd + b"; a=1"):
        answer = gate.answers(way, {0, 400, 401, 403}, headers=[("cookie", line)])
        if odd[0] >= 0x80:
            assert answer.value("x-dashgate-reason") == "cookie_invalid"


@ways
def test_rule_12_caps_each_carrier(gate, way):
    long_cookie, long_bearer = session("training", pad="x" * 4200), session("training", pad="x" * 7000)
    assert 4096 < len(long_cookie) < 8192 and len(long_bearer) > 8192
    gate.refuses(way, "credential_too_long", 401, headers=cookie("training", long_cookie))
    gate.permits(way, headers=bearer(long_cookie))
    gate.refuses(way, "credential_too_long", 401, headers=bearer(long_bearer))
    fitting = session("training", pad="x" * 2600)
    assert 3500 < len(fitting) <= 4096
    gate.permits(way, headers=cookie("training", fitting))


@upgrade_ways
def test_rule_12_takes_a_bokeh_token_of_24_kib_and_no_longer_one(gate, way):
    small, large = bokeh_token(extra={"cookies": "x"}), None
    import random
    letters = random.Random(7)
    for size in (11000, 23000):
        noise = "".join(letters.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(size))
        large = bokeh_token(extra={"cookies": noise})
        assert (len(large) > 24 * 1024) == (size == 23000), len(large)
        if size == 11000:
            gate.permits(way, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {large}")])
    gate.permits(way, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {small}")])
    gate.refuses(way, "credential_too_long", 401, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {large}")])


@plain_ways
def test_rule_10_permits_a_bokeh_id_in_its_query_parameter_and_in_its_header(gate, way):
    identity = bokeh_id()
    gate.permits(way, "bokeh", f"/app?bokeh-session-id={identity}&x=1")
    gate.permits(way, "bokeh", "/app", headers=[("bokeh-session-id", identity)])
    gate.permits(way, "bokeh", f"/app?bokeh-token={bokeh_token(identity)}")


@upgrade_ways
def test_rule_10_an_upgrade_needs_the_token_though_the_pages_query_comes_along(gate, way):
    """BokehJS appends the page's query to the WebSocket's address, and Bokeh reads none of it there."""
    identity = bokeh_id()
    gate.refuses(way, "session_missing", 401, "bokeh", f"/app/ws?bokeh-session-id={identity}")
    gate.answers(way, {401, 403}, "bokeh", "/app/ws", headers=[("bokeh-session-id", identity)])
    gate.permits(way, "bokeh", f"/app/ws?bokeh-session-id={identity}", headers=[("sec-websocket-protocol", f"bokeh, {bokeh_token(identity)}")])


@upgrade_ways
def test_rule_10_permits_a_bokeh_token_as_the_second_subprotocol(gate, way):
    token = bokeh_token()
    gate.upstream.script("/app/ws", Script(headers=[("sec-websocket-protocol", "bokeh")]))
    arrived = gate.permits(way, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {token}")])
    assert arrived.values("sec-websocket-protocol") == [f"bokeh, {token}"]
    for line in (f"{token}, bokeh", f"BOKEH, {token}", f"bokeh, {token}, chat", f"bokeh, {token}, {token}", f"chat, bokeh, {token}"):
        gate.answers(way, {401, 403}, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", line)])


@plain_ways
def test_rule_11_refuses_a_bokeh_id_twice_and_beside_another(gate, way):
    first, second = bokeh_id(), bokeh_id()
    for query in (f"bokeh-session-id={first}&bokeh-session-id={first}", f"bokeh-session-id={first}&bokeh-session-id={second}",
                  f"bokeh-session-id={first}&bokeh-session-id="):
        gate.refuses(way, "credential_repeated", 403, "bokeh", f"/app?{query}")
    gate.answers(way, {403}, "bokeh", f"/app?bokeh-session-id={first}", headers=[("bokeh-session-id", second)])
    gate.answers(way, {403}, "bokeh", "/app", headers=[("bokeh-session-id", first), ("bokeh-session-id", second)])
    gate.answers(way, {403}, "bokeh", f"/app?bokeh-session-id={first}&bokeh-token={bokeh_token(second)}")


@ways
@pytest.mark.parametrize("query", [
    "bokeh%2Dsession%2Did={0}", "%62okeh-session-id={0}", "bokeh-session-id={0}&bokeh%2dsession-id={1}",
    "Bokeh-Session-Id={0}", "BOKEH-SESSION-ID={0}", "x=1;bokeh-session-id={0}", "+bokeh-session-id={0}", "bokeh-session-id=%20{0}",
    "bokeh-session-id={0}%0a", "bokeh-session-id+={0}", "%20bokeh-session-id={0}", "bokeh-session-id={0}+", "bokeh%2Dtoken={0}",
])
def test_rule_11_refuses_a_disguised_bokeh_parameter(gate, way, query):
    gate.answers(way, {401, 403}, "bokeh", "/app?" + query.format(bokeh_id(), bokeh_id()))


@plain_ways
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_rule_11_refuses_a_body_where_bokeh_would_read_an_id_from_it(gate, way, method):
    path = f"/app?bokeh-session-id={bokeh_id()}"
    body = f"bokeh-session-id={bokeh_id()}".encode()
    headers = [("content-type", "application/x-www-form-urlencoded")]
    gate.refuses(way, "body_not_allowed", 403, "bokeh", path, method=method, body=body, headers=headers)


def test_rule_11_refuses_such_a_body_in_chunks_too(gate):
    with gate.http1() as connection:
        connection.send("GET", f"/app?bokeh-session-id={bokeh_id()}", [("host", "bokeh.example.org"), ("transfer-encoding", "chunked")],
                        b"5\r\nhello\r\n0\r\n\r\n")
        assert connection.answer().status == 403
    with gate.http2() as connection:
        number = connection.start([(":method", "GET"), (":scheme", "https"), (":authority", "bokeh.example.org"),
                                   (":path", f"/app?bokeh-session-id={bokeh_id()}")], [], end=False)
        connection.send_data(number, b"bokeh-session-id=x", end=True)
        assert connection.answer(number).status == 403
    assert gate.upstream.received() == []


@ways
@pytest.mark.parametrize("dashboard", ["training", "portal"])
def test_rule_28_a_bearer_behind_another_authorization_does_not_go_up(gate, way, dashboard):
    """Envoy joins the two lines, so that the bearer is the second item of what begins as another scheme."""
    token = session("training")
    headers = [*cookie("training", token), ("authorization", "Basic YTpi"), *bearer(token)]
    gate.refuses(way, "credential_repeated", 403, dashboard, headers=headers)
