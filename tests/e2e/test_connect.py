"""Rules 30 to 35: how a session of the portal becomes a dashboard's cookie, and who can make that happen."""

import socket
import time
from urllib.parse import parse_qs, quote, urlencode

import pytest

from policy import LOGIN
from sessions import PORTAL, claims, handmade_for, session, tampered
from stage import cookie, plain_ways

CONNECT = "/.dashgate/connect"
FORM = ("content-type", "application/x-www-form-urlencoded")
BAD_NEXT = ["//evil.example", "/\\evil.example", "/%09/evil.example", "/\t/evil.example", "\\\\evil.example", "https://evil.example/",
            "/x\r\nset-cookie: a=b", "/x\nlocation: //evil", "javascript:alert(1)", "evil.example", "", " /", "/%5cevil.example",
            "/\x00", "///evil.example", "/%2fevil.example", "/.//evil.example", "/../x", "http:/evil.example", "@evil.example",
            "/a/..//evil.example", ".evil.example", "/\\/evil.example", "/x#y", "/\u00e9", "/.dashgate/logout", "/.dashgate/connect"]


def form(token: str, following: str = "/runs?tag=loss", **more: str) -> bytes:
    return urlencode({"token": token, "next": following, **more}).encode()


def post(gate, way, body, dashboard="training", origin: str | None = PORTAL, headers=(), path=CONNECT):
    return gate.ask(way, dashboard, path, method="POST", origin=origin, headers=[FORM, *headers], body=body)


def refused(gate, answer, reason, status):
    assert (answer.status, answer.value("x-dashgate-reason")) == (status, reason), answer.text
    assert answer.values("set-cookie") == [] and answer.values("location") == []
    assert gate.upstream.received() == []


@plain_ways
def test_rule_31_a_form_from_the_portal_becomes_one_cookie(gate, way):
    token = session("training")
    answer = post(gate, way, form(token))
    assert (answer.status, answer.value("location"), answer.value("cache-control")) == (303, "/runs?tag=loss", "no-store")
    name, *attributes = [part.strip() for part in answer.value("set-cookie").split(";")]
    assert name == f"__Host-dashgate-training={token}"
    assert sorted(attributes[:-1]) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
    assert attributes[-1].startswith("Max-Age=") and 620 <= int(attributes[-1][8:]) <= 630    # exp in 600 s, skew 30 s
    assert gate.upstream.received() == []
    gate.permits(way, headers=[("cookie", name)])


@plain_ways
def test_rule_30_only_the_portal_may_send_the_form(gate, way):
    body = form(session("training"))
    refused(gate, post(gate, way, body, origin="https://evil.example"), "origin_not_allowed", 403)
    refused(gate, post(gate, way, body, origin="https://training.example.org"), "origin_not_allowed", 403)
    refused(gate, post(gate, way, body, origin="http://portal.example.org"), "origin_not_allowed", 403)
    refused(gate, post(gate, way, body, origin=None), "origin_missing", 403)
    refused(gate, post(gate, way, body, origin=f"{PORTAL},https://evil.example"), "origin_repeated", 403)


@plain_ways
def test_rule_35_an_origin_null_has_a_reason_of_its_own(gate, way):
    for dashboard in ("training", "tools"):      # `tools` allows null elsewhere, never here
        refused(gate, post(gate, way, form(session(dashboard)), dashboard, origin="null"), "connect_origin_null", 403)
    page = post(gate, way, form(session("training")), origin="null",
                headers=[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "same-site")])
    assert "Referrer-Policy" in page.text


@plain_ways
def test_rule_30_a_token_must_be_fresh_though_the_session_lives_for_hours(gate, way):
    now = int(time.time())
    refused(gate, post(gate, way, form(session("training", iat=now - 160, exp=now + 3600))), "connect_token_stale", 403)
    refused(gate, post(gate, way, form(session("training", iat=None))), "connect_issue_time_missing", 403)
    assert post(gate, way, form(session("training", iat=now - 100, exp=now + 3600))).status == 303


@plain_ways
def test_rule_30_the_token_is_verified_like_any_session(gate, way):
    refused(gate, post(gate, way, form(tampered(session("training")))), "signature_invalid", 401)
    refused(gate, post(gate, way, form(session("other"))), "audience_not_allowed", 403)
    refused(gate, post(gate, way, form(session("training", iss="https://evil.example"))), "issuer_not_allowed", 401)
    now = int(time.time())
    refused(gate, post(gate, way, form(session("training", iat=now - 100, exp=now - 40))), "session_expired", 401)


@plain_ways
@pytest.mark.parametrize("following", BAD_NEXT)
def test_rule_31_next_is_a_path_of_this_host_and_nothing_else(gate, way, following):
    refused(gate, post(gate, way, form(session("training"), following)), "connect_next_not_allowed", 400)


@plain_ways
@pytest.mark.parametrize("following", ["/", "/a/b.html?x=%2F%2Fevil.example&y=//evil.example", "/a%20b", "/@evil.example", "/:80"])
def test_rule_31_next_may_be_any_plain_path(gate, way, following):
    answer = post(gate, way, form(session("training"), following))
    assert (answer.status, answer.value("location")) == (303, following)


@plain_ways
def test_rule_31_next_picks_the_cookie_and_must_lie_under_the_tokens_dashboard(gate, way):
    answer = post(gate, way, form(session("second"), "/second/page"), "second")
    assert answer.value("set-cookie").startswith("__Host-dashgate-second=")
    refused(gate, post(gate, way, form(session("second"), "/first/page"), "second"), "audience_not_allowed", 403)
    refused(gate, post(gate, way, form(session("first"), "/first/inner/page"), "first"), "audience_not_allowed", 403)
    refused(gate, post(gate, way, form(session("second"), "/nowhere"), "second"), "connect_next_not_allowed", 400)
    refused(gate, post(gate, way, form(session("portal"), "/"), "portal"), "connect_next_not_allowed", 400)


@plain_ways
@pytest.mark.parametrize("body", [b"", b"token", b"token=", b"next=/", b"token=a&token=b&next=/", b"token=x&next=/&next=/y", b"{}", b"\xff\xfe",
                                  b"&&&===", b"%", b"token=%", b"TOKEN=x&next=/"])
def test_rule_30_a_form_without_exactly_one_token_is_refused(gate, way, body):
    answer = post(gate, way, body)
    assert answer.status in (400, 401), answer.status
    assert answer.values("set-cookie") == [] and gate.upstream.received() == []


@plain_ways
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencodedx"])
def test_rule_30_only_a_form_is_a_form(gate, way, kind):
    answer = gate.ask(way, "training", CONNECT, method="POST", origin=PORTAL, headers=[("content-type", kind)], body=form(session("training")))
    refused(gate, answer, "connect_form_invalid", 400)


@plain_ways
def test_rule_12_a_token_that_browsers_would_drop_is_refused_by_name(gate, way):
    refused(gate, post(gate, way, form(session("training", pad="x" * 4000))), "connect_token_too_long", 403)


@plain_ways
def test_rule_32_a_form_over_16_kib_is_refused_by_its_length(gate, way):
    refused(gate, post(gate, way, form(session("training"), pad="x" * 17000)), "connect_body_too_large", 413)
    fitting = form(session("training"), pad="x" * 14000)
    assert 14000 < len(fitting) < 16384 and post(gate, way, fitting).status == 303


def test_rule_32_a_form_over_16_kib_is_refused_by_the_bytes_seen(gate):
    """Without a Content-Length, and on both protocols: Envoy's own limit answers 413 on one and nothing on the other."""
    body = form(session("training"), pad="x" * 40000)
    lines = [("origin", PORTAL), FORM]
    with gate.http1() as connection:
        connection.send("POST", CONNECT, [("host", "training.example.org"), *lines, ("transfer-encoding", "chunked")])
        for start in range(0, len(body), 4096):
            piece = body[start:start + 4096]
            try:
                connection.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            except OSError:
                break       # refused before all of it was sent
        answer = connection.answer()
    assert answer.status == 413, answer.headers
    with gate.http2() as connection:
        number = connection.start([(":method", "POST"), (":scheme", "https"), (":path", CONNECT), (":authority", "training.example.org")],
                                  lines, end=False)
        for start in range(0, 20000, 4000):
            connection.send_data(number, body[start:start + 4000])
        assert connection.answer(number, whole=False).status == 413     # without waiting for an end that never comes
    assert gate.upstream.received() == []


def test_rule_32_a_form_in_small_pieces_is_put_together(gate):
    token = session("training")
    body = form(token)
    with gate.http1() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.send("POST", CONNECT, [("host", "training.example.org"), ("origin", PORTAL), FORM, ("content-length", str(len(body)))])
        for start in range(0, len(body), 37):
            connection.write(body[start:start + 37])
        assert connection.answer().status == 303
    with gate.http2() as connection:
        number = connection.start([(":method", "POST"), (":scheme", "https"), (":path", CONNECT), (":authority", "training.example.org")],
                                  [("origin", PORTAL), FORM], end=False)
        for start in range(0, len(body), 37):
            connection.send_data(number, body[start:start + 37])
        connection.send_data(number, b"", end=True)
        answer = connection.answer(number)
    assert answer.status == 303 and token in answer.value("set-cookie")
    assert gate.upstream.received() == []


def test_rule_32_a_body_that_never_ends_reaches_nobody(gate):
    with gate.http1() as connection:
        connection.send("POST", CONNECT, [("host", "training.example.org"), ("origin", PORTAL), FORM, ("content-length", "200")], b"token=x&ne")
    gate.permits("http1", headers=cookie("training", session("training")))
    assert len(gate.upstream.received()) == 1


@plain_ways
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_rule_33_the_fragment_page_is_static_and_needs_no_session(gate, way, method):
    answer = gate.answers(way, 200, path=CONNECT, method=method, origin=None)
    policy = answer.value("content-security-policy")
    assert "script-src 'sha256-" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.value("cache-control") == "no-store"
    assert answer.value("referrer-policy") == "same-origin"
    assert answer.value("content-type").startswith("text/html")
    other = gate.answers(way, 200, path=f"{CONNECT}?token={session('training')}&next=/x", method=method, origin=None)
    assert other.body == answer.body    # nothing of the request is in it


def by_bearer(gate, way, token, following="/runs", origin: str | None = "https://training.example.org", headers=(), **options):
    path = f"{CONNECT}?next={quote(following, safe='')}"
    return gate.ask(way, "training", path, method="POST", origin=origin, body=b"",
                    headers=[("authorization", f"Bearer {token}"), *headers], **options)


@plain_ways
def test_rule_33_the_own_page_connects_by_bearer_without_a_body(gate, way):
    token = session("training")
    answer = by_bearer(gate, way, token, headers=[("sec-fetch-site", "same-origin")])
    assert (answer.status, answer.value("location")) == (303, "/runs")
    assert answer.value("set-cookie").startswith(f"__Host-dashgate-training={token};")
    assert gate.upstream.received() == []


@plain_ways
def test_rule_33_nobody_else_connects_by_bearer(gate, way):
    token = session("training")
    for origin in (PORTAL, "https://evil.example", None, "null"):
        answer = by_bearer(gate, way, token, origin=origin)
        assert answer.status in (400, 403), (origin, answer.status)
        assert answer.values("set-cookie") == []
    for site in ("cross-site", "same-site", "none"):
        assert by_bearer(gate, way, token, headers=[("sec-fetch-site", site)]).status == 403
    now = int(time.time())
    refused(gate, by_bearer(gate, way, session("training", iat=now - 200, exp=now + 900)), "connect_token_stale", 403)
    refused(gate, by_bearer(gate, way, tampered(token)), "signature_invalid", 401)
    for following in ("//evil.example", "/\\evil.example", "https://evil.example"):
        refused(gate, by_bearer(gate, way, token, following), "connect_next_not_allowed", 400)


@plain_ways
def test_rule_33_a_get_never_connects(gate, way):
    token = session("training")
    answer = gate.answers(way, 200, path=f"{CONNECT}?next=/&token={token}", headers=[("authorization", f"Bearer {token}")])
    assert answer.values("set-cookie") == []


@plain_ways
def test_rule_34_a_live_session_of_another_subject_is_replaced_only_after_asking(gate, way):
    ana, mallory = session("training"), session("training", sub="mallory")
    answer = post(gate, way, form(mallory, "/runs"), headers=cookie("training", ana))
    assert (answer.status, answer.values("set-cookie")) == (303, [])
    path, _, fragment = answer.value("location").partition("#")
    assert path == CONNECT and parse_qs(fragment) == {"token": [mallory], "next": ["/runs"]}
    # The same person again, a dead session, or none: nothing to ask.
    assert post(gate, way, form(session("training")), headers=cookie("training", ana)).value("set-cookie")
    dead = session("training", sub="bob", iat=int(time.time()) - 900, exp=int(time.time()) - 60)
    assert post(gate, way, form(mallory), headers=cookie("training", dead)).value("set-cookie")
    # After the page, the own-origin request replaces it.
    assert by_bearer(gate, way, mallory, headers=cookie("training", ana)).value("set-cookie").startswith(f"__Host-dashgate-training={mallory};")


@plain_ways
def test_rule_31_the_cookie_lives_no_longer_than_the_session(gate, way):
    now = int(time.time())
    answer = post(gate, way, form(session("training", iat=now - 60, exp=now + 43140)))
    assert 43130 <= int(answer.value("set-cookie").rsplit("Max-Age=", 1)[1]) <= 43140     # iat + max_lifetime, not exp + skew
    answer = post(gate, way, form(handmade_for("brief", exp=claims("brief")["exp"], iat=now)), "brief")
    assert 590 <= int(answer.value("set-cookie").rsplit("Max-Age=", 1)[1]) <= 600


def test_a_portal_page_is_where_people_without_a_session_go(gate):
    headers = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")]
    answer = gate.ask("http1", path="/runs", origin=None, headers=headers)
    assert answer.value("location").startswith(LOGIN)
