"""Dashboards that people start for themselves, as a batch system would on some node: each a real TensorBoard on a port of its own.

The portal starts them, knows whose they are, and signs where a session leads. Nothing in Envoy changes when one comes or goes.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

# The backends that envoy/per-session.yaml allows on this machine.
PORTS = range(20000, 30000)
RUNS_OF_ONE_PERSON = 2


class TooMany(Exception):
    """Somebody has as many as one person may have."""


@dataclass
class Run:
    """One TensorBoard of one person."""

    id: str
    user: str
    port: int
    process: subprocess.Popen

    @property
    def backend(self) -> str:
        """Where the gate is to lead its sessions."""
        return f"127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether it has come up."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.5).close()
        except OSError:
            return False
        return True


class Runs:
    """All that run now. The programs belong to the portal's process group and end with it."""

    def __init__(self, directory: Path):
        shutil.rmtree(directory, ignore_errors=True)
        self.directory = directory
        self.running: dict[str, Run] = {}
        self.lock = threading.Lock()
        # A session that names a port can outlive what listened there: no port is used twice.
        self.ports = list(PORTS)
        secrets.SystemRandom().shuffle(self.ports)

    def of(self, user: str) -> list[Run]:
        """A person's, oldest first; those that have ended are forgotten."""
        with self.lock:
            return self._of(user)

    def _of(self, user: str) -> list[Run]:
        self.running = {name: run for name, run in self.running.items() if run.process.poll() is None}
        return [run for run in self.running.values() if run.user == user]

    def start(self, user: str) -> Run:
        """Starts one more; raises TooMany."""
        with self.lock:
            if len(self._of(user)) >= RUNS_OF_ONE_PERSON:
                raise TooMany
            return self._start(user)

    def _start(self, user: str) -> Run:
        import events                                     # TensorBoard's own writer: a portal without runs does without

        # A part of a host's name: letters and digits. It is public, and never used again.
        name = secrets.token_hex(5)
        directory = self.directory / name
        events.write(directory / "events", {f"{user}s-run": 0.5})
        port = self._port()
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(directory / "events"),
                   "--host", "127.0.0.1", "--port", str(port), "--load_fast", "false"]
        with open(directory / "log", "wb") as log:
            # Somebody's program: nothing of the portal's environment, which holds a secret, is for it.
            environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self.running[name] = Run(name, user, port, process)
        return self.running[name]

    def _port(self) -> int:
        while self.ports:
            port = self.ports.pop()
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
        raise OSError("every port was used")

    def stop(self, user: str, name: str) -> None:
        """Stops one, if it is that person's."""
        for run in self.of(user):
            if run.id == name:
                run.process.terminate()
                run.process.wait(10)
