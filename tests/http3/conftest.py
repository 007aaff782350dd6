"""One edge that was rendered with `http3: true`, for all tests that only look."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/e2e")]

from over_udp import Http3Stage  # noqa: E402


@pytest.fixture(scope="session")
def whole_stage():
    with Http3Stage() as stage:
        yield stage


@pytest.fixture
def gate(whole_stage):
    """The shared edge, with an upstream that has forgotten the tests before."""
    whole_stage.upstream.forget()
    return whole_stage
