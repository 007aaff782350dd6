"""What the tests of the operator's side share: the end-to-end tests' Envoy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/e2e")]

import bootstrap  # noqa: E402
import ending  # noqa: E402


def pytest_sessionstart(session: pytest.Session) -> None:
    if not bootstrap.module().is_file():
        pytest.exit(f"{bootstrap.module()} is missing: needs cargo xtask build", returncode=3)
    ending.stop_when_terminated()
