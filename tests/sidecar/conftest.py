"""One sidecar for all tests that only look."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/e2e")]

from beside import Beside  # noqa: E402


@pytest.fixture(scope="session")
def whole_sidecar():
    with Beside() as sidecar:
        yield sidecar


@pytest.fixture
def sidecar(whole_sidecar):
    """The shared sidecar, with an upstream that has forgotten the tests before."""
    whole_sidecar.upstream.forget()
    return whole_sidecar
