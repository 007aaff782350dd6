"""A filter that traps on every request: what the gate never does, so that what follows a trap can be seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bootstrap

I32, NOTHING = 0x7F, []
TRAP, TRUE, FALSE, EMPTY = b"\x00\x0b", b"\x41\x01\x0b", b"\x41\x00\x0b", b"\x0b"

# The functions of ABI 0.2.1 that Envoy calls: how many i32 each takes, whether it returns one, and its code.
FUNCTIONS = {
    "proxy_abi_version_0_2_1": (0, False, EMPTY), "proxy_on_memory_allocate": (1, True, b"\x41\x80\x08\x0b"),
    "proxy_on_vm_start": (2, True, TRUE), "proxy_on_configure": (2, True, TRUE), "proxy_on_context_create": (2, False, EMPTY),
    "proxy_on_request_headers": (3, True, TRAP), "proxy_on_done": (1, True, TRUE), "proxy_on_delete": (1, False, EMPTY),
}


def module() -> bytes:
    """The module, in WebAssembly's binary format (core specification, chapter 5)."""
    types = [b"\x60" + vector([bytes([I32])] * count) + vector([bytes([I32])] if returns else NOTHING) for count, returns, _ in FUNCTIONS.values()]
    codes = [sized(b"\x00" + code) for _, _, code in FUNCTIONS.values()]
    exports = [named(name) + b"\x00" + bytes([place]) for place, name in enumerate(FUNCTIONS)]
    sections = [(1, vector(types)), (3, vector([bytes([place]) for place in range(len(types))])), (5, vector([b"\x00\x02"])),
                (7, vector([*exports, named("memory") + b"\x02\x00"])), (10, vector(codes))]
    return b"\x00asm\x01\x00\x00\x00" + b"".join(bytes([number]) + sized(content) for number, content in sections)


def vector(items: list[bytes]) -> bytes:
    return number(len(items)) + b"".join(items)


def sized(content: bytes) -> bytes:
    return number(len(content)) + content


def named(name: str) -> bytes:
    return sized(name.encode())


def number(value: int) -> bytes:
    """LEB128."""
    pieces = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        pieces.append(low | (0x80 if value else 0))
        if not value:
            return bytes(pieces)


def instead(folder: Path, failure_policy: str) -> Callable[[dict], None]:
    """Puts the module in the gate's place."""
    path = folder / "trap.wasm"
    path.write_bytes(module())

    def edit(tree: dict) -> None:
        for gate in bootstrap.wasm_filters(tree):
            plugin = gate["typed_config"]["config"]
            plugin["vm_config"]["code"]["local"]["filename"] = str(path)
            plugin["failure_policy"] = failure_policy
            if failure_policy != "FAIL_RELOAD":
                del plugin["reload_config"]
    return edit
