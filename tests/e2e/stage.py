"""An Envoy with a recording upstream behind it, asked in four ways; each ask returns the answer and asserts the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from client import Answer, Http1, Http2, Lines
from edge import Edge
from policy import host_of, origin_of, path_of
from upstream import Recorded, Upstream

# Plain requests and upgrades, over both protocols: every verdict must be the same in all of them.
WAYS = ["http1", "http2", "upgrade1", "upgrade2"]
ways = pytest.mark.parametrize("way", WAYS)
plain_ways = pytest.mark.parametrize("way", ["http1", "http2"])
upgrade_ways = pytest.mark.parametrize("way", ["upgrade1", "upgrade2"])

OWN = "the dashboard's own origin"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HTTP1_UPGRADE: Lines = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
                        ("sec-websocket-key", KEY)]
HTTP2_UPGRADE: Lines = [("sec-websocket-version", "13")]

Credential = list[tuple[str, str]]


def cookie(dashboard: str, token: str) -> Credential:
    return [("cookie", f"__Host-dashgate-{dashboard}={token}")]


def bearer(token: str) -> Credential:
    return [("authorization", f"Bearer {token}")]


def subprotocol(token: str, *others: str) -> Credential:
    return [("sec-websocket-protocol", ", ".join(["dashgate", token, *others]))]


def is_upgrade(way: str) -> bool:
    return way.startswith("upgrade")


def described(answer: Answer) -> str:
    reached = answer.values("x-upstream")
    return f"{answer.status} {answer.values('x-dashgate-reason')} reached {reached} {answer.text[:80]}"


class Live:
    """A stream that a permit opened and that has not ended: a WebSocket or a long answer."""

    def __init__(self, answer: Answer, connection: Http1 | Http2, number: int | None):
        self.answer, self.connection, self.number = answer, connection, number
        self.opened = time.monotonic()

    def seconds_until_closed(self, seconds: float) -> float | None:
        """How long after it was opened the stream ended; None when it had not in time."""
        left = self.opened + seconds - time.monotonic()
        arguments = (left,) if self.number is None else (self.number, left)
        waited = self.connection.seconds_until_closed(*arguments)
        return None if waited is None else time.monotonic() - self.opened

    def exchange(self, data: bytes) -> bytes:
        """Sends bytes through the tunnel and reads as many back."""
        if isinstance(self.connection, Http1):
            self.connection.write(data)
            return self.connection.tunnel_read(len(data))
        return self.connection.exchange(self.number, data)

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


class Stage:
    """`backends` are ports of dashboards that are real: behind all others is the upstream that records."""

    def __init__(self, policy: dict, edit: Callable[[dict], None] | None = None, environment: dict[str, str] | None = None,
                 backends: dict[str, int] | None = None):
        names = [dashboard["name"] for dashboard in policy["dashboards"]]
        self.upstream = Upstream(names)
        try:
            ports = {name: self.upstream.port(name) for name in names} | (backends or {})
            self.edge = Edge(policy, ports, edit, environment)
        except BaseException:
            self.upstream.stop()
            raise

    def stop(self) -> None:
        self.edge.stop()
        self.upstream.stop()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def http1(self) -> Http1:
        return Http1(self.edge.port, self.edge.authority)

    def http2(self) -> Http2:
        return Http2(self.edge.port, self.edge.authority)

    def open(self, way: str, dashboard: str = "training", path: str | bytes | None = None, headers: Lines = (),
             method: str = "GET", body: bytes | None = None, origin: str | None = OWN, host: str | bytes | None = None,
             trailers: Lines | None = None, whole: bool = True) -> Live:
        """Sends one request on a connection of its own and reads the answer: all of it, or its head."""
        host = host_of(dashboard) if host is None else host
        path = path_of(dashboard) if path is None else path
        lines: Lines = []
        if origin is not None:
            lines.append(("origin", origin_of(dashboard) if origin == OWN else origin))
        lines += headers
        if body is not None and not is_upgrade(way):
            lines.append(("content-length", str(len(body))))
        if way.endswith("1"):
            connection = self.http1()
            upgrade = HTTP1_UPGRADE if is_upgrade(way) else []
            connection.send(method, path, [("host", host), *upgrade, *lines], body or b"")
            answer = connection.answer(method) if whole else connection.head()
            return Live(answer, connection, None)
        connection = self.http2()
        pseudo: Lines = [(":method", "CONNECT" if is_upgrade(way) else method), (":scheme", "https"), (":path", path),
                         (":authority", host)]
        if is_upgrade(way):
            pseudo.append((":protocol", "websocket"))
            lines = [*HTTP2_UPGRADE, *lines]
        ends = not body and trailers is None and not is_upgrade(way)
        number = connection.start(pseudo, lines, end=ends)
        if body:
            connection.send_data(number, body, end=trailers is None)
        if trailers is not None:
            connection.send_trailers(number, trailers)
        answer = connection.answer(number, whole=whole and not is_upgrade(way))
        if is_upgrade(way) and answer.status != 200 and whole:
            answer = connection.answer(number)
        return Live(answer, connection, number)

    def ask(self, way: str, *arguments: object, **options: object) -> Answer:
        """Sends one request, reads the answer, closes the connection."""
        with self.open(way, *arguments, **options) as live:
            return live.answer

    def permits(self, way: str, dashboard: str = "training", *arguments: object, **options: object) -> Recorded:
        """The request must reach this dashboard's backend, once, and be answered by it. Returns what arrived."""
        before = len(self.upstream.received())
        answer = self.ask(way, dashboard, *arguments, **options)
        wanted = 101 if way == "upgrade1" else 200
        assert answer.status == wanted, described(answer)
        assert answer.value("x-upstream") == dashboard
        arrived = self.upstream.received()[before:]
        assert [recorded.dashboard for recorded in arrived] == [dashboard], [recorded.everything() for recorded in arrived]
        return arrived[0]

    def answers(self, way: str, status: int | set[int], *arguments: object, **options: object) -> Answer:
        """The gate or Envoy must answer with this status, and nothing may reach any backend."""
        before = len(self.upstream.received())
        answer = self.ask(way, *arguments, **options)
        allowed = {status} if isinstance(status, int) else status
        assert answer.status in allowed, described(answer)
        assert self.upstream.received()[before:] == []
        assert answer.values("x-upstream") == []
        return answer

    def refuses(self, way: str, reason: str, status: int, *arguments: object, **options: object) -> Answer:
        """The gate must refuse for exactly this reason. Upgrades know 401 and 403 only."""
        if is_upgrade(way) and status != 401:
            status = 403
        answer = self.answers(way, status, *arguments, **options)
        assert answer.value("x-dashgate-reason") == reason, described(answer)
        assert answer.value("cache-control") == "no-store"
        return answer
