"""The same raw requests at a dashboard's own port and at the gate: what the one lets in and the other does not."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from stand import Stand
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State

SECONDS = 15
EVIL = "evil.test"
HEADING = ("request", "page by itself", "page behind the gate", "WebSocket by itself", "WebSocket behind the gate")
# What the gate has refused, or answered itself.
KEPT = re.compile(
    r'^dashgate_decisions_total\{dashboard="[^"]*",verdict="(?:refuse|answer)",reason="([^"]+)"\} (\d+)$', re.MULTILINE
)

# What the four columns hold: a status, with the gate's reason where the gate refused or answered itself; "101, closed"
# where the WebSocket was opened only to be closed at once; "-" where the request makes no sense there.
Table = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Door:
    """A dashboard's page or WebSocket, and what of its own it wants to see there."""

    path: str
    query: str = ""
    cookie: str = ""
    subprotocol: str = ""
    websocket: bool = False
    # Its own credential as it would also take it from a query, where a good request has it elsewhere.
    in_query: str = ""
    # Its own credential as a header's line.
    header: str = ""
    # The page that asks, where that is another's; and whether the gate wants a session of its own there.
    origin: str = ""
    session: bool = True


@dataclass(frozen=True)
class Request:
    """One request as it is sent. `session` is the gate's credential, the rest of it is the door's."""

    door: Door
    host: str
    session: str
    origin: str | None
    query: tuple[str, ...]
    cookies: tuple[str, ...]
    subprotocol: str
    method: str = "GET"
    lines: tuple[str, ...] = ()
    body: str = ""

    def written(self) -> bytes:
        """Its bytes, the same for both."""
        query = "&".join(part for part in self.query if part)
        head = [f"{self.method} {self.door.path}{'?' + query if query else ''} HTTP/1.1", f"Host: {self.host}"]
        if self.door.websocket:
            head += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
            head += ["Sec-WebSocket-Key: c2l4dGVlbiBieXRlcy4uLg=="]
        else:
            head += ["Connection: close"]
        head += [f"Origin: {self.origin}"] if self.origin else []
        head += [f"Cookie: {'; '.join(self.cookies)}"] if any(self.cookies) else []
        head += [f"Sec-WebSocket-Protocol: {self.subprotocol}"] if self.subprotocol else []
        head += [f"Content-Length: {len(self.body)}"] if self.body else []
        return "\r\n".join([*head, *self.lines, "", self.body]).encode()


# Changes a request in which everything is in order; None where the change makes no sense there.
Probe = Callable[[Request], Request | None]


def without_credentials(good: Request) -> Request:
    """The request as a stranger would send it."""
    return replace(good, query=(), cookies=(), subprotocol="", lines=())


def _rebound(good: Request) -> Request:
    port = good.host.partition(":")[2]
    return replace(good, host=f"{EVIL}:{port}", origin=f"https://{EVIL}:{port}")


def _cookies(good: Request, *cookies: str) -> Request | None:
    return replace(good, cookies=cookies) if cookies else None


PROBES: dict[str, Probe] = {
    "everything in order": lambda good: good,
    "no credential at all": without_credentials,
    "credentials in the query only": lambda good: replace(
        without_credentials(good), query=(*good.query, good.door.in_query, "token=" + good.session.partition("=")[2])
    ),
    "no Origin": lambda good: replace(good, origin=None),
    "a foreign Origin": lambda good: replace(good, origin=f"https://{EVIL}"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": lambda good: replace(
        good, origin=f"https://{EVIL}", lines=(*good.lines, "Sec-Fetch-Site: same-origin")
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": _rebound,
    "each cookie twice: good, then bad": lambda good: _cookies(good, *good.cookies, *map(spoilt, good.cookies)),
    "each cookie twice: bad, then good": lambda good: _cookies(good, *map(spoilt, good.cookies), *good.cookies),
}


def spoilt(credential: str) -> str:
    """The credential with one character of its end, a signature's, changed."""
    return credential[:-10] + ("A" if credential[-10:-9] != "A" else "B") + credential[-9:] if credential else ""


def measure(stand: Stand, name: str, doors: Iterable[Door], more: dict[str, Probe] | None = None) -> Table:
    """Tries every probe, the dashboard's own ones too, at each door in both places."""
    doors = list(doors)
    return {
        what: tuple(outcome for door in doors for outcome in attempt(stand, name, door, probe))
        for what, probe in (PROBES | (more or {})).items()
    }


def attempt(stand: Stand, name: str, door: Door, probe: Probe) -> tuple[str, str]:
    """Tries one probe at one door: at the dashboard's own port, and at the gate."""
    request = probe(in_order(stand, name, door))
    return compare(stand, name, request) if request else ("-", "-")


def in_order(stand: Stand, name: str, door: Door) -> Request:
    """A request at the door with all that the gate and the dashboard want to see."""
    session = f"__Host-dashgate-{name}={stand.token(name)}"
    origin = stand.stack.origin(name)
    cookies = ((door.cookie,) if door.cookie else ()) + ((session,) if door.session else ())
    return Request(
        door, origin.removeprefix("https://"), session, door.origin or origin, (door.query,), cookies, door.subprotocol,
        lines=(door.header,) if door.header else (),
    )


def compare(stand: Stand, name: str, request: Request) -> tuple[str, str]:
    """What the dashboard by itself answers, and what comes from behind the gate."""
    return _itself(stand, name, request), _gated(stand, name, request)


def markdown(table: Table) -> str:
    """The table as the documentation has it."""
    width = 1 + len(next(iter(table.values())))
    rows = [HEADING[:width], ("---",) * width, *((what, *outcomes) for what, outcomes in table.items())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _itself(stand: Stand, name: str, request: Request) -> str:
    with stand.stack.connect(name, SECONDS) as wire:
        return _outcome(wire, request)


def _gated(stand: Stand, name: str, request: Request) -> str:
    """What the gate answers; where that is its own, with its reason, and having seen that the dashboard got nothing."""
    kept, forwarded = _kept(stand), stand.forwarded(name)
    tls = ssl.create_default_context(cafile=str(stand.stack.authority))
    plain = socket.create_connection(("127.0.0.1", stand.stack.ports["dashboards"]), SECONDS)
    with tls.wrap_socket(plain, server_hostname=urlsplit(stand.stack.origin(name)).hostname) as wire:
        outcome = _outcome(wire, request)
    reasons = [reason for reason, count in _kept(stand).items() if count != kept.get(reason, 0)]
    assert stand.forwarded(name) - forwarded == (0 if reasons else 1), f"{outcome} {reasons}"
    return " ".join([outcome, *reasons])


def _kept(stand: Stand) -> dict[str, int]:
    counted: dict[str, int] = {}
    for reason, count in KEPT.findall(stand.metrics()):
        counted[reason] = counted.get(reason, 0) + int(count)
    return counted


def _outcome(wire: socket.socket, request: Request) -> str:
    wire.sendall(request.written())
    head = b""
    while b"\r\n\r\n" not in head:
        received = wire.recv(65536)
        if not received:
            return "closed"
        head += received
    status = head.split(b" ")[1].decode()
    if status != "101":
        return status
    return status if _stays_open(wire, head.partition(b"\r\n\r\n")[2]) else f"{status}, closed"


def _stays_open(wire: socket.socket, received: bytes) -> bool:
    """Whether the other side answers a ping before it closes: what it would refuse, it has closed by then."""
    protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    protocol.send_ping(b"")
    wire.sendall(b"".join(protocol.data_to_send()))
    while True:
        if received:
            protocol.receive_data(received)
        for frame in protocol.events_received():
            if frame.opcode in (Opcode.PONG, Opcode.CLOSE):
                return frame.opcode is Opcode.PONG
        received = wire.recv(65536)
        if not received:
            return False
