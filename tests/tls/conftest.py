"""One Envoy with envoy/edge.yaml for all tests that only look, and what several scanners found there, each run once."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/e2e")]

import scan  # noqa: E402
from policy import only  # noqa: E402
from stage import Stage  # noqa: E402


@pytest.fixture(scope="session")
def stage():
    """The edge with one dashboard behind it."""
    with Stage(only("portal", "training")) as stage:
        yield stage


@pytest.fixture
def edge(stage):
    """The running Envoy."""
    return stage.edge


@pytest.fixture(scope="session")
def found(stage, tmp_path_factory):
    """What sslyze finds there."""
    return scan.sslyze(stage.edge.port, stage.edge.authority, tmp_path_factory.mktemp("scan"))
