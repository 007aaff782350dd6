"""A directory in which a bootstrap finds the files that it names, and Envoy's word on it there.

Validating opens no listener and reads no certificate: these are for the tests that run Envoy.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import bootstrap
import found
import yaml
from edge import binary

SECONDS = 60
# What a key may be, by the encoding that its policy says.
VALUES = {"base64url": "A" * 43, "base64": "A" * 43 + "=", "hex": "00" * 32, "utf8": "b" * 44}


class Place:
    """Envoy is started in `folder`, so relative paths lead into it. Absolute ones of files that it must have are led there."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.mounted = found.mounted()

    def lay(self, tree: dict) -> Path:
        """Writes the bootstrap with what it names. The secrets are said in it once more: of a file of secrets Envoy asks only that
        it is there, and would find a mistake in it only when it runs."""
        led, secrets = {}, []
        for node in bootstrap.walk(tree):
            if "path_config_source" in node:
                path = node["path_config_source"]["path"]
                source = self.mounted.get(path) or found.ROOT / path
                if path not in led:
                    secrets += bootstrap.shipped(source)["resources"]
                led[path] = self.lead(path, source)
            elif str(node.get("local", {}).get("filename", "")).endswith("/dashgate.wasm"):
                led[node["local"]["filename"]] = self.lead(node["local"]["filename"], bootstrap.module())
        tree = bootstrap.rewritten(tree, lambda text: led.get(text, text))
        tree["static_resources"]["secrets"] = [{name: value for name, value in secret.items() if name != "@type"} for secret in secrets]
        written = self.folder / "bootstrap.yaml"
        written.write_text(yaml.safe_dump(tree, sort_keys=False))
        return written

    def lead(self, path: str, source: Path) -> str:
        """Puts a file where this path leads from the folder; the path, or another one where it would lead out of it."""
        place = self.folder / path.lstrip("/")
        if not place.is_symlink():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
        return str(place) if path.startswith("/") else path

    def validate(self, written: Path) -> tuple[int, str]:
        """What Envoy says of it: it parses all, starts the module, and gives it the policy."""
        done = subprocess.run([binary(), "--mode", "validate", "-c", str(written)], cwd=self.folder, capture_output=True, text=True,
                              timeout=SECONDS, env={"PATH": os.environ.get("PATH", ""), **keys(bootstrap.shipped(written))})
        return done.returncode, done.stdout + done.stderr


def keys(tree: dict) -> dict[str, str]:
    """A value for each variable that a policy names, as it says it is encoded."""
    return {node["env"]: VALUES[node["encoding"]] for node in bootstrap.walk(tree) if "env" in node and "encoding" in node}
