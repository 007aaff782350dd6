"""A network namespace of a test's own, joined to this machine's network by one cable. What listens in it, the test decides."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator

from absence import leave_out

SECONDS = 10


class Namespace:
    """Its own loopback, and one address beside this machine's in a network of two. It knows no way to anywhere else."""

    def __init__(self, undo: contextlib.ExitStack, outside: str, inside: str):
        link = f"dg{os.getpid() % 100000}"
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        undo.callback(self.holder.wait, SECONDS)
        undo.callback(self.holder.kill)      # the last process in it: the link goes with it
        deadline = time.monotonic() + SECONDS
        while os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino:
            assert time.monotonic() < deadline, "no network namespace was made"
            time.sleep(0.01)
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "address", "add", f"{outside}/30", "dev", link)
        run("ip", "link", "set", link, "up")
        run(*self.enter, "ip", "address", "add", f"{inside}/30", "dev", "eth0")
        run(*self.enter, "ip", "link", "set", "eth0", "up")
        run(*self.enter, "ip", "link", "set", "lo", "up")

    @property
    def enter(self) -> list[str]:
        """What a command is preceded by to run in it."""
        return ["nsenter", "--target", str(self.holder.pid), "--net"]


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)


@contextlib.contextmanager
def namespace(outside: str, inside: str) -> Iterator[Namespace]:
    """One with these addresses: this machine's, and its own. However its making ends, nothing of it stays."""
    if os.geteuid() != 0:
        leave_out("making a network namespace: that needs root")
    if not shutil.which("ip") or not shutil.which("nsenter"):
        leave_out("iproute2 or util-linux is missing")
    with contextlib.ExitStack() as undo:
        try:
            made = Namespace(undo, outside, inside)
        except (OSError, subprocess.SubprocessError) as problem:
            leave_out(f"a network namespace cannot be made here: {problem}")
        yield made
