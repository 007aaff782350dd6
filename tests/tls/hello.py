"""One ClientHello with exactly what a test offers, and what the server makes of it. No handshake is finished, nothing is verified.

RFC 8446, sections 4.1.2 to 4.2.8. A client that offers groups without a key share of any is answered with a
HelloRetryRequest, which names the group that the server would rather have: so the server's choice can be asked for
without computing anything.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

SECONDS = 5.0

TLS12, TLS13 = 0x0303, 0x0304
GROUPS = {"X25519MLKEM768": 0x11EC, "X25519": 0x001D, "P-256": 0x0017, "P-384": 0x0018, "P-521": 0x0019,
          "X25519Kyber768Draft00": 0x6399, "ffdhe2048": 0x0100, "MLKEM1024": 0x0202}
ALERTS = {40: "handshake_failure", 47: "illegal_parameter", 70: "protocol_version", 71: "insufficient_security",
          86: "inappropriate_fallback"}
TLS13_SUITES = (0x1301, 0x1302, 0x1303)
# One suite for each kind of certificate: AES-128-GCM over ECDHE.
TLS12_SUITES = (0xC02B, 0xC02F)
FALLBACK = 0x5600
# ECDSA and RSA (PSS, then PKCS#1) with SHA-256 to SHA-512.
SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

HANDSHAKE, ALERT = 22, 21
SERVER_HELLO = 2


@dataclass(frozen=True)
class Chosen:
    """What the server said: the alert it gave instead, or what it picked of the offer."""

    alert: str | None = None
    version: int = 0
    suite: int = 0
    group: str | None = None
    retry: bool = False


def ask(port: int, groups: tuple[str, ...] = ("X25519", "P-256"), versions: tuple[int, ...] = (TLS13, TLS12),
        suites: tuple[int, ...] = TLS13_SUITES + TLS12_SUITES, extra: tuple[tuple[int, bytes], ...] = (),
        name: str = "dashboards.example.org") -> Chosen:
    """Sends one ClientHello and reads the first record of the answer."""
    host = name.encode()
    extensions = [
        (0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host),
        (10, vector(b"".join(struct.pack(">H", GROUPS.get(group) or int(group, 16)) for group in groups))),
        (11, b"\x01\x00"),
        (13, vector(b"".join(struct.pack(">H", each) for each in SIGNATURES))),
        (16, vector(b"\x02h2\x08http/1.1")),
        (23, b""),
    ]
    if max(versions) >= TLS13:
        listed = b"".join(struct.pack(">H", version) for version in versions)
        extensions += [(43, bytes([len(listed)]) + listed), (51, vector(b""))]
    extensions += extra
    packed = b"".join(struct.pack(">HH", kind, len(data)) + data for kind, data in extensions)
    body = struct.pack(">H", min(max(versions), TLS12)) + os.urandom(32) + b"\x20" + os.urandom(32)
    body += vector(b"".join(struct.pack(">H", suite) for suite in suites)) + b"\x01\x00" + vector(packed)
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(struct.pack(">BHH", HANDSHAKE, 0x0301, len(message)) + message)
        return read(connection)


def vector(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content


def read(connection: socket.socket) -> Chosen:
    kind, _, length = struct.unpack(">BHH", exactly(connection, 5))
    record = exactly(connection, length)
    if kind == ALERT:
        return Chosen(alert=ALERTS.get(record[1], str(record[1])))
    assert (kind, record[0]) == (HANDSHAKE, SERVER_HELLO), record[:4].hex()
    body = record[4:4 + int.from_bytes(record[1:4])]
    version, random = struct.unpack(">H32s", body[:34])
    at = 35 + body[34]
    suite, _, size = struct.unpack(">HBH", body[at:at + 5])
    extensions, at, group = body[at + 5:at + 5 + size], 0, None
    while at < len(extensions):
        extension, length = struct.unpack(">HH", extensions[at:at + 4])
        data = extensions[at + 4:at + 4 + length]
        at += 4 + length
        if extension == 43:
            (version,) = struct.unpack(">H", data)
        elif extension == 51:
            (number,) = struct.unpack(">H", data[:2])
            group = next((each for each, known in GROUPS.items() if known == number), hex(number))
    return Chosen(version=version, suite=suite, group=group, retry=random == RETRY)


def exactly(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        piece = connection.recv(count - len(content))
        assert piece, "the server closed the connection without a word"
        content += piece
    return content
