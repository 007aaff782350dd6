"""Rules 1 to 4: which dashboard a request is for, and that nothing a client writes elsewhere changes it."""

import pytest

from sessions import session
from stage import HTTP1_UPGRADE, bearer, cookie, plain_ways, ways

ODD_AUTHORITIES = [
    "someone@training.example.org", "someone:secret@training.example.org", "training.example.org,other.example.org",
    "training.example.org:", "training.example.org:0443", "training.example.org:+443", "training.example.org:65536",
    "training.example.org:44a", "training.example.org:443:443", "training.example.org/", "[::1", "[0:0::1]",
    "training.example.org..", ".training.example.org", "training..example.org", "training.example.org\u00e9",
]

PATHS_THAT_AIM_ELSEWHERE = [
    "/first/../second/", "/first/%2e%2e/second/", "/first/x/../../second/", "/first/..%2fsecond/", "/first/..%2Fsecond/", "/first%2f..%2fsecond/",
    "/first/..%5csecond/", "/first/..\\second/", "/first/..;/second/", "/first/.%2e/second/",
    "//second/", "/first/..//second/", "/first/%2e%2e;x=y/second/", "/second/;/../../first/../second/",
    "/first/..%00/second/", "/./second/", "/first/./../second/",
]

ODD_PATHS = ["/first/a;b", "/first/a%5cb", "/first/a%5Cb", "/first/a%2fb", "/first/a%2Fb", "/first/a%00b",
             "/first/;", "/first/a;x=y/b", b"/first/?x=\xff"]


@ways
@pytest.mark.parametrize("host", ["training.example.org", "training.example.org:443", "TRAINING.example.ORG"])
def test_rule_2_takes_the_host_in_any_case_and_with_its_default_port(gate, way, host):
    arrived = gate.permits(way, headers=cookie("training", session("training")), host=host, origin="https://training.example.org")
    assert arrived.values("host") == [host]


@ways
def test_rule_1_a_port_of_the_url_belongs_to_the_authority(gate, way):
    credential = cookie("ported", session("ported"))
    gate.permits(way, "ported", headers=credential)
    gate.refuses(way, "dashboard_not_found", 404, "ported", headers=credential, host="ported.example.org")
    gate.refuses(way, "dashboard_not_found", 404, "training", host="training.example.org:8443")


@ways
@pytest.mark.parametrize("host", ODD_AUTHORITIES)
def test_rule_2_refuses_an_authority_that_is_not_exactly_host_and_port(gate, way, host):
    answer = gate.answers(way, {0, 400, 403}, headers=cookie("training", session("training")), host=host,
                          origin="https://training.example.org")
    assert answer.value("x-dashgate-reason") in (None, "authority_invalid")


@pytest.mark.parametrize("lines", [[], [("host", "")], [("host", "training.example.org"), ("host", "training.example.org")],
                                   [("host", "training.example.org"), ("host", "other.example.org")]])
@pytest.mark.parametrize("upgrade", [False, True])
def test_rule_2_refuses_an_absent_an_empty_and_a_repeated_host(gate, lines, upgrade):
    with gate.http1() as connection:
        connection.send("GET", "/", [*lines, *(HTTP1_UPGRADE if upgrade else []), ("origin", "https://training.example.org"),
                                     *cookie("training", session("training"))])
        answer = connection.answer()
    assert answer.status in (400, 403)
    assert gate.upstream.received() == []


@plain_ways
def test_rule_2_sends_a_get_with_a_trailing_dot_to_the_dotless_host(gate, way):
    answer = gate.answers(way, 308, host="training.example.org.", path="/runs?tag=loss", origin=None)
    assert answer.value("location") == "https://training.example.org/runs?tag=loss"


@ways
def test_rule_2_refuses_any_other_request_with_a_trailing_dot(gate, way):
    gate.refuses(way, "authority_invalid", 400, host="training.example.org.", method="POST", body=b"",
                 origin="https://training.example.org", headers=cookie("training", session("training")))


@ways
def test_rule_4_refuses_an_unknown_host(gate, way):
    gate.refuses(way, "dashboard_not_found", 404, host="unknown.example.org", origin="https://unknown.example.org",
                 headers=cookie("training", session("training")))


@ways
@pytest.mark.parametrize("host", ["training.example.org.evil.example", "eviltraining.example.org", "x.training.example.org",
                                  "example.org", "127.0.0.1", "[::1]", "localhost"])
def test_rule_2_compares_hosts_whole(gate, way, host):
    gate.refuses(way, "dashboard_not_found", 404, host=host, origin="https://training.example.org",
                 headers=cookie("training", session("training")))


@ways
def test_rule_3_matches_prefixes_on_segments_and_the_longest_first(gate, way):
    first, inner = cookie("first", session("first")), cookie("inner", session("inner"))
    gate.permits(way, "first", "/first/page", headers=first)
    gate.permits(way, "inner", "/first/inner/page", headers=inner)
    gate.permits(way, "first", "/first/innermost", headers=first)
    gate.refuses(way, "session_missing", 401, "first", "/first/inner/page", headers=first)
    gate.refuses(way, "session_missing", 401, "first", "/first/page", headers=inner)
    gate.refuses(way, "dashboard_not_found", 404, "first", "/firstly/page", headers=first)
    gate.refuses(way, "dashboard_not_found", 404, "first", "/", headers=first)


@ways
@pytest.mark.parametrize("path", PATHS_THAT_AIM_ELSEWHERE)
def test_rule_3_no_spelling_of_a_path_reaches_another_dashboard(gate, way, path):
    gate.answers(way, {307, 400, 401, 403, 404}, "first", path, headers=cookie("first", session("first")))


@ways
@pytest.mark.parametrize("path", ODD_PATHS)
def test_rule_3_refuses_what_two_servers_could_read_in_two_ways(gate, way, path):
    answer = gate.answers(way, {307, 400, 403}, "first", path, headers=cookie("first", session("first")))
    assert answer.value("x-dashgate-reason") in (None, "path_invalid")


@ways
def test_rule_3_the_path_decided_on_is_the_path_that_arrives(gate, way):
    credential = cookie("first", session("first"))
    assert gate.permits(way, "first", "/first/a/../b", headers=credential).target == "/first/b"
    assert gate.permits(way, "first", "/second/../first/b", headers=credential).target == "/first/b"
    assert gate.permits(way, "first", "/first//b", headers=credential).target == "/first/b"
    assert gate.permits(way, "first", "/first\\b", headers=credential).target == "/first/b"
    if way in ("http2", "upgrade2"):     # HTTP/1.1 refuses such bytes; here they are encoded before the gate looks
        assert gate.permits(way, "first", b"/first/\xff/b", headers=credential).target == "/first/%FF/b"
    # Nothing is decoded twice, by nobody.
    assert gate.permits(way, "first", "/first/%252e%252e/second/", headers=credential).target == "/first/%252e%252e/second/"
    assert gate.permits(way, "first", "/first/%252fsecond/", headers=credential).target == "/first/%252fsecond/"
    assert gate.permits(way, "first", "/first/%E2%82%AC?x=%2F..;a//b&?", headers=credential).target \
        == "/first/%E2%82%AC?x=%2F..;a//b&?"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_rule_3_an_absolute_target_is_judged_by_its_own_authority(gate, scheme):
    for host, token, status in (("other.example.org", session("other"), 200), ("training.example.org", session("training"), 401)):
        with gate.http1() as connection:
            connection.send("GET", f"{scheme}://other.example.org/", [("host", host), *cookie("training", token),
                                                                      *cookie("other", token)])
            answer = connection.answer()
        # A session for `training` says nothing for `other`, whatever the Host line says.
        assert answer.status == (200 if status == 200 else 403), answer.headers
    assert [recorded.dashboard for recorded in gate.upstream.received()] == ["other"]


@pytest.mark.parametrize("target", ["/", "http://training.example.org/"])
def test_rule_1_never_reads_the_scheme_a_client_writes(gate, target):
    with gate.http1() as connection:
        connection.send("GET", target, [("host", "training.example.org"), *cookie("training", session("training"))])
        assert connection.answer().status == 200
    with gate.http2() as connection:
        number = connection.start([(":method", "GET"), (":scheme", "http"), (":path", "/"),
                                   (":authority", "training.example.org")], cookie("training", session("training")))
        assert connection.answer(number).status in (200, 400)
    assert all(recorded.dashboard == "training" for recorded in gate.upstream.received())


def test_rule_3_refuses_the_asterisk_and_connect_without_a_websocket(gate):
    credential = cookie("training", session("training"))
    for method, target in (("OPTIONS", "*"), ("GET", "*"), ("CONNECT", "training.example.org:443"), ("CONNECT", "/")):
        with gate.http1() as connection:
            connection.send(method, target, [("host", "training.example.org"), *credential])
            assert connection.answer().status in (0, 400, 403, 404), (method, target)
    for protocol in ([], [(":protocol", "connect-udp")], [(":protocol", "")]):
        with gate.http2() as connection:
            path = [] if not protocol else [(":scheme", "https"), (":path", "/")]
            number = connection.start([(":method", "CONNECT"), (":authority", "training.example.org"), *path, *protocol],
                                      credential, end=False)
            assert connection.answer(number, whole=False).status in (0, 400, 403, 404), protocol
    assert gate.upstream.received() == []


@ways
@pytest.mark.parametrize("line", [
    ("x-forwarded-host", "portal.example.org"), ("x-forwarded-uri", "/static/x"), ("x-original-url", "/static/x"),
    ("x-original-uri", "/static/x"), ("x-rewrite-url", "/static/x"), ("forwarded", "host=portal.example.org;proto=https"),
    ("x-host", "portal.example.org"), ("x-http-method-override", "OPTIONS"), ("x-forwarded-method", "GET"),
    ("user-agent", "kube-probe/1.30"), ("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1"),
    ("x-envoy-original-path", "/static/x"), ("x-envoy-internal", "true"), ("x-forwarded-proto", "http"),
])
def test_rule_4_decides_nothing_by_what_a_client_writes_elsewhere(gate, way, line):
    gate.refuses(way, "session_missing", 401, "report", "/data", headers=[line])
    gate.permits(way, headers=[line, *cookie("training", session("training"))])


@ways
def test_rule_2_a_session_of_another_host_is_not_one_here(gate, way):
    token = session("other")
    gate.refuses(way, "audience_not_allowed", 403, headers=cookie("training", token))
    gate.refuses(way, "audience_not_allowed", 403, headers=bearer(token))


@ways
@pytest.mark.parametrize("path", ["/first/#/second/", "/first/?x=#y", "/first/#token=SECRET-IN-A-FRAGMENT"])
def test_rule_3_and_41_a_fragment_is_dropped_before_anything_sees_it(gate, way, path):
    """Envoy would answer 400 and log the path with its fragment, which may be a connect link's token."""
    arrived = gate.permits(way, "first", path, headers=cookie("first", session("first")))
    assert arrived.target == path.split("#")[0]
    assert "SECRET-IN-A-FRAGMENT" not in gate.edge.everything_printed()
