"""An image registry on loopback that holds one image: the module, as the control planes expect it. It takes nothing in."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Image:
    """One manifest and one layer with `plugin.wasm` in it."""

    def __init__(self, module: Path):
        self.blobs: dict[str, bytes] = {}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            entry = tarfile.TarInfo("plugin.wasm")
            entry.size, entry.mode = module.stat().st_size, 0o644
            with module.open("rb") as content:
                archive.addfile(entry, content)
        layers = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"]}
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": layers}).encode()
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self._put(config, CONFIG),
            "layers": [self._put(gzip.compress(packed.getvalue(), mtime=0), LAYER)],
        }).encode()
        self.digest = self._put(self.manifest, MANIFEST)["digest"]

    def _put(self, content: bytes, kind: str) -> dict:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        return {"mediaType": kind, "digest": digest, "size": len(content)}


class Registry:
    """The image under every repository's name and every tag; by digest, only what is asked for."""

    def __init__(self, image: Image):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                *_, kind, reference = ["", "", *self.path.strip("/").split("/")]
                if kind == "manifests":
                    self.answer(MANIFEST, image.digest if not reference.startswith("sha256:") else reference)
                elif kind == "blobs":
                    self.answer("application/octet-stream", reference)
                else:
                    self.send(200 if reference == "v2" else 404, "application/json", b"{}")

            do_HEAD = do_GET

            def answer(self, kind: str, digest: str) -> None:
                content = image.blobs.get(digest)
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

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
