"""Rules 27 to 29: what a backend receives. Everything the client sent, but credentials and what only the gate may say."""

import pytest

from sessions import bokeh_id, bokeh_token, session
from stage import HTTP1_UPGRADE, bearer, cookie, plain_ways, upgrade_ways, ways

SPOOFED = ["X-Dashgate-Subject", "x-dashgate-subject", "X-DASHGATE-SUBJECT", "x_dashgate_subject", "X-Dashgate_Session", "x_dashgate-expires",
           "x-dashgate", "x-dashgate-", "x-dashgateanything", "x-dashgate-dashboard", "X_DASHGATE_ANYTHING"]

ORDINARY = [
    ("user-agent", "Mozilla/5.0 (X11; Linux)"), ("accept", "text/html, */*;q=0.8"), ("x-empty", ""), ("x-twice", "one"), ("x-twice", "two"),
    ("x-odd", b"caf\xe9 \xff"), ("referer", "https://training.example.org/page?x=1"), ("sec-fetch-site", "same-origin"),
    ("x-spaces", "a  b\tc"), ("if-none-match", 'W/"x"'), ("x-quoted", '"a, b"; c=d'), ("dnt", "1"), ("x-dash-gate", "kept"),
]


def gateless(recorded):
    """What arrived, without what the gate adds for everybody."""
    return [(name, value) for name, value in recorded.without_envoys() if not name.startswith("x-dashgate")]


@ways
def test_rule_28_all_but_the_credential_goes_up_byte_for_byte_and_in_order(gate, way):
    token = session("training")
    arrived = gate.permits(way, path="/page?b=2&a=1&a=&%20=%2F", origin="https://training.example.org",
                           headers=[*ORDINARY, ("cookie", f"theme=dark; __Host-dashgate-training={token}; lang=en")])
    expected = [("host", "training.example.org")]
    expected += {"upgrade1": HTTP1_UPGRADE, "upgrade2": [("sec-websocket-version", "13")]}.get(way, [])
    expected += [("origin", "https://training.example.org")]
    expected += [(name, value.decode("latin-1") if isinstance(value, bytes) else value) for name, value in ORDINARY]
    expected += [("cookie", "theme=dark; lang=en")]
    if way == "upgrade2":
        expected += [("upgrade", "websocket"), ("connection", "upgrade")]
    got = gateless(arrived)
    if way == "upgrade2":       # HTTP/2 has no key, but backends of HTTP/1.1 insist on one: the routes add a fixed one
        assert [line for line in got if line[0] == "sec-websocket-key"] == [("sec-websocket-key", arrived.values("sec-websocket-key")[0])]
        got = [line for line in got if line[0] != "sec-websocket-key"]
    # A changed header may move; all others keep their order.
    assert [line for line in got if line[0] != "cookie"] == [line for line in expected if line[0] != "cookie"]
    assert [line for line in got if line[0] == "cookie"] == [("cookie", "theme=dark; lang=en")]
    assert arrived.start_line == b"GET /page?b=2&a=1&a=&%20=%2F HTTP/1.1"


@plain_ways
@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 300])
def test_rule_28_a_body_goes_up_as_it_is(gate, way, body):
    arrived = gate.permits(way, method="POST", body=body, headers=cookie("training", session("training")))
    assert arrived.body == body


@ways
@pytest.mark.parametrize("line,left", [
    ("a=1; __Host-dashgate-training={0}; b=2", "a=1; b=2"), ("__Host-dashgate-training={0}; b=2", "b=2"),
    ("a=1; __Host-dashgate-training={0}", "a=1"), ("a=1;b=2;  c=3;__Host-dashgate-training={0}", "a=1;b=2;  c=3"),
    ('q="x y"; e=; __Host-dashgate-training={0}; =v; n', 'q="x y"; e=; =v; n'),
])
def test_rule_28_the_other_cookies_stay_in_order(gate, way, line, left):
    arrived = gate.permits(way, headers=[("cookie", line.format(session("training")))])
    if way in ("http1", "upgrade1"):
        assert arrived.values("cookie") == [left]
    else:
        assert [value.replace("; ", ";").replace("  ", " ") for value in arrived.values("cookie")] == [left.replace("; ", ";").replace("  ", " ")]


@ways
def test_rule_28_no_cookie_header_is_left_when_nothing_is(gate, way):
    assert gate.permits(way, headers=cookie("training", session("training"))).values("cookie") == []


@ways
@pytest.mark.parametrize("dashboard", ["training", "portal"])
def test_rule_28_no_credential_of_any_dashboard_goes_up(gate, way, dashboard):
    """A replayable token of `other` handed to training's owner would be a session there."""
    foreign, identity = session("other"), bokeh_id()
    own = f"__Host-dashgate-{dashboard}={session(dashboard)}"
    lines = [("cookie", f"a=1; __Host-dashgate-other={foreign}; {own}; __Host-dashgate-report={session('report')}; z=9"),
             ("bokeh-session-id", identity)]
    arrived = gate.permits(way, dashboard, f"/p?x=1&bokeh-session-id={identity}&y=2&bokeh-token={bokeh_token(identity)}&z", headers=lines)
    assert arrived.values("cookie") == ["a=1; z=9"]
    assert arrived.values("bokeh-session-id") == []
    assert arrived.target == "/p?x=1&y=2&z"
    everything = arrived.everything().decode("latin-1")
    assert foreign not in everything and identity not in everything


@ways
def test_rule_28_an_unused_bearer_is_removed_too(gate, way):
    arrived = gate.permits(way, "portal", headers=bearer(session("other")))
    assert arrived.values("authorization") == []
    arrived = gate.permits(way, "portal", headers=bearer("not-even-a-token"))
    assert arrived.values("authorization") == []


@upgrade_ways
def test_rule_28_an_unused_subprotocol_credential_is_removed_too(gate, way):
    token = session("other")
    arrived = gate.permits(way, "portal", headers=[("sec-websocket-protocol", f"chat, dashgate, {token}")])
    assert arrived.values("sec-websocket-protocol") == ["chat"]
    arrived = gate.permits(way, headers=[*cookie("training", session("training")), ("sec-websocket-protocol", f"bokeh, {bokeh_token()}")])
    assert "." not in "".join(arrived.values("sec-websocket-protocol"))


@plain_ways
def test_rule_28_keep_lets_that_kind_up_and_no_other(gate, way):
    identity, token = bokeh_id(), session("report")
    arrived = gate.permits(way, "report", f"/app?bokeh-session-id={identity}&x=1", headers=cookie("report", token))
    assert arrived.target == f"/app?bokeh-session-id={identity}&x=1"
    assert token not in arrived.everything().decode("latin-1")


@upgrade_ways
def test_rule_28_keep_lets_that_kinds_subprotocol_up_and_no_other(gate, way):
    bokehs, token = bokeh_token(), session("report")
    arrived = gate.permits(way, "report", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {bokehs}"), *cookie("report", token)])
    assert arrived.values("sec-websocket-protocol") == [f"bokeh, {bokehs}"]
    assert token not in arrived.everything().decode("latin-1")


@ways
def test_rule_28_query_parameters_that_are_no_credentials_stay(gate, way):
    path = "/p?token=abc&session=1&bokeh-session-identity=x&xbokeh-session-id=y&&=&a=b=c&%zz#".rstrip("#")
    assert gate.permits(way, path=path, headers=cookie("training", session("training"))).target == path


@ways
@pytest.mark.parametrize("name", SPOOFED)
@pytest.mark.parametrize("dashboard", ["training", "other", "portal"])
def test_rule_27_no_client_can_state_an_identity(gate, way, name, dashboard):
    arrived = gate.permits(way, dashboard, headers=[(name, "root"), *cookie(dashboard, session(dashboard))])
    stated = [(found, value) for found, value in arrived.without_envoys() if found.replace("_", "-").startswith("x-dashgate")]
    assert stated == ([("x-dashgate-subject", "ana")] if dashboard == "training" else [])


@ways
def test_rule_27_a_spoofed_identity_is_removed_when_it_comes_many_times(gate, way):
    lines = [("x-dashgate-subject", "root"), ("X-Dashgate-Subject", "admin"), ("x-dashgate-session", "1"), ("x-dashgate-session", "2")]
    arrived = gate.permits(way, headers=[*lines, *cookie("training", session("training")), *lines])
    assert arrived.values("x-dashgate-subject") == ["ana"]
    assert arrived.values("x-dashgate-session") == []


@ways
def test_rule_27_connection_cannot_take_the_identity_away(gate, way):
    """CVE-2024-45410: a header named in Connection is hop-by-hop, so a proxy may drop what the gate has set."""
    if way in ("http2", "upgrade2"):
        answer = gate.ask(way, headers=[("connection", "x-dashgate-subject"), *cookie("training", session("training"))])
        assert answer.status in (0, 400)    # HTTP/2 has no Connection at all
        return
    line = ("connection", "Upgrade, x-dashgate-subject" if way == "upgrade1" else "keep-alive, x-dashgate-subject")
    answer = gate.ask(way, headers=[line, *cookie("training", session("training"))])
    for arrived in gate.upstream.received():
        assert arrived.values("x-dashgate-subject") == ["ana"]
    assert answer.status in (101, 200, 400, 403)


@ways
def test_rule_27_the_listed_identity_headers_are_set(gate, way):
    arrived = gate.permits(way, "lenient", headers=cookie("lenient", session("lenient")))
    assert arrived.values("x-dashgate-subject") == ["ana"]
    assert arrived.values("x-dashgate-dashboard") == ["lenient"]
    assert len(arrived.values("x-dashgate-session")[0]) == 16 and int(arrived.values("x-dashgate-session")[0], 16) >= 0
    assert int(arrived.values("x-dashgate-expires")[0]) > 0
    assert [name for name in gate.permits(way, "other", headers=cookie("other", session("other"))).names() if name.startswith("x-dashgate")] == []


@ways
@pytest.mark.parametrize("subject,stated", [
    ("ana@example.org", "ana@example.org"), ("a b", "a%20b"), ("a,b", "a%2Cb"), ("100%", "100%25"), ("\u00e9\u20ac", "%C3%A9%E2%82%AC"),
    ("root%0d%0ax: y", "root%250d%250ax:%20y"), ('"q"\\', '"q"\\'),
])
def test_rule_27_a_subject_is_percent_encoded(gate, way, subject, stated):
    arrived = gate.permits(way, headers=cookie("training", session("training", sub=subject)))
    assert arrived.values("x-dashgate-subject") == [stated]


@ways
def test_rule_27_a_subject_cannot_add_a_header(gate, way):
    for subject in ("ana\r\nx-admin: 1", "ana\nx", "ana\u0000", "ana\u0085", "\u007f"):
        answer = gate.ask(way, headers=cookie("training", session("training", sub=subject)))
        assert answer.status in (101, 200, 401)
    for arrived in gate.upstream.received():
        assert arrived.values("x-admin") == []
        assert arrived.values("x-dashgate-subject")[0].isascii()


@plain_ways
def test_rule_29_grpc_timeout_goes_up_nowhere_but_to_grpc(gate, way):
    for value in ("5S", "1n", "0m", "-1S", "99999999H", "x", ""):
        arrived = gate.permits(way, headers=[("grpc-timeout", value), *cookie("training", session("training"))])
        assert arrived.values("grpc-timeout") == []
        assert gate.permits(way, "portal", headers=[("grpc-timeout", value)]).values("grpc-timeout") == []
