"""One running Envoy: started from a bootstrap, waited for, asked through its admin socket, stopped by its process group."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import envoy
import yaml

import bootstrap
import certificates
import sessions
from ending import end

START_SECONDS = 30
PRINTED: list[str] = []     # all that any Envoy of this run printed or showed: the last test searches it for secrets


class EdgeStopped(Exception):
    """Envoy refused to start. Its exit code and what it said."""

    def __init__(self, code: int, log: str):
        super().__init__(f"Envoy exited with {code}:\n{log[-3000:]}")
        self.code, self.log = code, log


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("admin", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def binary() -> str:
    return str(next((Path(envoy.__file__).parent / "_bin").glob("envoy*")))


class Envoy:
    """Started on construction from `folder`, which holds its bootstrap and everything else of it."""

    def __init__(self, folder: Path, ports: dict[str, int], keys: dict[str, str], *arguments: str):
        self.folder, self.ports = folder, ports
        self.access_file, self.log_file = folder / "access.log", folder / "envoy.log"
        with open(self.access_file, "wb") as access, open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [binary(), "-c", str(folder / "bootstrap.yaml"), "--concurrency", "1", "--disable-hot-restart",
                 "--file-flush-interval-msec", "20", "--log-level", "info", *arguments],
                cwd=bootstrap.ROOT, stdin=subprocess.DEVNULL, stdout=access, stderr=log, start_new_session=True,
                env={"PATH": os.environ.get("PATH", ""), **keys})
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self) -> int:
        return self.ports["dashboards"]

    @property
    def authority(self) -> str:
        return str(self.folder / "authority.pem")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise EdgeStopped(self.process.returncode, self.log())
            try:
                if self.admin("/ready").strip() == "LIVE":
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise TimeoutError(f"Envoy was not ready in {START_SECONDS} s:\n{self.log()[-3000:]}")

    def admin(self, path: str, method: str = "GET") -> str:
        connection = UnixConnection(str(self.folder / "admin.sock"))
        try:
            connection.request(method, path)
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()

    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace")

    def access_log(self) -> list[dict]:
        """All whole lines so far."""
        text = self.access_file.read_text("utf-8", "replace")
        return [json.loads(line) for line in text.split("\n")[:-1] if line]

    def wait_for_log(self, text: str, seconds: float = 5) -> str:
        return self.wait(lambda: text in self.log(), self.log, f"{text!r} in Envoy's log", seconds)

    def wait_for_access(self, matches: Callable[[dict], bool], seconds: float = 5) -> dict:
        """The one access-log entry that matches."""
        self.wait(lambda: any(map(matches, self.access_log())), self.access_log, "an access-log entry", seconds)
        found = [entry for entry in self.access_log() if matches(entry)]
        assert len(found) == 1, found
        return found[0]

    def stat(self, name: str) -> int:
        """A counter's value; 0 when it does not exist yet."""
        lines = self.admin(f"/stats?filter=^{name}$").splitlines()
        return int(lines[0].rsplit(": ", 1)[1]) if lines else 0

    @staticmethod
    def wait(satisfied: Callable[[], bool], shown: Callable[[], object], what: str, seconds: float):
        deadline = time.monotonic() + seconds
        while not satisfied():
            assert time.monotonic() < deadline, f"no {what} within {seconds} s; got {str(shown())[-2000:]}"
            time.sleep(0.02)
        return shown()

    def everything_printed(self) -> str:
        pieces = [self.log(), self.access_file.read_text("utf-8", "replace")]
        if self.process.poll() is None:
            pieces += [self.admin(path) for path in
                       ("/stats", "/stats/prometheus", "/config_dump?include_eds", "/clusters?format=json", "/server_info",
                        "/init_dump", "/certs", "/listeners")]
        return "\n".join(pieces)

    def stop(self) -> None:
        try:
            PRINTED.append(self.everything_printed())
        except OSError:
            PRINTED.append(self.log())
        if self.process.poll() is None:
            end(self.process)
            PRINTED.append(self.log() + self.access_file.read_text("utf-8", "replace"))
        shutil.rmtree(self.folder, ignore_errors=True)


class Edge(Envoy):
    """The shipped configuration, with the tests' policy and backends."""

    def __init__(self, policy: dict, dashboards: dict[str, int], edit: Callable[[dict], None] | None = None,
                 environment: dict[str, str] | None = None):
        # Short, because a unix socket's path is limited to 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="dashgate-"))
        try:
            self.issuer = certificates.make(folder)
            tree, ports = bootstrap.build(folder, policy, dashboards, edit)
            (folder / "bootstrap.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        except BaseException:
            shutil.rmtree(folder)
            raise
        super().__init__(folder, ports, sessions.environment() if environment is None else environment)
