"""Rule 48: no bytes of a request trap the gate, and it still answers everybody else."""

import contextlib
import random

import pytest

from sessions import bokeh_id, bokeh_token, handmade, session
from stage import cookie

READ_BY_THE_GATE = ["cookie", "authorization", "origin", "sec-websocket-protocol", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest",
                    "bokeh-session-id", "grpc-timeout", "content-type", "upgrade", "connection", "access-control-request-method", "content-length",
                    "x-dashgate-subject", "x-forwarded-for", "user-agent", "referer", "te", "transfer-encoding", "expect", "host"]
VALUES = [b"", b" ", b"\xff", b"\x80\x81\xfe", bytes(range(0x80, 0x100)), b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x92\xa9" * 50, b",", b";", b"=", b"==",
          b"a=", b"=b", b",,,,", b";;;;", b"%", b"%f", b"%zz", b"%00", b'"', b'"' * 99, b"\\", b"." * 500, b".." * 200, b"-1", b"0", b"99999999999999999999999",
          b"18446744073709551616", b"1e999", b"NaN", b"x" * 9000, b"Bearer", b"Bearer ", b"Bearer \xff", b"bearer .", b"Bearer ..", b"Bearer e30.e30.e30",
          b"dashgate", b"dashgate,", b"dashgate, \xff", b"bokeh", b"bokeh, .", b"bokeh, e30.e30", b"null", b"https://", b"https://[::", b"\t", b"a\tb",
          b"__Host-dashgate-training=", b"__Host-dashgate-training=.", b"__Host-dashgate-training=..", b"__Host-dashgate-training=\xff.\xff.\xff",
          b"__Host-dashgate-training=eyJ9.eyJ9.eyJ9", b"a=b; " * 1500, b"a, " * 3000]


def broken_vms(gate):
    """Every counter that a trap, a reload or a failed callback would have raised."""
    lines = gate.edge.admin("/stats?filter=wasm").splitlines()
    return [line for line in lines if any(word in line for word in ("reload", "fail", "error", "crash", "backoff")) and not line.endswith(": 0")]


def still_works(gate):
    gate.permits("http1", headers=cookie("training", session("training")))
    gate.refuses("http2", "session_missing", 401)
    assert broken_vms(gate) == []
    assert "wasm_fail_stream" not in str(gate.edge.access_log())


@pytest.mark.parametrize("name", READ_BY_THE_GATE)
def test_rule_48_hostile_bytes_in_any_header_trap_nothing(gate, name):
    with gate.http2() as two:
        for value in VALUES:
            others = [(other, value) for other in ("cookie", "origin") if other != name]
            for lines in ([(name, value)], [(name, value), (name, value)], [(name, value), *others]):
                with gate.http1() as one:
                    host = [] if name == "host" else [("host", "training.example.org")]
                    one.send("GET", "/?bokeh-session-id=%ff", [*host, *lines, ("connection", "close")])
                    assert one.answer().status != 503, (name, value)
                if two.closed:
                    break
                number = two.start([(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "training.example.org")], lines)
                assert two.answer(number).status != 503, (name, value)
    still_works(gate)


def test_rule_48_hostile_paths_and_authorities_trap_nothing(gate):
    targets = [target for value in VALUES for target in (
        (b"/" + value, "bokeh.example.org"), (b"/?" + value, "bokeh.example.org"), (b"/?bokeh-session-id=" + value, "bokeh.example.org"),
        (b"/.dashgate/" + value, "training.example.org"), (b"/.dashgate/session?dashboard=" + value, "training.example.org"),
        (value, "training.example.org"), ("/", value))]
    for start in range(0, len(targets), 80):
        with contextlib.ExitStack() as open_connections:
            # Many at once: where Envoy's codec refuses, it takes its half second to close the connection.
            asked = []
            for path, authority in targets[start:start + 80]:
                connection = open_connections.enter_context(gate.http2())
                number = connection.start([(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", authority)], [])
                asked.append((connection, number, path))
            for connection, number, path in asked:
                assert connection.answer(number, seconds=5).status != 503, path
    still_works(gate)


def test_rule_48_hostile_connect_forms_trap_nothing(gate):
    lines = [("content-type", "application/x-www-form-urlencoded"), ("cookie", b"__Host-dashgate-training=\xff")]
    for value in VALUES:
        for body in (value, b"token=" + value, b"token=a.b.c&next=" + value, value + b"=token"):
            body = body[:16000]
            answer = gate.ask("http1", path="/.dashgate/connect", method="POST", origin="https://portal.example.org", headers=lines[:1], body=body)
            assert answer.status in (400, 401, 403, 413), (answer.status, body[:40])
    still_works(gate)


def test_rule_48_random_bytes_where_tokens_are_read_trap_nothing(gate):
    """Real tokens with some bytes changed, which come further than noise does."""
    chance = random.Random(20261121)
    seeds = [(lambda text: [("cookie", b"__Host-dashgate-training=" + text)], session("training").encode(), "training"),
             (lambda text: [("authorization", b"Bearer " + text)], session("training").encode(), "training"),
             (lambda text: [("bokeh-session-id", text)], bokeh_id().encode(), "bokeh"),
             (lambda text: [("sec-websocket-protocol", b"bokeh, " + text)], bokeh_token().encode(), "bokeh")]
    with gate.http2() as connection:
        for turn in range(600):
            make, seed, dashboard = seeds[turn % len(seeds)]
            text = bytearray(seed)
            for _ in range(chance.randint(1, 4)):
                place = chance.randrange(len(text))
                change = chance.randrange(3)
                if change == 0:
                    text[place] = chance.choice([0x21, 0x2E, 0x7E, 0x80, 0xFF, 0x2D, 0x5F, 0x3D, chance.randrange(0x21, 0x7F)])
                elif change == 1:
                    del text[place]
                else:
                    text[place:place] = bytes(text[place:place + chance.randint(1, 40)])
            if bytes(text) == seed:
                continue
            number = connection.start([(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", f"{dashboard}.example.org")],
                                      make(bytes(text)))
            assert connection.answer(number).status in (400, 401, 403), bytes(text)
    assert gate.upstream.received() == []
    still_works(gate)


def test_rule_48_deep_json_under_a_good_signature_traps_nothing(gate):
    for payload in ("[" * 2000, '{"a":' * 500, '{"sub":"' + "\\u0000" * 200 + '"}', '{"exp":' + "9" * 900 + "}", '"\\ud800"', '{"aud":' + "[" * 500):
        gate.answers("http1", 401, headers=cookie("training", handmade('{"alg":"HS256","kid":"current"}', payload)))
        gate.answers("http1", 401, headers=cookie("training", handmade(payload, "{}")))
    still_works(gate)
