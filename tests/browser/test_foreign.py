"""Pages elsewhere: another site, whose requests carry no cookie, and a sibling host of the same site, whose requests do."""

import pytest
from playwright.sync_api import expect

from foreign import CROSS_SITE, OPEN_WEBSOCKET, SAME_SITE
from stand import until

SITES = {"cross-site": CROSS_SITE, "same-site": SAME_SITE}

FETCH = """([url, options]) => fetch(url, options).then(answer => answer.type + " " + answer.status, error => error.name)"""
SANDBOXED_WEBSOCKET = """url => new Promise(resolve => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.srcdoc = `<script>
        const socket = new WebSocket(${JSON.stringify(url)}, ["bokeh", "token"]);
        socket.onopen = () => parent.postMessage("open", "*");
        socket.onclose = closed => parent.postMessage("closed " + closed.code, "*");
    </scr` + "ipt>";
    addEventListener("message", message => resolve(message.data), {once: true});
    document.body.append(frame);
})"""
FRAME = """url => new Promise(resolve => {
    const frame = document.createElement("iframe");
    frame.name = "framed";
    frame.onload = () => resolve();
    frame.src = url;
    document.body.append(frame);
})"""


@pytest.fixture
def connected(person):
    """Ana with a live session of the Bokeh app, and no page of it open any more."""
    since = person.stand.log_size()
    person.open_bokeh()
    person.page.goto("about:blank")
    person.stand.logged(since, lambda line: line["path"] == "/bokeh_app/ws")
    return person


@pytest.mark.parametrize("site", SITES)
def test_only_the_sibling_s_requests_carry_the_cookie(connected, site):
    """What makes the two sites different, and the sibling's refusals below worth something."""
    # Not Playwright's own list of headers: it lacks those that the browser adds to requests of this mode.
    network = connected.context.new_cdp_session(connected.page)
    sent = []
    network.on("Network.requestWillBeSentExtraInfo", lambda event: sent.append(_lower_case(event["headers"])))
    network.send("Network.enable")
    connected.page.goto(connected.stand.foreign.origin(SITES[site]))
    sent.clear()
    url = connected.stand.stack.origin("bokeh") + "/bokeh_app/metadata"
    connected.page.evaluate(FETCH, [url, {"credentials": "include", "mode": "no-cors"}])
    until(lambda: connected.page.evaluate("1") and sent != [], "the request's headers")
    assert [headers.get("sec-fetch-site") for headers in sent] == [site]
    assert (connected.session("bokeh") in sent[0].get("cookie", "")) == (site == "same-site")


@pytest.mark.parametrize("site", SITES)
def test_a_page_elsewhere_cannot_open_the_websocket(connected, site):
    url = connected.stand.stack.origin("bokeh").replace("https", "wss") + connected.stand.bokeh_path().replace("?", "/ws?")
    line = _refused(connected, site, OPEN_WEBSOCKET, [url, ["bokeh", "token"]], "closed 1006", "/bokeh_app/ws")
    assert (line["upgrade"], line["response_code"], line["dashgate_reason"]) == ("websocket", 403, "origin_not_allowed")


def test_a_sandboxed_frame_cannot_open_the_websocket(connected):
    url = connected.stand.stack.origin("bokeh").replace("https", "wss") + "/bokeh_app/ws"
    line = _refused(connected, "cross-site", SANDBOXED_WEBSOCKET, url, "closed 1006", "/bokeh_app/ws")
    assert (line["response_code"], line["dashgate_reason"]) == (403, "origin_null")


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    "options, seen, reason",
    [
        ({"credentials": "include"}, "TypeError", "origin_not_allowed"),
        ({"credentials": "include", "mode": "no-cors"}, "opaque 0", "site_not_allowed"),
        ({"credentials": "include", "method": "POST", "mode": "no-cors", "body": "x"}, "opaque 0", "origin_not_allowed"),
        ({"credentials": "include", "method": "PUT"}, "TypeError", "origin_not_allowed"),
    ],
    ids=["read", "no-cors", "post", "preflight"],
)
def test_a_page_elsewhere_cannot_fetch_the_data(connected, site, options, seen, reason):
    url = connected.stand.stack.origin("bokeh") + "/bokeh_app/metadata"
    line = _refused(connected, site, FETCH, [url, options], seen, "/bokeh_app/metadata")
    assert (line["response_code"], line["dashgate_reason"]) == (403, reason)


@pytest.mark.parametrize("site", SITES)
def test_a_page_elsewhere_cannot_frame_the_dashboard(connected, site):
    url = connected.stand.stack.origin("bokeh") + connected.stand.bokeh_path()
    line = _refused(connected, site, FRAME, url, None, "/bokeh_app")
    assert (line["response_code"], line["dashgate_reason"]) == (403, "frame_not_allowed")


@pytest.mark.parametrize("site", SITES)
def test_the_browser_itself_refuses_to_frame_what_is_public(connected, site):
    """A public file needs no session and passes the gate: here the answer's own headers keep it out of the frame."""
    blocked = []
    connected.page.on("console", lambda message: blocked.append(message.text))
    connected.page.goto(connected.stand.foreign.origin(SITES[site]))
    url = connected.stand.stack.origin("bokeh") + "/static/js/bokeh.min.js"
    since = connected.stand.log_size()
    connected.page.evaluate(FRAME, url)
    line = connected.stand.logged(since, lambda line: line["path"] == "/static/js/bokeh.min.js")
    assert (line["response_code"], line["dashgate_dashboard"]) == (200, "bokeh")
    # Each look asks the page something, since that is when Playwright hands over what has happened.
    page = connected.page
    until(lambda: page.evaluate("1") and page.frames[1].url.startswith("chrome-error:"), "the frame's error page")
    until(lambda: page.evaluate("1") and any("frame" in text.lower() for text in blocked), "the browser's complaint")


def test_the_dashboard_says_who_may_frame_it_and_may_itself(connected):
    answer = connected.page.goto(connected.stand.stack.origin("bokeh") + connected.stand.bokeh_path())
    connected.expect_bokeh()
    headers = answer.headers_array()
    values = {name: [header["value"] for header in headers if header["name"].lower() == name] for name in
              ("x-frame-options", "content-security-policy")}
    assert values == {"x-frame-options": ["SAMEORIGIN"], "content-security-policy": ["frame-ancestors 'self'"]}
    connected.page.evaluate(FRAME, connected.stand.stack.origin("bokeh") + connected.stand.bokeh_path())
    expect(connected.page.frame_locator("[name=framed]").locator(".noUi-handle")).to_be_visible()


@pytest.mark.parametrize("site", SITES)
def test_a_link_elsewhere_to_the_dashboard_works(connected, site):
    """What is refused above is a page's own doing, not the person's."""
    connected.page.goto(connected.stand.foreign.origin(SITES[site]))
    url = connected.stand.stack.origin("bokeh") + connected.stand.bokeh_path()
    connected.page.evaluate("url => { location.href = url }", url)
    connected.expect_bokeh()


def _refused(person, site: str, script: str, argument, seen: str | None, path: str) -> dict:
    """Runs a script on a page elsewhere; checks what the page saw and that nothing went to the app. Returns Envoy's line."""
    assert person.session("bokeh") is not None
    person.page.goto(person.stand.foreign.origin(SITES[site]))
    forwarded, since = person.stand.forwarded("bokeh"), person.stand.log_size()
    assert person.page.evaluate(script, argument) == seen
    line = person.stand.logged(since, lambda line: line["path"] == path)
    assert (line["dashgate_dashboard"], line["dashgate_refused"], line["upstream_cluster"]) == (None, "bokeh", None)
    assert person.stand.forwarded("bokeh") == forwarded
    return line


def _lower_case(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
