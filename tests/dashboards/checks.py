"""What must hold for every dashboard in the browser: who cannot open its WebSocket, and when it ends."""

import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from foreign import CROSS_SITE, OPEN_WEBSOCKET, sibling
from person import Person
from playwright.sync_api import Page
from stand import SKEW_SECONDS, until

FETCH_STATUS = "url => fetch(url).then(answer => answer.status)"


def expect_closed_to_foreign_pages(person: Person, name: str, websocket: str, subprotocols: Sequence[str] = ()) -> None:
    """With a live session in the browser, scripts of another site and of a sibling host cannot open the WebSocket."""
    assert person.session(name) is not None
    for host in (CROSS_SITE, sibling(urlsplit(person.stand.stack.origin(name)).hostname)):
        person.page.goto(person.stand.foreign.origin(host))
        line = _refused_websocket(person, name, websocket, subprotocols)
        assert (line["response_code"], line["dashgate_reason"]) == (403, "origin_not_allowed")


def expect_closed_to_strangers(
    stranger: Person, name: str, page: str, websocket: str, subprotocols: Sequence[str] = ()
) -> None:
    """In a browser without a session the page leads to login, and a script of the right origin gets nothing either."""
    assert stranger.session(name) is None
    origin = stranger.stand.stack.origin(name)
    stranger.page.goto(origin + page)
    stranger.expect_login()
    # The one page of this origin that everybody gets. Its policy lets no script do this: this browser ignores it.
    stranger.page.goto(f"{origin}/.dashgate/connect")
    assert stranger.page.evaluate(FETCH_STATUS, origin + page) == 401
    line = _refused_websocket(stranger, name, websocket, subprotocols)
    assert (line["response_code"], line["dashgate_reason"]) == (401, "session_missing")


def expect_end_with_the_session(
    person: Person, name: str, open_page: Callable[[str], None], seconds: int = 10, sockets: int = 1
) -> None:
    """Opens the page with a session of so many seconds and sees its WebSockets, and then the page, end with that.

    `open_page` is given the session, connects with it, and returns when the page has drawn what came by WebSocket.
    """
    ends = int(time.time()) + seconds
    token = person.stand.token(name, person.user, iat=ends - 60, exp=ends - SKEW_SECONDS)
    expect_websockets_to_end(person, lambda: open_page(token), ends, sockets)
    person.page.reload()
    person.expect_login()
    assert person.session(name) is None


def expect_websockets_to_end(person: Person, open_page: Callable[[], None], ends: float, sockets: int = 1) -> None:
    """Opens the page and sees its WebSockets end at that time, and within two seconds of it."""
    closed = watch(person.page)
    open_page()
    left = ends - time.time()
    live = [socket for socket, when in closed.items() if when is None]
    assert len(live) == sockets and left > 0, f"{len(live)} WebSockets live {left:.1f} s before the end"
    # Each look asks the page something, since that is when Playwright hands over what has happened.
    ended = lambda: person.page.evaluate("true") and all(closed[socket] for socket in live)  # noqa: E731
    until(ended, "the WebSockets' end", left + 10)
    late = [closed[socket] - ends for socket in live]
    assert all(-0.5 <= seconds <= 2 for seconds in late), f"{late} s after the session's end"


def watch(page: Page) -> dict:
    """Each WebSocket that the page opens from now on, and when it closed."""
    closed: dict = {}

    def watch(websocket) -> None:
        closed[websocket] = None
        websocket.on("close", lambda _: closed.update({websocket: time.time()}))

    page.on("websocket", watch)
    return closed


def _refused_websocket(person: Person, name: str, websocket: str, subprotocols: Sequence[str]) -> dict:
    """Sees that the open page cannot open the WebSocket and that nothing of it went up; returns Envoy's line."""
    url = person.stand.stack.origin(name).replace("https:", "wss:") + websocket
    since = person.stand.log_size()
    assert person.page.evaluate(OPEN_WEBSOCKET, [url, list(subprotocols)]) == "closed 1006"
    # The page that was left has WebSockets of its own, whose lines come late: those were not refused.
    wanted = {"path": websocket.partition("?")[0], "upgrade": "websocket", "dashgate_refused": name}
    line = person.stand.logged(since, lambda line: wanted.items() <= line.items())
    assert (line["dashgate_dashboard"], line["upstream_cluster"]) == (None, None)
    return line
