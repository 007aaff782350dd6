"""JupyterLab behind the gate: what it lets in by itself, without and with its token, and what a person sees of it."""

import re
import urllib.request

from playwright.sync_api import expect

import checks
import documentation
import jupyter_probes
import notebook
import probes
from dashboards import Dashboard
from jupyterlab_server import JUPYTERLAB, JUPYTERTOKEN, TEXT, TOKEN
from person import Person
from probes import SECONDS, Door
from stand import Stand, photograph

DASHBOARDS: list[Dashboard] = [JUPYTERLAB, JUPYTERTOKEN]
API, WEBSOCKET = "/api/contents", "/api/events/subscribe"

EXPECTED: probes.Table = {
    "everything in order": ("200", "200", "101", "101"),
    "no credential at all": ("200", "401 session_missing", "101", "401 session_missing"),
    "credentials in the query only": ("200", "401 session_missing", "101", "401 session_missing"),
    "no Origin": ("200", "200", "101", "403 origin_missing"),
    "a foreign Origin": ("404", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": (
        "404", "403 origin_not_allowed", "101", "403 origin_not_allowed"
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": (
        "403", "404 dashboard_not_found", "403", "403 dashboard_not_found"
    ),
    "each cookie twice: good, then bad": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "a file made by POST from a foreign Origin": ("404", "403 origin_not_allowed", "-", "-"),
    "a file made by POST without Origin": ("403", "403 origin_missing", "-", "-"),
}
EXPECTED_WITH_TOKEN: probes.Table = {
    "everything in order": ("200", "200", "101", "101"),
    "no credential at all": ("403", "401 session_missing", "403", "401 session_missing"),
    "credentials in the query only": ("403", "401 session_missing", "403", "401 session_missing"),
    "no Origin": ("200", "200", "101", "403 origin_missing"),
    "a foreign Origin": ("404", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": (
        "404", "403 origin_not_allowed", "101", "403 origin_not_allowed"
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": (
        "403", "404 dashboard_not_found", "403", "403 dashboard_not_found"
    ),
    "each cookie twice: good, then bad": ("403", "403 credential_repeated", "403", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "a file made by POST from a foreign Origin": ("404", "403 origin_not_allowed", "-", "-"),
    "a file made by POST without Origin": ("403", "403 origin_missing", "-", "-"),
    "its token in the query, no session": ("200", "401 session_missing", "101", "401 session_missing"),
    "its token in the query, a session": ("200", "200", "101", "101"),
    "the same from a foreign Origin": ("200", "403 origin_not_allowed", "101", "403 origin_not_allowed"),
    "the same, a file made by POST": ("201", "403 origin_not_allowed", "-", "-"),
    "its token as `Authorization: token`, a session": ("200", "200", "101", "101"),
    "its token as `Authorization: Bearer`, a session": (
        "200", "403 credential_conflict", "101", "403 credential_conflict"
    ),
}


def test_the_same_requests_at_its_own_socket_and_at_the_gate(stand):
    doors = [Door(API), Door(WEBSOCKET, websocket=True)]
    assert probes.measure(stand, "jupyterlab", doors, jupyter_probes.WRITES) == EXPECTED


def test_the_same_requests_at_its_own_port_and_at_the_gate_where_it_has_a_token(stand):
    cookie = _login_cookie(stand)
    doors = [Door(API, cookie=cookie), Door(WEBSOCKET, cookie=cookie, websocket=True)]
    assert probes.measure(stand, "jupytertoken", doors, jupyter_probes.with_token(TOKEN)) == EXPECTED_WITH_TOKEN


def test_the_page_says_what_is_tested():
    documentation.expect_page("jupyterlab", DASHBOARDS, [EXPECTED, EXPECTED_WITH_TOKEN])


def test_a_cell_runs(person):
    since = person.stand.log_size()
    person.connect_by_link("jupyterlab", onward=notebook.notebook_path("/", "cell"))
    notebook.expect_kernel(person)
    notebook.expect_cell_runs(person)
    photograph(person.page, "jupyterlab")
    person.page.close()  # ends the WebSockets, which write their lines
    line = person.stand.logged(since, lambda line: re.fullmatch(r"/api/kernels/[0-9a-f-]{36}/channels", line["path"]))
    assert (line["protocol"], line["upgrade"], line["dashgate_dashboard"]) == ("HTTP/2", "websocket", "jupyterlab")


def test_a_terminal_answers(person):
    person.connect_by_link("jupyterlab", onward=notebook.launcher_path("/", "terminal"))
    notebook.expect_terminal_answers(person)


def test_the_kernel_s_websocket_ends_with_the_session(person):
    def open_notebook(token: str) -> None:
        person.connect_by_link("jupyterlab", token, notebook.notebook_path("/", "end"))
        notebook.expect_kernel(person)

    checks.expect_end_with_the_session(person, "jupyterlab", open_notebook, seconds=15, sockets=2)


def test_somebody_without_a_session_gets_nothing_while_somebody_else_is_there(person, stranger):
    _open(person)
    checks.expect_closed_to_strangers(stranger, "jupyterlab", "/lab", WEBSOCKET)
    assert stranger.page.evaluate(checks.FETCH_STATUS, stranger.stand.stack.origin("jupyterlab") + API) == 401


def test_a_page_elsewhere_cannot_open_the_websocket(person):
    _open(person)
    checks.expect_closed_to_foreign_pages(person, "jupyterlab", WEBSOCKET)


def test_with_its_token_on_there_are_two_logins_and_its_own_requests_pass(person):
    sent: list[tuple[int, str | None]] = []
    api = person.stand.stack.origin("jupytertoken") + "/api/"
    person.page.on("response", lambda answer: answer.url.startswith(api) and sent.append(
        (answer.status, answer.request.headers.get("authorization"))
    ))
    person.connect_by_link("jupytertoken", onward=notebook.notebook_path("/", "token"))
    person.page.wait_for_url(person.at("jupytertoken", "/login?next="))
    person.page.fill("#password_input", TOKEN)
    person.page.click("#login_submit")
    notebook.expect_kernel(person)
    notebook.expect_cell_runs(person)
    assert {authorization for _, authorization in sent} == {f"token {TOKEN}"}
    assert {status for status, _ in sent} <= {200, 201, 204}


def _open(person: Person) -> None:
    """A live session, and a light page instead of the whole Lab."""
    person.connect_by_link("jupyterlab", onward=f"/files/{TEXT}")
    expect(person.page.get_by_text("a text of hers")).to_be_visible()


def _login_cookie(stand: Stand) -> str:
    """The cookie that Jupyter gives to whoever shows its token."""
    url = f"http://127.0.0.1:{stand.stack.ports['jupytertoken']}/api/status?token={TOKEN}"
    host = stand.stack.origin("jupytertoken").removeprefix("https://")
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=SECONDS) as answer:
        cookies = answer.headers.get_all("Set-Cookie")
    return next(cookie.partition(";")[0] for cookie in cookies if cookie.startswith("username-"))
