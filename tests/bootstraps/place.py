"""A directory in which a bootstrap finds what it names: the module, certificates, the files that name them. Validates it there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import bootstrap
import certificates
import found
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from edge import binary

SECONDS = 60
# What a key may be, by the encoding that its policy says.
VALUES = {"base64url": "A" * 43, "base64": "A" * 43 + "=", "hex": "00" * 32, "utf8": "b" * 44}


class Place:
    """Envoy is started in `folder`, so relative paths lead into it; absolute ones are led there."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.authority = certificates.Authority()
        self.mounted = found.mounted()

    def inside(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def lay(self, tree: dict) -> Path:
        """Writes the bootstrap with all that it names. Only absolute paths are changed in it, and the secrets are said twice:
        of a file of secrets Envoy asks only that it is there, and drops it later if it holds a mistake."""
        paths = [node["path_config_source"]["path"] for node in bootstrap.walk(tree) if "path_config_source" in node]
        secrets = [secret for path in dict.fromkeys(paths) for secret in self.secrets(path)]
        for node in bootstrap.walk(tree):
            if "local" in node and "filename" in node["local"]:
                self.lead(node["local"]["filename"], bootstrap.module())
        tree = bootstrap.rewritten(tree, lambda text: str(self.inside(text)) if self.is_led(text) else text)
        for secret in secrets:
            del secret["@type"]
        tree["static_resources"]["secrets"] = secrets
        written = self.folder / "bootstrap.yaml"
        written.write_text(yaml.safe_dump(tree, sort_keys=False))
        return written

    def is_led(self, text: str) -> bool:
        """Whether it is an absolute path of a file that was made here."""
        return text.startswith("/") and not text.startswith(str(self.folder)) and os.path.lexists(self.inside(text))

    def lead(self, path: str, target: Path) -> None:
        place = self.inside(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(target)

    def secrets(self, path: str) -> list[dict]:
        """The secrets of a file that the bootstrap names, which is laid out with its certificates."""
        source = self.mounted.get(path) or found.ROOT / path
        text = source.read_text()
        laid = yaml.safe_load(text)
        for secret in laid["resources"]:
            for node in bootstrap.walk(secret):
                if "certificate_chain" in node:
                    self.certify(node["certificate_chain"]["filename"], node["private_key"]["filename"], secret["name"])
                if "trusted_ca" in node:
                    self.inside(node["trusted_ca"]["filename"]).parent.mkdir(parents=True, exist_ok=True)
                    self.inside(node["trusted_ca"]["filename"]).write_bytes(certificates.pem(self.authority.certificate))
        laid = bootstrap.rewritten(laid, lambda value: str(self.inside(value)) if self.is_led(value) else value)
        place = self.inside(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place != source:
            place.write_text(yaml.safe_dump(laid, sort_keys=False))
        return laid["resources"]

    def certify(self, chain: str, key: str, name: str) -> None:
        """A certificate of the kind that its name says, as the edge has two."""
        self.inside(chain).parent.mkdir(parents=True, exist_ok=True)
        made = certificates.rsa_key() if name.endswith("-rsa") else ec.generate_private_key(ec.SECP256R1())
        self.authority.issue(self.folder, "issued", key=made)
        (self.folder / "issued.pem").replace(self.inside(chain))
        (self.folder / "issued.key").replace(self.inside(key))

    def validate(self, written: Path) -> tuple[int, str]:
        """What Envoy says of it: it parses all, starts the module, and gives it the policy."""
        done = subprocess.run([binary(), "--mode", "validate", "-c", str(written)], cwd=self.folder, capture_output=True, text=True,
                              timeout=SECONDS, env={"PATH": os.environ.get("PATH", ""), **keys(yaml.safe_load(written.read_text()))})
        return done.returncode, done.stdout + done.stderr


def keys(tree: dict) -> dict[str, str]:
    """A value for each variable that a policy names, as it says it is encoded."""
    return {node["env"]: VALUES[node["encoding"]] for node in bootstrap.walk(tree) if "env" in node and "encoding" in node}
