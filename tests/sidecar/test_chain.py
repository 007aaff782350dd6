"""The whole way: a browser's request, the shipped edge, mutual TLS, the shipped sidecar, the dashboard; and a real Bokeh at its end."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time

import bootstrap
import pytest
import sessions
import yaml
from beside import DASHBOARD, Beside
from edge import UnixConnection
from ending import end
from policy import only
from sessions import bokeh_id, bokeh_token, session, tampered
from stage import WAYS, Stage, cookie, is_upgrade, upgrade_ways, ways
from test_verdicts import credentials

PAGE = bootstrap.ROOT / "docs/sidecar.md"
SECONDS = 60


def transport_socket(sidecar: Beside) -> dict:
    """The edge's side as docs/sidecar.md has it, with this test's files."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    sidecar_authority = str(sidecar.folder / "authority.pem")
    files = {"edge.pem": f"{sidecar.identity}.pem", "edge.key": f"{sidecar.identity}.key", "sidecar-authority.pem": sidecar_authority}
    return bootstrap.rewritten(yaml.safe_load(block)["transport_socket"], lambda text: files.get(text, text))


class Chain(Stage):
    """An edge in front of a sidecar. What arrives is what the sidecar's upstream records; `keep` is the edge's."""

    def __init__(self, sidecar: Beside, keep: list[str]):
        policy = only("portal", "training", DASHBOARD)
        for dashboard in policy["dashboards"]:
            if dashboard["name"] == DASHBOARD:
                dashboard["keep"] = keep

        def to_the_sidecar(tree):
            for cluster in tree["static_resources"]["clusters"]:
                if cluster["name"] == DASHBOARD:
                    cluster["transport_socket"] = transport_socket(sidecar)

        super().__init__(policy, to_the_sidecar, backends={DASHBOARD: sidecar.edge.port})
        self.upstream.stop()
        self.upstream = sidecar.upstream


@pytest.fixture(scope="module")
def whole_chain():
    with contextlib.ExitStack() as stack:
        sidecar = stack.enter_context(Beside())
        yield stack.enter_context(Chain(sidecar, ["portal", "bokeh"]))


@pytest.fixture
def chain(whole_chain):
    whole_chain.upstream.forget()
    return whole_chain


@ways
def test_both_gates_let_a_good_session_through_and_the_dashboard_sees_only_its_own(chain, way):
    portal = session(DASHBOARD)
    arrived = chain.permits(way, DASHBOARD, **credentials(way, portal))
    assert portal.encode() not in arrived.everything()
    assert len(arrived.values("sec-websocket-protocol" if is_upgrade(way) else "bokeh-session-id")) == 1
    assert arrived.values("x-dashgate-subject") == ["ana"]


@ways
def test_the_edge_refuses_what_the_sidecar_would(chain, way):
    chain.refuses(way, "session_missing", 401, DASHBOARD)
    chain.refuses(way, "signature_invalid", 401, DASHBOARD, **credentials(way, tampered(session(DASHBOARD))))
    chain.refuses(way, "origin_not_allowed", 403, DASHBOARD, origin="https://evil.example", **credentials(way))


@upgrade_ways
def test_a_websocket_through_both_answers_and_ends_with_its_session(chain, way):
    ending = session(DASHBOARD, exp=int(time.time()) - 27)      # the skew is 30 s: some 3 s are left
    with chain.open(way, DASHBOARD, **credentials(way, ending)) as live:
        assert live.exchange(b"through both") == b"through both"
        ended = live.seconds_until_closed(8)
    assert ended is not None and ended < 5.5


def test_an_edge_that_keeps_the_sessions_to_itself_gets_no_further():
    """What the edge takes away the sidecar cannot verify: closed, and the page says what to set."""
    with Beside() as sidecar, Chain(sidecar, ["bokeh"]) as chain:
        for way in WAYS:
            chain.answers(way, 401, DASHBOARD, f"/{way}", **credentials(way))
            assert sidecar.edge.wait_for_access(lambda entry: entry["path"] == f"/{way}")["dashgate_reason"] == "session_missing"


def start_bokeh(place: str) -> subprocess.Popen:
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", ""), "BOKEH_SECRET_KEY": sessions.BOKEH_SECRET,
                   "BOKEH_SIGN_SESSIONS": "yes"}
    command = [sys.executable, "-m", "bokeh", "serve", str(bootstrap.ROOT / "demo/bokeh_app"), "--unix-socket", place,
               "--session-ids", "external-signed", "--use-xheaders"]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def answers(place: str) -> bool:
    connection = UnixConnection(place)
    try:
        connection.request("GET", "/bokeh_app/metadata")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_a_real_bokeh_on_a_unix_socket_serves_its_page_and_its_websocket_to_a_session_alone():
    with Beside() as sidecar:
        sidecar.upstream.stop()
        sidecar.socket.unlink()
        place = str(sidecar.socket)
        bokeh = start_bokeh(place)
        try:
            deadline = time.monotonic() + SECONDS
            while not answers(place):
                assert time.monotonic() < deadline and bokeh.poll() is None, "bokeh did not start"
                time.sleep(0.1)
            assert os.stat(place).st_mode & 0o777 == 0o600      # what docs/sidecar.md says of it

            identity = bokeh_id()
            page = sidecar.ask("http1", DASHBOARD, "/bokeh_app", **credentials("http1", identity=identity))
            assert page.status == 200 and "<title>Bokeh behind dashgate</title>" in page.text
            assert sidecar.ask("http1", DASHBOARD, "/bokeh_app").status == 401

            token = bokeh_token(identity)
            lines = [*cookie(DASHBOARD, session(DASHBOARD)), ("sec-websocket-protocol", f"bokeh, {token}")]
            with sidecar.open("upgrade1", DASHBOARD, "/bokeh_app/ws", headers=lines) as live:
                assert live.answer.status == 101 and live.answer.value("sec-websocket-protocol") == "bokeh"
                assert json.loads(text_frame(live.connection))["msgtype"] == "ACK"
            refused = [("sec-websocket-protocol", f"bokeh, {token}")]
            assert sidecar.ask("upgrade1", DASHBOARD, "/bokeh_app/ws", headers=refused).status == 401
        finally:
            end(bokeh, seconds=10)


def text_frame(connection) -> bytes:
    """The first frame of a server's message, which is not masked (RFC 6455, 5.2)."""
    first, length = connection.tunnel_read(2)
    assert first & 0x0F == 1, first
    if length == 126:
        length = int.from_bytes(connection.tunnel_read(2))
    return connection.tunnel_read(length)
