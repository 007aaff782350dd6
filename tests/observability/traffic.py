"""Requests of every kind that the dashboard and the alerts are about, over HTTP and WebSockets. Asserts each verdict."""

from __future__ import annotations

import time

from client import Http2
from sessions import KEY_RETIRED, KEY_UNKNOWN, session
from stage import WAYS, Live, Stage, cookie

CONNECT = {"path": "/.dashgate/connect", "method": "POST", "body": b"token=x", "origin": "null",
           "headers": [("content-type", "application/x-www-form-urlencoded")]}


def ordinary(stage: Stage) -> None:
    """What a good day holds: permits, a few refusals, answers of the gate's own, a session that ends under its stream."""
    for way in WAYS:
        stage.permits(way, headers=cookie("training", session("training")))
        stage.refuses(way, "session_missing", 401)
        stage.refuses(way, "dashboard_not_found", 404, host="unknown.example.org")
    stage.answers("http1", 200, path="/.dashgate/connect", origin=None)
    stage.answers("http1", 307, path="/a%2fb", headers=cookie("training", session("training")))     # Envoy's own
    with stage.open("upgrade2", "bounded", headers=cookie("bounded", session("bounded")), whole=False) as live:
        ended = live.seconds_until_closed(10)
    assert ended is not None and 0.5 < ended < 4, ended


def live_websockets(stage: Stage) -> list[Live]:
    return [stage.open(way, headers=cookie("training", session("training")), whole=False) for way in ("upgrade1", "upgrade2")]


def refused_often(stage: Stage, reason: str, count: int) -> None:
    """Many requests on one connection that the gate refuses for one reason."""
    credentials = {
        "signature_invalid": lambda: cookie("training", session("training", key=KEY_UNKNOWN)),
        "key_retired": lambda: cookie("training", session("training", key=KEY_RETIRED, key_id="retired")),
        "session_not_yet_valid": lambda: cookie("training", session("training", iat=int(time.time()) + 300)),
        "origin_not_allowed": lambda: [("origin", "https://evil.example")],
        "session_missing": list,
    }
    if reason == "connect_origin_null":
        for _ in range(count):
            stage.refuses("http1", reason, 403, **CONNECT)
        return
    with stage.http2() as connection:
        for _ in range(count):
            answer = get(connection, credentials[reason]())
            assert answer.value("x-dashgate-reason") == reason, answer


def redirected_by_envoy(stage: Stage, count: int) -> None:
    """Many requests on one connection that Envoy answers itself, before the gate."""
    with stage.http2() as connection:
        for _ in range(count):
            assert get(connection, [], "/a%2fb").status == 307


def get(connection: Http2, lines: list[tuple[str, str]], path: str = "/"):
    pseudo = [(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", "training.example.org")]
    return connection.answer(connection.start(pseudo, lines))
