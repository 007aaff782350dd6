"""Nothing else on the node reaches the dashboard: not another user through its socket, nothing outside its network namespace."""

import errno
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import absence
import bootstrap
from beside import DASHBOARD, Beside
from network_namespace import namespace
from policy import host_of
from test_verdicts import credentials

import edge

NOBODY = 65534
OUTSIDE, INSIDE = "10.123.45.1", "10.123.45.2"
SECONDS = 10


def connecting_as(user: int, path: Path) -> int:
    """The error number that this user gets for connecting to a unix socket; 0 for none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 255
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            code = socket.socket(socket.AF_UNIX).connect_ex(str(path))
        finally:
            os.write(writing, bytes([code]))
            os._exit(0)
    os.close(writing)
    code = os.read(reading, 1)[0]
    os.close(reading)
    os.waitpid(child, 0)
    return code


def need_root(what: str) -> None:
    if os.geteuid() != 0:
        absence.leave_out(f"{what}: that needs root")


def test_another_user_cannot_open_the_dashboards_socket(sidecar):
    need_root("connecting as another user")
    before = len(sidecar.upstream.received())
    # A directory of one's own keeps others out whatever the socket's own mode is.
    os.chmod(sidecar.socket, 0o777)
    sidecar.folder.chmod(0o755)
    assert connecting_as(NOBODY, sidecar.socket) == errno.EACCES
    assert connecting_as(os.geteuid(), sidecar.socket) == 0
    assert len(sidecar.upstream.received()) == before
    sidecar.permits("http1", DASHBOARD, **credentials("http1"))


def test_nor_the_admin_interface(sidecar):
    need_root("connecting as another user")
    sidecar.folder.chmod(0o755)
    assert connecting_as(NOBODY, sidecar.folder / "admin.sock") == errno.EACCES
    assert connecting_as(os.geteuid(), sidecar.folder / "admin.sock") == 0


def refused(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


PAGE = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "9"); self.end_headers(); self.wfile.write(b"dashboard")
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Page)
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_in_a_network_namespace_only_the_sidecar_reaches_the_dashboard(tmp_path, monkeypatch):
    with namespace(OUTSIDE, INSIDE) as pod:
        dashboard = subprocess.Popen([*pod.enter, sys.executable, "-c", PAGE], stdout=subprocess.PIPE, text=True)
        port = int(dashboard.stdout.readline())
        started = tmp_path / "envoy"
        started.write_text(f"#!/bin/sh\nexec {' '.join(pod.enter)} {edge.binary()} \"$@\"\n")
        started.chmod(0o755)
        monkeypatch.setattr(edge, "binary", lambda: str(started))

        def on_loopback(tree):
            bootstrap.dashboards_listener(tree)["address"]["socket_address"]["address"] = INSIDE
            for cluster in tree["static_resources"]["clusters"]:
                for node in bootstrap.walk(cluster):
                    if "pipe" in node and cluster["name"] != "admin":
                        del node["pipe"]
                        node["socket_address"] = {"address": "127.0.0.1", "port_value": port}

        try:
            with Beside(on_loopback) as sidecar:
                # Through the sidecar, as the edge:
                context = ssl.create_default_context(cafile=sidecar.authority)
                context.load_cert_chain(f"{sidecar.identity}.pem", f"{sidecar.identity}.key")
                asked = {}
                for name, lines in (("session", credentials("http1")["headers"]), ("none", [])):
                    with socket.create_connection((INSIDE, sidecar.edge.port), timeout=SECONDS) as plain, \
                            context.wrap_socket(plain, server_hostname=host_of(DASHBOARD)) as connection:
                        head = [f"{key}: {value}" for key, value in [("host", host_of(DASHBOARD)), ("connection", "close"), *lines]]
                        connection.sendall("\r\n".join(["GET / HTTP/1.1", *head, "", ""]).encode())
                        asked[name] = connection.makefile("rb").read()
                assert asked["session"].startswith(b"HTTP/1.1 200 ") and asked["session"].endswith(b"dashboard")
                assert asked["none"].startswith(b"HTTP/1.1 401 ")
                # From the node, and so from every other pod: neither on the node's own loopback nor by the pod's address.
                assert refused("127.0.0.1", port)
                assert refused(INSIDE, port)
                # The metrics of the sidecar are on the pod's loopback too.
                assert refused(INSIDE, sidecar.edge.ports["metrics"])
                assert refused("127.0.0.1", sidecar.edge.ports["metrics"])
        finally:
            dashboard.kill()
            dashboard.wait(SECONDS)
