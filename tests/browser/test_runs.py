"""A dashboard of one's own: two people each start a TensorBoard, press Connect, and neither reaches the other's."""

import re

import pytest
from playwright.sync_api import expect

from person import Person
from stand import SECONDS, photograph

START_SECONDS = 60


@pytest.fixture
def people(stand, browser):
    """Ana and Bob, each with a fresh profile."""
    contexts = {user: browser.new_context(viewport={"width": 1200, "height": 800}) for user in ("ana", "bob")}
    for context in contexts.values():
        context.set_default_timeout(SECONDS * 1000)
    yield {user: Person(stand, context, user) for user, context in contexts.items()}
    for context in contexts.values():
        context.close()


def start_and_connect(person):
    """Starts a TensorBoard at the portal and presses its Connect; returns its URL. The page waits by itself until it runs."""
    page = person.page
    page.goto(person.stand.stack.origin("portal"))
    person.sign_in()
    page.click("#start-run")
    connect = page.locator(".connect-run").first
    expect(connect).to_be_visible(timeout=START_SECONDS * 1000)
    photograph(page, f"portal-runs-{person.user}")
    connect.click()
    page.wait_for_url(re.compile(r"^https://[0-9a-f]{10}\.runs\.localhost:"))
    expect(page.get_by_text(f"{person.user}s-run", exact=True).first).to_be_visible()
    expect(page.locator("line-chart").first).to_be_visible()
    photograph(page, f"run-of-{person.user}")
    return page.url.split("#")[0]


def test_two_people_each_reach_their_own_and_not_the_others(people):
    places = {user: start_and_connect(person) for user, person in people.items()}
    assert places["ana"] != places["bob"]
    for user, other in (("ana", "bob"), ("bob", "ana")):
        page = people[user].page
        page.goto(places[other])
        # Without a session there it is the portal that answers, and it lists this person's own only.
        page.wait_for_url(people[user].at("portal"))
        expect(page.locator("#user")).to_have_text(user)
        expect(page.locator(".connect-run")).to_have_count(1)
        form = page.locator(".connect-run").locator("xpath=..")
        assert form.get_attribute("action").startswith(places[user].rstrip("/"))
        # A page of one's own cannot ask the other's. (TensorBoard's own page would forbid itself to ask; its data do not.)
        page.goto(places[user] + "data/runs")
        since = people[user].stand.log_size()
        page.evaluate("""async (url) => { await fetch(url, {mode: "no-cors", credentials: "include"}) }""", places[other] + "data/runs")
        host = places[other].removeprefix("https://").rstrip("/")
        line = people[user].stand.logged(since, lambda line: line["authority"] == host and line["path"] == "/data/runs")
        assert (line["response_code"], line["dashgate_reason"]) == (403, "site_not_allowed")


def test_a_session_led_elsewhere_by_hand_ends_at_its_own(people):
    person = people["ana"]
    url = start_and_connect(person)
    runs = person.page.evaluate("""async () => (await fetch("data/runs", {headers: {"X-Dashgate-Backend": "127.0.0.1:9902"}})).json()""")
    assert runs == ["anas-run"]
    assert person.page.url.split("#")[0] == url
