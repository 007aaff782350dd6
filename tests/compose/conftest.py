"""The compose stack on a real engine, once for all tests, with the browser of tests/browser in front of it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / path) for path in ("demo", "demo/compose", "tests/browser", "tests/dashboards", "tests/portal", "tests")]
pytest.register_assert_rewrite("engine", "containers", "test_connect", "test_dashboards", "test_jupyterlab", "test_panel", "checks")

import ending  # noqa: E402
from containers import ComposeStand  # noqa: E402
from profiles import browser, browser_program, person, playwright, stranger  # noqa: E402, F401


def pytest_sessionstart(session: pytest.Session) -> None:
    ending.stop_when_terminated()


@pytest.fixture(scope="session")
def stand(browser_program):  # noqa: F811
    """The stack, started by the documentation's own commands."""
    stand = ComposeStand()
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()


@pytest.fixture(scope="session")
def engine(stand):
    """The engine's view of it."""
    return stand.engine
