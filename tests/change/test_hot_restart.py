"""Envoy's hot restart: the next process takes the port over without a refused connection, the old one keeps its WebSockets
until its own end, and no longer."""

import contextlib
import time

import bootstrap
import pytest
from discovered import Load, alive
from generations import Generations
from sessions import session
from stage import cookie

DRAIN, SHUTDOWN = 2, 8


@contextlib.contextmanager
def sockets(stage, dashboard: str = "training", **claims: object):
    with contextlib.ExitStack() as stack:
        lines = cookie(dashboard, session(dashboard, **claims))
        yield [stack.enter_context(stage.open(way, dashboard, headers=lines)) for way in ("upgrade1", "upgrade2")]


@pytest.fixture
def stage():
    with Generations(DRAIN, SHUTDOWN) as stage:
        yield stage


def without_training(tree):
    for gate in bootstrap.wasm_filters(tree):
        policy = gate["typed_config"]["config"]["configuration"]["value"]
        policy["dashboards"] = [each for each in policy["dashboards"] if each["name"] != "training"]


def test_the_next_process_judges_new_connections_and_the_old_one_keeps_its_websockets_until_it_ends(stage):
    old = stage.running[0]
    with sockets(stage) as live:
        alive(live)
        with Load(stage) as load:
            load.wait_for(5)
            new = stage.restart(without_training)
            load.wait_for(5)
        assert load.others_than(200) == []
        # New connections are judged by the new policy; those of the old process's WebSockets go on under the old one.
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            stage.refuses(way, "dashboard_not_found", 404, headers=cookie("training", session("training")))
        alive(live)
        # At --parent-shutdown-time-s the old process ends, and every WebSocket with it.
        for each in live:
            assert each.seconds_until_closed(30) is not None
        assert old.seconds_until_gone(10) is not None
        ended = time.monotonic() - new.started
    assert SHUTDOWN - 1 < ended < SHUTDOWN + 4, ended
    stage.permits("http1", "other", headers=cookie("other", session("other")))


def test_sessions_still_end_in_a_process_that_is_being_replaced(stage):
    with sockets(stage, "brief", exp=int(time.time()) + 5) as live:
        stage.restart()
        alive(live)
        ends = [each.seconds_until_closed(12) for each in live]
    assert all(end is not None and 2 < end < 7.5 for end in ends), ends


def test_a_next_process_that_cannot_start_changes_nothing(stage):
    def misspelt(tree):
        for gate in bootstrap.wasm_filters(tree):
            gate["typed_config"]["config"]["configuration"]["value"]["dashbords"] = []

    with sockets(stage) as live:
        with pytest.raises(AssertionError, match="dashbords"):
            stage.restart(misspelt)
        alive(live)
        stage.permits("http1", headers=cookie("training", session("training")))
        stage.refuses("http2", "session_missing", 401)
        assert stage.running[0].process.poll() is None
