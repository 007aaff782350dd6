"""A Flask page embeds a Bokeh app by server_session: from its own site with both sessions, from another with one."""

import time
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import pytest
from bokeh.util.token import generate_jwt_token
from playwright.sync_api import expect

import checks
import probes
from client import Client
from dashboards import Dashboard
from embed_servers import APP, CHART, DESK, NEWS, REPORT, STREAM_SECONDS
from foreign import CROSS_SITE, OPEN_WEBSOCKET, sibling
from person import Person
from probes import Door, Probe, spoilt
from stand import SKEW_SECONDS, Stand, photograph, until

DASHBOARDS: list[Dashboard] = [DESK, REPORT, NEWS, CHART]
AUTOLOAD, WEBSOCKET = f"{APP}/autoload.js", f"{APP}/ws"
PREFLIGHT = ("Access-Control-Request-Method: GET", "Access-Control-Request-Headers: bokeh-session-id")
FETCH_WITHOUT_CORS = "url => fetch(url, {credentials: 'include', mode: 'no-cors'}).then(answer => answer.type)"
FETCH_WITH_ID = """([url, id]) => fetch(url, {credentials: "include", headers: {"Bokeh-Session-Id": id}})
    .then(answer => "answer " + answer.status, error => error.name)"""


def _preflight(**changed) -> Probe:
    return lambda good: None if good.door.websocket else replace(
        good, method="OPTIONS", cookies=(), lines=PREFLIGHT, **changed
    )


MORE: dict[str, Probe] = {
    "the Bokeh id or token alone": lambda good: replace(good, cookies=()),
    "a Bokeh id or token with a bad signature": lambda good: replace(
        good, lines=tuple(map(spoilt, good.lines)), subprotocol=spoilt(good.subprotocol)
    ),
    "a preflight from the embedding page": _preflight(),
    "a preflight from a foreign Origin": _preflight(origin="https://evil.test"),
}

# The app that the page of its own site embeds.
EXPECTED: probes.Table = {
    "everything in order": ("200", "200", "101", "101"),
    "no credential at all": ("403", "401 session_missing", "101, closed", "401 session_missing"),
    "credentials in the query only": ("200", "401 session_missing", "101, closed", "401 session_missing"),
    "no Origin": ("200", "200", "101", "403 origin_missing"),
    "a foreign Origin": ("200", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": (
        "200", "403 origin_not_allowed", "101", "403 origin_not_allowed"
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": (
        "200", "404 dashboard_not_found", "101", "403 dashboard_not_found"
    ),
    "each cookie twice: good, then bad": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "the Bokeh id or token alone": ("200", "401 session_missing", "101", "401 session_missing"),
    "a Bokeh id or token with a bad signature": (
        "403", "401 signature_invalid", "101, closed", "401 signature_invalid"
    ),
    "a preflight from the embedding page": ("200", "204 preflight", "-", "-"),
    "a preflight from a foreign Origin": ("200", "403 origin_not_allowed", "-", "-"),
}
# The app that the page of another site embeds.
EXPECTED_ELSEWHERE: probes.Table = {
    "everything in order": ("200", "200", "101", "101"),
    "no credential at all": ("403", "401 session_missing", "101, closed", "401 session_missing"),
    "credentials in the query only": ("200", "200", "101, closed", "401 session_missing"),
    "no Origin": ("200", "200", "101", "403 origin_missing"),
    "a foreign Origin": ("200", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": (
        "200", "403 origin_not_allowed", "101", "403 origin_not_allowed"
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": (
        "200", "404 dashboard_not_found", "101", "403 dashboard_not_found"
    ),
    "each cookie twice: good, then bad": ("-", "-", "-", "-"),
    "each cookie twice: bad, then good": ("-", "-", "-", "-"),
    "the Bokeh id or token alone": ("200", "200", "101", "101"),
    "a Bokeh id or token with a bad signature": (
        "403", "401 signature_invalid", "101, closed", "401 signature_invalid"
    ),
    "a preflight from the embedding page": ("200", "204 preflight", "-", "-"),
    "a preflight from a foreign Origin": ("200", "403 origin_not_allowed", "-", "-"),
}


def test_the_same_requests_at_its_own_port_and_at_the_gate(stand):
    assert probes.measure(stand, "report", _doors(stand, "desk"), MORE) == EXPECTED


def test_the_same_requests_where_the_bokeh_id_is_the_whole_session(stand):
    assert probes.measure(stand, "chart", _doors(stand, "news", session=False), MORE) == EXPECTED_ELSEWHERE


def test_envoy_names_the_embedding_page_where_bokeh_would_allow_all(stand):
    """Of an Origin that is not allowed nothing is said: such a request does not get that far."""
    desk, news = stand.stack.origin("desk"), stand.stack.origin("news")
    cases = (("report", desk, 200, desk), ("report", "https://evil.test", 403, None), ("chart", news, 200, "*"))
    for app, origin, status, allowed in cases:
        headers = {"Origin": origin, "Bokeh-Session-Id": stand.bokeh_id()}
        headers["Cookie"] = f"__Host-dashgate-{app}={stand.token(app)}"
        url = f"{stand.stack.origin(app)}{AUTOLOAD}?bokeh-autoload-element=here"
        answer = Client(stand.stack.authority).request("GET", url, headers)
        assert (answer.status, answer.headers.get_all("Access-Control-Allow-Origin")) == (status, allowed and [allowed])


def test_the_page_of_the_same_site_embeds_the_app_with_both_sessions(person):
    _connect(person)
    since = person.stand.log_size()
    _open(person, "desk")
    handle = person.page.locator(".noUi-handle")
    for amplitude in ("1.5", "2"):
        handle.press("ArrowRight")
        expect(person.page.get_by_text(f"amplitude {amplitude}", exact=True)).to_be_visible()
    photograph(person.page, "flask-embed")
    _expect_autoload(person, since, "report", subject="ana")
    line = _websocket_line(person, since)
    assert (line["dashgate_dashboard"], line["dashgate_subject"]) == ("report", "ana")


def test_a_page_of_another_site_embeds_the_app_with_the_bokeh_id_alone(person):
    """This browser has never been connected to anything, and sends no cookie."""
    since = person.stand.log_size()
    _open(person, "news")
    person.page.locator(".noUi-handle").press("ArrowRight")
    expect(person.page.get_by_text("amplitude 1.5", exact=True)).to_be_visible()
    assert person.context.cookies() == []
    _expect_autoload(person, since, "chart", subject=None)
    line = _websocket_line(person, since)
    assert (line["dashgate_dashboard"], line["dashgate_subject"]) == ("chart", None)


def test_the_two_sites_are_what_they_are_said_to_be(person):
    """The cookie goes with requests from the one page and not with those from the other, whatever they ask for."""
    _connect(person)
    network = person.context.new_cdp_session(person.page)
    sent = []
    network.on("Network.requestWillBeSentExtraInfo", lambda event: sent.append(event["headers"]))
    network.send("Network.enable")
    for page, site in (("desk", "same-site"), ("news", "cross-site")):
        person.page.goto(person.stand.stack.origin(page))
        sent.clear()
        url = person.stand.stack.origin("report") + "/favicon.ico"
        person.page.evaluate(FETCH_WITHOUT_CORS, url)
        until(lambda: person.page.evaluate("1") and any(_is_from(site, headers) for headers in sent), "its headers")
        cookies = [headers.get("cookie", "") for headers in sent if _is_from(site, headers)]
        assert [person.session("report") in cookie for cookie in cookies] == [site == "same-site"]


def test_the_embedded_app_ends_with_the_portal_s_session(person):
    ends = int(time.time()) + 7
    token = person.stand.token("report", iat=ends - 60, exp=ends - SKEW_SECONDS)

    def open_page() -> None:
        _connect(person, token)
        _open(person, "desk")

    checks.expect_websockets_to_end(person, open_page, ends)
    since = person.stand.log_size()
    person.page.reload()
    assert person.stand.logged(since, _asked_for_autoload)["dashgate_reason"] == "session_missing"


def test_where_there_is_only_the_id_the_stream_s_own_limit_ends_it_and_the_page_may_begin_anew(person):
    opened: list[float] = []
    person.page.on("websocket", lambda _socket: opened.append(time.time()))
    closed = checks.watch(person.page)
    since = person.stand.log_size()
    _open(person, "news")
    # BokehJS opens the next stream with the token that it has: by then it is too old.
    until(lambda: person.page.evaluate("true") and len(opened) > 1, "BokehJS's second attempt", STREAM_SECONDS + 10)
    lived = list(closed.values())[0] - opened[0]
    assert -0.5 <= lived - STREAM_SECONDS <= 2, lived
    line = person.stand.logged(since, lambda line: line["path"] == WEBSOCKET and line["dashgate_refused"] == "chart")
    assert (line["response_code"], line["dashgate_reason"]) == (401, "session_expired")
    _open(person, "news")


def test_without_a_session_the_page_of_the_same_site_shows_nothing(person):
    since = person.stand.log_size()
    person.page.goto(person.stand.stack.origin("desk"))
    line = person.stand.logged(since, _asked_for_autoload)
    assert (line["response_code"], line["dashgate_reason"]) == (401, "session_missing")
    assert (line["dashgate_refused"], line["upstream_cluster"]) == ("report", None)


def test_server_document_sends_no_id_and_gets_nothing(person):
    since = person.stand.log_size()
    person.page.goto(person.stand.stack.origin("news") + "/without-id")
    line = person.stand.logged(since, _asked_for_autoload)
    assert (line["response_code"], line["dashgate_reason"]) == (401, "session_missing")
    assert (line["dashgate_refused"], line["upstream_cluster"]) == ("chart", None)


@pytest.mark.parametrize("app", ["report", "chart"])
def test_a_third_page_that_has_got_hold_of_an_id_cannot_embed_the_app(person, app):
    _connect(person)
    url = person.stand.stack.origin(app)
    for host in (CROSS_SITE, sibling(urlsplit(url).hostname)):
        person.page.goto(person.stand.foreign.origin(host))
        forwarded, since = person.stand.forwarded(app), person.stand.log_size()
        assert person.page.evaluate(FETCH_WITH_ID, [url + AUTOLOAD, person.stand.bokeh_id()]) == "TypeError"
        line = person.stand.logged(since, lambda line: line["method"] == "OPTIONS")
        assert (line["response_code"], line["dashgate_reason"]) == (403, "origin_not_allowed")
        token = _token(person.stand, person.stand.bokeh_id())
        websocket = url.replace("https:", "wss:") + WEBSOCKET
        assert person.page.evaluate(OPEN_WEBSOCKET, [websocket, ["bokeh", token]]) == "closed 1006"
        line = person.stand.logged(since, lambda line: line["upgrade"] and line["dashgate_refused"] == app)
        assert (line["response_code"], line["dashgate_reason"]) == (403, "origin_not_allowed")
        assert person.stand.forwarded(app) == forwarded


def _connect(person: Person, token: str | None = None) -> None:
    """Gives the browser the gate's session of the report; the page that it leads to is of no interest."""
    person.connect_by_link("report", token)


def _open(person: Person, page: str) -> None:
    """Opens an embedding page and waits until BokehJS has drawn what came over its WebSocket."""
    person.page.goto(person.stand.stack.origin(page))
    person.expect_bokeh()


def _asked_for_autoload(line: dict) -> bool:
    return line["path"] == AUTOLOAD and line["method"] == "GET"


def _expect_autoload(person: Person, since: int, app: str, subject: str | None) -> None:
    """The preflight was the gate's own answer, and the script behind it the app's."""
    line = person.stand.logged(since, lambda line: line["path"] == AUTOLOAD and line["method"] == "OPTIONS")
    assert (line["response_code"], line["dashgate_refused"], line["upstream_cluster"]) == (204, app, None)
    line = person.stand.logged(since, _asked_for_autoload)
    assert (line["response_code"], line["dashgate_dashboard"], line["upstream_cluster"]) == (200, app, app)
    assert line["dashgate_subject"] == subject


def _websocket_line(person: Person, since: int) -> dict:
    person.page.goto("about:blank")  # ends the WebSocket, which writes its line
    return person.stand.logged(since, lambda line: line["path"] == WEBSOCKET)


def _is_from(site: str, headers: dict[str, str]) -> bool:
    """Whether these are the headers of the script's own request, not of one for the embedded app."""
    names = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
    return tuple(map(headers.get, names)) == (site, "no-cors", "empty")


def _doors(stand: Stand, page: str, session: bool = True) -> list[Door]:
    signed = stand.bokeh_id()
    origin = stand.stack.origin(page)
    return [
        Door(
            AUTOLOAD, "bokeh-autoload-element=here", in_query=urlencode({"bokeh-session-id": signed}),
            header=f"Bokeh-Session-Id: {signed}", origin=origin, session=session,
        ),
        Door(WEBSOCKET, subprotocol=f"bokeh, {_token(stand, signed)}", websocket=True, origin=origin, session=session),
    ]


def _token(stand: Stand, signed: str) -> str:
    """A token as Bokeh's script holds it, made by Bokeh's own function."""
    return generate_jwt_token(signed, secret_key=stand.stack.secrets.bokeh.encode(), signed=True)
