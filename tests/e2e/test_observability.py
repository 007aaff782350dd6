"""What the operator sees: counters with labels, access-log fields, one line a refusal and none a permit."""

import re
import time
import uuid

from client import Http1
from policy import only
from sessions import KEY_OLDER, PORTAL, session
from stage import Stage, cookie, ways

FIELDS = {"dashgate_dashboard", "dashgate_refused", "dashgate_reason", "dashgate_subject", "dashgate_session"}


def counters(gate):
    """The gate's counters as the metrics listener shows them: (name, labels) to value."""
    with Http1(gate.edge.ports["metrics"], None) as connection:
        connection.send("GET", "/stats/prometheus", [("host", "127.0.0.1")])
        text = connection.answer().text
    found = {}
    for name, labels, value in re.findall(r"^(dashgate_\w+)\{([^}]*)\} (\d+)$", text, re.MULTILINE):
        found[name, tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))] = int(value)
    return found


def decisions(gate, dashboard, verdict, reason):
    labels = (("dashboard", dashboard), ("reason", reason), ("verdict", verdict))
    return counters(gate).get(("dashgate_decisions_total", labels), 0)


def verified(gate, key):
    return counters(gate).get(("dashgate_sessions_verified_total", (("key", key),)), 0)


@ways
def test_each_verdict_is_counted_by_dashboard_and_reason(gate, way):
    before = [decisions(gate, "training", "refuse", "session_missing"), decisions(gate, "training", "permit", "session"), verified(gate, "current"),
              verified(gate, "older"), decisions(gate, "training", "refuse", "origin_not_allowed")]
    gate.refuses(way, "session_missing", 401)
    gate.permits(way, headers=cookie("training", session("training")))
    gate.permits(way, headers=cookie("training", session("training", key=KEY_OLDER, key_id="older")))
    gate.refuses(way, "origin_not_allowed", 403, origin="https://evil.example")
    after = [decisions(gate, "training", "refuse", "session_missing"), decisions(gate, "training", "permit", "session"), verified(gate, "current"),
             verified(gate, "older"), decisions(gate, "training", "refuse", "origin_not_allowed")]
    assert [new - old for new, old in zip(after, before)] == [1, 2, 1, 1, 1]


def test_answers_of_the_gates_own_are_counted_too(gate):
    before = sum(value for (name, labels), value in counters(gate).items() if ("verdict", "answer") in labels)
    gate.answers("http1", 200, path="/.dashgate/connect", origin=None)
    gate.answers("http1", 204, "partners", method="OPTIONS", origin=PORTAL, headers=[("access-control-request-method", "GET")])
    assert sum(value for (name, labels), value in counters(gate).items() if ("verdict", "answer") in labels) == before + 2


def test_no_client_can_make_a_label(gate):
    for host in ("unknown-label.example.org", 'x"y.example.org', "a.verdict=permit.reason=session"):
        gate.answers("http1", {400, 404}, host=host)
    text = str(counters(gate))
    assert "unknown-label" not in text and "y.example" not in text
    for name, labels in counters(gate):
        assert [label for label, _ in labels] in (["dashboard", "reason", "verdict"], ["key"]), (name, labels)


@ways
def test_a_permit_fills_the_access_logs_fields_and_logs_nothing(gate, way):
    path, said = f"/permitted-{uuid.uuid4().hex}", len(gate.edge.log())
    gate.permits(way, path=path, headers=cookie("training", session("training")))
    entry = gate.edge.wait_for_access(lambda entry: entry["path"] == path)
    assert FIELDS <= set(entry)
    assert (entry["dashgate_dashboard"], entry["dashgate_refused"], entry["dashgate_subject"]) == ("training", None, "ana")
    assert re.fullmatch(r"[0-9a-f]{16}", entry["dashgate_session"])
    assert "dashgate refused" not in gate.edge.log()[said:]


@ways
def test_a_refusal_fills_the_access_logs_fields_and_logs_one_line(way):
    # An Envoy of its own: the log line is rate-limited, and other tests refuse a lot.
    with Stage(only("portal", "training", "other")) as stage:
        path = f"/refused-{uuid.uuid4().hex}"
        stage.refuses(way, "audience_not_allowed", 403, path=path, headers=cookie("training", session("other")))
        entry = stage.edge.wait_for_access(lambda entry: entry["path"] == path)
        assert (entry["dashgate_dashboard"], entry["dashgate_refused"], entry["dashgate_reason"]) == (None, "training", "audience_not_allowed")
        stage.edge.wait_for_log("dashgate refused")
        lines = [line for line in stage.edge.log().splitlines() if "dashgate refused" in line]
        assert len(lines) == 1
        assert "[warning]" in lines[0]
        assert re.search(r"dashgate refused reason=audience_not_allowed dashboard=training subject=\S+ session=\S+$", lines[0]), lines


def test_the_log_line_is_escaped_and_clipped():
    """CVE-2024-45808: a subject must not be able to write a line, or another field, into the log."""
    now = int(time.time())
    subjects = ["ana reason=forged session=0 " + "x" * 228, "x" * 1500, "ana\n[warning] dashgate refused reason=forged", "\u0085ana", 'q" reason="\\ana',
                "\u001b[31m", "\u2028 \u202e", "\u00e9\u20ac"]
    with Stage(only("portal", "training")) as stage:
        for name in subjects:
            token = session("training", sub=name, iat=now - 200, exp=now + 600)
            answer = stage.ask("http1", path="/.dashgate/connect?next=/", method="POST", body=b"", headers=[("authorization", f"Bearer {token}")])
            assert answer.status in (401, 403)
        stage.edge.wait_for_log("dashgate refused")
        lines = [line for line in stage.edge.log().splitlines() if "dashgate refused" in line]
        assert lines
        for line in lines:
            assert len(line) < 700, len(line)
            assert line.isprintable(), line
            tail = line[line.index("dashgate refused"):]
            assert re.fullmatch(r'dashgate refused reason=[a-z_]+ dashboard=\S+ subject=(-|"(?:[^"\\]|\\.)*") session=\S+', tail), tail
        assert sum("connect_token_stale" in line and "reason=forged" in line for line in lines) == 1


def test_the_log_is_not_flooded_by_refusals():
    with Stage(only("portal", "training")) as stage:
        with stage.http2() as connection:
            for _ in range(400):
                number = connection.start([(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "training.example.org")], [])
                assert connection.answer(number).status == 401
        assert 1 <= stage.edge.log().count("dashgate refused") <= 120
        assert decisions(stage, "training", "refuse", "session_missing") == 400     # none is lost to the counters


@ways
def test_what_is_logged_of_a_session_is_the_same_for_the_same_session_only(gate, way):
    token = session("training")
    seen = []
    for credential in (token, token, session("training")):
        path = f"/hash-{uuid.uuid4().hex}"
        gate.permits(way, path=path, headers=cookie("training", credential))
        seen.append(gate.edge.wait_for_access(lambda entry: entry["path"] == path)["dashgate_session"])
    assert seen[0] == seen[1] != seen[2]


def test_a_connect_is_logged_without_its_token(gate):
    token = session("training")
    body = f"token={token}&next=/".encode()
    said = len(gate.edge.access_log())
    answer = gate.ask("http1", path="/.dashgate/connect", method="POST", origin=PORTAL, body=body,
                      headers=[("content-type", "application/x-www-form-urlencoded")])
    assert answer.status == 303
    gate.edge.wait(lambda: len(gate.edge.access_log()) > said, gate.edge.access_log, "an access-log entry", 5)
    assert token not in str(gate.edge.access_log()[said:])


def test_the_same_labels_hold_for_names_with_dashes_and_digits():
    whole = only("portal", "training")
    whole["dashboards"][1]["name"] = "training-2"
    whole["dashboards"][1]["cookie"] = "__Host-dashgate-training"
    with Stage(whole) as stage:
        stage.refuses("http1", "session_missing", 401, "training")
        assert decisions(stage, "training-2", "refuse", "session_missing") == 1
