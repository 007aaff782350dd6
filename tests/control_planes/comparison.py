"""One table of requests and what becomes of them: every control plane must answer as `envoy/edge.yaml` does, on every way in.

Decides nothing about single rules, which tests/e2e does: here it is about whether the same gate stands in the same place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from client import Answer
from policy import only
from sessions import KEY_UNKNOWN, bokeh_id, session, tampered
from stage import KEY, Stage, bearer, cookie, is_upgrade, subprotocol
from upstream import Recorded

DASHBOARDS = ["portal", "training", "other", "report", "partners", "embedded", "tools", "lenient", "brief", "first", "second", "hub"]

# What differs from one answer to the next, or says who sent it. A WebSocket over HTTP/2 has no key of the client's: whoever makes
# one up for the dashboard, its answer to it is nobody's business.
VARYING = {"date", "server", "x-request-id", "content-length", "sec-websocket-accept"}


def policy(**changes: object) -> dict:
    return only(*DASHBOARDS, **changes)


PLAIN, UPGRADES = ("http1", "http2"), ("upgrade1", "upgrade2")


@dataclass
class Case:
    """One request. `reason` None: it must reach its dashboard."""

    name: str
    reason: str | None
    status: int
    ask: Callable[[], dict]                 # made anew each time: sessions age
    ways: tuple[str, ...] = ("http1", "http2", "upgrade1", "upgrade2")


def permit(name: str, ask: Callable[[], dict], **more: object) -> Case:
    return Case(name, None, 200, ask, **more)


CASES = [
    permit("a session in the cookie", lambda: {"headers": cookie("training", session("training"))}),
    permit("a session as bearer", lambda: {"headers": bearer(session("training"))}),
    permit("a session as subprotocol", lambda: {"headers": subprotocol(session("training"), "chat")}, ways=UPGRADES),
    permit("an open dashboard", lambda: {"dashboard": "portal"}),
    permit("a public path", lambda: {"dashboard": "report", "path": "/static/app.js", "origin": None}, ways=PLAIN),
    permit("two sessions where both are demanded", lambda: {
        "dashboard": "report", "headers": [*cookie("report", session("report")), ("bokeh-session-id", bokeh_id())]}, ways=PLAIN),
    permit("an origin that is listed", lambda: {"dashboard": "partners", "origin": "https://x.lab.example.org",
                                                "headers": cookie("partners", session("partners"))}),
    permit("every identity header", lambda: {"dashboard": "lenient", "headers": cookie("lenient", session("lenient"))}),
    permit("the session's own host", lambda: {"dashboard": "hub", "host": "ana.hub.example.org",
                                              "origin": "https://ana.hub.example.org",
                                              "headers": cookie("hub", session("hub", aud="https://{subject}.hub.example.org/"))}),
    permit("one of two dashboards on a host", lambda: {"dashboard": "second", "path": "/second/x",
                                                       "headers": cookie("second", session("second"))}),
    permit("a client's own identity headers, which are taken out", lambda: {
        "headers": [*cookie("training", session("training")), ("x-dashgate-subject", "mallory"), ("X_Dashgate_Subject", "mallory"),
                    ("x-dashgate-dashboard", "portal"), ("grpc-timeout", "1n")]}),
    Case("no session", "session_missing", 401, lambda: {}),
    Case("a tampered session", "signature_invalid", 401, lambda: {"headers": cookie("training", tampered(session("training")))}),
    Case("a session of another key", "signature_invalid", 401, lambda: {
        "headers": cookie("training", session("training", key=KEY_UNKNOWN))}),
    Case("another dashboard's session", "audience_not_allowed", 403, lambda: {"headers": cookie("training", session("other"))}),
    Case("a session that is over", "session_expired", 401, lambda: {
        "headers": cookie("training", session("training", iat=int(time.time()) - 900, exp=int(time.time()) - 300))}),
    Case("a session of another issuer", "issuer_not_allowed", 401, lambda: {
        "headers": cookie("training", session("training", iss="https://evil.example"))}),
    Case("one of two sessions", "session_missing", 401, lambda: {"dashboard": "report",
                                                                 "headers": cookie("report", session("report"))}),
    Case("another subject's host", "subject_not_owner", 403, lambda: {
        "dashboard": "hub", "host": "eve.hub.example.org", "origin": "https://eve.hub.example.org",
        "headers": cookie("hub", session("hub", aud="https://{subject}.hub.example.org/"))}),
    Case("a foreign origin", "origin_not_allowed", 403, lambda: {
        "origin": "https://evil.example", "headers": cookie("training", session("training"))}),
    Case("an origin null", "origin_null", 403, lambda: {"origin": "null", "headers": cookie("training", session("training"))}),
    Case("an upgrade without an origin", "origin_missing", 403, lambda: {
        "origin": None, "headers": cookie("training", session("training"))}, ways=UPGRADES),
    Case("two sessions in one place", "credential_repeated", 403, lambda: {
        "headers": [*cookie("training", session("training")), *cookie("training", session("training"))]}),
    Case("a forged preflight", None, 403, lambda: {
        "method": "OPTIONS", "origin": "https://evil.example", "headers": [("access-control-request-method", "GET")]}, ways=PLAIN),
    Case("a host of nobody", "dashboard_not_found", 404, lambda: {"host": "nobody.example.org"}),
    Case("a path of nobody", "dashboard_not_found", 404, lambda: {"dashboard": "first", "path": "/third/"}),
]


def outcome(stage: Stage, way: str, case: Case) -> tuple[Answer, list[Recorded]]:
    """The answer, and what reached any dashboard."""
    before = len(stage.upstream.received())
    answer = stage.ask(way, **case.ask())
    return answer, stage.upstream.received()[before:]


def status_of(way: str, case: Case) -> int:
    if case.reason is None and case.status == 200:
        return 101 if way == "upgrade1" else 200
    if case.reason is not None and is_upgrade(way) and case.status != 401:
        return 403
    return case.status


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
