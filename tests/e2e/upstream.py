"""A dashboard's stand-in: records every request byte for byte and answers 200, or whatever a test scripted.

It speaks HTTP/1.1 on raw sockets so that nothing between the wire and the assertion can tidy up what arrived.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

TICK = b"tick\n"
TICK_SECONDS = 0.05

# Names that Envoy itself adds on the way up; all others came from the client or from the gate.
ADDED_BY_ENVOY = {b"x-forwarded-for", b"x-forwarded-proto", b"x-request-id", b"x-envoy-external-address",
                  b"x-envoy-expected-rq-timeout-ms", b"x-envoy-internal"}


@dataclass
class Script:
    """What to answer on one path. `stream` and `upgraded` are "silent", "tick" or (upgraded only) "echo"."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b"from the upstream"
    stream: str | None = None
    upgraded: str = "echo"
    accept_upgrade: bool = True


@dataclass
class Recorded:
    """One request as it arrived at the backend of `dashboard`."""

    dashboard: str
    start_line: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: bytes = b""
    tunnel: bytearray = field(default_factory=bytearray)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def method(self) -> str:
        return self.start_line.split(b" ")[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.start_line.split(b" ")[1].decode("latin-1")

    def values(self, name: str) -> list[str]:
        wanted = name.lower().encode()
        return [value.decode("latin-1") for found, value in self.headers if found.lower() == wanted]

    def names(self) -> list[str]:
        return [name.decode("latin-1").lower() for name, _ in self.headers]

    def without_envoys(self) -> list[tuple[str, str]]:
        """The header lines in order, without those Envoy adds."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers
                if name.lower() not in ADDED_BY_ENVOY]

    def everything(self) -> bytes:
        lines = [self.start_line, *(name + b": " + value for name, value in self.headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body + self.trailers


def on_loopback(_dashboard: str) -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=64)


class Upstream:
    """One listening socket a dashboard, all in this process, on loopback unless told otherwise."""

    def __init__(self, dashboards: list[str], listen: Callable[[str], socket.socket] = on_loopback):
        self.requests: list[Recorded] = []
        self.scripts: dict[str, Script] = {}
        self.stopping = threading.Event()
        self.sockets: dict[str, socket.socket] = {}
        self.lock = threading.Lock()
        self.accepting: list[threading.Thread] = []
        for name in dashboards:
            listening = self.sockets[name] = listen(name)
            thread = threading.Thread(target=self._accept, args=(name, listening), daemon=True)
            thread.start()
            self.accepting.append(thread)

    def port(self, dashboard: str) -> int:
        return self.sockets[dashboard].getsockname()[1]

    def script(self, path: str, script: Script) -> None:
        self.scripts[path] = script

    def forget(self) -> None:
        with self.lock:
            self.requests.clear()
            self.scripts.clear()

    def received(self) -> list[Recorded]:
        with self.lock:
            return list(self.requests)

    def wait_for(self, count: int, seconds: float = 5) -> list[Recorded]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and len(self.received()) < count:
            time.sleep(0.01)
        return self.received()

    def stop(self) -> None:
        """Nothing of this upstream accepts afterwards: a thread left in accept() would take what comes to the next one's socket,
        which may well get the same descriptor. Of two stages in a row that share it, each stops it."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        for listening in self.sockets.values():
            listening.shutdown(socket.SHUT_RDWR)
        for thread in self.accepting:
            thread.join(timeout=10)
            assert not thread.is_alive()
        for listening in self.sockets.values():
            listening.close()

    def _accept(self, name: str, listening: socket.socket) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(name, connection), daemon=True).start()

    def _serve(self, name: str, connection: socket.socket) -> None:
        with connection:
            reader = connection.makefile("rb")
            recorded = None
            try:
                while (recorded := self._read(name, reader)) is not None:
                    script = self.scripts.get(recorded.target.split("?")[0], Script())
                    if not self._answer(connection, reader, recorded, script):
                        return
                    recorded.ended.set()
            except OSError:
                return
            finally:
                if recorded is not None:
                    recorded.ended.set()

    def _read(self, name: str, reader) -> Recorded | None:
        start_line = reader.readline().rstrip(b"\r\n")
        if not start_line:
            return None
        headers = []
        while (line := reader.readline().rstrip(b"\r\n")):
            field_name, _, value = line.partition(b":")
            headers.append((field_name, value.strip(b" \t")))
        recorded = Recorded(name, start_line, headers)
        # Recorded before the body is read: a request whose body never comes has reached the backend all the same.
        with self.lock:
            self.requests.append(recorded)
        if recorded.values("transfer-encoding"):
            recorded.body, recorded.trailers = read_chunks(reader)
        elif lengths := recorded.values("content-length"):
            recorded.body = reader.read(int(lengths[0]))
        return recorded

    def _answer(self, connection: socket.socket, reader, recorded: Recorded, script: Script) -> bool:
        """Answers; true when the connection may carry another request."""
        lines = [("x-upstream", recorded.dashboard), *script.headers]
        if recorded.values("upgrade") and script.accept_upgrade:
            lines += [("upgrade", recorded.values("upgrade")[0]), ("connection", "Upgrade")]
            lines += [("sec-websocket-accept", websocket_accept(key)) for key in recorded.values("sec-websocket-key")]
            connection.sendall(head(101, lines))
            self._tunnel(connection, recorded, script)
            return False
        if script.stream:
            connection.sendall(head(script.status, [*lines, ("transfer-encoding", "chunked")]))
            connection.sendall(b"%x\r\n%s\r\n" % (len(TICK), TICK))
            self._stream(connection, script.stream, b"%x\r\n%s\r\n" % (len(TICK), TICK))
            return False
        bodiless = recorded.method == "HEAD" or script.status in (204, 304)
        if not bodiless:
            lines.append(("content-length", str(len(script.body))))
        connection.sendall(head(script.status, lines) + (b"" if bodiless else script.body))
        return True

    def _tunnel(self, connection: socket.socket, recorded: Recorded, script: Script) -> None:
        if script.upgraded == "tick":
            self._stream(connection, "tick", TICK)
            return
        while True:
            received = connection.recv(65536)
            if not received:
                return
            recorded.tunnel += received
            if script.upgraded == "echo":
                connection.sendall(received)

    def _stream(self, connection: socket.socket, kind: str, piece: bytes) -> None:
        """Sends pieces (or nothing) until Envoy closes; the socket's own timeout is the tick."""
        connection.settimeout(TICK_SECONDS)
        while not self.stopping.is_set():
            try:
                if not connection.recv(65536):
                    return
            except TimeoutError:
                if kind == "tick":
                    connection.sendall(piece)


def head(status: int, lines: list[tuple[str, str]]) -> bytes:
    text = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in lines)]
    return ("\r\n".join(text) + "\r\n\r\n").encode("latin-1")


def websocket_accept(key: str) -> str:
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode()


def read_chunks(reader) -> tuple[bytes, bytes]:
    """A chunked body and its trailer lines."""
    body = bytearray()
    while True:
        size = int(reader.readline().split(b";")[0] or b"0", 16)
        if size == 0:
            break
        body += reader.read(size)
        reader.readline()
    trailers = bytearray()
    while (line := reader.readline()) not in (b"\r\n", b""):
        trailers += line
    return bytes(body), bytes(trailers)
