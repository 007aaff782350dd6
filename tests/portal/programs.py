"""Programs that the tests start: each prints the port it listens on as its first line, and is stopped by its own id."""

from __future__ import annotations

import select
import subprocess
import sys
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 5


class Program:
    """Started on construction, in a folder, with that environment."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]):
        self.said = folder / "stderr.log"
        with open(self.said, "wb") as errors:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=errors)
        try:
            self.port = self._port(command)
        except BaseException:
            self.stop()
            raise

    def _port(self, command: list[str]) -> int:
        ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline().strip() if ready else b""
        said = self.said.read_text(errors="replace")[-2000:]
        assert line.isdigit(), f"{command} printed no port but {line!r}:\n{said}"
        return int(line)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self.process.stdout.close()


def python(program: str) -> list[str]:
    """The command for a Python program of the folder."""
    return [sys.executable, program]
