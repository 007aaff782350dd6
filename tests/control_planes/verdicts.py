"""The verdicts that must be the same behind every control plane as in the shipped `envoy/edge.yaml`, each asked in all four ways."""

from __future__ import annotations

import time
from collections.abc import Callable

from sessions import bokeh_id, bokeh_token, session, tampered
from stage import Stage, bearer, cookie, is_upgrade

EVIL = "https://evil.example"


def expired() -> str:
    now = int(time.time())
    return session("training", iat=now - 900, exp=now - 60)


# What is refused: its name, the reason, the status of a plain request, and what differs from a good request.
REFUSALS: list[tuple[str, str, int, Callable[[], dict]]] = [
    ("no session", "session_missing", 401, lambda: {}),
    ("tampered", "signature_invalid", 401, lambda: {"headers": cookie("training", tampered(session("training")))}),
    ("expired", "session_expired", 401, lambda: {"headers": cookie("training", expired())}),
    ("another dashboard's session", "audience_not_allowed", 403, lambda: {"headers": cookie("training", session("other"))}),
    ("foreign origin", "origin_not_allowed", 403, lambda: {"headers": cookie("training", session("training")), "origin": EVIL}),
    ("two sessions", "credential_repeated", 403,
     lambda: {"headers": [("cookie", "; ".join(value for _, value in cookie("training", session("training")) * 2))]}),
    ("no such dashboard", "dashboard_not_found", 404, lambda: {"host": "unknown.example.org"}),
]


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


def refuses(stage: Stage, way: str, case: tuple) -> None:
    _, reason, status, differing = case
    covered(stage.refuses(way, reason, status, **differing()))


def ends_with_the_session(stage: Stage, way: str) -> None:
    """Rule 45: Envoy itself ends an upgraded stream, within two seconds."""
    end = int(time.time()) + 2
    with stage.open(way, "brief", "/ws", headers=cookie("brief", session("brief", exp=end)), whole=is_upgrade(way)) as live:
        assert live.answer.status in (101, 200), live.answer.text
        assert live.seconds_until_closed(6) is not None
        assert -0.3 <= time.time() - end <= 2
