"""What docs/troubleshooting.md says of symptoms without a reason code, brought about on a real Envoy and read in its access log."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import pytest

import bootstrap
import loopback
import client
import trap
from policy import only
from programs import ROOT
from sessions import PORTAL, session
from stage import Stage, cookie
from test_alarms import Updated, without_gate
from upstream import Script

POLICY = only("portal", "training", "other", "bounded")
TABLE = (ROOT / "docs/troubleshooting.md").read_text().split("\n## Symptoms without a code\n")[1]
ROWS = {title: log for title, log in re.findall(r"^\| \*\*(.+?)\*\* \| (.*?) \| ", TABLE, re.MULTILINE)}
# What is not brought about here, and where it was seen.
ELSEWHERE = {
    "WebSocket over HTTP/2: 400": "tests/dashboards ask real backends that want the key",
    "403 for everything in Istio, the good ones too": "needs Istio's agent",
    "403 for everything in Istio, no `dashgate_` field": "control_planes/test_istio_locks.py, each of the two locks alone",
    "403 for one way in Istio, the log says permit": "control_planes/test_istio_locks.py, an open permit",
    "Metrics without labels": "test_alarms.py",
}


def without_routes(tree):
    for host in bootstrap.dashboards_manager(tree)["route_config"]["virtual_hosts"]:
        host["routes"] = [route for route in host["routes"] if bootstrap.lock_of(route) != "training"]


def with_a_full_breaker(tree):
    for cluster in tree["static_resources"]["clusters"]:
        if cluster["name"] == "training":
            cluster["circuit_breakers"] = {"thresholds": [{"max_connections": 1, "max_pending_requests": 0}]}


def without_extended_connect(tree):
    del bootstrap.dashboards_manager(tree)["http2_protocol_options"]["allow_connect"]


def impatient(tree):
    for route in bootstrap.locked_routes(tree):
        route["route"]["idle_timeout"] = "1s"


def without_stop_iteration(tree):
    for gate in bootstrap.wasm_filters(tree):
        del gate["typed_config"]["config"]["allow_on_headers_stop_iteration"]


def asked(way: str = "http1", **options: object) -> Callable[[Stage], int]:
    options.setdefault("headers", cookie("training", session("training")))
    return lambda stage: stage.ask(way, **options).status


def refused_by_the_app(stage: Stage) -> int:
    stage.upstream.script("/", Script(status=403))
    return asked()(stage)


def beside_a_websocket(stage: Stage) -> int:
    with stage.open("upgrade1", headers=cookie("training", session("training")), whole=False):
        return asked()(stage)


def until_closed(dashboard: str) -> Callable[[Stage], int]:
    def ask(stage: Stage) -> int:
        with stage.open("upgrade1", dashboard, headers=cookie(dashboard, session(dashboard)), whole=False) as live:
            assert live.seconds_until_closed(6) is not None
            return live.answer.status
    return ask


def connect_form(stage: Stage) -> int:
    """The client gives up after some seconds."""
    body = f"token={session('training')}&next=/".encode()
    with stage.http1() as connection:
        connection.socket.settimeout(2)
        connection.send("POST", "/.dashgate/connect", [("host", "training.example.org"), ("origin", PORTAL), ("content-length", str(len(body))),
                                                       ("content-type", "application/x-www-form-urlencoded")], body)
        with pytest.raises(TimeoutError):
            connection.answer()
    return 0


MANY = [(f"x-header-{number}", "1") for number in range(120)]
# Title, change to Envoy, request; then what the client and the log get: status, flags, details, whether a dashboard was permitted.
SYMPTOMS = [
    ("404 for everything", without_gate, asked(), 404, "NR", "route_not_found", False),
    ("404 for one dashboard", without_routes, asked(), 404, "NR", "route_not_found", True),
    ("503, the backend is full", with_a_full_breaker, beside_a_websocket, 503, "UO", "upstream_reset_before_response_started{overflow}", True),
    ("403, and the log says permit", None, refused_by_the_app, 403, "-", "via_upstream", True),
    ("The connect form hangs", without_stop_iteration, connect_form, 0, "DC", "downstream_remote_disconnect", False),
    ("WebSocket over HTTP/2 reset", without_extended_connect, asked("upgrade2"), 0, "DPE", "http2.invalid.header.field", False),
    ("A WebSocket ends after five quiet minutes", impatient, until_closed("training"), 101, "SI", "stream_idle_timeout", True),
    ("A WebSocket ends in the middle", None, until_closed("bounded"), 101, "-", "max_duration_timeout", True),
    ("307 by itself", None, asked(path="/a%2fb"), 307, "-", "path_normalization_failed", False),
    ("308 by itself", None, asked(host="training.example.org."), 308, "-", "dashgate_host_redirect", False),
    ("431", None, asked(headers=MANY), 431, "DPE", "http1.too_many_headers", False),
    ("The stream is reset at once", None, asked("http2", headers=MANY), 0, "DR", "http2.too_many_headers", False),
]


def entry_after(stage: Stage, known: int, details: str) -> dict:
    """The entry of what was just asked; a WebSocket that stays open beside it has none yet, or comes after."""
    stage.edge.wait(lambda: any(entry["response_code_details"] == details for entry in stage.edge.access_log()[known:]),
                    stage.edge.access_log, f"entry with {details}", 8)
    return next(entry for entry in stage.edge.access_log()[known:] if entry["response_code_details"] == details)


def says(title: str, *words: str) -> None:
    for word in words:
        assert f"`{word}`" in ROWS[title], (title, word, ROWS[title])


@pytest.mark.parametrize("title, change, ask, status, flags, details, permitted", SYMPTOMS, ids=[one[0] for one in SYMPTOMS])
def test_a_symptom_looks_as_the_page_says(title, change, ask, status, flags, details, permitted):
    with Stage(POLICY, change) as stage:
        known = len(stage.edge.access_log())
        assert ask(stage) == status
        entry = entry_after(stage, known, details)
        assert (entry["response_flags"], entry["response_code"]) == (flags, status)
        assert (entry["dashgate_dashboard"] is not None) == permitted
    says(title, *([flags] if flags != "-" else []), details.split("{")[0], *(["dashgate_dashboard"] if permitted and status in (403, 404, 503) else []))


def test_a_backend_that_is_gone():
    with Stage(POLICY, backends={"training": loopback.free_port()}) as stage:
        assert asked()(stage) == 503
        [entry] = stage.edge.wait(lambda: len(stage.edge.access_log()) == 1, stage.edge.access_log, "entry", 5)
        assert entry["response_flags"] == "UF" and entry["dashgate_dashboard"] == "training"
        assert entry["response_code_details"].startswith("upstream_reset_before_response_started{remote_connection_failure")
    says("503, the backend is not there", "UF", "upstream_reset_before_response_started", "dashgate_dashboard")


def test_a_first_configuration_that_is_refused(tmp_path):
    updated = Updated(tmp_path)

    def edit(tree):
        bootstrap.wasm_filters(tree)[0]["typed_config"]["config"]["configuration"]["value"]["dashboards"] = []
        updated(tree)

    with Stage(POLICY, edit) as stage:
        assert asked()(stage) == 500
        [entry] = stage.edge.wait(lambda: len(stage.edge.access_log()) == 1, stage.edge.access_log, "entry", 5)
        assert entry["response_flags"] == "NFCF" and entry["dashgate_dashboard"] is None
        stat = "extension_config_discovery.http_filter.dashgate."
        assert (stage.edge.stat(stat + "update_success"), stage.edge.stat(stat + "update_rejected")) == (0, 1)
        assert "dashboards: lists none" in stage.edge.log() and "Unable to create Wasm plugin" in stage.edge.log()
    says("500 for everything, from the start", "NFCF")


@pytest.mark.parametrize("policy", ["FAIL_RELOAD", "FAIL_CLOSED"])
def test_a_filter_that_traps(tmp_path, policy):
    with Stage(POLICY, trap.instead(tmp_path, policy)) as stage:
        assert asked()(stage) == 503
        [entry] = stage.edge.wait(lambda: len(stage.edge.access_log()) == 1, stage.edge.access_log, "entry", 5)
        assert (entry["response_code_details"], entry["dashgate_dashboard"]) == ("wasm_fail_stream", None)
        for _ in range(20):
            assert asked()(stage) == 503
            if stage.edge.stat("wasm.dashgate.vm_reload_success"):
                break
            time.sleep(0.05)
        assert (stage.edge.stat("wasm.dashgate.vm_reload_success") > 0) == (policy == "FAIL_RELOAD")
    says("503 from the filter", "wasm_fail_stream")


def test_host_call_failed_is_what_a_capability_list_without_a_call_brings():
    listed = re.findall(r"^ +(\w+): \{\}$", (ROOT / "docs/capabilities.md").read_text(), re.MULTILINE)
    assert "proxy_set_property" in listed

    def edit(tree):
        for gate in bootstrap.wasm_filters(tree):
            allowed = {name: {} for name in listed if name != "proxy_set_property"}
            gate["typed_config"]["config"]["capability_restriction_config"] = {"allowed_capabilities": allowed}

    with Stage(POLICY, edit) as stage:
        for way in ("http1", "upgrade2"):
            assert asked(way, path=f"/{uuid.uuid4().hex}")(stage) == 500
        stage.edge.wait(lambda: len(stage.edge.access_log()) == 2, stage.edge.access_log, "two entries", 5)
        assert {entry["response_code_details"] for entry in stage.edge.access_log()} == {"dashgate_host_call_failed"}
        assert stage.upstream.received() == []


def test_http_is_led_to_https_by_a_direct_response():
    with Stage(POLICY) as stage, client.Http1(stage.edge.ports["redirect"], None) as connection:
        connection.send("GET", "/", [("host", "training.example.org")])
        assert connection.answer().status == 308
        [entry] = stage.edge.wait(lambda: len(stage.edge.access_log()) == 1, stage.edge.access_log, "entry", 5)
        assert entry["response_code_details"] == "direct_response"
    assert "From HTTP to HTTPS it is `direct_response`" in TABLE


def test_no_row_is_left_unseen():
    shown = {one[0] for one in SYMPTOMS} | {"503, the backend is not there", "500 for everything, from the start", "503 from the filter"}
    assert shown | set(ELSEWHERE) == set(ROWS) and not shown & set(ELSEWHERE)
