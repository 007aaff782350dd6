"""Network and mount namespaces of the tests' own, for servers that listen on every address or insist on fixed paths."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1

_left: dict[str, int] = {}      # the namespaces this process came from, as descriptors


def enter() -> None:
    """Puts this thread, and with it every thread and program started later, into new namespaces with only loopback. Needs root."""
    if _left:
        return
    before = {kind: os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in ("net", "mnt")}
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        for descriptor in before.values():
            os.close(descriptor)
        raise PermissionError(f"unshare: {os.strerror(ctypes.get_errno())}")
    _left.update(before)
    mount("--make-rprivate", "/")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def keep(port: int) -> int:
    """The port, which the kernel now gives to no connection of its own choice: for a server that starts later."""
    if _left:
        with open("/proc/sys/net/ipv4/ip_local_reserved_ports", "r+") as reserved:
            known = reserved.read().strip()
            reserved.seek(0)
            reserved.write(f"{known},{port}" if known else str(port))
    return port


def mount(*arguments: str) -> None:
    """Mounts something in this process's own namespace."""
    subprocess.run(["mount", *arguments], check=True)


def outside() -> list[str]:
    """What a command begins with that must run where this process came from: to download, say."""
    if not _left:
        return []
    return ["nsenter", f"--net=/proc/self/fd/{_left['net']}", f"--mount=/proc/self/fd/{_left['mnt']}"]


def descriptors() -> tuple[int, ...]:
    """What such a command must inherit."""
    return tuple(_left.values())
