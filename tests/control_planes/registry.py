"""An image registry on loopback that holds the published image: what `cargo xtask image` makes of the module. It takes nothing in."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import loopback
import namespaces
from bootstrap import ROOT, module

KEPT = ROOT / "target" / "images"
# What the image is made of, beside the module.
SOURCES = ("xtask/src/image.rs", "xtask/src/image/layout.rs", "Cargo.toml", "Cargo.lock")


class Image:
    """The one image of an OCI layout: its manifest by the digest that is pinned, and the blobs as they lie on the disk."""

    def __init__(self, layout: Path):
        [named] = json.loads((layout / "index.json").read_text())["manifests"]
        self.layout, self.digest, self.kind = layout, named["digest"], named["mediaType"]

    def blob(self, digest: str) -> bytes | None:
        algorithm, _, name = digest.partition(":")
        path = self.layout / "blobs" / algorithm / name
        return path.read_bytes() if name.isalnum() and path.is_file() else None


@functools.cache
def published() -> Image:
    """What is published of the module under test: made once for it, and kept under the sum of what went into it."""
    total = hashlib.sha256(module().read_bytes())
    for source in SOURCES:
        total.update((ROOT / source).read_bytes())
    layout = KEPT / total.hexdigest()[:12]
    if not layout.is_dir():
        pack(layout)
    return Image(layout)


def pack(layout: Path) -> None:
    """Runs `cargo xtask image`, outside the tests' namespaces: Cargo may have to download. Of every path
    all is said: entering another mount namespace leaves the folder that this program is in."""
    being_made = layout.with_name(f".{layout.name}.{os.getpid()}")
    layout.parent.mkdir(parents=True, exist_ok=True)
    command = [*namespaces.outside(), "cargo", "run", "--quiet", "--manifest-path", str(ROOT / "Cargo.toml"), "--package", "xtask", "--",
               "image", "--module", str(module().resolve()), "--into", str(being_made.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, pass_fds=namespaces.descriptors())
        assert done.returncode == 0, done.stderr
        being_made.rename(layout)       # only what is whole gets its name
    finally:
        shutil.rmtree(being_made, ignore_errors=True)


class Registry(loopback.Server):
    """The image under every repository's name and every tag; by digest, only what is asked for."""

    def __init__(self, image: Image):
        class Handler(loopback.Handler):
            def do_GET(self) -> None:
                *_, kind, reference = ["", "", *self.path.strip("/").split("/")]
                if kind == "manifests":
                    self.answer(image.kind, reference if reference.startswith("sha256:") else image.digest)
                elif kind == "blobs":
                    self.answer("application/octet-stream", reference)
                else:
                    self.send(200 if reference == "v2" else 404, "application/json", b"{}")

            do_HEAD = do_GET

            def answer(self, kind: str, digest: str) -> None:
                content = image.blob(digest)
                if content is None:
                    self.send(404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
                else:
                    self.send(200, kind, content, digest)

            def send(self, status: int, kind: str, content: bytes, digest: str | None = None) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                if digest:
                    self.send_header("docker-content-digest", digest)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        super().__init__(Handler)
