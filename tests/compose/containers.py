"""The compose stack in the place of the demo's: what the browser's tests and the demo's client ask of a stack."""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from client import Client
from engine import BUILD_SECONDS, PORTS, VARIANT, Engine, until
from foreign import Foreign, sibling
from processes import free_port
from stack import ROOT, Secrets, Stack
from stand import Stand
from stand import until as soon

HEALTHY_SECONDS = 180


class Containers(Stack):
    """The stack, started by compose. Its secrets are read where the services read them."""

    def __init__(self, directory: Path, engine: Engine, port: int):
        self.directory = directory
        self.engine = engine
        self.ports = {"dashboards": port}
        self.authority = directory / "tls/authority.pem"
        self.processes = Logs(directory / "logs")

    def start(self, announce) -> None:
        """Starts it as the documentation says, and returns when every service says that it works."""
        self.engine.remove()
        self.engine.need_free_range()
        self.engine.run_documented("up", BUILD_SECONDS)
        if VARIANT == "docker-compose":                   # it has no --wait
            until(self.engine.is_healthy, "a stack in good health", HEALTHY_SECONDS)
        people = self.engine.read("portal", "/run/dashgate/people")
        self.secrets = Secrets(
            key=base64.urlsafe_b64decode(self.engine.read("envoy", "/run/dashgate/key") + "="),
            bokeh=self.engine.read("envoy", "/run/dashgate/bokeh"), flask=self.engine.read("portal", "/run/dashgate/flask"),
            passwords=dict(line.split() for line in people.splitlines()),
        )
        self.authority.parent.mkdir()
        for name in ("authority.pem", "certificate.pem"):
            (self.authority.parent / name).write_text(self.engine.read("envoy", f"/run/dashgate/tls/{name}"))
        for service in PORTS:
            self.processes.follow(service, self.engine.container(service))

    def origin(self, name: str) -> str:
        """The origin of the portal or of a dashboard."""
        return f"https://{name}.localhost:{self.ports['dashboards']}"

    def url(self, name: str) -> str:
        """The URL of a dashboard, as the policy has it."""
        return self.origin(name) + "/"

    def stop(self) -> None:
        """Takes it down."""
        self.processes.stop()
        self.engine.remove()


class Logs:
    """What each service prints, in a file of its own."""

    def __init__(self, directory: Path):
        directory.mkdir()
        self.log_directory = directory
        self.followers: list[subprocess.Popen] = []

    def follow(self, service: str, container: str) -> None:
        """Begins to write it down, from the container's start on."""
        with open(self.log(service), "wb") as log:
            command = ["docker", "logs", "--follow", container]
            self.followers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT))

    def log(self, service: str) -> Path:
        """The file."""
        return self.log_directory / f"{service}.log"

    def tail(self, service: str) -> str:
        """The last lines a service printed."""
        return "\n".join(self.log(service).read_text(errors="replace").splitlines()[-20:])

    def stop(self) -> None:
        """Ends the writing."""
        for follower in self.followers:
            follower.terminate()
        for follower in self.followers:
            follower.wait(10)


class ComposeStand(Stand):
    """The stand of the browser's tests, with containers for the stack."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="compose-", dir=ROOT / "target"))
        port = free_port()
        self.engine = Engine(port)
        self.stack = Containers(self.directory, self.engine, port)
        siblings = [sibling(f"{name}.localhost") for name in PORTS if name != "envoy"]
        self.foreign = Foreign(self.directory / "foreign-tls", siblings)

    def stop(self) -> None:
        """Takes everything down and removes what was written."""
        self.stack.stop()
        self.foreign.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def printed(self) -> str:
        """All that the services have printed up to now, Envoy's access log included."""
        marker = f"/marker-{uuid.uuid4()}"
        Client(self.stack.authority).request("GET", self.stack.origin("portal") + marker)
        envoy = self.stack.processes.log("envoy")
        soon(lambda: marker in envoy.read_text(errors="replace"), "the last line of Envoy's access log")
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.stack.processes.log_directory.glob("*.log")))
