"""A client that speaks HTTP/3 and sends exactly what a test says: one connection, one request. No verdict is formed here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, QuicEvent, StopSendingReceived, StreamReset
from aioquic.tls import SessionTicket
from client import Answer, Lines, to_bytes

SECONDS = 10.0
ENABLE_CONNECT_PROTOCOL = 0x8      # RFC 9220


@dataclass
class Outcome:
    """The answer, and what else the connection showed. `reset`: Envoy gave the stream or the connection up, with this code."""

    answer: Answer
    reset: int | None = None
    early_data_taken: bool = False
    settings: dict[int, int] = field(default_factory=dict)
    tickets: list[SessionTicket] = field(default_factory=list)


class Connection(QuicConnectionProtocol):
    """One connection; it collects what comes on each stream."""

    def __init__(self, *arguments: object, **options: object):
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.answers: dict[int, Answer] = {}
        self.ended: dict[int, asyncio.Event] = {}
        self.resets: dict[int, int] = {}
        self.early_data_taken = False

    def start(self, lines: list[tuple[bytes, bytes]], body: bytes | None) -> int:
        number = self._quic.get_next_available_stream_id()
        self.answers[number], self.ended[number] = Answer(0), asyncio.Event()
        self.http.send_headers(number, lines, end_stream=body is None)
        if body is not None:
            self.http.send_data(number, body, end_stream=True)
        self.transmit()
        return number

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, HandshakeCompleted):
            self.early_data_taken = event.early_data_accepted
        elif isinstance(event, (StreamReset, StopSendingReceived)) and event.stream_id in self.ended:
            self.resets[event.stream_id] = event.error_code
            self.ended[event.stream_id].set()
        elif isinstance(event, ConnectionTerminated):
            for number, ended in self.ended.items():
                if not ended.is_set():
                    self.resets[number] = event.error_code
                ended.set()
        for found in self.http.handle_event(event):
            answer = self.answers.get(found.stream_id)
            if answer is None:
                continue
            if isinstance(found, HeadersReceived):
                lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found.headers]
                if answer.status == 0:
                    answer.status = int(dict(lines)[":status"])
                    answer.headers = [line for line in lines if not line[0].startswith(":")]
                else:
                    answer.trailers = lines
            elif isinstance(found, DataReceived):
                answer.body += found.data
            if found.stream_ended:
                self.ended[found.stream_id].set()


def ask(port: int, authority: str, pseudo: Lines, lines: Lines, body: bytes | None = None, seconds: float = SECONDS,
        ticket: SessionTicket | None = None) -> Outcome:
    """Sends one request on a connection of its own and waits for the whole answer."""
    return asyncio.run(asked(port, authority, pseudo, lines, body, seconds, ticket))


async def asked(port: int, authority: str, pseudo: Lines, lines: Lines, body: bytes | None, seconds: float,
                ticket: SessionTicket | None) -> Outcome:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="dashboards.example.org",
                                      session_ticket=ticket, idle_timeout=seconds + 5)
    configuration.load_verify_locations(authority)
    tickets: list[SessionTicket] = []
    encoded = [(to_bytes(name), to_bytes(value)) for name, value in [*pseudo, *lines]]
    async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Connection,
                       session_ticket_handler=tickets.append, wait_connected=ticket is None) as connection:
        number = connection.start(encoded, body)
        await asyncio.wait_for(connection.ended[number].wait(), seconds)
        settings = dict(connection.http.received_settings or {})
        return Outcome(connection.answers[number], connection.resets.get(number), connection.early_data_taken, settings, tickets)
