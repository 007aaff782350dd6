"""The real dashboards in the real browser: they draw, they answer, they stream."""

import io

from PIL import Image
from playwright.sync_api import Locator, expect

from stand import photograph, until

# The colours of the lines: Bokeh's default, and TensorBoard's of its first two runs.
BOKEH_LINE = (0x1F, 0x77, 0xB4)
TENSORBOARD_LINES = ((0x12, 0xB5, 0xCB), (0x42, 0x50, 0x66))


def test_a_dashboard_without_a_session_leads_to_login_and_back_to_the_dashboard(person):
    stack = person.stand.stack
    person.page.goto(stack.origin("bokeh") + "/bokeh_app")
    person.expect_login()
    expect(person.page.get_by_text("Sign in to open")).to_contain_text("Bokeh")
    photograph(person.page, "portal-login")
    person.sign_in()
    expect(person.page.get_by_text("You were on your way here.")).to_be_visible()
    photograph(person.page, "portal-dashboards")
    person.page.click("#connect-bokeh")
    person.page.wait_for_url(person.at("bokeh", "/bokeh_app"))
    person.expect_bokeh()
    photograph(person.page, "bokeh")


def test_a_slider_move_changes_what_the_server_answers(person):
    person.open_bokeh()
    curve, _ = _plots(person)
    before = curve.screenshot()
    handle = person.page.locator(".noUi-handle")
    for value in ("1.5", "2", "2.5", "3"):
        handle.press("ArrowRight")
        expect(person.page.get_by_text(f"amplitude {value}", exact=True)).to_be_visible()
    peak = "Math.max(...Bokeh.documents[0].roots().flatMap(r => [...r.references()])" \
           ".filter(m => m.type === 'ColumnDataSource' && m.name === null)[0].data.y)"
    until(lambda: abs(person.page.evaluate(peak) - 3) < 0.01, "the curve's new data")
    until(lambda: curve.screenshot() != before, "the redrawn curve")
    assert _pixels(curve, BOKEH_LINE) > 200


def test_the_streaming_plot_advances(person):
    person.open_bokeh()
    step = "Bokeh.documents[0].get_model_by_name('stream').data.step.at(-1) ?? 0"
    first = person.page.evaluate(step)
    until(lambda: person.page.evaluate(step) >= first + 4, "four more points")
    _, stream = _plots(person)
    before = stream.screenshot()
    until(lambda: stream.screenshot() != before, "the redrawn stream")
    assert _pixels(stream, BOKEH_LINE) > 200


def test_the_websocket_runs_over_http_2(person):
    since = person.stand.log_size()
    person.open_bokeh()
    person.page.goto("about:blank")  # ends the WebSocket, which writes its line
    line = person.stand.logged(since, lambda line: line["path"] == "/bokeh_app/ws")
    assert (line["protocol"], line["upgrade"], line["dashgate_dashboard"]) == ("HTTP/2", "websocket", "bokeh")


def test_tensorboard_draws_its_scalars(person):
    errors = []
    person.page.on("pageerror", lambda error: errors.append(str(error)))
    person.connect_by_form("tensorboard")
    for tag in ("accuracy", "loss"):
        expect(person.page.get_by_text(tag, exact=True).first).to_be_visible()
    chart = person.page.locator("line-chart").first
    expect(chart).to_be_visible()
    for colour in TENSORBOARD_LINES:
        until(lambda: _pixels(chart, colour) > 200, "the lines of both runs")
    photograph(person.page, "tensorboard")
    assert errors == []


def _plots(person) -> list[Locator]:
    """The curve and, to its right, the stream."""
    return sorted(person.page.locator(".bk-Figure").all(), key=lambda plot: plot.bounding_box()["x"])


def _pixels(drawn: Locator, colour: tuple[int, int, int]) -> int:
    """How many pixels have nearly this colour."""
    picture = Image.open(io.BytesIO(drawn.screenshot())).convert("RGB")
    return sum(
        count for count, pixel in picture.getcolors(picture.width * picture.height)
        if all(abs(have - want) <= 24 for have, want in zip(pixel, colour))
    )
