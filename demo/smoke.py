"""The journey of the demo, taken by a client through the real Envoy: what must work, and each thing that must not."""

import base64
import html
import http.client
import json
import re
import time
import uuid
import zlib
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

import bokeh_client
import http2
from client import Client, drain

FOREIGN = "https://evil.example"
# The policy allows this much clock skew past `exp`; a session made short counts on it.
SKEW_SECONDS = 30
SHORT_SECONDS = 4


class Smoke:
    """One run: the stack under test, a browser, and the rows of the table."""

    def __init__(self, stack):
        self.stack = stack
        self.browser = Client(stack.authority)
        self.rows: list[tuple[str, str, str]] = []

    def check(self, tried: str, expected, got) -> None:
        """One row of the table."""
        self.rows.append((tried, str(expected), str(got)))
        print("." if str(expected) == str(got) else "F", end="", flush=True)

    def token(self, name: str, **changed) -> str:
        """A session as the portal signs it, with some claims changed."""
        now = int(time.time())
        claims = {
            "iss": self.stack.origin("portal"), "aud": self.stack.origin(name) + "/", "sub": "ana", "iat": now,
            "exp": now + 3600, "jti": str(uuid.uuid4()),
        } | changed
        return jwt.encode(claims, self.stack.secrets.key, algorithm="HS256", headers={"kid": self.stack.key_id})

    def person(self, name: str, token: str) -> Client:
        """A client that shows this session, whatever it is, to the dashboard."""
        client = Client(self.stack.authority)
        client.cookies[urlsplit(self.stack.origin(name)).hostname] = {f"__Host-dashgate-{name}": token}
        return client


def run(stack, without: tuple[str, ...] = ()) -> int:
    """Takes the journey, some parts left out, and prints the table; returns the exit code."""
    smoke = Smoke(stack)
    for part in (_sign_in, _connect, _bokeh, _tensorboard, _runs, _refusals, _ends_with_its_session, _edge, _sign_out, _logs):
        if part.__name__.strip("_") in without:
            continue
        try:
            part(smoke)
        except Exception as error:  # noqa: BLE001: one part that breaks must not hide the others
            smoke.check(f"{part.__name__.strip('_').replace('_', ' ')} runs to its end", "yes", f"{type(error).__name__}: {error}")
    print()
    width = max(len(tried) for tried, _, _ in smoke.rows)
    print(f"\n\n      {'tried':<{width}}  expected / got")
    failed = 0
    for tried, expected, got in smoke.rows:
        right = expected == got
        failed += not right
        print(f"{'ok' if right else 'WRONG':<6}{tried:<{width}}  {expected}" + ("" if right else f" / {got}"))
    if failed:
        print(f"\nEnvoy's last lines:\n{stack.processes.tail('envoy')}")
    print()
    print(f"{len(smoke.rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _sign_in(smoke: Smoke) -> None:
    browser, portal = smoke.browser, smoke.stack.origin("portal")
    page = browser.request("GET", f"{portal}/login?dashboard=bokeh&next=/bokeh_app")
    smoke.check("portal: login page", 200, page.status)
    form = {"csrf": _field(page.text(), "csrf"), "dashboard": "bokeh", "next": "/bokeh_app", "user": "ana"}
    wrong = browser.request("POST", f"{portal}/login", {"Origin": portal}, form | {"password": "wrong"})
    smoke.check("portal: wrong password", 403, wrong.status)
    form["password"] = smoke.stack.secrets.passwords["ana"]
    foreign = browser.request("POST", f"{portal}/login", {"Origin": FOREIGN}, form)
    smoke.check("portal: login posted from a foreign origin", 403, foreign.status)
    signed_in = browser.request("POST", f"{portal}/login", {"Origin": portal}, form)
    smoke.check("portal: login", 303, signed_in.status)
    smoke.index = browser.request("GET", portal + signed_in.headers["Location"]).text()
    smoke.check("portal: list of dashboards", True, "Your dashboards" in smoke.index)


def _connect(smoke: Smoke) -> None:
    browser, portal = smoke.browser, smoke.stack.origin("portal")
    for name in ("bokeh", "tensorboard"):
        origin = smoke.stack.origin(name)
        form = {key: _field(_section(smoke.index, name), key) for key in ("token", "next")}
        connect = f"{origin}/.dashgate/connect"
        stranger = Client(smoke.stack.authority)
        smoke.check(f"{name}: connect from a foreign origin", 403, stranger.request("POST", connect, {"Origin": FOREIGN}, form).status)
        elsewhere = form | {"next": "https://evil.example/"}
        smoke.check(f"{name}: connect with a next on another host", True, stranger.request("POST", connect, {"Origin": portal}, elsewhere).status in (400, 403))
        smoke.check(f"{name}: neither set a cookie", {}, stranger.cookies)
        answer = browser.request("POST", connect, {"Origin": portal}, form)
        smoke.check(f"{name}: connect, and on to the page", (303, True), (answer.status, answer.headers["Location"] == form["next"]))
        cookie = answer.headers["Set-Cookie"] or ""
        smoke.check(f"{name}: one cookie, __Host-, HttpOnly, Secure, Lax", True, cookie.startswith(f"__Host-dashgate-{name}=")
                    and all(part in cookie.split("; ") for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/")))
        page = browser.request("GET", connect)
        smoke.check(f"{name}: page for connect links, no script but its own", (200, True),
                    (page.status, "script-src 'sha256-" in (page.headers["Content-Security-Policy"] or "")))
        if name == "bokeh":
            smoke.bokeh_page = form["next"]
    bearer = {"Origin": smoke.stack.origin("bokeh"), "Authorization": f"Bearer {smoke.token('bokeh')}"}
    linked = Client(smoke.stack.authority)
    answer = linked.request("POST", f"{smoke.stack.origin('bokeh')}/.dashgate/connect?next=%2Fbokeh_app", bearer | {"Content-Length": "0"})
    smoke.check("bokeh: what the page for connect links posts", (303, "/bokeh_app"), (answer.status, answer.headers["Location"]))


def _bokeh(smoke: Smoke) -> None:
    origin = smoke.stack.origin("bokeh")
    page = smoke.browser.request("GET", origin + smoke.bokeh_page)
    smoke.check("bokeh: page", (200, True), (page.status, "Bokeh behind dashgate" in page.text()))
    smoke.check("bokeh: page is not stored", "private, no-store", page.headers["Cache-Control"])
    smoke.check("bokeh: page is framed by nobody else", "SAMEORIGIN", page.headers["X-Frame-Options"])
    smoke.page_token = re.search(r'"token":"([^"]+)"', page.text())[1]
    payload = json.loads(base64.urlsafe_b64decode(smoke.page_token.split(".")[0] + "=="))
    copied = _inflated(payload)
    smoke.check("bokeh: page's token holds the subject and no cookie", ("ana", {}, False),
                (copied["headers"].get("X-Dashgate-Subject"), copied["cookies"], "Cookie" in copied["headers"]))
    socket = smoke.browser.open_websocket(_websocket_url(smoke), origin, ["bokeh", smoke.page_token])
    smoke.check("bokeh: WebSocket over HTTP/1.1, with the page's token", "bokeh", getattr(socket, "subprotocol", socket))
    if not isinstance(socket, int):
        smoke.check("bokeh: first message", "ACK", _message_type(socket))
        socket.close()
    cookie = smoke.browser.cookie_header("bokeh.localhost")
    status = http2.open_websocket(smoke.stack, _websocket_path(smoke), origin, cookie, f"bokeh, {smoke.page_token}")
    smoke.check("bokeh: WebSocket over HTTP/2", 200, status)
    before, after = bokeh_client.move_slider(smoke.stack, cookie, 7)
    smoke.check("bokeh: slider moved, seen in the answer", ("amplitude 1", "amplitude 7"), (before, after))
    static = Client(smoke.stack.authority).request("GET", f"{origin}/static/js/bokeh.min.js")
    smoke.check("bokeh: static files are public", 200, static.status)


def _tensorboard(smoke: Smoke) -> None:
    origin = smoke.stack.origin("tensorboard")
    page = smoke.browser.request("GET", f"{origin}/")
    smoke.check("tensorboard: page", (200, True), (page.status, "tb-relative-root" in page.text()))
    runs = smoke.browser.request("GET", f"{origin}/data/runs")
    smoke.check("tensorboard: runs", (200, ["cold", "warm"]), (runs.status, sorted(json.loads(runs.body))))
    tags = smoke.browser.request("GET", f"{origin}/data/plugin/scalars/tags")
    smoke.check("tensorboard: tags", (200, ["accuracy", "loss"]), (tags.status, sorted(json.loads(tags.body)["warm"])))
    scalars = smoke.browser.request("GET", f"{origin}/data/plugin/scalars/scalars?run=warm&tag=loss")
    smoke.check("tensorboard: 100 points of data", (200, 100), (scalars.status, len(json.loads(scalars.body))))


def _runs(smoke: Smoke) -> None:
    """Two people, each with a TensorBoard of their own on a port of its own: neither reaches the other's."""
    people = {"ana": smoke.browser, "bob": Client(smoke.stack.authority)}
    portal, places = smoke.stack.origin("portal"), {}
    for user, client in people.items():
        if user != "ana":
            form = {"csrf": _field(client.request("GET", f"{portal}/login").text(), "csrf"), "user": user}
            form["password"] = smoke.stack.secrets.passwords[user]
            client.request("POST", f"{portal}/login", {"Origin": portal}, form)
        csrf = _field(client.request("GET", f"{portal}/").text(), "csrf")
        started = client.request("POST", f"{portal}/runs", {"Origin": portal}, {"csrf": csrf})
        smoke.check(f"runs: {user} starts a TensorBoard", 303, started.status)
    for user, client in people.items():
        section = _ready_run(client, portal)
        url = re.search(r'action="(https://[^"]+)/.dashgate/connect"', section)[1]
        form = {key: _field(section, key) for key in ("token", "next")}
        answer = client.request("POST", f"{url}/.dashgate/connect", {"Origin": portal}, form)
        smoke.check(f"runs: {user} connects to it", (303, "/"), (answer.status, answer.headers["Location"]))
        runs = client.request("GET", f"{url}/data/runs")
        smoke.check(f"runs: {user} sees that one's data", (200, [f"{user}s-run"]), (runs.status, json.loads(runs.body)))
        places[user] = url, form["token"]
    (anas, _), (bobs, bobs_token) = places["ana"], places["bob"]
    backend = jwt.decode(bobs_token, options={"verify_signature": False})["backend"]
    smoke.check("runs: ana has no session for bob's", 401, people["ana"].request("GET", f"{bobs}/data/runs").status)
    steered = people["ana"].request("GET", f"{anas}/data/runs", {"X-Dashgate-Backend": backend})
    smoke.check("runs: ana names bob's backend and still gets her own", ["anas-run"], json.loads(steered.body))
    stolen = Client(smoke.stack.authority).request("GET", f"{bobs}/data/runs", {"Cookie": people["ana"].cookie_header(urlsplit(anas).hostname)})
    smoke.check("runs: ana's session opens nothing at bob's host", 403, stolen.status)
    metrics = smoke.token("tensorboard", aud=f"https://{{session}}.{urlsplit(anas).netloc.partition('.')[2]}/", sid=urlsplit(anas).hostname.split(".")[0], backend=f"127.0.0.1:{smoke.stack.ports['metrics']}")
    outside = Client(smoke.stack.authority).request("GET", f"{anas}/", {"Cookie": f"__Host-dashgate-runs={metrics}"})
    smoke.check("runs: a session that names a backend outside the list", 403, outside.status)
    listed = people["bob"].request("GET", f"{portal}/").text()
    smoke.check("runs: bob's portal knows nothing of ana's", False, urlsplit(anas).hostname in listed)


def _ready_run(client: Client, portal: str) -> str:
    """The portal's section of a person's own, once the first one there is ready."""
    deadline = time.monotonic() + 60
    while "connect-run" not in (section := _section(client.request("GET", f"{portal}/").text(), "runs")):
        if time.monotonic() > deadline:
            raise TimeoutError("no TensorBoard within a minute")
        time.sleep(0.2)
    return section


def _refusals(smoke: Smoke) -> None:
    now = int(time.time())
    for name, other in (("bokeh", "tensorboard"), ("tensorboard", "bokeh")):
        origin = smoke.stack.origin(name)
        good = smoke.token(name)
        people = {
            "without a session": Client(smoke.stack.authority),
            "with a tampered session": smoke.person(name, _tampered(good)),
            "with an expired session": smoke.person(name, smoke.token(name, iat=now - 7200, exp=now - 3600)),
            "with another dashboard's session": smoke.person(name, smoke.token(other)),
        }
        statuses = dict.fromkeys(people, 401) | {"with another dashboard's session": 403}
        url = origin + (smoke.bokeh_page if name == "bokeh" else "/data/runs")
        for who, client in people.items():
            smoke.check(f"{name}: data {who}", statuses[who], client.request("GET", url).status)
            socket = client.open_websocket(_websocket_url(smoke, name), origin, ["bokeh", smoke.page_token])
            smoke.check(f"{name}: WebSocket over HTTP/1.1 {who}", statuses[who], _status(socket))
            status = http2.open_websocket(smoke.stack, _websocket_path(smoke), origin, client.cookie_header(f"{name}.localhost"),
                                          f"bokeh, {smoke.page_token}", host=f"{name}.localhost")
            smoke.check(f"{name}: WebSocket over HTTP/2 {who}", statuses[who], status)
        person = smoke.person(name, good)
        smoke.check(f"{name}: data from a foreign origin", 403, person.request("GET", url, {"Origin": FOREIGN}).status)
        socket = person.open_websocket(_websocket_url(smoke, name), FOREIGN, ["bokeh", smoke.page_token])
        smoke.check(f"{name}: WebSocket over HTTP/1.1 from a foreign origin", 403, _status(socket))
        status = http2.open_websocket(smoke.stack, _websocket_path(smoke), FOREIGN, person.cookie_header(f"{name}.localhost"),
                                      f"bokeh, {smoke.page_token}", host=f"{name}.localhost")
        smoke.check(f"{name}: WebSocket over HTTP/2 from a foreign origin", 403, status)
        navigation = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
        answer = people["without a session"].request("GET", f"{origin}/somewhere?x=1", navigation)
        location = urlsplit(answer.headers["Location"] or "")
        smoke.check(f"{name}: a visitor without a session is sent to the portal",
                    (302, smoke.stack.origin("portal"), {"dashboard": [name], "next": ["/somewhere?x=1"]}),
                    (answer.status, f"{location.scheme}://{location.netloc}", parse_qs(location.query)))


def _ends_with_its_session(smoke: Smoke) -> None:
    now = int(time.time())
    short = smoke.token("bokeh", iat=now - 60, exp=now + SHORT_SECONDS - SKEW_SECONDS)
    person = smoke.person("bokeh", short)
    started = time.time()
    socket = person.open_websocket(_websocket_url(smoke), smoke.stack.origin("bokeh"), ["bokeh", smoke.page_token])
    smoke.check("bokeh: WebSocket with a session of a few seconds", 101, _status(socket, keep=True))
    if not isinstance(socket, int):
        ended = drain(socket, SHORT_SECONDS + 6)
        late = time.time() - (now + SHORT_SECONDS)
        smoke.check("bokeh: it ends within 2 s of its session's end", True, ended and time.time() > started and -1 <= late <= 2)
    smoke.check("bokeh: the same session afterwards", 401, person.request("GET", smoke.stack.origin("bokeh") + smoke.bokeh_page).status)


def _edge(smoke: Smoke) -> None:
    ports = smoke.stack.ports
    for name, host, port, path, expected in (
        ("http is sent to https", "bokeh.localhost", ports["redirect"], "/a?b=c", 308),
        ("metrics", "127.0.0.1", ports["metrics"], "/stats/prometheus", 200),
        ("no metrics for a rebound name", "evil.example", ports["metrics"], "/stats/prometheus", 404),
        ("nothing but metrics on their port", "127.0.0.1", ports["metrics"], "/config_dump", 404),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        smoke.check(f"edge: {name}", expected, answer.status)
        if expected == 308:
            smoke.check("edge: to the same page", smoke.stack.origin("bokeh") + "/a?b=c", answer.headers["Location"])
        if expected == 200:
            counted = re.search(r'dashgate_decisions_total\{dashboard="bokeh",verdict="refuse",reason="session_expired"\} (\d+)', body)
            smoke.check("edge: refusals are counted by reason", True, bool(counted and int(counted[1]) > 0))
            verified = re.search(r'dashgate_sessions_verified_total\{key="portal-2026-11"\} (\d+)', body)
            smoke.check("edge: sessions are counted by key", True, bool(verified and int(verified[1]) > 0))


def _logs(smoke: Smoke) -> None:
    marker = f"/last-{uuid.uuid4()}"
    smoke.browser.request("GET", smoke.stack.origin("portal") + marker)
    path, deadline = smoke.stack.processes.log("envoy"), time.monotonic() + 15
    while marker not in (log := path.read_text(errors="replace")) and time.monotonic() < deadline:
        time.sleep(0.1)
    smoke.check("logs: Envoy's access log is there", True, marker in log)
    for what, secret in (("the portal's key", smoke.stack.secrets.key_base64url()), ("Bokeh's key", smoke.stack.secrets.bokeh),
                         ("a session", smoke.browser.cookies["bokeh.localhost"]["__Host-dashgate-bokeh"]),
                         ("a Bokeh token", smoke.page_token), ("a Bokeh id", unquote(smoke.bokeh_page.partition("=")[2]))):
        smoke.check(f"logs: nowhere {what}", False, secret in log)
    smoke.check("logs: they name the subject of a permitted request", True, '"dashgate_subject":"ana"' in log)


def _sign_out(smoke: Smoke) -> None:
    browser, portal, origin = smoke.browser, smoke.stack.origin("portal"), smoke.stack.origin("tensorboard")
    refused = Client(smoke.stack.authority).request("POST", f"{origin}/.dashgate/logout", {"Origin": FOREIGN}, {})
    smoke.check("sign-out: a foreign origin may not", 403, refused.status)
    answer = browser.request("POST", f"{origin}/.dashgate/logout", {"Origin": portal}, {})
    smoke.check("sign-out: tensorboard", (303, "/"), (answer.status, answer.headers["Location"]))
    cleared = answer.headers["Set-Cookie"] or ""
    smoke.check("sign-out: its cookie is cleared", True, cleared.startswith("__Host-dashgate-tensorboard=;") and "Max-Age=0" in cleared)
    csrf = _field(browser.request("GET", f"{portal}/").text(), "csrf")
    smoke.check("sign-out: portal", 303, browser.request("POST", f"{portal}/logout", {"Origin": portal}, {"csrf": csrf}).status)
    smoke.check("sign-out: the portal asks again", "/login", browser.request("GET", f"{portal}/").headers["Location"])


def _field(page: str, name: str) -> str:
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


def _section(page: str, name: str) -> str:
    return page.split(f'id="title-{name}"')[1].split("</section>")[0]


def _websocket_path(smoke: Smoke) -> str:
    # BokehJS appends the page's own query to the WebSocket's URL.
    return "/bokeh_app/ws?" + urlsplit(smoke.bokeh_page).query


def _websocket_url(smoke: Smoke, name: str = "bokeh") -> str:
    return smoke.stack.origin(name).replace("https:", "wss:") + _websocket_path(smoke)


def _status(socket, keep: bool = False) -> int:
    if isinstance(socket, int):
        return socket
    if not keep:
        socket.close()
    return 101


def _message_type(socket) -> str:
    return json.loads(socket.recv(timeout=10))["msgtype"]


def _tampered(token: str) -> str:
    """The token with one bit of its signature changed, still well formed."""
    head, _, signature = token.rpartition(".")
    first = "B" if signature[0] == "A" else "A"
    return f"{head}.{first}{signature[1:]}"


def _inflated(payload: dict) -> dict:
    packed = payload.get("__bk__zlib_", "")
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(packed + "=="))) if packed else {}
