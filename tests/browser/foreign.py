"""Sites that are not the dashboards': pages on hosts of their own, which try what no page elsewhere may do."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certificates

# Another site: the browser sends it none of the dashboards' cookies.
CROSS_SITE = "evil.test"
# A sibling of a dashboard: on its own site, so the browser sends its requests with the dashboard's cookies.
SAME_SITE = "evil.bokeh.localhost"

# What a script there runs, with a URL and subprotocols.
OPEN_WEBSOCKET = """([url, subprotocols]) => new Promise(resolve => {
    const socket = new WebSocket(url, subprotocols);
    socket.onopen = () => resolve("open");
    socket.onclose = closed => resolve("closed " + closed.code);
})"""

PAGE = b"<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>elsewhere</title><h1>A page elsewhere</h1>"


def sibling(host: str) -> str:
    """The sibling of the dashboard of this host."""
    return f"evil.{host}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """The same page on every path."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_arguments) -> None:
        """Prints nothing."""


class Foreign:
    """An HTTPS server on loopback for the other site and these siblings."""

    def __init__(self, directory: Path, siblings: list[str]):
        certificates.make(directory, [CROSS_SITE, *siblings])
        self.certificate = directory / "certificate.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, directory / "key.pem")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        # The handshake happens in the connection's own thread: a browser's idle spare connection must not block the rest.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def origin(self, host: str) -> str:
        """The origin of one of the hosts."""
        return f"https://{host}:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
