"""Runs `cargo xtask image` and reads the layout it wrote. Says nothing of what is right."""

import hashlib
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pack(module: Path, directory: Path) -> dict[str, str]:
    """Runs the task; returns the digests that it prints, by name."""
    command = ["cargo", "xtask", "image", "--module", str(module), "--into", str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}


def blob(directory: Path, digest: str) -> bytes:
    """A blob, whose name must be its own hash."""
    algorithm, name = digest.split(":")
    content = (directory / "blobs" / algorithm / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == name
    return content


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def manifest_of(directory: Path) -> tuple[dict, str]:
    index = json.loads((directory / "index.json").read_text())
    (named,) = index["manifests"]
    content = blob(directory, named["digest"])
    assert len(content) == named["size"]
    return json.loads(content), named["digest"]


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
