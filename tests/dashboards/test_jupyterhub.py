"""JupyterHub behind the gate: what it and its servers let in by themselves, and what a person sees of it."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

import checks
import documentation
import jupyter_probes
import notebook
import probes
from dashboards import Dashboard
from jupyterhub_server import JUPYTERHUB, PASSWORD, PROXY, READY_SECONDS
from jupyterlab_server import TEXT
from person import Person
from probes import Door
from stand import photograph

DASHBOARDS: list[Dashboard] = [JUPYTERHUB]
SERVER = "/user/ana/"
WEBSOCKET = SERVER + "api/events/subscribe"
WITHOUT_LOGIN = [
    "/hub/login", "/hub/health", "/hub/api", "/hub/static/css/style.min.css", "/hub/api/users", "/hub/metrics",
    "/hub/home", "/_chp_healthz", "/user/ana/api", "/user/ana/api/contents", "/user/ana/oauth_callback", "/user/ana/lab",
]

# As the Hub's own page asks for one, which is open.
MAKE_TOKEN = """user => fetch(`/hub/api/users/${user}/tokens?_xsrf=${jhdata.xsrf_token}`, {
    method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"
}).then(answer => answer.json()).then(made => made.token)"""

pytestmark = pytest.mark.skipif(PROXY is None, reason="no configurable-http-proxy: cargo xtask test installs it")

EXPECTED: probes.Table = {
    "everything in order": ("200", "200", "101", "101"),
    "no credential at all": ("403", "401 session_missing", "403", "401 session_missing"),
    "credentials in the query only": ("403", "401 session_missing", "403", "401 session_missing"),
    "no Origin": ("200", "200", "101", "403 origin_missing"),
    "a foreign Origin": ("404", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": (
        "404", "403 origin_not_allowed", "101", "403 origin_not_allowed"
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": (
        "200", "404 dashboard_not_found", "101", "403 dashboard_not_found"
    ),
    "each cookie twice: good, then bad": ("403", "403 credential_repeated", "403", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "a file made by POST from a foreign Origin": ("403", "403 origin_not_allowed", "-", "-"),
    "a file made by POST without Origin": ("403", "403 origin_missing", "-", "-"),
    "its token in the query, no session": ("403", "401 session_missing", "403", "401 session_missing"),
    "its token in the query, a session": ("403", "403", "403", "403"),
    "the same from a foreign Origin": ("404", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "the same, a file made by POST": ("403", "403 origin_not_allowed", "-", "-"),
    "its token as `Authorization: token`, a session": ("200", "200", "101", "101"),
    "its token as `Authorization: Bearer`, a session": (
        "200", "403 credential_conflict", "101", "403 credential_conflict"
    ),
}
EXPECTED_WITHOUT_LOGIN: probes.Table = {
    "/hub/login": ("200", "401 session_missing"),
    "/hub/health": ("200", "401 session_missing"),
    "/hub/api": ("200", "401 session_missing"),
    "/hub/static/css/style.min.css": ("200", "401 session_missing"),
    "/hub/api/users": ("403", "401 session_missing"),
    "/hub/metrics": ("403", "401 session_missing"),
    "/hub/home": ("302", "401 session_missing"),
    "/_chp_healthz": ("200", "401 session_missing"),
    "/user/ana/api": ("200", "401 session_missing"),
    "/user/ana/api/contents": ("403", "401 session_missing"),
    "/user/ana/oauth_callback": ("400", "401 session_missing"),
    "/user/ana/lab": ("302", "401 session_missing"),
}


@pytest.fixture
def ana(person):
    """Ana with a live session, signed in at the Hub, her server running and a light page of it open."""
    _sign_in(person, f"{SERVER}files/{TEXT}")
    expect(person.page.get_by_text("a text of hers")).to_be_visible()
    return person


def test_login_spawn_and_a_cell_that_runs(person):
    since = person.stand.log_size()
    _sign_in(person, notebook.notebook_path(SERVER, "cell"))
    notebook.expect_kernel(person)
    notebook.expect_cell_runs(person)
    photograph(person.page, "jupyterhub")
    secure = {cookie["name"]: cookie["secure"] for cookie in person.context.cookies()}
    assert secure == {
        "__Host-dashgate-jupyterhub": True, "jupyterhub-hub-login": True, "jupyterhub-session-id": True,
        "jupyterhub-user-ana": True, "_xsrf": False,
    }
    person.page.close()  # ends the WebSockets, which write their lines
    line = person.stand.logged(since, lambda line: line["path"] == WEBSOCKET)
    assert (line["protocol"], line["upgrade"], line["dashgate_dashboard"]) == ("HTTP/2", "websocket", "jupyterhub")


def test_the_same_requests_at_its_own_port_and_at_the_gate(ana):
    token, cookie = _token(ana), _login_cookie(ana)
    doors = [Door(SERVER + "api/contents", cookie=cookie), Door(WEBSOCKET, cookie=cookie, websocket=True)]
    assert probes.measure(ana.stand, "jupyterhub", doors, jupyter_probes.with_token(token)) == EXPECTED


def test_what_the_hub_answers_without_a_login_needs_a_session(ana):
    stand = ana.stand
    ana.page.goto("about:blank")
    good = {path: probes.in_order(stand, "jupyterhub", Door(path)) for path in WITHOUT_LOGIN}
    measured = {
        path: probes.compare(stand, "jupyterhub", probes.without_credentials(request)) for path, request in good.items()
    }
    assert measured == EXPECTED_WITHOUT_LOGIN


def test_the_page_says_what_is_tested():
    documentation.expect_page("jupyterhub", DASHBOARDS, [EXPECTED, EXPECTED_WITHOUT_LOGIN])


def test_the_websockets_of_a_person_s_server_end_with_the_session(ana):
    def open_notebook(token: str) -> None:
        ana.connect_by_link("jupyterhub", token, notebook.notebook_path(SERVER, "end"))
        notebook.expect_kernel(ana)

    checks.expect_end_with_the_session(ana, "jupyterhub", open_notebook, seconds=15, sockets=2)
    names = {cookie["name"] for cookie in ana.context.cookies(ana.stand.stack.origin("jupyterhub") + SERVER)}
    assert "jupyterhub-user-ana" in names, "the Hub's own login outlives the session, and opens nothing without it"


def test_somebody_without_a_session_does_not_even_see_the_login_page(ana, stranger):
    checks.expect_closed_to_strangers(stranger, "jupyterhub", "/hub/login", WEBSOCKET)


def test_a_page_elsewhere_cannot_open_the_websocket_of_a_person_s_server(ana):
    checks.expect_closed_to_foreign_pages(ana, "jupyterhub", WEBSOCKET)


def _sign_in(person: Person, path: str) -> None:
    """Connects, fills in the Hub's login page, and waits for the person's server, which the Hub starts if it must."""
    spawn = f"/hub/spawn/{person.user}?" + urlencode({"next": path})
    person.connect_by_link("jupyterhub", onward=spawn)
    person.page.wait_for_url(person.at("jupyterhub", "/hub/login?next="))
    person.page.fill("#username_input", person.user)
    person.page.fill("#password_input", PASSWORD)
    person.page.click("#login_submit")
    person.page.wait_for_url(person.at("jupyterhub", path), timeout=READY_SECONDS * 1000)


def _token(person: Person) -> str:
    """A token of the Hub with all the rights of the person."""
    person.page.goto(person.stand.stack.origin("jupyterhub") + "/hub/token")
    return person.page.evaluate(MAKE_TOKEN, person.user)


def _login_cookie(person: Person) -> str:
    """The cookie of the person's server, whose page is left, so that no request of its own is counted."""
    person.page.goto("about:blank")
    cookies = person.context.cookies(person.stand.stack.origin("jupyterhub") + SERVER)
    return next(f"{cookie['name']}={cookie['value']}" for cookie in cookies if cookie["name"] == "jupyterhub-user-ana")
