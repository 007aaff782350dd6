"""Rules 45 to 47: a stream ends when its session does, whoever is talking on it."""

import re
import threading
import time

import pytest

from policy import only
from sessions import session, bokeh_token
from stage import Stage, cookie, upgrade_ways
from upstream import Script

LATEST = 2.0
CASES = [(way, kind, client) for way in ("http1", "http2", "upgrade1", "upgrade2") for kind in ("tick", "silent")
         for client in (None, "99999999H", "1n")]


def follow(gate, way, kind, client):
    """Opens a stream on a session with two seconds left; when it ended, relative to the session's end."""
    path = f"/{kind}"
    end = int(time.time()) + 3
    headers = cookie("brief", session("brief", exp=end))
    if client is not None:
        headers = [("grpc-timeout", client), *headers]
    with gate.open(way, "brief", path, headers=headers, whole=False) as live:
        if live.answer.status != (101 if way == "upgrade1" else 200):
            return f"status {live.answer.status}"
        if live.seconds_until_closed(3 + LATEST + 2) is None:
            return "never"
        return time.time() - end


@pytest.fixture(scope="module")
def endings(whole_stage):
    """All cases at once, since each of them takes seconds."""
    whole_stage.upstream.forget()
    for kind in ("tick", "silent"):
        whole_stage.upstream.script(f"/{kind}", Script(stream=kind, upgraded=kind))
    results = {}
    threads = [threading.Thread(target=lambda case=case: results.__setitem__(case, follow(whole_stage, *case))) for case in CASES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    arrived = {request.target: request for request in whole_stage.upstream.received()}
    return results, whole_stage.upstream.received(), arrived


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(part) for part in case))
def test_rule_45_a_stream_ends_with_its_session(endings, case):
    late = endings[0].get(case, "no result")
    assert isinstance(late, float), late
    assert -0.3 <= late <= LATEST, f"{late:.2f} s after the session's end"


def test_rule_45_the_backend_sees_the_end_too(endings):
    for recorded in endings[1]:
        assert recorded.ended.wait(5), recorded.start_line
        assert recorded.values("grpc-timeout") == []
    assert len(endings[1]) == len(CASES)


@upgrade_ways
def test_rule_19_max_stream_seconds_bounds_a_stream(gate, way):
    gate.upstream.script("/ws", Script(upgraded="tick"))
    with gate.open(way, "bounded", "/ws", headers=cookie("bounded", session("bounded"))) as live:
        assert live.answer.status in (101, 200)
        ended = live.seconds_until_closed(1 + LATEST + 1)
    assert ended is not None and 0.7 <= ended <= 1 + LATEST


@upgrade_ways
def test_rule_19_a_stream_with_time_left_stays(gate, way):
    with gate.open(way, path="/ws", headers=[("grpc-timeout", "100m"), *cookie("training", session("training"))]) as live:
        assert live.seconds_until_closed(1.0) is None
        assert live.exchange(b"still here") == b"still here"


def test_rule_19_a_key_that_retires_ends_its_streams():
    retires = time.time() + 5
    whole = only("training", "bokeh")
    whole["keys"][0]["retire_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(retires))
    with Stage(whole) as stage:
        stage.upstream.script("/ws", Script(upgraded="silent"))
        with stage.open("upgrade1", path="/ws", headers=cookie("training", session("training"))) as live:
            assert live.answer.status == 101
            assert live.seconds_until_closed(5 + LATEST + 1) is not None
            assert int(retires) - 0.3 <= time.time() <= int(retires) + LATEST
        stage.refuses("http1", "key_retired", 401, headers=cookie("training", session("training")))
        # A Bokeh token's own 300 seconds do not bound the stream; max_stream_seconds does, and it is hours.
        with stage.open("upgrade1", "bokeh", "/ws", headers=[("sec-websocket-protocol", f"bokeh, {bokeh_token()}")]) as live:
            assert live.seconds_until_closed(0.5) is None


GRPC = [("content-type", "application/grpc"), ("te", "trailers")]
UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def seconds(value):
    assert re.fullmatch(r"[1-9][0-9]{0,7}[HMSmun]", value), value
    return int(value[:-1]) * UNITS[value[-1]]


@pytest.mark.parametrize("client,least,most", [
    (None, 620, 631), ("5S", 4.9, 5), ("2H", 620, 631), ("99999999H", 620, 631), ("30000000u", 29, 30), ("7M", 419, 420), ("500m", 0.4, 0.5),
    ("-5S", 620, 631), ("999999999S", 620, 631), ("5", 620, 631), ("S", 620, 631), ("5s", 620, 631), ("", 620, 631), ("5 S", 620, 631), ("0x5S", 620, 631),
])
def test_rule_47_a_grpc_clients_own_shorter_deadline_counts(gate, client, least, most):
    headers = [*GRPC, *([("grpc-timeout", client)] if client is not None else []), *cookie("training", session("training"))]
    arrived = gate.permits("http2", path="/package.Service/Method", method="POST", body=b"\x00\x00\x00\x00\x00", headers=headers)
    [value] = arrived.values("grpc-timeout")
    assert least <= seconds(value) <= most, value


def test_rule_46_what_is_written_is_never_zero_and_never_nine_digits(gate):
    for client in ("0n", "0S", "1n", "00000001S"):
        answer = gate.ask("http2", path="/p.S/M", method="POST", body=b"", headers=[*GRPC, ("grpc-timeout", client),
                                                                                *cookie("training", session("training"))])
        assert answer.status in (200, 504)
    for recorded in gate.upstream.received():
        for value in recorded.values("grpc-timeout"):
            seconds(value)
