"""docs/identity.md: its decoders, each in a real backend behind a real Envoy, read the subject that was signed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from absence import leave_out
from documents import block, blocks
from makers import path
from policy import only
from programs import Program, python
from sessions import session
from stage import Stage, cookie, plain_ways

PAGE = "docs/identity.md"
SURROUNDINGS = Path(__file__).parent / "surroundings/backends"
BUILD_SECONDS = 300

# Each decoder stands behind the dashboard named here.
BACKENDS = {"backend.py": "training", "backend.mjs": "brief", "backend.go": "tools"}
SUBJECTS = ["ana", "Zoë Müller", "a,b", "100%", "100%25", "a+b c", "%zz", "ana@example.org", "名前", "👩‍💻", '"<&>\'',
            "~!*()"]


def build(name: str, folder: Path) -> list[str]:
    """Puts the documentation's lines into their program. Returns the command that runs it."""
    program = (SURROUNDINGS / name).read_text()
    place = next(line for line in program.splitlines() if line.endswith("the documentation's lines"))
    indent = place[:len(place) - len(place.lstrip())]
    lines = "\n".join(indent + line for line in block(PAGE, name).splitlines())
    (folder / name).write_text(program.replace(place, lines))
    if name.endswith(".py"):
        return python(name)
    if name.endswith(".mjs"):
        return ["node", name]
    # GO111MODULE: one file without a module; nothing is fetched.
    environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": ""}
    command = ["go", "build", "-o", "backend", name]
    subprocess.run(command, cwd=folder, env=environment, timeout=BUILD_SECONDS, check=True)
    return ["./backend"]


@pytest.fixture(scope="module", params=BACKENDS)
def decoder(request, tmp_path_factory):
    """An Envoy with that backend behind its dashboard, and the dashboard's name."""
    if request.param == "backend.go" and shutil.which("go") is None:
        leave_out("go is not here: its decoder is left out")
    folder, dashboard = tmp_path_factory.mktemp("backend"), BACKENDS[request.param]
    program = Program(build(request.param, folder), folder, {"PATH": path(), "HOME": str(folder)})
    try:
        with Stage(only(dashboard), backends={dashboard: program.port}) as stage:
            yield stage, dashboard
    finally:
        program.stop()


@plain_ways
@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_backend_reads_the_subject_that_was_signed(decoder, way, subject):
    stage, dashboard = decoder
    claimed = ("x-dashgate-subject", "mallory")
    answer = stage.ask(way, dashboard, headers=[*cookie(dashboard, session(dashboard, sub=subject)), claimed])
    assert (answer.status, answer.text) == (200, subject)


def test_every_piece_of_code_on_the_page_is_run():
    assert {each.name for each in blocks(PAGE)} == set(BACKENDS)
