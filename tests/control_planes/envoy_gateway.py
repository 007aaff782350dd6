"""One Envoy Gateway, standalone, and the Envoy it starts: resources go in as files, requests are asked at the door it opens.

Its provider is a folder of files instead of a cluster. Everything behind that is the real program: it reads the resources,
checks them, pulls the module's image, and serves listeners and routes to a real Envoy.
"""

from __future__ import annotations

import base64
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

import bootstrap
import certificates
import edge
import namespaces
import sessions

START_SECONDS, TURN_SECONDS = 90, 300
QUIET_SECONDS = 0.7         # without a configuration update: then everything has arrived
ENVOY_VERSION = "1.39.0"    # what Envoy Gateway 1.9 would download: our Envoy lies where it looks for that one
CERTIFICATES = Path("/certs")       # where Envoy Gateway looks for its own; it cannot be told otherwise
MODULE_SERVER = "envoy-gateway.envoy-gateway-system.svc.cluster.local"
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"

Document = dict


def configuration(folder: Path, apis: dict[str, bool]) -> Document:
    homes = {name: str(folder / name) for name in ("configHome", "dataHome", "stateHome", "runtimeDir")}
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyGateway", "gateway": {"controllerName": CONTROLLER},
        "provider": {"type": "Custom", "custom": {
            "resource": {"type": "File", "file": {"paths": [str(folder / "resources")]}},
            "infrastructure": {"type": "Host", "host": homes}}},
        "logging": {"level": {"default": "info"}},
        "extensionApis": apis,
    }


def secret(name: str, namespace: str, files: dict[str, Path]) -> Document:
    data = {key: base64.b64encode(path.read_bytes()).decode() for key, path in files.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
            "type": "kubernetes.io/tls", "data": data}


class EnvoyGateway:
    """Started on construction; `folder` holds everything of this one. `apis` are the extension APIs that are switched on."""

    def __init__(self, program: Path, documents: list[Document], port: int, certificate: str, namespace: str,
                 apis: dict[str, bool], keys: dict[str, str] | None = None):
        namespaces.enter()
        self.port, self.process = port, None
        self.folder = Path(tempfile.mkdtemp(prefix="dashgate-gateway-"))
        self.folder.chmod(0o755)
        self.log_file = self.folder / "envoy-gateway.log"
        self.lock = (Path(tempfile.gettempdir()) / "dashgate-envoy-gateway.lock").open("w")
        try:
            self._wait_for_turn()
            self._prepare(program, documents, certificate, namespace, apis)
            self._start(program, sessions.environment() if keys is None else keys)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_for_turn(self) -> None:
        """One at a time on this machine: the folder of its certificates is the same for all, and made and removed here."""
        deadline = time.monotonic() + TURN_SECONDS
        while True:
            try:
                return fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert time.monotonic() < deadline, f"another Envoy Gateway ran for {TURN_SECONDS} s"
                time.sleep(0.5)

    def _prepare(self, program: Path, documents: list[Document], certificate: str, namespace: str, apis: dict[str, bool]) -> None:
        certificates.make(self.folder)
        (self.folder / "envoy-gateway.yaml").write_text(yaml.safe_dump(configuration(self.folder, apis)))
        subprocess.run([program, "certgen", "--local", "--config-home", self.folder / "configHome"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        own = self.folder / "configHome" / "certs" / "envoy"
        dashboards = {"tls.crt": self.folder / "leaf.pem", "tls.key": self.folder / "leaf.key"}
        documents = [
            *documents, secret(certificate, namespace, dashboards),
            # The Secret through which Envoy gets its own certificate; in a cluster a job makes it.
            secret("envoy", "envoy-gateway-system", {name: own / name for name in ("ca.crt", "tls.crt", "tls.key")}),
        ]
        (self.folder / "resources").mkdir()
        (self.folder / "resources" / "all.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost {MODULE_SERVER}\n")
        place = self.folder / "dataHome" / "envoy-versions" / ENVOY_VERSION / "bin"
        place.mkdir(parents=True)
        (place / "envoy").symlink_to(edge.binary())
        (self.folder / "home").mkdir()
        self.made_mount_point = not CERTIFICATES.is_dir()
        CERTIFICATES.mkdir(exist_ok=True)
        namespaces.mount("--bind", str(own), str(CERTIFICATES))
        namespaces.mount("--bind", str(self.folder / "hosts"), "/etc/hosts")

    def _start(self, program: Path, keys: dict[str, str]) -> None:
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder / "home"), **keys}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [program, "server", "--config-path", self.folder / "envoy-gateway.yaml"], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, env=environment)

    def _wait_until_ready(self) -> None:
        self._wait(lambda: bool(self._admin_address()), "address of Envoy's admin interface")
        self._wait(lambda: (self._asked("/ready") or "").strip() == "LIVE", "Envoy")
        self._wait(lambda: f":{self.port}" in (self._asked("/listeners") or ""), "listener")
        seen, since = None, time.monotonic()
        deadline = since + START_SECONDS
        while time.monotonic() - since < QUIET_SECONDS and time.monotonic() < deadline:
            counters = re.findall(r"^.*(?:update_success|update_rejected|listener_create_success): \d+$", self.admin("/stats"), re.M)
            if counters != seen:
                seen, since = counters, time.monotonic()
            time.sleep(0.1)

    def _wait(self, satisfied: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not satisfied():
            assert self.process.poll() is None, f"Envoy Gateway ended:\n{self.log()[-3000:]}"
            refused = re.search(r"failed to reload resources.*", self.log())
            assert refused is None, refused[0]
            assert time.monotonic() < deadline, f"no {what} within {START_SECONDS} s:\n{self.log()[-3000:]}"
            time.sleep(0.1)

    def _admin_address(self) -> str:
        for path in (self.folder / "runtimeDir").glob("*/admin-address.txt"):
            return path.read_text().strip()
        return ""

    def _asked(self, path: str) -> str | None:
        try:
            return self.admin(path)
        except OSError:
            return None

    def admin(self, path: str) -> str:
        connection = http.client.HTTPConnection(self._admin_address(), timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()

    @property
    def authority(self) -> str:
        return str(self.folder / "authority.pem")

    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace")

    def access_log(self) -> list[dict]:
        """All whole lines that Envoy's access log has put into the common output so far."""
        lines = [line for line in self.log().split("\n")[:-1] if line.startswith("{")]
        return [entry for entry in map(_parsed, lines) if "dashgate_reason" in entry]

    def http_filters(self) -> list[str]:
        """Names of the filters of the dashboards' listener, in order."""
        for node in bootstrap.walk(json.loads(self.admin("/config_dump?resource=dynamic_listeners"))):
            if node.get("name", "").endswith("/https") and "active_state" in node:
                manager = next(found for found in bootstrap.walk(node) if "http_filters" in found)
                return [found["name"] for found in manager["http_filters"]]
        return []

    def rejected(self) -> list[str]:
        """The counters of refused updates that are not 0."""
        return re.findall(r"^.*update_rejected: [1-9]\d*$", self.admin("/stats"), re.M)

    def everything_printed(self) -> str:
        pieces = [self.log()]
        if self.process is not None and self.process.poll() is None:
            pieces += [self.admin(path) for path in ("/stats", "/config_dump?include_eds", "/clusters?format=json", "/server_info")]
        return "\n".join(pieces)

    def stop(self) -> None:
        """It stops its Envoy itself when asked to; what is left of the group after that is killed."""
        if self.process is not None:
            if self._admin_address():
                edge.PRINTED.append(self.everything_printed())
            self.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                time.sleep(0.05)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for place in (CERTIFICATES, Path("/etc/hosts")):
            subprocess.run(["umount", place], check=False, stderr=subprocess.DEVNULL)
        if getattr(self, "made_mount_point", False):
            CERTIFICATES.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()


def _parsed(line: str) -> dict:
    try:
        return json.loads(line)
    except ValueError:
        return {}
