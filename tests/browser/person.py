"""What a person does in the browser: sign in, connect, look at a dashboard. Each step waits for what it shows."""

import re

from playwright.sync_api import BrowserContext, Page, expect

from stand import Stand


class Person:
    """One browser profile with one open tab."""

    def __init__(self, stand: Stand, context: BrowserContext, user: str = "ana"):
        self.stand = stand
        self.context = context
        self.user = user
        self.page: Page = context.new_page()

    def sign_in(self) -> None:
        """Fills in the portal's login page, which is open."""
        self.page.fill("#user", self.user)
        self.page.fill("#password", self.stand.stack.secrets.passwords[self.user])
        self.page.click("#sign-in")
        expect(self.page.locator("#user")).to_have_text(self.user)

    def connect_by_form(self, name: str) -> None:
        """Signs in at the portal and presses a dashboard's Connect."""
        self.page.goto(self.stand.stack.origin("portal"))
        if self.page.locator("#sign-in").is_visible():
            self.sign_in()
        self.page.click(f"#connect-{name}")
        self.page.wait_for_url(self.at(name))

    def connect_by_link(self, name: str, token: str | None = None, onward: str = "/") -> None:
        """Opens a connect link and presses the button there."""
        self.open_link(name, token or self.stand.token(name, self.user), onward)
        self.page.click("#go")
        self.page.wait_for_url(lambda url: "/.dashgate/" not in url)

    def open_link(self, name: str, token: str, onward: str = "/") -> None:
        """Opens a connect link and does no more."""
        # From another document, as from a mail: with only the fragment changed, the browser would load nothing.
        self.page.goto("about:blank")
        self.page.goto(self.stand.link(name, token, onward))
        expect(self.page.locator("#go")).to_be_visible()

    def open_bokeh(self, token: str | None = None) -> None:
        """Connects to the Bokeh app by a link and waits until it is drawn."""
        self.connect_by_link("bokeh", token, self.stand.bokeh_path())
        self.expect_bokeh()

    def expect_bokeh(self) -> None:
        """Waits until BokehJS has drawn what came over its WebSocket."""
        expect(self.page.locator(".noUi-handle")).to_be_visible()
        expect(self.page.get_by_text("amplitude 1", exact=True)).to_be_visible()

    def expect_login(self) -> None:
        """Waits for the portal's login page."""
        self.page.wait_for_url(self.at("portal", "/login"))
        expect(self.page.locator("#sign-in")).to_be_visible()

    def at(self, name: str, path: str = "/") -> re.Pattern:
        """The URLs of a dashboard from a path on, the gate's own pages excepted."""
        return re.compile("^" + re.escape(self.stand.stack.origin(name) + path) + r"(?!\.dashgate/)")

    def session(self, name: str) -> str | None:
        """The session that the browser holds for a dashboard."""
        cookies = self.context.cookies(self.stand.stack.origin(name))
        return next((cookie["value"] for cookie in cookies if cookie["name"] == f"__Host-dashgate-{name}"), None)
