"""Envoy Gateway: rules 9, 30 to 33, 41, 43 to 47 in the rendered resources, each as the browser, the dashboard or the log sees it."""

import json
import ssl
import threading
import time

import pytest

from bootstrap import walk
from client import open_tls
from gateway import Gateway
from policy import only
from sessions import SECRETS, session, tampered
from stage import WAYS, bearer, cookie, plain_ways, subprotocol, ways
from test_connect import CONNECT, form, post, refused
from upstream import Script

REMOVED = ["Service-Worker-Allowed", "Clear-Site-Data", "NEL", "Report-To", "Reporting-Endpoints", "X-Dashgate-Subject",
           "x-dashgate-reason", "X-Dashgate-Anything"]
HSTS, NOSNIFF = "max-age=63072000; includeSubDomains", "nosniff"


@pytest.fixture(scope="module")
def started(private_network, gateway_program):
    with Gateway(only("portal", "training", "other", "brief", "lenient")) as stage:
        yield stage


def good(dashboard="training"):
    return cookie(dashboard, session(dashboard))


@ways
def test_rule_9_headers_with_power_over_the_whole_host_are_removed(gate, way):
    gate.upstream.script("/answer", Script(headers=[(name, "/") for name in REMOVED] + [("x-kept", "yes")]))
    answer = gate.ask(way, path="/answer", headers=good())
    assert (answer.status, answer.value("x-kept")) == (101 if way == "upgrade1" else 200, "yes")
    for name in REMOVED:
        assert answer.values(name) == [], name


@ways
def test_rule_43_hsts_and_nosniff_are_on_every_answer(gate, way):
    asked = [gate.ask(way, headers=good()), gate.ask(way), gate.ask(way, origin="https://evil.example", headers=good()),
             gate.ask(way, host="nobody.example.org")]
    if way in ("http1", "http2"):
        asked += [gate.ask(way, path="/a%2fb", headers=good()), gate.ask(way, path=CONNECT)]
        assert [answer.status for answer in asked] == [200, 401, 403, 404, 307, 200]
    for answer in asked:
        assert (answer.value("strict-transport-security"), answer.value("x-content-type-options")) == (HSTS, NOSNIFF), answer.status


def test_rule_43_http_is_only_a_redirect(gate):
    with gate.plain() as connection:
        connection.send("GET", "/x?token=secret", [("host", "training.example.org"), ("cookie", good()[0][1])])
        answer = connection.answer()
    assert (answer.status, answer.value("x-content-type-options")) == (308, NOSNIFF)
    assert answer.value("location") == f"https://training.example.org:{gate.listen}/x?token=secret"
    assert answer.values("strict-transport-security") == []
    assert gate.upstream.received() == []


@plain_ways
def test_rule_44_the_path_decided_on_is_the_path_routed(gate, way):
    for written, meant in (("/a//b", "/a/b"), ("/a/./b/../c", "/a/c"), ("/%7eana", "/~ana")):
        assert gate.permits(way, path=written, headers=good()).target in (meant, written)
    for written in ("/a%2fb", "/a%5cb"):
        answer = gate.answers(way, 307, path=written, headers=good())
        assert answer.value("location").endswith("/a/b")
    gate.answers(way, {400, 404}, path="/a%00b", headers=good())


@ways
def test_rule_44_no_header_with_an_underscore_gets_through(gate, way):
    arrived = gate.permits(way, headers=[*good(), ("x_dashgate_subject", "mallory"), ("x_forwarded_user", "mallory")])
    assert [name for name in arrived.names() if "_" in name] == []
    assert arrived.values("x-dashgate-subject") == ["ana"]


@ways
def test_rule_44_no_peer_is_trusted_to_speak_for_envoy(gate, way):
    """This peer is on loopback, as a proxy beside Envoy would be."""
    lines = [("x-request-id", "mine"), ("x-envoy-decorator-operation", "x"), ("x-envoy-internal", "true"),
             ("x-envoy-original-path", "/x"), ("x-forwarded-proto", "http")]
    arrived = gate.permits(way, headers=[*good(), *lines])
    for name in ("x-envoy-decorator-operation", "x-envoy-internal", "x-envoy-original-path"):
        assert arrived.values(name) == [], name
    assert arrived.values("x-forwarded-proto") == ["https"]
    assert arrived.values("x-request-id") not in ([], ["mine"])


def test_rule_44_more_headers_than_60_kilobytes_are_refused(gate):
    gate.permits("http1", headers=[*good(), ("x-long", "x" * 40000)])
    gate.answers("http1", 431, headers=[*good(), ("x-long", "x" * 61440)])


@pytest.fixture(scope="module")
def endings(started):
    """Streams on sessions with two seconds left, all at once: each ends how long after its session?"""
    started.upstream.forget()
    cases = [(way, kind) for way in WAYS for kind in ("tick", "silent")]
    for kind in ("tick", "silent"):
        started.upstream.script(f"/{kind}", Script(stream=kind, upgraded=kind))
    late = {}

    def follow(way, kind):
        end = int(time.time()) + 3
        headers = [("grpc-timeout", "99999999H"), *cookie("brief", session("brief", exp=end))]
        with started.open(way, "brief", f"/{kind}", headers=headers, whole=False) as live:
            closed = live.seconds_until_closed(8) if live.answer.status in (101, 200) else None
            late[way, kind] = None if closed is None else time.time() - end

    threads = [threading.Thread(target=follow, args=case) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return late, started.upstream.received()


@pytest.mark.parametrize("kind", ["tick", "silent"])
@ways
def test_rule_45_a_stream_ends_with_its_session(endings, way, kind):
    late = endings[0].get((way, kind))
    assert late is not None, "never"
    assert -0.3 <= late <= 2, f"{late:.2f} s after the session's end"


def test_rule_47_nothing_of_the_time_goes_up(endings):
    assert len(endings[1]) == 8
    for recorded in endings[1]:
        assert recorded.values("grpc-timeout") == []


@plain_ways
def test_rule_47_a_grpc_dashboard_sees_the_merged_deadline(gate, way):
    arrived = gate.permits(way, method="POST", body=b"", headers=[*good(), ("content-type", "application/grpc"), ("grpc-timeout", "5S")])
    [deadline] = arrived.values("grpc-timeout")
    assert deadline == "5S" or int(deadline[:-1]) > 0


@plain_ways
def test_rule_30_a_form_from_the_portal_becomes_one_cookie(gate, way):
    token = session("training")
    answer = post(gate, way, form(token))
    assert (answer.status, answer.value("location")) == (303, "/runs?tag=loss")
    assert answer.value("set-cookie").startswith(f"__Host-dashgate-training={token}; ")
    assert gate.upstream.received() == []
    refused(gate, post(gate, way, form(token), origin="https://evil.example"), "origin_not_allowed", 403)


def test_rule_41_no_credential_is_in_anything_printed(gate):
    """By every carrier, taken and refused, in the query and in the referer, and on its way through Envoy's own answers."""
    secret = session("training")
    leaking = [("referer", f"https://x.example/?token={secret}")]
    for name, credential in (("cookie", cookie("training", secret)), ("bearer", bearer(secret))):
        gate.permits("http1", path=f"/by-{name}?token={secret}", headers=[*credential, *leaking])
    gate.permits("upgrade1", path="/by-subprotocol", headers=subprotocol(secret, "chat"))
    gate.refuses("http1", "session_missing", 401, path=f"/in-the-query?token={secret}", headers=leaking)
    gate.refuses("http2", "signature_invalid", 401, path="/tampered", headers=bearer(tampered(secret)))
    gate.answers("http1", 307, path=f"/own%2fanswer?token={secret}", headers=[*good(), *leaking])
    gate.ask("http1", path=f"{CONNECT}#token={secret}", headers=good())
    assert post(gate, "http2", form(secret)).status == 303
    with gate.plain() as connection:
        connection.send("GET", f"/x?token={secret}", [("host", "training.example.org")])
        assert connection.answer().status == 308
    permitted = {"dashgate_dashboard": "training", "dashgate_subject": "ana"}
    wanted = [{"path": "/by-cookie", "response_code": 200, **permitted}, {"path": "/by-bearer", "response_code": 200, **permitted},
              {"path": "/by-subprotocol", "response_code": 101, **permitted},
              {"path": "/in-the-query", "response_code": 401, "dashgate_refused": "training", "dashgate_reason": "session_missing"},
              {"path": "/tampered", "response_code": 401, "dashgate_refused": "training", "dashgate_reason": "signature_invalid"},
              {"path": "/own/answer", "response_code": 307}, {"path": CONNECT, "response_code": 200}, {"path": CONNECT, "response_code": 303}]
    deadline = time.monotonic() + 15        # Envoy writes its log every 10 s
    while missing := [want for want in wanted if not any(want.items() <= entry.items() for entry in gate.edge.access_log())]:
        assert time.monotonic() < deadline, f"{missing} not among {json.dumps(gate.edge.access_log()[-10:])}"
        time.sleep(0.2)
    printed = gate.edge.everything_printed()
    assert "dashgate_decisions_total" in printed
    assert secret in SECRETS
    for word in SECRETS:
        assert word not in printed


def test_metrics_have_labels(gate):
    gate.ask("http1")
    deadline = time.monotonic() + 10
    wanted = 'dashgate_decisions_total{dashboard="training",verdict="refuse",reason="session_missing"}'
    while wanted not in gate.edge.admin("/stats/prometheus"):
        assert time.monotonic() < deadline, wanted
        time.sleep(0.2)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_tls_is_1_2_and_1_3_with_the_hybrid_group_first(gate):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with open_tls(gate.edge.port, gate.edge.authority, ["h2", "http/1.1"], version) as connection:
            assert (connection.version(), connection.selected_alpn_protocol()) == (version.name.replace("_", "."), "h2")
            assert connection.cipher()[0].endswith(("_SHA256", "_SHA384", "GCM-SHA256", "GCM-SHA384", "CHACHA20-POLY1305"))
    with pytest.raises(ssl.SSLError):
        open_tls(gate.edge.port, gate.edge.authority, ["h2"], ssl.TLSVersion.TLSv1_1)
    parameters = [node["tls_params"] for node in walk(json.loads(gate.edge.admin("/config_dump?resource=dynamic_listeners")))
                  if "tls_params" in node]
    assert [one["ecdh_curves"] for one in parameters] == [["X25519MLKEM768", "X25519", "P-256", "P-384"]]
