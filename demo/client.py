"""A small client for the smoke test: every name is 127.0.0.1, every certificate is checked, cookies are kept by host."""

import contextlib
import http.client
import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

SECONDS = 15


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class _Pinned(http.client.HTTPSConnection):
    """Connects to 127.0.0.1 and still asks for, and checks, the host's own certificate."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


class Client:
    """One person's browser, so to speak."""

    def __init__(self, authority: Path):
        self.tls = ssl.create_default_context(cafile=str(authority))
        self.cookies: dict[str, dict[str, str]] = {}

    def request(
        self, method: str, url: str, headers: dict[str, str] | None = None, form: dict | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request, no redirect followed."""
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = self._with_cookies(parts.hostname, headers)
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = _Pinned(parts.hostname, parts.port, timeout=SECONDS, context=self.tls)
        with contextlib.closing(connection):
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies.setdefault(parts.hostname, {})[name] = value
        return answer

    def open_websocket(self, url: str, origin: str, subprotocols: list[str] | None = None,
                       headers: dict[str, str] | None = None):
        """An open WebSocket, or the status that refused it."""
        parts = urlsplit(url)
        sent = self._with_cookies(parts.hostname, headers)
        plain = socket.create_connection(("127.0.0.1", parts.port), SECONDS)
        try:
            return connect(
                url, sock=plain, ssl=self.tls, server_hostname=parts.hostname, origin=origin,
                subprotocols=subprotocols, additional_headers=sent, compression=None, proxy=None,
                open_timeout=SECONDS, close_timeout=1, max_size=None,
            )
        except InvalidStatus as refused:
            plain.close()
            return refused.response.status_code

    def cookie_header(self, host: str) -> str:
        """The host's cookies, as a browser sends them."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.get(host, {}).items())

    def _with_cookies(self, host: str, headers: dict[str, str] | None) -> dict[str, str]:
        sent = dict(headers or {})
        if self.cookies.get(host) and "Cookie" not in sent:
            sent["Cookie"] = self.cookie_header(host)
        return sent


def drain(websocket, seconds: float) -> bool:
    """Reads until the other side ends the WebSocket: whether it did so in time."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            websocket.recv(timeout=left)
        except TimeoutError:
            return False
        except ConnectionClosed:
            return True
    return False
