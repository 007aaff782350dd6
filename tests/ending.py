"""The one way to end a process that leads a group of its own, with all that it started."""

import os
import signal
import subprocess


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
