"""testssl.sh at the edge: Debian's for the known weaknesses, and one of 3.2 or newer, where it is installed, for the grade."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import debian
import pytest

SECONDS = 600
NAME = "training.example.org"
# Of these each line is looked at; a weakness that is not named here must be harmless as well.
EXPECTED = {"heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS", "BREACH", "POODLE_SSL",
            "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4"}
HARMLESS = {"OK", "INFO"}


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


def test_debians_testssl_finds_no_known_weakness(stage, tmp_path):
    program = debians()
    unpacked = Path(program.command).parents[2] / "etc/testssl"
    if program.own and unpacked.is_dir():
        program.own["TESTSSL_INSTALL_DIR"] = str(unpacked)
    findings = run(program, stage, tmp_path, "--vulnerable")
    weaknesses = {finding["id"].split()[0]: finding for finding in findings if not finding["id"].startswith(("engine_problem", "scanTime"))}
    assert EXPECTED <= weaknesses.keys(), sorted(weaknesses)
    bad = {name: (finding["severity"], finding["finding"]) for name, finding in weaknesses.items() if finding["severity"] not in HARMLESS}
    assert bad == {}


def installed_version() -> tuple[str, tuple[int, int]] | None:
    """A testssl.sh of the machine's own, with its version. Before 3.2 it gives no current grade."""
    command = os.environ.get("TESTSSL") or shutil.which("testssl.sh") or shutil.which("testssl")
    if not command:
        return None
    said = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60).stdout
    # It takes no other option beside that one, so what it says is in colour.
    version = re.search(r"testssl(?:\.sh)?\s+(?:version\s+)?(\d+)\.(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", said))
    return (command, (int(version[1]), int(version[2]))) if version else None


def test_a_current_testssl_rates_it_a_plus(stage, tmp_path):
    """Debian's is 3.0.8, too old to say. Left out where there is no newer one, in CI too: no registry has it."""
    found = installed_version()
    if found is None or found[1] < (3, 2):
        pytest.skip("there is no testssl.sh of 3.2 or newer here (TESTSSL names one)")
    # What it calls besides, `hexdump` and `host`, is Debian's where the machine has none.
    findings = run(debian.Program(found[0], debians().own), stage, tmp_path, "--add-ca", stage.edge.authority)
    grades = [finding["finding"] for finding in findings if finding["id"] == "overall_grade"]
    assert grades == ["A+"]
