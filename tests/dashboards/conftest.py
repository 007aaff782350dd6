"""Each module's `DASHBOARDS`, behind an Envoy of their own, with a real browser in front."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / path) for path in ("demo", "tests/browser", "tests")]

from profiles import browser, browser_program, person, playwright, stranger, wasm  # noqa: E402, F401
from stand import Stand  # noqa: E402


@pytest.fixture(scope="module")
def stand(request, wasm):  # noqa: F811
    """The portal, the module's dashboards, and Envoy with the shipped edge.yaml and these added to it."""
    stand = Stand(wasm, request.module.DASHBOARDS)
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()
