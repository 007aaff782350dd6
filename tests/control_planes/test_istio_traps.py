"""Each way of leaving a gateway open, written into the shipped files: `dashgate check` finds every one before it is applied."""

import subprocess

import pytest
import yaml

import test_istio_locks as locks
from bootstrap import ROOT
from rendered import DASHGATE, documents

SHIPPED = ROOT / "envoy" / "istio"
PREFIXES = ("", "gateway-api-")
LABELS = {"for_another_label", "patched_for_another_label"}     # a Gateway of the Gateway API is named, not labelled


def checked(path):
    done = subprocess.run([str(DASHGATE), "check", "--no-keys", str(path)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def gone_behind_the_router(documents):
    patch = locks.placed(documents)
    patch["match"]["listener"]["filterChain"]["filter"]["subFilter"] = {"name": "envoy.filters.http.router"}
    patch["patch"]["operation"] = "INSERT_AFTER"


def without_locks(documents):
    documents.remove(locks.the(documents, "EnvoyFilter", "dashgate-locks"))


def open_when_it_fails(documents):
    locks.extension(documents)["spec"]["wasm"]["failStrategy"] = "FAIL_OPEN"


TRAPS = [*((trap, form[0].removeprefix("istio-")) for trap, form, _, _ in locks.TRAPS),
         (locks.in_the_wrong_order, "envoyfilter"), (gone_behind_the_router, "envoyfilter"),
         (without_locks, "trafficextension"), (without_locks, "envoyfilter"), (open_when_it_fails, "trafficextension")]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_files_are_fine(path):
    code, said = checked(path)
    assert (code, "no problems, no warnings" in said) == (0, True), said


CASES = [(trap, form, prefix) for trap, form in TRAPS for prefix in PREFIXES if not (prefix and trap.__name__ in LABELS)]


@pytest.mark.parametrize("trap,form,prefix", CASES, ids=[f"{prefix}{form}-{trap.__name__}" for trap, form, prefix in CASES])
def test_check_finds_it(tmp_path, trap, form, prefix):
    tree = documents((SHIPPED / f"{prefix}{form}.yaml").read_text())
    trap(tree)
    (tmp_path / "trap.yaml").write_text(yaml.safe_dump_all(tree))
    code, said = checked(tmp_path / "trap.yaml")
    assert code == 1 and "problem: " in said, said
