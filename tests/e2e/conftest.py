"""One Envoy for all tests that only look; the few that change or break something start their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

import bootstrap  # noqa: E402
import ending  # noqa: E402
from policy import policy  # noqa: E402
from stage import Stage  # noqa: E402


def pytest_sessionstart(session: pytest.Session) -> None:
    for needed, command in ((bootstrap.SHIPPED, "a whole checkout"), (bootstrap.module(), "cargo xtask build")):
        if not needed.is_file():
            pytest.exit(f"{needed} is missing: needs {command}", returncode=3)
    ending.stop_when_terminated()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What was printed can be searched only after everything was printed."""
    items.sort(key=lambda item: item.path.name == "test_secrets.py")


@pytest.fixture(scope="session")
def whole_stage():
    with Stage(policy()) as stage:
        yield stage


@pytest.fixture
def gate(whole_stage: Stage):
    """The shared Envoy, with an upstream that has forgotten the tests before."""
    whole_stage.upstream.forget()
    return whole_stage
