"""The demo's stack, once for all tests."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "demo"), str(ROOT / "tests")]

from profiles import browser, browser_program, person, playwright, wasm  # noqa: E402, F401
from stand import Stand  # noqa: E402


@pytest.fixture(scope="session")
def stand(browser_program, wasm):  # noqa: F811
    """The demo's stack."""
    stand = Stand(wasm)
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()
