"""How processes end: one that leads a group of its own with all that it started, and the tests themselves when they are terminated."""

import os
import signal
import subprocess

import pytest


def end(process: subprocess.Popen, seconds: float = 5) -> None:
    """Asked first, killed if it has not gone by then. One that has ended is left alone: its number may be another's by now."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def stop_when_terminated() -> None:
    """Terminated like interrupted: the fixtures still stop what they started. Once: a second signal must not break that off."""
    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)
        pytest.exit("terminated", returncode=3)

    signal.signal(signal.SIGTERM, stop)
