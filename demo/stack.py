"""A stack: fresh secrets and certificates, the portal, real dashboards (the demo's by default), and Envoy in front."""

import base64
import json
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import certificates
import edge
from dashboards import BOKEH, TENSORBOARD, Dashboard
from processes import Processes, free_port, port_or_free, short

ROOT = Path(__file__).resolve().parent.parent
# The ports envoy/edge.yaml names.
USUAL_PORTS = {
    "dashboards": 8443, "redirect": 8080, "metrics": 9902, "portal": 5000, "bokeh": 5006, "tensorboard": 6006,
}


@dataclass
class Secrets:
    """Made anew at each start; written to no file."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    bokeh: str = field(default_factory=lambda: secrets.token_urlsafe(33), repr=False)
    flask: str = field(default_factory=lambda: secrets.token_urlsafe(33), repr=False)
    passwords: dict[str, str] = field(
        default_factory=lambda: {user: secrets.token_hex(5) for user in ("ana", "bob")}, repr=False
    )

    def key_base64url(self) -> str:
        """The portal's key as the policy says it is encoded."""
        return base64.urlsafe_b64encode(self.key).rstrip(b"=").decode()


class Stack:
    """Everything that runs, on the usual ports or on free ones."""

    key_id = "portal-2026-11"

    def __init__(
        self, directory: Path, wasm: Path, usual_ports: bool, dashboards: Sequence[Dashboard] = (BOKEH, TENSORBOARD)
    ):
        self.directory = directory
        self.wasm = wasm
        self.dashboards = dashboards
        self.secrets = Secrets()
        self.ports = {name: port_or_free(port) if usual_ports else free_port() for name, port in USUAL_PORTS.items()}
        names = [name for dashboard in dashboards for name in (dashboard.name, *dashboard.ports)]
        self.ports |= {name: free_port() for name in names if name not in USUAL_PORTS}
        self.processes = Processes(directory / "logs")
        self.authority = directory / "tls/authority.pem"

    def origin(self, name: str) -> str:
        """The origin of the portal or of a dashboard."""
        hosts = {dashboard.name: dashboard.host for dashboard in self.dashboards}
        return f"https://{hosts.get(name, f'{name}.localhost')}:{self.ports['dashboards']}"

    def url(self, name: str) -> str:
        """The URL of a dashboard, as the policy has it."""
        return self.origin(name) + self._dashboard(name).path

    def connect(self, name: str, seconds: float) -> socket.socket:
        """A connection to the dashboard itself, past the gate."""
        dashboard = self._dashboard(name)
        if not dashboard.socket:
            return socket.create_connection(("127.0.0.1", self.ports[name]), seconds)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        try:
            connection.connect(short(dashboard.socket_in(self.directory)))
        except OSError:
            connection.close()
            raise
        return connection

    def start(self, announce) -> None:
        """Starts it all and returns when it answers; raises processes.Stopped where something does not come up."""
        announce("making certificates")
        hosts = ["portal.localhost", *(dashboard.host for dashboard in self.dashboards)]
        certificates.make(self.directory / "tls", [*hosts, "*.localhost", "*.runs.localhost"])
        announce(f"starting {', '.join(dashboard.title for dashboard in self.dashboards)} and the portal")
        for dashboard in self.dashboards:
            dashboard.run(self)
        self._start_portal()
        self.processes.wait_for_port("portal", self.ports["portal"])
        for dashboard in self.dashboards:
            self.processes.wait_for(dashboard.name, "its own door", lambda: self.connect(dashboard.name, 1))
            for port in dashboard.ports:
                self.processes.wait_for_port(port, self.ports[port])
        announce("starting Envoy")
        configuration = edge.write(ROOT / "envoy", self.directory, self.wasm, self.ports, self.dashboards)
        command = [edge.envoy_binary(), "-c", str(configuration), "--use-dynamic-base-id", "--concurrency", "1"]
        command += ["--file-flush-interval-msec", "500"]  # the access log, which Envoy keeps back for 10 s by itself
        keys = {"DASHGATE_KEY": self.secrets.key_base64url(), "BOKEH_SECRET_KEY": self.secrets.bokeh}
        self.run("envoy", command, keys, ROOT)
        self.processes.wait_for_port("envoy", self.ports["dashboards"])

    def run(
        self, name: str, command: list[str], own: dict[str, str] | None = None, directory: Path | None = None,
        given: bytes = b"",
    ) -> None:
        """Starts a program with what every program needs in its environment, and what is this one's own."""
        shared = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment = shared | {"PYTHONUNBUFFERED": "1"} | (own or {})
        self.processes.start(name, command, environment, directory or self.directory, given)

    def stop(self) -> None:
        """Stops it all."""
        self.processes.stop()

    def _dashboard(self, name: str) -> Dashboard:
        return next(dashboard for dashboard in self.dashboards if dashboard.name == name)

    def _start_portal(self) -> None:
        settings = {
            "port": self.ports["portal"], "origin": self.origin("portal"), "users": self.secrets.passwords,
            "key_hex": self.secrets.key.hex(), "key_id": self.key_id, "flask_secret": self.secrets.flask,
            "bokeh_secret": self.secrets.bokeh,
            "runs": {"host": f"runs.localhost:{self.ports['dashboards']}", "directory": str(self.directory / "runs")},
            "dashboards": {
                dashboard.name: {
                    "title": dashboard.title, "about": dashboard.about, "origin": self.origin(dashboard.name),
                    "audience": self.url(dashboard.name), "start": dashboard.start, "bokeh": dashboard.bokeh,
                }
                for dashboard in self.dashboards
            },
        }
        command = [sys.executable, str(ROOT / "demo/portal.py")]
        self.run("portal", command, given=json.dumps(settings).encode())
