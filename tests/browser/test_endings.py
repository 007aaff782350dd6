"""How it ends: the session runs out, somebody signs out, nobody was signed in."""

import time

from playwright.sync_api import expect

from stand import SKEW_SECONDS, photograph, until

SHORT_SECONDS = 10


def test_a_session_that_ends_takes_the_live_plot_with_it(person):
    ends = int(time.time()) + SHORT_SECONDS
    short = person.stand.token("bokeh", iat=ends - 60, exp=ends - SKEW_SECONDS)
    closed = []

    def watch(websocket) -> None:
        websocket.on("close", lambda _: closed.append(time.time()))

    person.page.on("websocket", watch)
    person.open_bokeh(short)
    steps = "Bokeh.documents[0].get_model_by_name('stream').data.step.length"
    live = person.page.evaluate(steps)
    until(lambda: person.page.evaluate(steps) > live, "a point that proves that the plot is live")
    assert closed == [] and time.time() < ends
    until(lambda: person.page.evaluate("true") and closed != [], "the WebSocket's end", SHORT_SECONDS + 10)
    assert -0.5 <= closed[0] - ends <= 2, f"{closed[0] - ends:.2f} s after the session's end"
    photograph(person.page, "bokeh-ended")
    stopped = person.page.evaluate(steps)
    person.page.reload()
    person.expect_login()
    assert stopped > 0 and person.session("bokeh") is None


def test_after_signing_out_the_dashboard_is_closed(person):
    person.connect_by_form("bokeh")
    person.expect_bokeh()
    drawn = person.page.url
    person.page.goto(person.stand.stack.origin("portal"))
    person.page.click("#sign-out")
    expect(person.page.locator("#leave-bokeh")).to_be_visible()
    person.page.click("#leave-bokeh")
    person.expect_login()
    assert person.session("bokeh") is None
    # The very address that worked, its Bokeh session id included.
    person.page.goto(drawn)
    person.expect_login()


def test_the_way_to_login_makes_no_loop(person):
    url = person.stand.stack.origin("tensorboard") + "/"
    for _ in range(2):
        person.page.goto(url)
        person.expect_login()
    answer = person.page.goto(url)
    assert (answer.status, person.page.url) == (401, url)
    expect(person.page.get_by_role("heading")).to_have_text("Sign in to open this dashboard")
    photograph(person.page, "refusal-sign-in")
    person.page.emulate_media(color_scheme="dark")
    photograph(person.page, "refusal-sign-in-dark")
    person.page.get_by_role("link", name="Go to the portal").click()
    person.expect_login()


def test_the_gate_s_pages_break_none_of_their_own_policies(person):
    complaints = []
    person.page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    person.page.on("pageerror", lambda error: complaints.append(str(error)))
    origin = person.stand.stack.origin("bokeh")
    person.open_link("bokeh", person.stand.token("bokeh"))
    answer = person.page.goto(f"{origin}/.dashgate/nothing")
    assert answer.status == 404
    photograph(person.page, "refusal-nothing-here")
    # The one complaint that is right: the answer's own status.
    assert [text for text in complaints if "404" not in text] == []
    for selector in ("body", "main"):
        assert person.page.locator(selector).evaluate("node => getComputedStyle(node).fontFamily").startswith("system-ui")
