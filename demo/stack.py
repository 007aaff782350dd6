"""The demo's stack: fresh secrets and certificates, the portal, a real Bokeh, a real TensorBoard, and Envoy in front."""

import base64
import json
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

import certificates
import edge
import events
from processes import Processes, free_port, port_or_free

ROOT = Path(__file__).resolve().parent.parent
HOSTS = {"portal": "portal.localhost", "bokeh": "bokeh.localhost", "tensorboard": "tensorboard.localhost"}
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

    def __init__(self, directory: Path, wasm: Path, usual_ports: bool):
        self.directory = directory
        self.wasm = wasm
        self.secrets = Secrets()
        self.ports = {name: port_or_free(port) if usual_ports else free_port() for name, port in USUAL_PORTS.items()}
        self.processes = Processes(directory / "logs")
        self.authority = directory / "tls/authority.pem"

    def origin(self, name: str) -> str:
        """The origin of the portal or of a dashboard."""
        return f"https://{HOSTS[name]}:{self.ports['dashboards']}"

    def start(self, announce) -> None:
        """Starts it all and returns when it answers; raises processes.Stopped where something does not come up."""
        announce("making certificates and an event log")
        certificates.make(self.directory / "tls", [*HOSTS.values(), "*.localhost"])
        events.write(self.directory / "events")
        announce("starting Bokeh, TensorBoard and the portal")
        self._start_bokeh()
        self._start_tensorboard()
        self._start_portal()
        for name in HOSTS:
            self.processes.wait_for_port(name, self.ports[name])
        announce("starting Envoy")
        configuration = edge.write(ROOT / "envoy", self.directory, self.wasm, self.ports)
        command = [edge.envoy_binary(), "-c", str(configuration), "--use-dynamic-base-id", "--concurrency", "1"]
        command += ["--file-flush-interval-msec", "500"]  # the access log, which Envoy keeps back for 10 s by itself
        keys = {"DASHGATE_KEY": self.secrets.key_base64url(), "BOKEH_SECRET_KEY": self.secrets.bokeh}
        self.processes.start("envoy", command, _environment(keys), ROOT)
        self.processes.wait_for_port("envoy", self.ports["dashboards"])

    def stop(self) -> None:
        """Stops it all."""
        self.processes.stop()

    def _start_bokeh(self) -> None:
        host = f"{HOSTS['bokeh']}:{self.ports['dashboards']}"
        command = [
            sys.executable, "-m", "bokeh", "serve", str(ROOT / "demo/bokeh_app"),
            "--address", "127.0.0.1", "--port", str(self.ports["bokeh"]),
            "--session-ids", "external-signed",           # an id must come from the portal; the server hands out none
            "--allow-websocket-origin", host,
            "--use-xheaders",
            "--disable-index",
            # Bokeh copies these into the page, where any script can read them. dashgate removes its own already.
            "--exclude-headers", "Authorization", "Cookie",
            "--exclude-cookies", "__Host-dashgate-bokeh",
        ]
        keys = {"BOKEH_SECRET_KEY": self.secrets.bokeh, "BOKEH_SIGN_SESSIONS": "yes"}
        self.processes.start("bokeh", command, _environment(keys), self.directory)

    def _start_tensorboard(self) -> None:
        command = [
            sys.executable, "-m", "tensorboard.main", "--logdir", str(self.directory / "events"),
            "--host", "127.0.0.1", "--port", str(self.ports["tensorboard"]), "--load_fast", "false",
        ]
        self.processes.start("tensorboard", command, _environment({}), self.directory)

    def _start_portal(self) -> None:
        settings = {
            "port": self.ports["portal"], "origin": self.origin("portal"), "users": self.secrets.passwords,
            "key_hex": self.secrets.key.hex(), "key_id": self.key_id, "flask_secret": self.secrets.flask,
            "bokeh_secret": self.secrets.bokeh,
            "dashboards": {
                "bokeh": {
                    "title": "Bokeh", "about": "A slider that bends a curve, and a plot that streams.",
                    "origin": self.origin("bokeh"), "start": "/bokeh_app", "bokeh": True,
                },
                "tensorboard": {
                    "title": "TensorBoard", "about": "Two small training runs.",
                    "origin": self.origin("tensorboard"), "start": "/", "bokeh": False,
                },
            },
        }
        command = [sys.executable, str(ROOT / "demo/portal.py")]
        self.processes.start("portal", command, _environment({}), self.directory, json.dumps(settings).encode())


def _environment(own: dict[str, str]) -> dict[str, str]:
    """What every program needs, and the secrets of this one only."""
    shared = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return shared | {"PYTHONUNBUFFERED": "1"} | own
