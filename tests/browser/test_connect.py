"""Connecting: by form, by link, as somebody else, and what is left of the token afterwards."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from person import Person
from stand import photograph


def test_a_connect_link_asks_and_does_nothing_by_itself(person):
    token = person.stand.token("bokeh")
    person.open_link("bokeh", token, person.stand.bokeh_path())
    expect(person.page.locator("#subject")).to_have_text("ana")
    expect(person.page.locator("#host")).to_have_text(re.compile("^bokeh.localhost"))
    expect(person.page.locator("#next")).to_have_text("/bokeh_app")
    photograph(person.page, "connect")
    assert person.session("bokeh") is None
    person.page.click("#go")
    person.expect_bokeh()
    assert person.session("bokeh") == token


def test_a_connect_link_leaves_no_token_in_the_address_bar_the_tab_s_history_or_any_log(person):
    token = person.stand.token("bokeh")
    addresses = []
    person.page.on("framenavigated", lambda frame: addresses.append(frame.url))
    person.open_link("bokeh", token, person.stand.bokeh_path())
    connect = person.stand.stack.origin("bokeh") + "/.dashgate/connect"
    assert person.page.url == connect
    # The browser reports the link itself first: that is the address which was clicked. Nothing after it holds the token.
    assert token in addresses[1] and addresses[2:] == [connect]
    person.page.click("#go")
    person.expect_bokeh()
    _expect_no_token(person, token)
    person.page.go_back()
    assert person.page.url == "about:blank"


def test_a_connect_form_leaves_no_token_in_the_address_bar_the_tab_s_history_or_any_log(person):
    requests = []
    person.page.on("request", lambda request: requests.append(request))
    person.connect_by_form("bokeh")
    person.expect_bokeh()
    token = person.session("bokeh")
    posted = [request for request in requests if request.url.endswith("/.dashgate/connect")]
    assert [request.method for request in posted] == ["POST"] and token in posted[0].post_data
    assert [request.url for request in requests if token in request.url] == []
    _expect_no_token(person, token)


def test_an_incomplete_link_says_so(person):
    origin = person.stand.stack.origin("bokeh")
    for fragment in ("", "#next=%2F", "#token=x&next=https%3A%2F%2Fevil.test%2F", "#token=x&next=%2F%2Fevil.test%2F"):
        person.page.goto("about:blank")
        person.page.goto(f"{origin}/.dashgate/connect{fragment}")
        expect(person.page.get_by_role("status")).to_contain_text("This link is incomplete")
        expect(person.page.locator("#go")).to_be_hidden()
    photograph(person.page, "connect-incomplete")


def test_a_link_that_is_forged_or_too_old_says_so(person):
    token = person.stand.token("bokeh")
    head, payload, signature = token.split(".")
    person.open_link("bokeh", f"{head}.{payload}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}")
    person.page.click("#go")
    expect(person.page.get_by_role("status")).to_contain_text("There is no valid session")
    expect(person.page.locator("#go")).to_be_hidden()
    person.open_link("bokeh", person.stand.token("bokeh", iat=int(time.time()) - 300))
    person.page.click("#go")
    expect(person.page.get_by_role("status")).to_contain_text("press Connect again")
    photograph(person.page, "connect-refused")
    assert person.session("bokeh") is None


def test_a_link_cannot_smuggle_markup_into_the_page(person):
    person.open_link("bokeh", person.stand.token("bokeh", subject="<img src=x onerror=alert(1)>"), "/<b>bold")
    expect(person.page.locator("#subject")).to_have_text("<img src=x onerror=alert(1)>")
    assert person.page.locator("main img, main b").count() == 0


def test_another_subjects_link_replaces_a_live_session_only_after_a_click(person):
    person.open_bokeh()
    ana = person.session("bokeh")
    bob = person.stand.token("bokeh", subject="bob")
    person.open_link("bokeh", bob, person.stand.bokeh_path())
    expect(person.page.locator("#subject")).to_have_text("bob")
    assert person.session("bokeh") == ana
    person.page.click("#go")
    person.expect_bokeh()
    assert person.session("bokeh") == bob


def test_another_subjects_form_asks_before_it_replaces_a_live_session(person):
    """The portal's host and the dashboard's are two sites here: `localhost` is no registered suffix."""
    person.open_bokeh()
    ana = person.session("bokeh")
    bob = Person(person.stand, person.context, "bob")
    bob.page.goto(person.stand.stack.origin("portal"))
    bob.sign_in()
    bob.page.click("#connect-bokeh")
    expect(bob.page.locator("#go, .noUi-handle")).to_be_visible()
    assert bob.page.locator("#subject").all_inner_texts() == ["bob"]
    assert person.session("bokeh") == ana
    assert bob.page.url == person.stand.stack.origin("bokeh") + "/.dashgate/connect"
    bob.page.click("#go")
    bob.expect_bokeh()
    assert person.session("bokeh") not in (None, ana)


def test_a_page_elsewhere_cannot_post_a_connect_form(person):
    token = person.stand.token("bokeh")
    action = person.stand.stack.origin("bokeh") + "/.dashgate/connect"
    since = person.stand.log_size()
    person.page.goto(person.stand.foreign.origin("evil.test"))
    person.page.evaluate(
        """([action, token]) => {
            const form = Object.assign(document.createElement("form"), {method: "post", action});
            for (const [name, value] of [["token", token], ["next", "/"]])
                form.append(Object.assign(document.createElement("input"), {name, value}));
            document.body.append(form);
            form.submit();
        }""",
        [action, token],
    )
    expect(person.page.get_by_role("heading")).to_have_text("Not allowed")
    photograph(person.page, "refusal-not-allowed")
    line = person.stand.logged(since, lambda line: line["method"] == "POST")
    assert (line["response_code"], line["dashgate_reason"]) == (403, "origin_not_allowed")
    assert person.session("bokeh") is None


def _expect_no_token(person, token: str) -> None:
    """The address bar, this tab's history, what scripts of the dashboard can read, and every program's log."""
    entries = person.page.evaluate("navigation.entries().map(entry => entry.url)")
    kept = "[document.referrer, document.cookie, {...localStorage}, {...sessionStorage}]"
    readable = person.page.evaluate(f"JSON.stringify({kept})")
    printed = person.stand.printed()
    assert '"path":"/.dashgate/connect"' in printed
    for part in (token, *token.split(".")[1:]):
        assert part not in person.page.url
        assert part not in json.dumps(entries)
        assert part not in readable
        assert part not in printed
