"""A read-only image registry on loopback that serves one image, whatever it is called, and counts who asked for its manifest."""

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


def layout_of(module: Path, folder: Path) -> Path:
    """An OCI layout with the module as plugin.wasm in its one layer: what Istio and Envoy Gateway take."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes, kind: str) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    packed, wasm = io.BytesIO(), module.read_bytes()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("plugin.wasm")
        entry.size = len(wasm)
        archive.addfile(entry, io.BytesIO(wasm))
    layer = {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(packed.getvalue()).hexdigest()]}
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": layer}).encode(), CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                "layers": [blob(gzip.compress(packed.getvalue(), mtime=0), LAYER)]}
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), MANIFEST)]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


class Registry:
    """Serves a layout until it is stopped. `digest` is the manifest's."""

    def __init__(self, layout: Path):
        self.digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
        self.pulled: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                *_, kind, reference = ["", "", *self.path.strip("/").split("/")]
                if reference == "v2":
                    return self.answer(200, b"{}", "application/json")
                if kind == "manifests":
                    outer.pulled.append(reference)
                    reference = reference if reference.startswith("sha256:") else outer.digest
                blob = layout / "blobs" / "sha256" / reference.partition(":")[2]
                if kind not in ("manifests", "blobs") or not blob.is_file():
                    return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', "application/json")
                self.answer(200, blob.read_bytes(), MANIFEST if kind == "manifests" else "application/octet-stream", reference)

            do_HEAD = do_GET

            def answer(self, status: int, content: bytes, kind: str, digest: str | None = None) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                if digest:
                    self.send_header("docker-content-digest", digest)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
