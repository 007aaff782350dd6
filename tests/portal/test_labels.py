"""docs/access.md: its two encoders of host labels say what the gate says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from documents import ROOT, block, blocks
from makers import path

PAGE = "docs/access.md"
RUN_SECONDS = 30
NAMES = ["ada", "a", "7", "a-b-c", "Ada", "ada@example.org", "x-ada", "x", "x-", "-ada", "ada-", "xn--ada", "ab--c", "a--bc", "a_b", "",
         "Zoë", "名前", "a b", "a.b", "a" * 63, "a" * 64, "ada\n", "\nada", "a\nb"]


def written(language: str) -> list[str]:
    """The labels of all names, by the documentation's own function."""
    names = json.dumps(NAMES)
    if language == "python":
        program = block(PAGE, "label.py") + f"\nimport json\nprint(json.dumps([label(name) for name in json.loads({names!r})]))\n"
        command = [sys.executable, "-c", program]
    else:
        program = block(PAGE, "label.mjs") + f"\nconsole.log(JSON.stringify({names}.map(label)));\n"
        command = ["node", "-e", program]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS, check=True, env={"PATH": path()})
    return json.loads(answer.stdout)


def gates(name: str) -> str:
    """What `dashgate label` says: nothing where it is too long for a host."""
    command = [ROOT / "target/debug/dashgate", "label", "--", name]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    assert answer.returncode in (0, 1), answer.stderr
    return answer.stdout[:-1] if answer.returncode == 0 else ""


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_documentations_encoder_says_what_the_gate_says(language):
    for name, label in zip(NAMES, written(language), strict=True):
        assert gates(name) == (label if len(label) <= 63 else ""), name


def test_every_encoder_on_the_page_is_run():
    assert {each.name for each in blocks(PAGE) if each.language != "yaml"} == {"label.py", "label.mjs"}


def test_the_table_on_the_page_is_true():
    rows = [line.split("|")[1:3] for line in (ROOT / PAGE).read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == 4
    for name, label in rows:
        assert gates(name.strip(" `")) == label.strip(" `")
