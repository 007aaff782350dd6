"""Fixtures for a real browser in front of a `stand`: one browser for each module, a fresh profile for each test."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

import chromium
from absence import leave_out
from person import Person
from stand import SECONDS
from stack import ROOT

WASM = Path(os.environ.get("DASHGATE_WASM", ROOT / "target/dashgate.wasm"))

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session")
def browser_program() -> Path:
    """The browser. Without one there is nothing to test: CI fails then, other machines say so and go on."""
    try:
        return chromium.find()
    except chromium.Missing as missing:
        leave_out(str(missing))


@pytest.fixture(scope="session")
def wasm() -> Path:
    """The filter as it is built."""
    if not WASM.is_file():
        pytest.fail(f"{WASM} is missing: cargo xtask build", pytrace=False)
    return WASM


@pytest.fixture(scope="session")
def playwright():
    """The driver of the browser."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright, stand, browser_program):
    """The browser, running; it trusts the certificates of this stand and no others."""
    browser = playwright.chromium.launch(executable_path=browser_program, args=chromium.arguments(stand.certificates()))
    yield browser
    browser.close()


@pytest.fixture
def person(stand, browser):
    """Ana with a fresh profile."""
    with _profile(browser) as context:
        yield Person(stand, context)


@pytest.fixture
def stranger(stand, browser):
    """Bob with a fresh profile of his own, beside Ana's, in a browser that heeds no Content-Security-Policy."""
    with _profile(browser, bypass_csp=True) as context:
        yield Person(stand, context, "bob")


def _profile(browser, **settings):
    context = browser.new_context(viewport={"width": 1200, "height": 800}, **settings)
    context.set_default_timeout(SECONDS * 1000)
    return context
