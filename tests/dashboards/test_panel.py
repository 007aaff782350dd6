"""Panel behind the gate: what it lets in by itself, and what a person sees of it in a browser."""

from playwright.sync_api import expect

import bokeh_probes
import checks
from dashboards import Dashboard
from panel_server import PANEL
from person import Person
from stand import photograph, until

DASHBOARDS: list[Dashboard] = [PANEL]
WEBSOCKET = "/panel_app/ws"

EXPECTED = bokeh_probes.EXPECTED


def test_the_same_requests_at_its_own_port_and_at_the_gate(stand):
    assert bokeh_probes.measure(stand, "panel", "/panel_app") == EXPECTED


def test_the_app_learns_whom_it_serves_and_sees_only_cookies_that_are_not_the_gate_s(person):
    url = person.stand.stack.origin("panel")
    person.context.add_cookies([{"name": name, "value": "1", "url": url} for name in ("theme", "sso")])
    _open(person)
    expect(person.page.get_by_text("for ana", exact=True)).to_be_visible()
    expect(person.page.get_by_text("cookies: theme", exact=True)).to_be_visible()


def test_the_page_draws_and_a_slider_move_changes_what_the_server_answers(person):
    since = person.stand.log_size()
    person.connect_by_form("panel")
    _expect_drawn(person)
    highest = "Math.max(...Bokeh.documents[0].get_model_by_name('wave').data.y)"
    handle = person.page.locator(".noUi-handle")
    for height in ("1.5", "2", "2.5", "3"):
        handle.press("ArrowRight")
        expect(person.page.get_by_text(f"height {height}", exact=True)).to_be_visible()
        until(lambda: abs(person.page.evaluate(highest) - float(height)) < 0.01, "the wave's new data")
    photograph(person.page, "panel")
    person.page.goto("about:blank")  # ends the WebSocket, which writes its line
    line = person.stand.logged(since, lambda line: line["path"] == WEBSOCKET)
    assert (line["protocol"], line["upgrade"], line["dashgate_dashboard"]) == ("HTTP/2", "websocket", "panel")


def test_the_websocket_ends_with_the_session(person):
    checks.expect_end_with_the_session(person, "panel", lambda token: _open(person, token))


def test_somebody_without_a_session_gets_nothing_while_somebody_else_is_there(person, stranger):
    _open(person)
    onward = person.stand.bokeh_path("/panel_app")
    checks.expect_closed_to_strangers(stranger, "panel", onward, WEBSOCKET, ["bokeh", "token"])


def test_a_page_elsewhere_cannot_open_the_websocket(person):
    _open(person)
    checks.expect_closed_to_foreign_pages(person, "panel", WEBSOCKET, ["bokeh", "token"])


def _open(person: Person, token: str | None = None) -> None:
    person.connect_by_link("panel", token, person.stand.bokeh_path("/panel_app"))
    _expect_drawn(person)


def _expect_drawn(person: Person) -> None:
    expect(person.page.locator(".noUi-handle")).to_be_visible()
    expect(person.page.get_by_text("height 1", exact=True)).to_be_visible()
