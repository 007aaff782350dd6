"""Envoy started with hot restart: several generations of one edge, each taking the listeners over from the one before."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bootstrap
import certificates
import sessions
import yaml
from edge import UnixConnection, binary
from ending import end
from policy import only
from stage import Stage
from upstream import Upstream

START_SECONDS = 30
DASHBOARDS = ("portal", "training", "other", "brief")


class Generation:
    """One Envoy process of the series."""

    def __init__(self, edge: Generations, epoch: int):
        self.folder = edge.folder
        with open(self.folder / f"envoy-{epoch}.log", "wb") as log:
            self.process = subprocess.Popen(
                [binary(), "-c", str(self.folder / f"bootstrap-{epoch}.yaml"), "--concurrency", "1", "--base-id", str(edge.base_id),
                 "--restart-epoch", str(epoch), "--drain-time-s", str(edge.drain_seconds), "--parent-shutdown-time-s",
                 str(edge.shutdown_seconds)],
                cwd=bootstrap.ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={"PATH": os.environ.get("PATH", ""), **sessions.environment()})
        self.started, self.epoch = time.monotonic(), epoch
        self.log_file = self.folder / f"envoy-{epoch}.log"

    def wait_until_live(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log_file.read_text()[-3000:]
            try:
                if f'"restart_epoch": {self.epoch},' in self.admin("/server_info") and self.admin("/ready").strip() == "LIVE":
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise TimeoutError(self.log_file.read_text()[-3000:])

    def admin(self, path: str) -> str:
        connection = UnixConnection(str(self.folder / "admin.sock"))
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def seconds_until_gone(self, seconds: float) -> float | None:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - self.started

    def stop(self) -> None:
        end(self.process)


class Ports:
    """What `Stage` asks of its edge."""

    def __init__(self, port: int, authority: str):
        self.port, self.authority = port, authority


class Generations(Stage):
    """The series behind one port, which `Stage` asks; `restart` starts the next one, perhaps with other settings."""

    def __init__(self, drain_seconds: int, shutdown_seconds: int):
        self.drain_seconds, self.shutdown_seconds = drain_seconds, shutdown_seconds
        self.base_id = os.getpid() % 30000 + 1
        self.folder = Path(tempfile.mkdtemp(prefix="dashgate-"))
        self.running: list[Generation] = []
        self.upstream = Upstream(list(DASHBOARDS))
        try:
            certificates.make(self.folder)
            upstreams = {name: self.upstream.port(name) for name in DASHBOARDS}
            self.tree, ports = bootstrap.build(self.folder, only(*DASHBOARDS), upstreams)
            self.edge = Ports(ports["dashboards"], str(self.folder / "authority.pem"))
            self.restart()
        except BaseException:
            self.stop()
            raise

    def restart(self, edit: Callable[[dict], None] | None = None) -> Generation:
        epoch = len(self.running)
        tree = bootstrap.rewritten(self.tree, lambda text: text)
        if edit is not None:
            edit(tree)
        (self.folder / f"bootstrap-{epoch}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        self.running.append(Generation(self, epoch))
        self.running[-1].wait_until_live()
        return self.running[-1]

    def stop(self) -> None:
        for generation in reversed(self.running):
            generation.stop()
        self.upstream.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(f"/dev/shm/envoy_shared_memory_{self.base_id * 10}").unlink(missing_ok=True)
