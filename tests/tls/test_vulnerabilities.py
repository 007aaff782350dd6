"""testssl.sh at the edge: Debian's for the known weaknesses, and one of 3.2 or newer, where it is installed, for the grade."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import debian
import pytest

SECONDS = 600
NAME = "training.example.org"
# Of these each line is looked at; a weakness that is not named here must be harmless as well.
EXPECTED = {"heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS", "BREACH", "POODLE_SSL",
            "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4"}
HARMLESS = {"OK", "INFO"}
# Before this version it grades by an older guide, or not at all.
GRADED = (3, 2)


def run(program: debian.Program, stage, folder: Path, *arguments: str) -> list[dict]:
    """Runs testssl.sh against the edge; its findings."""
    written = folder / "findings.json"
    command = [program.command, "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--ip", "127.0.0.1",
               "--jsonfile", str(written), *arguments, f"{NAME}:{stage.edge.port}"]
    with open(folder / "testssl.log", "w+b") as log:
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=SECONDS, cwd=folder, env=program.environment())
        finally:
            log.seek(0)
            said = log.read().decode("utf-8", "replace")
    assert written.is_file(), said[-3000:]
    return json.loads(written.read_text())


def debians() -> debian.Program:
    """Debian's, with the libraries that its `host` needs and a small machine lacks. No name is looked up, but it insists on having it."""
    libraries = ["bind9-host", "bind9-libs", "bsdextrautils", "libfstrm0", "libjemalloc2", "liblmdb0", "libmaxminddb0", "libuv1"]
    return debian.program("testssl.sh", "usr/bin/testssl", *libraries)


def with_files_of(program: debian.Program) -> debian.Program:
    """Told where its own files are, if it was unpacked."""
    unpacked = Path(program.command).parents[2] / "etc/testssl"
    return replace(program, own={**program.own, "TESTSSL_INSTALL_DIR": str(unpacked)}) if program.own and unpacked.is_dir() else program


def test_debians_testssl_finds_no_known_weakness(stage, tmp_path):
    program = with_files_of(debians())
    findings = run(program, stage, tmp_path, "--vulnerable")
    weaknesses = {finding["id"].split()[0]: finding for finding in findings if not finding["id"].startswith(("engine_problem", "scanTime"))}
    assert EXPECTED <= weaknesses.keys(), sorted(weaknesses)
    bad = {name: (finding["severity"], finding["finding"]) for name, finding in weaknesses.items() if finding["severity"] not in HARMLESS}
    assert bad == {}


def version_of(program: debian.Program) -> tuple[int, int]:
    """Its version; none is before every other."""
    said = subprocess.run([program.command, "--version"], capture_output=True, text=True, timeout=60, env=program.environment()).stdout
    said = re.sub(r"\x1b\[[0-9;]*m", "", said)       # it speaks in bold
    version = re.search(r"(?:testssl(?:\.sh)?\s+(?:version\s+)?)(\d+)\.(\d+)", said)
    return (int(version[1]), int(version[2])) if version else (0, 0)


def current() -> debian.Program:
    """A testssl.sh that gives a current grade: the machine's own, else that of the Debian release in DASHGATE_TESTSSL_RELEASE.

    What it calls besides, `hexdump` and `host`, is this Debian's where the machine has none.
    """
    for command in filter(None, (os.environ.get("TESTSSL"), shutil.which("testssl.sh"), shutil.which("testssl"))):
        if version_of(debian.Program(command)) >= GRADED:
            return debian.Program(command, debians().own)
    release = os.environ.get("DASHGATE_TESTSSL_RELEASE")
    if not release:
        pytest.skip("there is no testssl.sh of 3.2 or newer here (TESTSSL names one; `cargo xtask full` fetches one)")
    place = debian.PLACE / f"testssl.sh-{release}"
    problem = None if (place / ".whole").is_file() else debian.unpack(place, ["testssl.sh"], release)
    if problem:
        pytest.skip(f"there is no testssl.sh of 3.2 or newer here, and Debian's {release} cannot be had: {problem.splitlines()[-1]}")
    own = {"PATH": os.environ.get("PATH", ""), **debians().own}
    program = with_files_of(debian.Program(str(place / "usr/bin/testssl"), own))
    assert version_of(program) >= GRADED
    return program


def test_a_current_testssl_rates_it_a_plus(stage, tmp_path):
    """It takes two minutes, so `cargo xtask test` does not fetch one."""
    findings = run(current(), stage, tmp_path, "--add-ca", stage.edge.authority)
    grades = [finding["finding"] for finding in findings if finding["id"] == "overall_grade"]
    assert grades == ["A+"]
