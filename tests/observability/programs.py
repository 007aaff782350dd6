"""Where Prometheus's programs are: on the PATH, in DASHGATE_PROMETHEUS, or unpacked from Debian's package under target/."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from absence import leave_out

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / "target/tools/debian/prometheus/usr/bin"      # where `cargo xtask test` puts it


def program(name: str) -> str:
    """The path of `promtool` or `prometheus`. Without it the test is left out; in CI it fails."""
    places = [os.environ.get("DASHGATE_PROMETHEUS"), str(UNPACKED), os.environ.get("PATH")]
    found = shutil.which(name, path=os.pathsep.join(filter(None, places)))
    if found:
        return found
    leave_out(f"{name} is missing: install Debian's prometheus, or let DASHGATE_PROMETHEUS name its directory")
