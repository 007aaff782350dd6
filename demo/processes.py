"""The demo's programs: started in process groups of their own, watched, and stopped to the last one."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

STOP_SECONDS = 5
READY_SECONDS = 60
LAST_LINES = 20


class Stopped(Exception):
    """A program ended by itself or did not become ready; the text holds its last lines."""


class Processes:
    """Programs that live and die together."""

    def __init__(self, log_directory: Path):
        self.log_directory = log_directory
        self.log_directory.mkdir(parents=True, exist_ok=True)
        self.running: dict[str, subprocess.Popen] = {}

    def start(
        self, name: str, command: list[str], environment: dict[str, str], directory: Path, given: bytes = b""
    ) -> None:
        """Starts a program with `given` on its standard input; what it prints goes to a log file named after it."""
        with open(self.log(name), "wb") as log:
            # A session of its own: a Ctrl-C at the terminal reaches run.py alone, which then stops them in order.
            process = subprocess.Popen(
                command, cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )
        self.running[name] = process
        with contextlib.suppress(BrokenPipeError):        # it has ended already; check() will say so
            process.stdin.write(given)
            process.stdin.close()

    def log(self, name: str) -> Path:
        """Where the program's output goes."""
        return self.log_directory / f"{name}.log"

    def wait_for_port(self, name: str, port: int) -> None:
        """Waits until the program accepts connections on a loopback port."""
        self.wait_for(name, f"port {port}", lambda: socket.create_connection(("127.0.0.1", port), timeout=1))

    def wait_for(self, name: str, where: str, connect: Callable[[], socket.socket]) -> None:
        """Waits until the program accepts connections."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError), connect():
                return
            time.sleep(0.1)
        raise Stopped(f"{name} did not listen on {where} within {READY_SECONDS} s; its last lines:\n{self.tail(name)}")

    def check(self) -> None:
        """Raises Stopped if any program has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise Stopped(f"{name} ended with status {process.returncode}; its last lines:\n{self.tail(name)}")

    def tail(self, name: str) -> str:
        """The last lines a program printed."""
        lines = self.log(name).read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(f"  {line}" for line in lines)

    def stop(self) -> None:
        """Stops every program with what it started: asked first, killed where that does not help."""
        for process in reversed(self.running.values()):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()
        self.running.clear()


def _signal(process: subprocess.Popen, number: int) -> None:
    # The group's id is the process's own. It stays reserved while the group has members, or until we wait for it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_or_free(wanted: int) -> int:
    """The port if nobody listens on it, else another one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        return wanted


def short(path: Path) -> str:
    """The path of a unix socket, 107 bytes at most: the relative one is short wherever the repository lies."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
