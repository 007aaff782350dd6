"""Streamlit behind the gate: what it lets in by itself, and what a person does with it in a browser."""

import hashlib
import secrets
from dataclasses import replace
from urllib.parse import urlsplit

from playwright.sync_api import expect

import checks
import probes
from dashboards import Dashboard
from person import Person
from probes import Door, Probe
from stand import photograph, until
from streamlit_server import STREAMLIT

DASHBOARDS: list[Dashboard] = [STREAMLIT]
WEBSOCKET = "/_stcore/stream"
# Streamlit's own token against forged requests is what the client says it is: twice the same, in cookie and header.
XSRF = "2|00000000|00112233445566778899aabbccddeeff|1700000000"
FOREIGN = "https://evil.test"
PICTURE_WIDTH = "document.querySelector('img[src*=\"/media/\"]').naturalWidth"


def _elsewhere(path: str, **changed) -> Probe:
    """The same at another path, without any credential, and not as a WebSocket."""
    return lambda good: None if good.door.websocket else replace(good, door=Door(path), cookies=(), **changed)


MORE: dict[str, Probe] = {
    "its counters, no credential: /_stcore/metrics": _elsewhere("/_stcore/metrics"),
    "a path it does not know, no credential: /.env": _elsewhere("/.env"),
    "a preflight for an upload from a foreign Origin": _elsewhere(
        "/_stcore/upload_file/a/b", method="OPTIONS", origin=FOREIGN, lines=("Access-Control-Request-Method: PUT",)
    ),
    "the Origin http://localhost:1, a page on the visitor's own machine": lambda good: replace(
        good, origin="http://localhost:1"
    ),
}

EXPECTED: probes.Table = {
    "everything in order": ("200", "200", "101", "101"),
    "no credential at all": ("200", "401 session_missing", "101", "401 session_missing"),
    "credentials in the query only": ("200", "401 session_missing", "101", "401 session_missing"),
    "no Origin": ("200", "200", "101", "403 origin_missing"),
    "a foreign Origin": ("200", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": (
        "200", "403 origin_not_allowed", "403", "403 origin_not_allowed"
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": (
        "200", "404 dashboard_not_found", "403", "403 dashboard_not_found"
    ),
    "each cookie twice: good, then bad": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "its counters, no credential: /_stcore/metrics": ("200", "401 session_missing", "-", "-"),
    "a path it does not know, no credential: /.env": ("200", "401 session_missing", "-", "-"),
    "a preflight for an upload from a foreign Origin": ("204", "403 origin_not_allowed", "-", "-"),
    "the Origin http://localhost:1, a page on the visitor's own machine": (
        "200", "403 origin_not_allowed", "101", "403 origin_not_allowed"
    ),
}


def test_the_same_requests_at_its_own_port_and_at_the_gate(stand):
    doors = [
        Door("/"), Door(WEBSOCKET, cookie=f"_streamlit_xsrf={XSRF}", subprotocol=f"streamlit, {XSRF}", websocket=True)
    ]
    assert probes.measure(stand, "streamlit", doors, MORE) == EXPECTED


def test_a_slider_move_changes_what_the_server_answers(person):
    since = person.stand.log_size()
    person.connect_by_form("streamlit")
    _expect_drawn(person)
    handle = person.page.get_by_role("slider")
    for number in (4, 5, 6):
        handle.press("ArrowRight")
        expect(person.page.get_by_text(f"{number} squared is {number**2}", exact=True)).to_be_visible()
    photograph(person.page, "streamlit")
    person.page.goto("about:blank")  # ends the WebSocket, which writes its line
    line = person.stand.logged(since, lambda line: line["path"] == WEBSOCKET)
    assert (line["protocol"], line["upgrade"], line["dashgate_dashboard"]) == ("HTTP/2", "websocket", "streamlit")


def test_the_app_learns_whom_it_serves_and_sees_only_cookies_that_are_not_the_gate_s(person):
    person.context.add_cookies([{"name": "theme", "value": "dark", "url": person.stand.stack.origin("streamlit")}])
    _open(person)
    expect(person.page.get_by_text("for ana", exact=True)).to_be_visible()
    expect(person.page.get_by_text("cookies: _streamlit_xsrf theme", exact=True)).to_be_visible()


def test_a_picture_and_a_download_come_through_the_gate_and_their_paths_open_nothing_without_a_session(person):
    _open(person)
    source = person.page.locator("img[src*='/media/']").get_attribute("src")
    until(lambda: person.page.evaluate(PICTURE_WIDTH) == 240, "the picture")
    with person.page.expect_download() as download:
        person.page.get_by_role("button", name="Squares").click()
    assert download.value.suggested_filename == "squares.csv"
    assert download.value.path().read_text() == "0,0\n1,1\n2,4\n3,9\n"
    path = urlsplit(source).path
    anybody = _elsewhere(path)
    assert _tried(person, Door(path), anybody) == ("200", "401 session_missing")


def test_an_upload_arrives_whole_and_a_forged_one_is_refused(person):
    content = secrets.token_bytes(3_000_000)
    since = person.stand.log_size()
    _open(person)
    person.page.locator("input[type=file]").set_input_files(
        {"name": "data.bin", "mimeType": "application/octet-stream", "buffer": content}
    )
    told = f"data.bin: {len(content)} bytes, {hashlib.sha256(content).hexdigest()}"
    expect(person.page.get_by_text(told, exact=True)).to_be_visible()
    line = person.stand.logged(since, lambda line: line["path"].startswith("/_stcore/upload_file/"))
    assert (line["method"], line["response_code"], line["dashgate_subject"]) == ("PUT", 204, "ana")
    assert line["bytes_received"] > len(content)

    upload = _upload(line["path"])
    forged = _upload(line["path"], origin=FOREIGN)
    unmarked = _upload(line["path"], lines=("Content-Type: multipart/form-data; boundary=x",))
    assert _tried(person, Door(line["path"], cookie=f"_streamlit_xsrf={XSRF}"), upload) == ("204", "204")
    assert _tried(person, Door(line["path"], cookie=f"_streamlit_xsrf={XSRF}"), forged) == (
        "204", "403 origin_not_allowed"
    )
    # Streamlit's own check still works behind the gate.
    assert _tried(person, Door(line["path"], cookie=f"_streamlit_xsrf={XSRF}"), unmarked) == ("403", "403")


def test_the_websocket_ends_with_the_session(person):
    checks.expect_end_with_the_session(person, "streamlit", lambda token: _open(person, token))


def test_somebody_without_a_session_gets_nothing_while_somebody_else_is_there(person, stranger):
    _open(person)
    checks.expect_closed_to_strangers(stranger, "streamlit", "/", WEBSOCKET, ["streamlit", XSRF])


def test_a_page_elsewhere_cannot_open_the_websocket(person):
    _open(person)
    checks.expect_closed_to_foreign_pages(person, "streamlit", WEBSOCKET, ["streamlit", XSRF])


def _upload(path: str, **changed) -> Probe:
    body = '--x\r\nContent-Disposition: form-data; name="file"; filename="forged.txt"\r\n\r\nforged\r\n--x--\r\n'
    usual = {"lines": ("Content-Type: multipart/form-data; boundary=x", f"X-Xsrftoken: {XSRF}")}
    return lambda good: replace(good, method="PUT", body=body, **(usual | changed))


def _tried(person: Person, door: Door, probe: Probe) -> tuple[str, ...]:
    """What one request does at its own port and at the gate."""
    return probes.attempt(person.stand, "streamlit", door, probe)


def _open(person: Person, token: str | None = None) -> None:
    person.connect_by_link("streamlit", token)
    _expect_drawn(person)


def _expect_drawn(person: Person) -> None:
    expect(person.page.get_by_text("3 squared is 9", exact=True)).to_be_visible()
