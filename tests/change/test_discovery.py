"""The gate's file replaced: the new policy judges the next request, what is open goes on under the old one, nothing is dropped."""

import time

import pytest
from discovered import Discovered, Load, alive, resource_of
from sessions import KEY_OLDER, KEY_UNKNOWN, session
from stage import cookie, ways


@pytest.fixture
def stage():
    """An edge of the test's own, whose first configuration is there."""
    with Discovered() as stage:
        stage.until("config_reload", 1)
        yield stage


def without_training(_plugin, policy):
    policy["dashboards"] = [each for each in policy["dashboards"] if each["name"] != "training"]


def test_a_new_policy_judges_the_next_request_and_open_websockets_go_on(stage):
    with stage.sockets() as sockets, Load(stage) as load:
        load.wait_for(5)
        started = time.monotonic()
        stage.change(without_training)
        stage.edge.wait(lambda: stage.ask("http1").status == 404, lambda: None, "verdict of the new policy", 10)
        taken = time.monotonic() - started
        alive(sockets)
        load.wait_for(5)
        load.stop()
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            stage.refuses(way, "dashboard_not_found", 404, headers=cookie("training", session("training")))
        for live in sockets:
            assert live.seconds_until_closed(time.monotonic() - live.opened + 1) is None
    assert taken < 3
    assert load.others_than(200) == []


def test_a_websocket_of_the_old_policy_still_ends_with_its_session(stage):
    with stage.sockets("brief", exp=int(time.time()) + 6) as sockets:
        stage.change(lambda _plugin, policy: policy.update(reason_header=False))
        stage.until("config_reload", 2)
        alive(sockets)
        ends = [live.seconds_until_closed(12) for live in sockets]
    assert all(end is not None and 3 < end < 9 for end in ends), ends


@ways
def test_a_retired_key_opens_nothing_more_and_a_new_one_does(stage, way):
    def rotated(_plugin, policy):
        policy["keys"] = [key for key in policy["keys"] if key["id"] != "older"]
        for kind in policy["sessions"].values():
            kind["keys"] = [key for key in kind["keys"] if key != "older"]

    old = cookie("training", session("training", KEY_OLDER, "older"))
    stage.permits(way, headers=old)
    stage.change(rotated)
    stage.until("config_reload", 2)
    stage.refuses(way, "key_unknown", 401, headers=old)
    stage.permits(way, headers=cookie("training", session("training")))
    stage.refuses(way, "signature_invalid", 401, headers=cookie("training", session("training", KEY_UNKNOWN)))


def misspelt(_plugin, policy):
    policy["dashbords"] = []


def without_its_key(plugin, _policy):
    plugin["vm_config"]["environment_variables"]["host_env_keys"] = []


def without_its_module(plugin, _policy):
    plugin["vm_config"]["code"]["local"]["filename"] = "/nowhere/dashgate.wasm"


@pytest.mark.parametrize("broken,told", [(misspelt, "dashbords"), (without_its_key, "DASHGATE_E2E_CURRENT"),
                                         (without_its_module, "/nowhere/dashgate.wasm")])
def test_a_broken_policy_is_refused_and_the_last_good_one_stays(stage, broken, told):
    with stage.sockets() as sockets, Load(stage) as load:
        load.wait_for(3)
        stage.change(broken)
        stage.until("update_rejected", 1)
        assert told in stage.edge.wait_for_log(told)
        load.wait_for(3)
        load.stop()
        stage.refuses("http1", "session_missing", 401)
        stage.permits("http2", headers=cookie("training", session("training")))
        alive(sockets)
    assert load.others_than(200) == []


def test_a_first_policy_that_is_broken_lets_nobody_in():
    class Broken(Discovered):
        def discover(self, tree):
            super().discover(tree)
            self.change(misspelt)

    with Broken() as stage:
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            stage.answers(way, {404, 500}, headers=cookie("training", session("training")))
        # Envoy answers as soon as the file is right.
        stage.write(stage.gate)
        stage.until("config_reload", 1)
        stage.permits("http1", headers=cookie("training", session("training")))


def test_a_file_that_is_written_in_place_is_not_seen_and_one_that_is_renamed_is(stage):
    """Envoy's main thread takes the file's events in their order, and every one that it follows is an attempt more: when the file
    that was renamed is in force, what was written in place before it has been passed over or counted."""
    before = stage.counters()
    in_place = resource_of(stage.changed(lambda _plugin, policy: policy.update(reason_header=False)))
    assert in_place != stage.file.read_text()
    stage.file.write_text(in_place)
    stage.change(without_training)
    stage.edge.wait(lambda: stage.ask("http1").status == 404, stage.counters, "verdict of the file that was renamed", 10)
    seen = {name: count - before[name] for name, count in stage.counters().items()}
    assert seen == {"update_attempt": 1, "update_success": 1, "update_rejected": 0, "config_reload": 1}
    assert stage.ask("http1").value("x-dashgate-reason") == "dashboard_not_found"
