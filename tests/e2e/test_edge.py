"""Rules 41 to 44: what the shipped Envoy configuration does around the gate."""

import os
import socket
import ssl
import stat

import pytest

import bootstrap
from client import Http1, open_tls
from policy import only
from sessions import bokeh_id, session
from stage import Stage, cookie, plain_ways, ways
from upstream import Script

HSTS, NOSNIFF = "max-age=63072000; includeSubDomains", "nosniff"


def assert_hardened(answer):
    assert answer.values("strict-transport-security") == [HSTS], (answer.status, answer.headers)
    assert answer.values("x-content-type-options") == [NOSNIFF], (answer.status, answer.headers)


@ways
def test_rule_43_refusals_have_hsts_and_nosniff(gate, way):
    assert_hardened(gate.refuses(way, "session_missing", 401))
    assert_hardened(gate.refuses(way, "dashboard_not_found", 404, host="unknown.example.org"))


@plain_ways
def test_rule_43_so_have_the_gates_other_answers(gate, way):
    for path in ("/.dashgate/connect", "/.dashgate/session", "/.dashgate/unknown"):
        assert_hardened(gate.ask(way, path=path))
    assert_hardened(gate.ask(way, host="training.example.org.", origin=None))
    assert_hardened(gate.ask(way, "partners", method="OPTIONS", origin="https://portal.example.org",
                             headers=[("access-control-request-method", "GET")]))
    assert_hardened(gate.ask(way, origin=None, headers=[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]))


@plain_ways
def test_rule_43_so_have_envoys_own_redirects_and_errors(gate, way):
    redirect = gate.answers(way, 307, path="/a%2fb?x=1", headers=cookie("training", session("training")))
    assert_hardened(redirect)
    gate.upstream.script("/broken", Script(status=502))
    assert_hardened(gate.ask(way, path="/broken", headers=cookie("training", session("training"))))


def test_rule_43_so_has_the_error_for_a_backend_that_is_down():
    with Stage(only("training")) as stage:
        stage.upstream.stop()
        for way in ("http1", "http2"):
            answer = stage.ask(way, headers=cookie("training", session("training")))
            if answer.status == 200:    # an accepted connection may still have been in the backlog
                continue
            assert answer.status == 503
            assert_hardened(answer)


def test_rule_42_the_admin_interface_is_a_private_unix_socket(gate):
    mode = os.stat(gate.edge.folder / "admin.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("method,path,status", [
    ("GET", "/stats/prometheus", 200), ("GET", "/stats/prometheus?usedonly", 200), ("GET", "/", 404), ("GET", "/config_dump", 404),
    ("GET", "/stats", 404), ("GET", "/stats/prometheus/../../config_dump", 404), ("GET", "/stats/prometheus%2f..%2f..%2fconfig_dump", 400),
    ("POST", "/quitquitquit", 404), ("POST", "/stats/prometheus", 404), ("GET", "//stats/prometheus/../quitquitquit", 404),
    ("GET", "/server_info", 404), ("POST", "/logging?level=debug", 404), ("GET", "/stats/prometheus;/../../config_dump", 404),
])
def test_rule_42_the_metrics_listener_serves_its_one_page(gate, method, path, status):
    with Http1(gate.edge.ports["metrics"], None) as connection:
        connection.send(method, path, [("host", "127.0.0.1"), ("content-length", "0")])
        answer = connection.answer()
    assert answer.status == status
    if status != 200:
        assert "envoy_" not in answer.text and "configs" not in answer.text


def test_plain_http_only_redirects_to_https(gate):
    for host in ("training.example.org", "training.example.org:8080"):
        with Http1(gate.edge.ports["redirect"], None) as connection:
            connection.send("GET", "/runs?tag=loss", [("host", host), *cookie("training", session("training"))])
            answer = connection.answer()
        assert answer.status == 308
        assert answer.value("location") == f"https://training.example.org:{gate.edge.port}/runs?tag=loss"
    assert gate.upstream.received() == []


@pytest.mark.parametrize("version,fine", [(ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)])
def test_tls_1_2_and_1_3_are_spoken(gate, version, fine):
    with open_tls(gate.edge.port, gate.edge.authority, ["h2", "http/1.1"], version) as connection:
        assert (connection.selected_alpn_protocol() == "h2") == fine


def test_tls_1_1_is_not_spoken(gate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", gate.edge.port), timeout=5) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain)


@plain_ways
def test_rule_44_headers_with_underscores_are_dropped(gate, way):
    arrived = gate.permits(way, headers=[("x_custom", "1"), ("x-kept", "2"), *cookie("training", session("training"))])
    assert (arrived.values("x_custom"), arrived.values("x-kept")) == ([], ["2"])


@plain_ways
def test_rule_44_nothing_an_edge_client_says_about_itself_is_believed(gate, way):
    """CVE-2024-45806: a client on a private or loopback address is no trusted peer either."""
    lines = [("x-request-id", "mine"), ("x-envoy-decorator-operation", "x"), ("x-envoy-upstream-rq-timeout-ms", "1"),
             ("x-envoy-internal", "true"), ("x-envoy-original-path", "/x"), ("x-forwarded-proto", "http")]
    arrived = gate.permits(way, headers=[*lines, *cookie("training", session("training"))])
    assert arrived.values("x-request-id") not in ([], ["mine"])
    assert arrived.values("x-forwarded-proto") == ["https"]
    for name in ("x-envoy-decorator-operation", "x-envoy-upstream-rq-timeout-ms", "x-envoy-internal", "x-envoy-original-path"):
        assert arrived.values(name) == [], name


@plain_ways
def test_rule_44_an_escaped_slash_is_redirected_and_then_judged(gate, way):
    answer = gate.answers(way, 307, "first", "/first/..%2fsecond/page?x=%2F", headers=cookie("first", session("first")))
    assert answer.value("location").startswith(("/first/../second/page", "/second/page"))


def test_rule_44_many_and_large_headers_are_refused_by_envoy(gate):
    with gate.http1() as connection:
        connection.send("GET", "/", [("host", "training.example.org"), *((f"x-{number}", "v") for number in range(150))])
        assert connection.answer().status == 431
    with gate.http1() as connection:
        connection.send("GET", "/", [("host", "training.example.org"), ("x-large", "v" * 70000)])
        assert connection.answer().status in (0, 431)
    assert gate.upstream.received() == []


@plain_ways
def test_rule_41_a_redirect_of_envoys_own_puts_no_query_in_the_log(gate, way):
    identity = bokeh_id()
    marker = f"/redirected-{way}-{os.getpid()}"
    gate.answers(way, 307, "bokeh", f"{marker}%2fx?bokeh-session-id={identity}")
    entry = gate.edge.wait_for_access(lambda entry: str(entry["path"]).startswith(marker))
    assert identity not in str(entry) and "?" not in entry["path"]


def test_rule_41_the_shipped_access_logs_write_no_query_and_no_referer(gate):
    tree = bootstrap.shipped()
    formats = [str(node["json_format"]) for node in bootstrap.walk(tree) if "json_format" in node]
    assert formats
    for text in formats:
        lower = text.lower()
        assert "referer" not in lower and "cookie" not in lower and "authorization" not in lower and "protocol)%" not in lower
        assert "req(:path)" not in lower and "original-path" not in lower and "%path(nq)%" in lower
