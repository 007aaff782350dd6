"""What `dashgate render` makes of the tests' policy, as documents: what is tested is what an operator gets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DASHGATE = ROOT / "target" / "debug" / "dashgate"

Document = dict


def text_of(target: str, policy: dict, section: str, **fields: object) -> str:
    """The output for a policy and one section of its deployment."""
    whole = yaml.safe_dump({"deployment": {section: fields}, "policy": policy}, sort_keys=False)
    command = [str(DASHGATE), "render", "--for", target, "--section", section, "-"]
    done = subprocess.run(command, input=whole, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(text: str) -> list[Document]:
    return [document for document in yaml.safe_load_all(text) if document]


def the(documents: list[Document], kind: str, name: str | None = None) -> Document:
    """The one document of a kind."""
    found = [one for one in documents if one["kind"] == kind and name in (None, one["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind} {name or ''}"
    return found[0]
