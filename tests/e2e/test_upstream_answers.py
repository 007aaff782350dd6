"""Rules 8, 9, 13, 38 and 43: what a backend's answer may say to the browser."""

import pytest

from policy import path_of
from sessions import session
from stage import cookie, is_upgrade, plain_ways, upgrade_ways, ways
from upstream import Script

REMOVED = ["Service-Worker-Allowed", "Clear-Site-Data", "NEL", "Report-To", "Reporting-Endpoints", "X-Dashgate-Subject",
           "x-dashgate-reason", "X-Dashgate-Anything"]


def ask_with(gate, way, dashboard, headers, path="/answer", **options):
    """One permitted request to a backend that answers with these headers."""
    path = path_of(dashboard).rstrip("/") + path
    gate.upstream.script(path, Script(headers=headers))
    answer = gate.ask(way, dashboard, path, headers=cookie(dashboard, session(dashboard)), **options)
    assert answer.status == (101 if way == "upgrade1" else 200)
    return answer


@ways
@pytest.mark.parametrize("dashboard", ["training", "portal", "second"])
def test_rule_9_headers_with_power_over_the_whole_host_are_removed(gate, way, dashboard):
    answer = ask_with(gate, way, dashboard, [(name, "/") for name in REMOVED] + [("x-kept", "yes")])
    assert answer.value("x-kept") == "yes"
    for name in REMOVED:
        assert answer.values(name) == [], name


def test_rule_9_they_are_removed_from_public_answers_too(gate):
    gate.upstream.script("/static/worker.js", Script(headers=[("Service-Worker-Allowed", "/"), ("X-Dashgate-Reason", "forged")]))
    answer = gate.ask("http1", "report", "/static/worker.js", origin=None)
    assert (answer.status, answer.values("service-worker-allowed"), answer.values("x-dashgate-reason")) == (200, [], [])


@ways
def test_rule_9_a_dashboard_of_a_shared_host_sets_no_cookie_of_dashgate(gate, way):
    stolen = [f"__Host-dashgate-{name}=forged; Path=/; Secure" for name in ("first", "second", "inner")]
    kept = ["theme=dark; Path=/first", "  lang=en ; Max-Age=9", "dashgate-first=x", "x=__Host-dashgate-first=1; Path=/"]
    lines = [("Set-Cookie", kept[0]), ("Set-Cookie", stolen[0]), ("set-cookie", kept[1]), ("Set-Cookie", stolen[1]),
             ("Set-Cookie", kept[2]), ("SET-COOKIE", stolen[2]), ("Set-Cookie", kept[3])]
    answer = ask_with(gate, way, "first", lines)
    assert answer.values("set-cookie") == [line.strip() for line in kept]


@ways
@pytest.mark.parametrize("line", [" __Host-dashgate-second=x; Path=/", "__host-dashgate-second=x; Path=/; Secure",
                                  "__Host-dashgate-second =x; Path=/; Secure", "__Host-dashgate-second", "=__Host-dashgate-second=x",
                                  "\t__Host-dashgate-second=x; Path=/"])
def test_rule_9_no_spelling_of_such_a_cookie_gets_through(gate, way, line):
    """Browsers trim names, and one without a name is sent back as the bare value."""
    assert ask_with(gate, way, "first", [("set-cookie", line)]).values("set-cookie") == []


@ways
def test_rule_9_set_cookie_lines_stay_as_they_are_elsewhere(gate, way):
    lines = ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT; HttpOnly", "a=3; Path=/x"]
    assert ask_with(gate, way, "training", [("set-cookie", line) for line in lines]).values("set-cookie") == lines


@plain_ways
def test_rule_38_a_permitted_answer_is_not_stored_unless_the_backend_says_so(gate, way):
    assert ask_with(gate, way, "training", []).value("cache-control") == "private, no-store"
    assert ask_with(gate, way, "training", [("Cache-Control", "max-age=60")]).values("cache-control") == ["max-age=60"]
    gate.upstream.script("/static/plain.js", Script())
    assert gate.ask(way, "report", "/static/plain.js", origin=None).values("cache-control") == []


@ways
def test_rule_43_every_permitted_answer_has_hsts_and_nosniff_once(gate, way):
    answer = ask_with(gate, way, "training", [("Strict-Transport-Security", "max-age=0"), ("X-Content-Type-Options", "sniff")])
    assert answer.values("strict-transport-security") == ["max-age=63072000; includeSubDomains"]
    assert answer.values("x-content-type-options") == ["nosniff"]


@plain_ways
def test_rule_43_a_dashboard_may_be_framed_by_itself_only(gate, way):
    own = [("Content-Security-Policy", "default-src 'self'; frame-ancestors *"), ("X-Frame-Options", "ALLOWALL")]
    answer = ask_with(gate, way, "training", own)
    assert answer.values("content-security-policy") == ["default-src 'self'; frame-ancestors *", "frame-ancestors 'self'"]
    assert answer.values("x-frame-options") == ["SAMEORIGIN"]
    bare = ask_with(gate, way, "training", [])
    assert bare.values("content-security-policy") == ["frame-ancestors 'self'"]
    assert bare.values("x-frame-options") == ["SAMEORIGIN"]
    assert bare.values("referrer-policy") == []


@plain_ways
def test_rule_43_embed_from_opens_frames_to_those_origins(gate, way):
    answer = ask_with(gate, way, "embedded", [("Content-Security-Policy", "default-src 'self'"), ("X-Frame-Options", "DENY")])
    assert answer.values("content-security-policy") == ["default-src 'self'", "frame-ancestors 'self' https://portal.example.org"]
    assert answer.values("x-frame-options") == []


@upgrade_ways
def test_rule_13_the_marker_is_answered_when_the_backend_selects_nothing(gate, way):
    token = session("training")
    offered = [("sec-websocket-protocol", f"dashgate, {token}")]
    answer = gate.ask(way, path="/ws", headers=offered)
    assert (answer.status, answer.values("sec-websocket-protocol")) == (101 if way == "upgrade1" else 200, ["dashgate"])
    gate.upstream.script("/chosen", Script(headers=[("Sec-WebSocket-Protocol", "chat")]))
    both = [("sec-websocket-protocol", f"chat, dashgate, {token}, superchat")]
    answer = gate.ask(way, path="/chosen", headers=both)
    assert answer.values("sec-websocket-protocol") == ["chat"]
    # A session by cookie: the client never offered the marker, so it must not be answered.
    assert gate.ask(way, path="/ws", headers=cookie("training", token)).values("sec-websocket-protocol") == []


@upgrade_ways
@pytest.mark.parametrize("status", [200, 204, 302, 403, 500])
def test_an_upgrade_the_backend_declines_opens_no_tunnel(gate, way, status):
    """CVE-2024-23326 and CVE-2026-118264: after anything but a 101 the connection speaks HTTP, and is judged again."""
    gate.upstream.script("/declined", Script(status=status, accept_upgrade=False, body=b""))
    with gate.open(way, path="/declined", headers=cookie("training", session("training")), whole=False) as live:
        first = live.answer
        assert is_upgrade(way) and first.status != 101
        if way == "upgrade1":
            live.connection.send("GET", "/second", [("host", "training.example.org")])
            second = live.connection.answer()
            assert second.status in (0, 401)
    assert [recorded.target for recorded in gate.upstream.received()] == ["/declined"]
    assert gate.upstream.received()[0].tunnel == b""
