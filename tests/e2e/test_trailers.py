"""Rule 27 for trailers: what a client may not say in a header it may not say behind a body."""

import pytest

import bootstrap
from policy import only
from sessions import session
from stage import Stage, cookie


def with_trailers(tree):
    """The shipped file lets no trailer through to HTTP/1.1 backends; whoever enables them must still be safe."""
    for cluster in tree["static_resources"]["clusters"]:
        for options in cluster.get("typed_extension_protocol_options", {}).values():
            options["explicit_http_config"] = {"http_protocol_options": {"enable_trailers": True}}
    bootstrap.dashboards_manager(tree).setdefault("http_protocol_options", {})["enable_trailers"] = True


@pytest.fixture(scope="module")
def stage():
    with Stage(only("portal", "training"), with_trailers) as started:
        yield started


TRAILERS = [("x-dashgate-subject", "root"), ("x-kept", "yes"), ("x-dashgate-anything", "1"), ("x_dashgate_subject", "root"), ("X-Dashgate_Session", "0")]


@pytest.mark.parametrize("dashboard", ["training", "portal"])
def test_rule_27_trailers_that_state_an_identity_are_removed(stage, dashboard):
    stage.upstream.forget()
    with stage.http2() as connection:
        # Without a Content-Length, since HTTP/1.1 knows trailers after chunks only.
        number = connection.start([(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", f"{dashboard}.example.org")],
                                  [("origin", f"https://{dashboard}.example.org"), *cookie(dashboard, session(dashboard))], end=False)
        connection.send_data(number, b"hello")
        connection.send_trailers(number, [(name.lower(), value) for name, value in TRAILERS])
        assert connection.answer(number).status == 200
    [arrived] = stage.upstream.received()
    assert arrived.body == b"hello"
    assert b"x-kept: yes" in arrived.trailers.lower()
    assert b"dashgate" not in arrived.trailers.lower().replace(b"_", b"-")


def test_rule_27_so_are_those_of_http1(stage):
    stage.upstream.forget()
    with stage.http1() as connection:
        tail = b"".join(f"{name}: {value}\r\n".encode() for name, value in TRAILERS)
        connection.send("POST", "/", [("host", "training.example.org"), ("origin", "https://training.example.org"), ("transfer-encoding", "chunked"),
                                      *cookie("training", session("training"))], b"5\r\nhello\r\n0\r\n" + tail + b"\r\n")
        assert connection.answer().status == 200
    [arrived] = stage.upstream.received()
    assert b"x-kept: yes" in arrived.trailers.lower()
    assert b"dashgate" not in arrived.trailers.lower().replace(b"_", b"-")


def test_rule_27_the_shipped_file_lets_no_trailer_through():
    with Stage(only("portal", "training")) as shipped:
        arrived = shipped.permits("http2", method="POST", body=b"hello", headers=cookie("training", session("training")),
                                  trailers=[("x-dashgate-subject", "root"), ("grpc-timeout", "1H")])
        assert arrived.trailers == b""
