"""The documentation's pages in a real browser: from the dashboard to the portal, and back by its button."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

import chromium
from makers import USER, Maker
from stage import Stage

SECONDS = 20
WANTED = "https://training.example.org/runs?tag=loss&smooth=0.6"
META = '<meta name="referrer" content="strict-origin-when-cross-origin">\n'
HIDING = '<meta name="referrer" content="same-origin">\n'


class Journey:
    """A portal of the documentation and its dashboard behind one Envoy, and a browser that knows both names."""

    def __init__(self, maker: Maker, keys, browser_path):
        self.stage = Stage({**keys.policies["HS256"], "reason_header": True}, environment=keys.environment,
                           backends={"portal": maker.program.port} if maker.program else {})
        self.browser_path = browser_path

    def arguments(self) -> list[str]:
        """As the other browser tests start it, but that every host of the tests is this Envoy."""
        edge, option = self.stage.edge, "--host-resolver-rules"
        kept = [each for each in chromium.arguments([edge.folder / "leaf.pem"]) if not each.startswith(option)]
        rules = f"MAP *.example.org:443 127.0.0.1:{edge.port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        return [*kept, f"{option}={rules}"]

    def take(self, go) -> None:
        """Runs `go` with a page of a fresh profile."""
        with sync_playwright() as playwright, self.stage:
            browser = playwright.chromium.launch(executable_path=self.browser_path, args=self.arguments())
            with browser, browser.new_context() as context:
                context.set_default_timeout(SECONDS * 1000)
                go(self.stage, context, context.new_page())


def sign_in(page: Page) -> None:
    """Signs in at the portal from a page of its own."""
    page.goto("https://portal.example.org/login")
    post = "user => fetch('/login', {method: 'POST', body: new URLSearchParams({user})}).then(({status}) => status)"
    assert page.evaluate(post, USER) == 204


def press(page: Page) -> None:
    """Opens the dashboard, which leads to the portal's page, and presses the button there."""
    page.goto(WANTED)
    assert page.url == "https://portal.example.org/connect?" + urlencode(
        {"dashboard": "training", "next": "/runs?tag=loss&smooth=0.6"}, safe="/")
    page.get_by_role("button", name="Connect").click()


@pytest.mark.parametrize("name", ["flask", "django", "node"])
def test_a_person_without_a_session_gets_to_the_dashboard_by_the_portals_button(keys, tmp_path, browser_program, name):
    def go(stage: Stage, context: BrowserContext, page: Page) -> None:
        sign_in(page)
        press(page)
        page.wait_for_url(WANTED)
        expect(page.get_by_text("from the upstream")).to_be_visible()
        arrived = [each for each in stage.upstream.received() if each.target == "/runs?tag=loss&smooth=0.6"]
        assert [each.values("x-dashgate-subject") for each in arrived] == [["zo%C3%AB"]]

    with Maker(name, "HS256", tmp_path, keys.folder, keys.environment) as maker:
        Journey(maker, keys, browser_program).take(go)


@pytest.mark.parametrize(("name", "change"), [("django", (META, "")), ("flask", (META, HIDING))])
def test_a_page_that_hides_its_origin_cannot_connect(keys, tmp_path, browser_program, name, change):
    """Django's default is `Referrer-Policy: same-origin`: without the template's own line its form comes from null."""

    def go(stage: Stage, context: BrowserContext, page: Page) -> None:
        sign_in(page)
        with page.expect_response(lambda answer: answer.url.endswith("/.dashgate/connect")) as awaited:
            press(page)
        answer = awaited.value
        assert (answer.status, answer.header_value("x-dashgate-reason")) == (403, "connect_origin_null")
        assert answer.request.header_value("origin") == "null"
        assert stage.upstream.received() == []
        expect(page.get_by_text("Referrer-Policy: strict-origin-when-cross-origin")).to_be_visible()

    with Maker(name, "HS256", tmp_path, keys.folder, keys.environment, (change,)) as maker:
        Journey(maker, keys, browser_program).take(go)


def test_the_link_of_a_shell_asks_and_then_opens_the_dashboard(keys, tmp_path, browser_program):
    def go(stage: Stage, context: BrowserContext, page: Page) -> None:
        page.goto(maker.printed().strip())
        expect(page.locator("#subject")).to_have_text(USER)
        assert page.url == "https://training.example.org/.dashgate/connect"
        assert stage.upstream.received() == []
        page.click("#go")
        page.wait_for_url("https://training.example.org/runs")
        expect(page.get_by_text("from the upstream")).to_be_visible()

    with Maker("mint", "HS256", tmp_path, keys.folder, keys.environment) as maker:
        Journey(maker, keys, browser_program).take(go)
