"""A WebSocket over HTTP/2: the extended CONNECT of RFC 8441, as far as its first answer."""

import socket
import ssl
import time

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RemoteSettingsChanged, ResponseReceived, StreamReset
from h2.settings import SettingCodes

SECONDS = 15


def open_websocket(stack, path: str, origin: str, cookie: str, subprotocols: str, host: str = "bokeh.localhost") -> int:
    """The status that answers the extended CONNECT: 200 opens the WebSocket."""
    context = ssl.create_default_context(cafile=str(stack.authority))
    context.set_alpn_protocols(["h2"])
    port = stack.ports["dashboards"]
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), SECONDS), server_hostname=host) as wire:
        connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        connection.initiate_connection()
        wire.sendall(connection.data_to_send())
        _wait(wire, connection, _extended_connect_offered)
        headers = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
            (":authority", f"{host}:{port}"), ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", subprotocols), ("origin", origin),
        ]
        if cookie:
            headers.append(("cookie", cookie))
        connection.send_headers(connection.get_next_available_stream_id(), headers)
        wire.sendall(connection.data_to_send())
        return _wait(wire, connection, _status)


def _wait(wire: ssl.SSLSocket, connection: H2Connection, wanted):
    """Reads until `wanted` makes something of an event."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        data = wire.recv(65536)
        if not data:
            raise ConnectionError("the HTTP/2 connection ended without an answer")
        for event in connection.receive_data(data):
            if (found := wanted(event)) is not None:
                return found
        wire.sendall(connection.data_to_send())
    raise TimeoutError("no answer over HTTP/2")


def _extended_connect_offered(event):
    if isinstance(event, RemoteSettingsChanged) and SettingCodes.ENABLE_CONNECT_PROTOCOL in event.changed_settings:
        return event.changed_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL].new_value == 1
    return None


def _status(event):
    if isinstance(event, ResponseReceived):
        return int(dict(event.headers)[":status"])
    if isinstance(event, StreamReset):
        raise ConnectionError("the stream was reset without an answer")
    return None
