"""Rules 37 and 38: how each kind of client is told no."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from policy import LOGIN, only
from sessions import bokeh_id, session, tampered
from stage import Stage, cookie, plain_ways, upgrade_ways, ways

NAVIGATION = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")]
REFLECTED = "refle<ct>ed'\"&"


def navigates(gate, way, dashboard="training", path="/", headers=(), **options):
    return gate.ask(way, dashboard, path, origin=None, headers=[*NAVIGATION, *headers], **options)


@ways
def test_rule_38_no_refusal_is_stored_or_reflects_the_request(gate, way):
    answer = gate.refuses(way, "session_missing", 401, path="/secret-path?q=reflected", headers=[("user-agent", REFLECTED), ("cookie", "x=reflected")])
    printed = answer.text + str(answer.headers)
    assert "reflected" not in printed and "secret-path" not in printed and "refle" not in printed


@plain_ways
def test_rule_37_a_program_gets_json(gate, way):
    answer = gate.refuses(way, "session_missing", 401)
    assert answer.value("content-type") == "application/json"
    assert list(json.loads(answer.body)) == ["error"]
    assert "expired" not in answer.text     # one fixed sentence, whatever the check
    same = gate.refuses(way, "signature_invalid", 401, headers=cookie("training", tampered(session("training"))))
    assert same.body == answer.body


@plain_ways
def test_rule_37_a_person_without_a_session_goes_to_the_portal(gate, way):
    answer = navigates(gate, way, "training", f"/runs?tag=loss&bokeh-session-id={bokeh_id()}&x=%2F")
    assert (answer.status, answer.value("cache-control")) == (302, "no-store")
    assert answer.value("location").startswith(LOGIN + "?")
    asked = parse_qs(urlsplit(answer.value("location")).query)
    assert asked == {"dashboard": ["training"], "next": ["/runs?tag=loss&x=%2F"]}
    assert gate.upstream.received() == []


@plain_ways
def test_rule_37_so_does_one_whose_session_has_ended(gate, way):
    now = int(time.time())
    answer = navigates(gate, way, headers=cookie("training", session("training", iat=now - 900, exp=now - 60)))
    assert answer.status == 302


@plain_ways
def test_rule_37_after_two_bounces_the_page_is_shown(gate, way):
    jar, statuses = [], []
    for _ in range(4):
        answer = navigates(gate, way, headers=[("cookie", "; ".join(jar))] if jar else [])
        statuses.append(answer.status)
        if answer.values("set-cookie"):
            jar = [line.split(";")[0] for line in answer.values("set-cookie")]
            assert all("Max-Age=60" in line and "Secure" in line and "HttpOnly" in line for line in answer.values("set-cookie"))
    assert statuses == [302, 302, 401, 401]


@plain_ways
@pytest.mark.parametrize("value", ["0", "-1", "x", "99999999999999999999", "", "1%31"])
def test_rule_37_a_forged_count_of_bounces_makes_no_loop(gate, way, value):
    name = navigates(gate, way).value("set-cookie").split("=")[0]
    statuses = []
    for _ in range(4):
        answer = navigates(gate, way, headers=[("cookie", f"{name}={value}")])
        statuses.append(answer.status)
        if not answer.values("set-cookie"):
            break
        value = answer.value("set-cookie").split(";")[0].split("=")[1]
    assert statuses[-1] == 401


@plain_ways
def test_rule_37_a_person_with_a_wrong_session_gets_a_page(gate, way):
    for token in (tampered(session("training")), session("other")):
        answer = navigates(gate, way, headers=cookie("training", token))
        assert answer.status in (401, 403)
        assert answer.value("content-type").startswith("text/html")
        assert answer.values("location") == [] and "<html" in answer.text
        assert "script-src" not in answer.value("content-security-policy") and "unsafe" not in answer.value("content-security-policy")
        assert answer.value("cache-control") == "no-store"
    unknown = gate.ask(way, host="unknown.example.org", origin=None, headers=NAVIGATION)
    assert (unknown.status, unknown.values("location")) == (404, []) and "<html" in unknown.text


@plain_ways
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_rule_37_other_methods_never_redirect(gate, way, method):
    answer = gate.ask(way, method=method, headers=NAVIGATION, body=b"")
    assert answer.status == 401 and answer.values("location") == []


@plain_ways
def test_rule_37_a_script_or_a_frame_never_redirects(gate, way):
    for mode, destination in (("cors", "empty"), ("no-cors", "script"), ("navigate", "iframe"), ("websocket", "websocket")):
        answer = gate.ask(way, headers=[("sec-fetch-mode", mode), ("sec-fetch-dest", destination), ("sec-fetch-site", "same-origin")])
        assert answer.status == 401 and answer.values("location") == []


@upgrade_ways
def test_rule_37_an_upgrade_is_told_401_or_403_and_never_101(gate, way):
    gate.refuses(way, "session_missing", 401, headers=NAVIGATION)
    gate.refuses(way, "dashboard_not_found", 404, host="unknown.example.org")
    gate.refuses(way, "path_invalid", 400, path="/a;b")
    gate.refuses(way, "origin_not_allowed", 403, origin="https://evil.example")


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto", "application/grpc+json"])
@pytest.mark.parametrize("way", ["http1", "http2"])
def test_rule_37_a_grpc_client_gets_a_grpc_status(gate, way, kind):
    for headers, origin, status in (([], "own", "16"), (cookie("training", tampered(session("training"))), "own", "16"),
                                    (cookie("training", session("other")), "own", "7"), ([], "evil", "7")):
        answer = gate.ask(way, path="/package.Service/Method", method="POST", body=b"\x00\x00\x00\x00\x00",
                          origin="https://training.example.org" if origin == "own" else "https://evil.example",
                          headers=[("content-type", kind), ("te", "trailers"), *headers])
        assert (answer.status, answer.value("grpc-status")) == (200, status), answer.headers
        assert answer.value("grpc-message")
        assert answer.body == b""
    assert gate.upstream.received() == []


@pytest.mark.parametrize("kind", ["application/grpc-web", "application/grpcx", "text/plain"])
def test_rule_37_what_only_looks_like_grpc_gets_a_plain_refusal(gate, kind):
    answer = gate.ask("http2", path="/p.S/M", method="POST", body=b"", headers=[("content-type", kind)])
    assert answer.status == 401


def test_rule_38_the_reason_goes_to_the_client_only_if_switched_on():
    with Stage(only("training", reason_header=False)) as stage:
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            answer = stage.answers(way, 401)
            assert answer.values("x-dashgate-reason") == []
            assert "session_missing" not in answer.text + str(answer.headers)
        without = only("training")
        del without["reason_header"]
    with Stage(without) as stage:
        assert stage.answers("http1", 401).values("x-dashgate-reason") == []


def test_rule_37_without_a_login_url_a_page_is_shown():
    whole = only("training")
    del whole["connect"]["login_url"]
    with Stage(whole) as stage:
        answer = stage.ask("http1", origin=None, headers=NAVIGATION)
        assert answer.status == 401 and "<html" in answer.text
