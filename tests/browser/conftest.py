"""One stack and one browser for all tests; a fresh profile for each."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "demo"))

from playwright.sync_api import expect, sync_playwright  # noqa: E402

import chromium  # noqa: E402
from person import Person  # noqa: E402
from stand import SECONDS, Stand  # noqa: E402

WASM = Path(os.environ.get("DASHGATE_WASM", ROOT / "target/dashgate.wasm"))

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session")
def browser_program() -> Path:
    """The browser. Without one there is nothing to test: CI fails then, other machines say so and go on."""
    try:
        return chromium.find()
    except chromium.Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def stand(browser_program):
    """The demo's stack."""
    if not WASM.is_file():
        pytest.fail(f"{WASM} is missing: cargo xtask build", pytrace=False)
    stand = Stand(WASM)
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()


@pytest.fixture(scope="session")
def playwright():
    """The driver of the browser."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright, stand, browser_program):
    """The browser, running."""
    browser = playwright.chromium.launch(executable_path=browser_program, args=chromium.arguments(stand.certificates()))
    yield browser
    browser.close()


@pytest.fixture
def person(stand, browser):
    """Ana with a fresh profile."""
    with browser.new_context(viewport={"width": 1200, "height": 800}) as context:
        context.set_default_timeout(SECONDS * 1000)
        yield Person(stand, context)
