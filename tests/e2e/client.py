"""Clients that send exactly what a test says: raw HTTP/1.1 and HTTP/2 over TLS. No verdict is formed here."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.settings

from upstream import read_chunks

SECONDS = 10.0

Lines = list[tuple[str | bytes, str | bytes]]


def to_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


@dataclass
class Answer:
    """What came back. `status` 0: the connection or stream was closed without an answer."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name.lower()]

    def value(self, name: str) -> str | None:
        """The one value of a header that must not repeat."""
        values = self.values(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


SERVER_NAME = "dashboards.example.org"


def open_tls(port: int, authority_file: str, protocols: list[str], version: ssl.TLSVersion | None = None,
             server_name: str = SERVER_NAME, identity: str | None = None) -> ssl.SSLSocket:
    """`identity` is the path, without its ending, of a certificate (.pem) and key (.key) that the client shows of itself."""
    context = ssl.create_default_context(cafile=authority_file)
    if identity is not None:
        context.load_cert_chain(f"{identity}.pem", f"{identity}.key")
    context.check_hostname = False      # tests ask for many hosts over one certificate; the chain is still verified
    context.set_alpn_protocols(protocols)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    plain = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname=server_name)


class Http1:
    """One HTTP/1.1 connection; several requests may be written before the first answer is read."""

    def __init__(self, port: int, authority_file: str | None, server_name: str = SERVER_NAME, identity: str | None = None):
        if authority_file is None:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        else:
            self.socket = open_tls(port, authority_file, ["http/1.1"], server_name=server_name, identity=identity)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Http1:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    def write(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def send(self, method: str, target: str | bytes, lines: Lines, body: bytes = b"") -> None:
        head = [to_bytes(method) + b" " + to_bytes(target) + b" HTTP/1.1"]
        head += [to_bytes(name) + b": " + to_bytes(value) for name, value in lines]
        self.write(b"\r\n".join(head) + b"\r\n\r\n" + body)

    def answer(self, method: str = "GET") -> Answer:
        try:
            return self._answer(method)
        except (ConnectionError, ssl.SSLError):
            return Answer(0)

    def _answer(self, method: str) -> Answer:
        start_line = self.reader.readline()
        if not start_line:
            return Answer(0)
        status = int(start_line.split(b" ")[1])
        headers = []
        while (line := self.reader.readline().rstrip(b"\r\n")):
            name, _, value = line.partition(b":")
            headers.append((name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")))
        answer = Answer(status, headers)
        if status == 100:
            return self._answer(method)
        if status in (101, 204, 304) or method == "HEAD":
            return answer
        if answer.values("transfer-encoding"):
            answer.body, _ = read_chunks(self.reader)
        elif lengths := answer.values("content-length"):
            answer.body = self.reader.read(int(lengths[0]))
        else:
            answer.body = self.reader.read()
        return answer

    def head(self) -> Answer:
        """The head of an answer whose body does not end by itself."""
        return self._answer("HEAD")

    def tunnel_read(self, count: int) -> bytes:
        return self.reader.read(count)

    def seconds_until_closed(self, seconds: float) -> float | None:
        """Reads and drops whatever comes; how long until the peer closed, or None when it did not in time."""
        started = time.monotonic()
        self.socket.settimeout(0.2)
        while time.monotonic() - started < seconds:
            try:
                if not self.socket.recv(65536):
                    return time.monotonic() - started
            except TimeoutError:
                continue
            except OSError:
                return time.monotonic() - started
        return None


@dataclass
class Stream:
    headers: list[tuple[str, str]] = field(default_factory=list)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    answered: bool = False
    ended: bool = False
    reset: int | None = None


class Http2:
    """One HTTP/2 connection. Header names and values go out as given, not checked by the library."""

    def __init__(self, port: int, authority_file: str | None, server_name: str = SERVER_NAME, identity: str | None = None):
        if authority_file is None:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        else:
            self.socket = open_tls(port, authority_file, ["h2"], server_name=server_name, identity=identity)
            assert self.socket.selected_alpn_protocol() == "h2"
        config = h2.config.H2Configuration(client_side=True, header_encoding=None, validate_outbound_headers=False,
                                           normalize_outbound_headers=False, validate_inbound_headers=False)
        self.connection = h2.connection.H2Connection(config)
        self.connection.initiate_connection()
        self.streams: dict[int, Stream] = {}
        self.closed = False
        self.flush()

    def __enter__(self) -> Http2:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.connection.data_to_send())

    def start(self, pseudo: Lines, lines: Lines, end: bool = True) -> int:
        number = self.connection.get_next_available_stream_id()
        self.streams[number] = Stream()
        encoded = [(to_bytes(name).lower(), to_bytes(value)) for name, value in [*pseudo, *lines]]
        self.connection.send_headers(number, encoded, end_stream=end)
        self.flush()
        return number

    def send_data(self, number: int, data: bytes, end: bool = False) -> None:
        """Sends it all, waiting for the peer's windows where they are full; stops early when the peer reset the stream."""
        stream = self.streams[number]
        while True:
            if data:
                self._pump_until(lambda: self._window(number) > 0 or stream.ended, SECONDS)
            if stream.reset is not None or self.closed:
                return
            size = min(len(data), self._window(number), 16000)
            self.connection.send_data(number, data[:size], end_stream=end and size == len(data))
            self.flush()
            data = data[size:]
            if not data:
                return

    def _window(self, number: int) -> int:
        return self.connection.local_flow_control_window(number)

    def send_trailers(self, number: int, lines: Lines) -> None:
        self.connection.send_headers(number, [(to_bytes(n), to_bytes(v)) for n, v in lines], end_stream=True)
        self.flush()

    def answer(self, number: int, whole: bool = True, seconds: float = SECONDS) -> Answer:
        """Waits for the whole answer, or only for its head."""
        stream = self.streams[number]
        self._pump_until(lambda: stream.ended or stream.reset is not None or (stream.answered and not whole), seconds)
        pseudo = dict(stream.headers)
        headers = [(name, value) for name, value in stream.headers if not name.startswith(":")]
        return Answer(int(pseudo.get(":status", "0")), headers, bytes(stream.body), stream.trailers)

    def exchange(self, number: int, data: bytes) -> bytes:
        """Sends bytes through a tunnel and reads as many back."""
        stream = self.streams[number]
        stream.body.clear()
        self.send_data(number, data)
        self._pump_until(lambda: len(stream.body) >= len(data) or stream.ended, SECONDS)
        return bytes(stream.body)

    def seconds_until_closed(self, number: int, seconds: float) -> float | None:
        stream, started = self.streams[number], time.monotonic()
        try:
            self._pump_until(lambda: stream.ended or stream.reset is not None or self.closed, seconds)
        except TimeoutError:
            return None
        return time.monotonic() - started

    def _pump_until(self, satisfied, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not satisfied() and not self.closed:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("no answer on HTTP/2 in time")
            self.socket.settimeout(remaining)
            try:
                received = self.socket.recv(65536)
            except ConnectionError:
                received = b""
            if not received:
                self.closed = True
                for stream in self.streams.values():
                    stream.ended = True
                return
            for event in self.connection.receive_data(received):
                self._take(event)
            self.flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            # Envoy closes the socket a little later; nothing more will be answered.
            self.closed = True
            for stream in self.streams.values():
                stream.ended = True
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        if stream is None:
            return
        if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
            decoded = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            if isinstance(event, h2.events.ResponseReceived):
                stream.headers, stream.answered = decoded, True
            else:
                stream.trailers = decoded
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset, stream.ended = int(event.error_code), True
