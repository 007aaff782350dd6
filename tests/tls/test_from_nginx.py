"""The nginx file of docs/from-nginx.md and the shipped edge, in front of the same dashboard: what the page says of both is so."""

import contextlib
import os
import re
import subprocess
import time
from pathlib import Path

import bootstrap
import certificates
import debian
import loopback
import pytest
from client import Http1
from ending import end
from policy import host_of, only, origin_of
from sessions import session
from stage import HTTP1_UPGRADE, Stage, cookie
from upstream import Upstream

PAGE = bootstrap.ROOT / "docs/from-nginx.md"
HSTS = "max-age=63072000; includeSubDomains"
HOST = host_of("training")


class Sessions(loopback.Handler):
    """What `auth_request` asks: any cookie of the dashboard's name is a session until `live` is taken away."""

    live = True

    def do_GET(self):
        good = type(self).live and "__Host-dashgate-" in self.headers.get("cookie", "")
        self.send_response(204 if good else 401)
        self.send_header("content-length", "0")
        self.end_headers()


class Nginx:
    """nginx with the page's file; `port` and `plain` are its listeners."""

    def __init__(self, undo: contextlib.ExitStack, folder: Path, upstream: Upstream, authority: certificates.Authority):
        self.upstream = upstream
        program = debian.program("nginx-light", "usr/sbin/nginx")
        (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
        self.authority = str(folder / "authority.pem")
        (folder / "authority.pem").write_bytes(certificates.pem(authority.certificate))
        authority.issue(folder, "ecdsa")
        authority.issue(folder, "rsa", key=certificates.rsa_key())
        self.sessions = loopback.Server(Sessions)
        undo.callback(self.sessions.stop)
        self.port, self.plain = loopback.free_port(), loopback.free_port()
        replaced = {"/etc/nginx/tls/": f"{folder}/", "listen 80;": f"listen 127.0.0.1:{self.plain};",
                    "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl", "http://127.0.0.1:6006": f"http://127.0.0.1:{upstream.port('training')}",
                    "http://127.0.0.1:9000": f"http://127.0.0.1:{self.sessions.port}"}
        for old, new in replaced.items():
            assert old in block, old
            block = block.replace(old, new)
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        file = folder / "nginx.conf"
        file.write_text(f"daemon off; {user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
                        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{block}}}\n")
        checked = subprocess.run([program.command, "-t", "-p", str(folder), "-c", str(file)], capture_output=True, text=True, timeout=20)
        assert checked.returncode == 0 and "test is successful" in checked.stderr, checked.stderr
        self.process = subprocess.Popen([program.command, "-p", str(folder), "-c", str(file)], start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        undo.callback(end, self.process, seconds=10)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.http1().close()
                return
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.05)

    def http1(self) -> Http1:
        return Http1(self.port, self.authority)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """nginx and the edge, and the upstream behind both."""
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage(only("portal", "training", "brief")))
        nginx = Nginx(stack, tmp_path_factory.mktemp("nginx"), stage.upstream, certificates.Authority())
        yield nginx, stage


@pytest.fixture
def pair(both):
    both[1].upstream.forget()
    Sessions.live = True
    return both


def ask(server, headers=(), upgrade=False):
    """One request with the dashboard's host; the answer, and what arrived at the dashboard."""
    before = len(server.upstream.received())
    with server.http1() as connection:
        connection.send("GET", "/", [("host", HOST), *(HTTP1_UPGRADE if upgrade else []), *headers])
        answer = connection.answer()
    return answer, server.upstream.received()[before:]


def good() -> list:
    return cookie("training", session("training"))


def test_the_headers_of_a_page_are_the_same(pair):
    for server in pair:
        answer, arrived = ask(server, headers=good())
        assert answer.status == 200 and len(arrived) == 1
        assert answer.value("strict-transport-security") == HSTS
        assert answer.value("x-content-type-options") == "nosniff"
        assert answer.value("x-frame-options") == "SAMEORIGIN"


def test_plain_http_is_redirected_by_both_and_here_with_its_method(pair):
    nginx, stage = pair
    for port, status, place in ((nginx.plain, 301, f"https://{HOST}/runs?a=b"),
                                (stage.edge.ports["redirect"], 308, f"https://{HOST}:{stage.edge.port}/runs?a=b")):
        with Http1(port, None) as connection:
            connection.send("GET", "/runs?a=b", [("host", HOST)])
            answer = connection.answer()
        assert (answer.status, answer.value("location")) == (status, place)
        assert answer.value("strict-transport-security") is None


def test_a_refusal_is_hardened_here_and_bare_there(pair):
    nginx, stage = pair
    theirs, _ = ask(nginx)
    ours, _ = ask(stage)
    assert theirs.status == ours.status == 401
    assert theirs.value("strict-transport-security") is None and theirs.value("x-content-type-options") is None
    assert ours.value("strict-transport-security") == HSTS and ours.value("x-content-type-options") == "nosniff"


def test_the_forwarded_headers_are_the_same(pair):
    for server in pair:
        _, (arrived,) = ask(server, headers=[*good(), ("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "http")])
        assert arrived.values("host") == [HOST]
        assert arrived.values("x-forwarded-proto") == ["https"]
        (addresses,) = arrived.values("x-forwarded-for")
        claimed, own = addresses.replace(" ", "").split(",")
        assert claimed == "203.0.113.7" and own != claimed


def test_x_real_ip_is_nginxs_own_word_there_and_the_clients_here(pair):
    nginx, stage = pair
    lines = [*good(), ("x-real-ip", "203.0.113.7")]
    assert ask(nginx, headers=lines)[1][0].values("x-real-ip") == ["127.0.0.1"]
    assert ask(stage, headers=lines)[1][0].values("x-real-ip") == ["203.0.113.7"]


def test_a_websocket_of_the_dashboards_own_page_opens_at_both(pair):
    for server in pair:
        answer, arrived = ask(server, headers=[("origin", origin_of("training")), *good()], upgrade=True)
        assert answer.status == 101 and len(arrived) == 1
        assert arrived[0].values("upgrade") == ["websocket"]


def test_one_of_a_foreign_site_opens_there_and_not_here(pair):
    nginx, stage = pair
    lines = [("origin", "https://evil.example"), *good()]
    assert ask(nginx, headers=lines, upgrade=True)[0].status == 101
    answer, arrived = ask(stage, headers=lines, upgrade=True)
    assert (answer.status, answer.value("x-dashgate-reason"), arrived) == (403, "origin_not_allowed", [])


def test_the_session_and_a_claimed_identity_go_up_there_and_not_here(pair):
    nginx, stage = pair
    lines = [*good(), ("x-dashgate-subject", "mallory")]
    _, (theirs,) = ask(nginx, headers=lines)
    _, (ours,) = ask(stage, headers=lines)
    assert theirs.values("x-dashgate-subject") == ["mallory"] and theirs.values("cookie") != []
    assert ours.values("x-dashgate-subject") == ["ana"] and ours.values("cookie") == []


def test_a_websocket_outlives_its_session_there_and_not_here(pair):
    nginx, stage = pair
    with nginx.http1() as connection:
        connection.send("GET", "/", [("host", HOST), *HTTP1_UPGRADE, ("origin", origin_of("training")), *good()])
        assert connection.answer().status == 101
        Sessions.live = False
        assert ask(nginx, headers=good())[0].status == 401
        with stage.open("upgrade1", "brief", headers=cookie("brief", session("brief", exp=int(time.time()) + 3))) as live:
            ended = live.seconds_until_closed(8)
        assert ended is not None and ended < 5.5
        connection.write(b"still there")
        assert connection.tunnel_read(11) == b"still there"


def test_an_unknown_host_is_the_first_server_there_and_nothing_here(pair):
    nginx, stage = pair
    for server, status in ((nginx, 200), (stage, 404)):
        with server.http1() as connection:
            connection.send("GET", "/", [("host", "unknown.example.org"), *good()])
            assert connection.answer().status == status


def test_the_page_names_every_directive_of_its_file():
    text = PAGE.read_text()
    (block,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    table = text.split("## Line by line")[1].split("## What nginx")[0]
    names = {match[1] for match in re.finditer(r"^\s+(\w+) ", block, re.MULTILINE)} - {"default", "internal", "location"}
    # Those that only make the lines around them work.
    names -= {"proxy_pass_request_body", "ssl_certificate_key", "proxy_set_header"}
    assert {name for name in names if name not in table} == set()
    for header in re.findall(r"proxy_set_header ([\w-]+)", block):
        assert header == "Content-Length" or header in table, header
