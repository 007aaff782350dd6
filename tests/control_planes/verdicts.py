"""One table of requests and what becomes of them behind every control plane, and the few verdicts that take more than one request.

Decides nothing about single rules, which tests/e2e does: here it is about whether the same gate stands in the same place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pytest

from client import Answer
from sessions import KEY_UNKNOWN, bokeh_id, bokeh_token, session, tampered
from stage import KEY, Stage, bearer, cookie, is_upgrade, subprotocol
from upstream import Recorded

# Those that are asked here; a case of a dashboard that is not in the policy is not asked there.
DASHBOARDS = ("portal", "training", "other", "report", "partners", "embedded", "tools", "lenient", "brief", "first", "second", "hub")
PLAIN, UPGRADES = ("http1", "http2"), ("upgrade1", "upgrade2")


@dataclass
class Case:
    """One request and its verdict, in each of `ways`. The usual one is the dashboard's own page asked from its own origin."""

    name: str
    reason: str | None                      # None: let through, or answered by the gate without one
    status: int
    ask: Callable[[], dict]                 # what differs from the usual, made anew each time: sessions age
    dashboard: str = "training"
    ways: tuple[str, ...] = (*PLAIN, *UPGRADES)


def permit(name: str, ask: Callable[[], dict], **more: object) -> Case:
    return Case(name, None, 200, ask, **more)


def expired() -> str:
    now = int(time.time())
    return session("training", iat=now - 900, exp=now - 60)


CASES = [
    permit("a session in the cookie", lambda: {"headers": cookie("training", session("training"))}),
    permit("a session as bearer", lambda: {"headers": bearer(session("training"))}),
    permit("a session as subprotocol", lambda: {"headers": subprotocol(session("training"), "chat")}, ways=UPGRADES),
    permit("an open dashboard", dict, dashboard="portal"),
    permit("a public path", lambda: {"path": "/static/app.js", "origin": None}, dashboard="report", ways=PLAIN),
    permit("two sessions where both are demanded", lambda: {
        "headers": [*cookie("report", session("report")), ("bokeh-session-id", bokeh_id())]}, dashboard="report", ways=PLAIN),
    permit("an origin that is listed", lambda: {
        "origin": "https://x.lab.example.org", "headers": cookie("partners", session("partners"))}, dashboard="partners"),
    permit("an origin null where that is allowed", lambda: {
        "origin": "null", "headers": cookie("tools", session("tools"))}, dashboard="tools"),
    permit("no origin but a bearer where that is allowed", lambda: {
        "origin": None, "headers": bearer(session("tools"))}, dashboard="tools"),
    permit("a page that the portal embeds", lambda: {"headers": cookie("embedded", session("embedded"))}, dashboard="embedded"),
    permit("every identity header", lambda: {"headers": cookie("lenient", session("lenient"))}, dashboard="lenient"),
    permit("the session's own host", lambda: {
        "host": "ana.hub.example.org", "origin": "https://ana.hub.example.org",
        "headers": cookie("hub", session("hub", aud="https://{subject}.hub.example.org/"))}, dashboard="hub"),
    permit("one of two dashboards on a host", lambda: {
        "path": "/second/x", "headers": cookie("second", session("second"))}, dashboard="second"),
    permit("a client's own identity headers, which are taken out", lambda: {
        "headers": [*cookie("training", session("training")), ("x-dashgate-subject", "mallory"), ("X_Dashgate_Subject", "mallory"),
                    ("x-dashgate-dashboard", "portal"), ("grpc-timeout", "1n")]}),
    Case("no session", "session_missing", 401, lambda: {}),
    Case("a tampered session", "signature_invalid", 401, lambda: {"headers": cookie("training", tampered(session("training")))}),
    Case("a session of another key", "signature_invalid", 401, lambda: {
        "headers": cookie("training", session("training", key=KEY_UNKNOWN))}),
    Case("another dashboard's session", "audience_not_allowed", 403, lambda: {"headers": cookie("training", session("other"))}),
    Case("a session that is over", "session_expired", 401, lambda: {"headers": cookie("training", expired())}),
    Case("a session of another issuer", "issuer_not_allowed", 401, lambda: {
        "headers": cookie("training", session("training", iss="https://evil.example"))}),
    Case("one of two sessions", "session_missing", 401, lambda: {
        "headers": cookie("report", session("report"))}, dashboard="report"),
    Case("another subject's host", "subject_not_owner", 403, lambda: {
        "host": "eve.hub.example.org", "origin": "https://eve.hub.example.org",
        "headers": cookie("hub", session("hub", aud="https://{subject}.hub.example.org/"))}, dashboard="hub"),
    Case("a foreign origin", "origin_not_allowed", 403, lambda: {
        "origin": "https://evil.example", "headers": cookie("training", session("training"))}),
    Case("an origin null", "origin_null", 403, lambda: {"origin": "null", "headers": cookie("training", session("training"))}),
    Case("an upgrade without an origin", "origin_missing", 403, lambda: {
        "origin": None, "headers": cookie("training", session("training"))}, ways=UPGRADES),
    Case("two sessions in one line", "credential_repeated", 403, lambda: {
        "headers": [("cookie", "; ".join(value for _, value in cookie("training", session("training")) * 2))]}),
    Case("two sessions in two lines", "credential_repeated", 403, lambda: {
        "headers": [*cookie("training", session("training")), *cookie("training", session("training"))]}),
    Case("a forged preflight", None, 403, lambda: {
        "method": "OPTIONS", "origin": "https://evil.example", "headers": [("access-control-request-method", "GET")]}, ways=PLAIN),
    Case("a preflight of an origin that is listed", None, 204, lambda: {
        "method": "OPTIONS", "origin": "https://x.lab.example.org", "headers": [("access-control-request-method", "GET")]},
        dashboard="partners", ways=PLAIN),
    Case("a host of nobody", "dashboard_not_found", 404, lambda: {"host": "nobody.example.org"}),
    Case("a path of nobody", "dashboard_not_found", 404, lambda: {"path": "/third/"}, dashboard="first"),
]


def cases(dashboards: Collection[str]) -> list[tuple[str, Case]]:
    """Every case of these dashboards, in each of its ways."""
    return [(way, case) for case in CASES if case.dashboard in dashboards for way in case.ways]


def asked(dashboards: Collection[str]) -> pytest.MarkDecorator:
    """A test for each of them."""
    found = cases(dashboards)
    return pytest.mark.parametrize(("way", "case"), found, ids=[f"{way}-{case.name.replace(' ', '_')}" for way, case in found])


def judged(stage: Stage, way: str, case: Case) -> tuple[Answer, list[Recorded]]:
    """Asks, and asserts the verdict. Returns the answer, and what reached any dashboard."""
    before, asking = len(stage.upstream.received()), case.ask()
    if case.reason is not None:
        answer = stage.refuses(way, case.reason, case.status, case.dashboard, **asking)
    elif case.status != 200:
        answer = stage.answers(way, case.status, case.dashboard, **asking)
    else:
        answer = stage.ask(way, case.dashboard, **asking)
        assert answer.status == (101 if way == "upgrade1" else 200), (answer.headers, answer.text)
        assert [one.dashboard for one in stage.upstream.received()[before:]] == [case.dashboard]
    covered(answer)
    return answer, stage.upstream.received()[before:]


def covered(answer) -> None:
    """Rule 43: on every answer, whoever made it."""
    assert answer.value("strict-transport-security") == "max-age=63072000; includeSubDomains"
    assert answer.value("x-content-type-options") == "nosniff"


def permits_and_tells_the_upstream(stage: Stage, way: str) -> None:
    """A good request reaches its own backend with who it is, and without what it was let in with."""
    token = session("training")
    headers = [("cookie", "theme=dark"), *cookie("training", token), ("x-dashgate-subject", "mallory"), ("x_dashgate_subject", "eve"),
               ("x_other", "1"), ("grpc-timeout", "99999999H"), ("x-kept", "yes")]
    arrived = stage.permits(way, headers=headers)
    assert arrived.values("x-dashgate-subject") == ["ana"]
    assert arrived.values("cookie") == ["theme=dark"]
    assert arrived.values("host") == ["training.example.org"] and arrived.values("origin") == ["https://training.example.org"]
    assert arrived.values("x-kept") == ["yes"]
    assert arrived.values("grpc-timeout") == [] and arrived.values("x_dashgate_subject") == []
    assert arrived.values("x_other") == []      # rule 44: a backend may read it as x-other
    assert token.encode() not in arrived.everything()


def opens_a_tunnel(stage: Stage, way: str) -> None:
    with stage.open(way, path="/ws", headers=cookie("training", session("training"))) as live:
        assert live.answer.status == (101 if way == "upgrade1" else 200)
        covered(live.answer)
        assert live.exchange(b"through the gate") == b"through the gate"


def carries_each_credential(stage: Stage, way: str) -> None:
    stage.permits(way, headers=bearer(session("training")))
    bokeh = ("sec-websocket-protocol", f"bokeh, {bokeh_token()}") if is_upgrade(way) else ("bokeh-session-id", bokeh_id())
    stage.permits(way, "report", headers=[*cookie("report", session("report")), bokeh])
    stage.refuses(way, "session_missing", 401, "report", headers=cookie("report", session("report")))
    stage.permits(way, "portal")


def ends_with_the_session(stage: Stage, way: str) -> None:
    """Rule 45: Envoy itself ends an upgraded stream, within two seconds."""
    end = int(time.time()) + 2
    with stage.open(way, "brief", "/ws", headers=cookie("brief", session("brief", exp=end)), whole=is_upgrade(way)) as live:
        assert live.answer.status in (101, 200), live.answer.text
        assert live.seconds_until_closed(6) is not None
        assert -0.3 <= time.time() - end <= 2


# What differs from one answer to the next, or says who sent it. A WebSocket over HTTP/2 has no key of the client's: whoever makes
# one up for the dashboard, its answer to it is nobody's business.
VARYING = {"date", "server", "x-request-id", "content-length", "sec-websocket-accept"}


def same_for_clients(one: Answer, other: Answer) -> None:
    """Status, headers and body of two answers."""
    assert one.status == other.status
    assert shown(one) == shown(other)
    assert one.body == other.body


def shown(answer: Answer) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in answer.headers if name not in VARYING)


def same_for_dashboards(one: list[Recorded], other: list[Recorded]) -> None:
    """What arrived behind two edges: the request line, every header in order, the body."""
    assert [arrived(request) for request in one] == [arrived(request) for request in other]


def arrived(request: Recorded) -> tuple:
    varying = {"cookie", "authorization", "sec-websocket-protocol", "x-dashgate-session", "x-dashgate-expires",
               "bokeh-session-id"}
    made_up = {"sec-websocket-key"} if request.values("sec-websocket-key") != [KEY] else set()
    headers = [(name.lower(), "…" if name.lower() in varying else value) for name, value in request.without_envoys()
               if name.lower() not in made_up]
    return request.dashboard, request.start_line, headers, request.body
