"""What every shipped bootstrap must have for the operator, and that Envoy's own series count what docs/observability.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

import bootstrap
from policy import only
from programs import ROOT
from sessions import session
from stage import WAYS, Stage, cookie
from test_alerts import RULES

SHIPPED = [path for path in sorted((ROOT / "envoy").glob("*.yaml")) if "static_resources" in (yaml.safe_load(path.read_text()) or {})]
PAGE = (ROOT / "docs/observability.md").read_text()
FIELDS = {f"dashgate_{name}": f"%FILTER_STATE(wasm.dashgate_{name}:PLAIN)%" for name in ("dashboard", "refused", "reason", "subject", "session")}


def log_formats(tree: dict) -> list[dict]:
    return [node["json_format"] for node in bootstrap.walk(tree) if "json_format" in node]


def test_there_are_shipped_bootstraps():
    assert {ROOT / "envoy/edge.yaml", ROOT / "envoy/per-session.yaml"} <= set(SHIPPED)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_gate_has_an_access_log_with_the_decision_and_without_a_query(path: Path):
    gated = [manager for manager in bootstrap.connection_managers(bootstrap.shipped(path)) if bootstrap.wasm_filters(manager)]
    assert gated
    for manager in gated:
        [form] = log_formats(manager)
        assert FIELDS.items() <= form.items()
        assert form["path"] == "%PATH(NQ)%" and {"request_id", "response_code_details", "response_flags", "duration"} <= set(form)
        assert not re.search(r"REFERER|COOKIE|AUTHORIZATION|:PATH|PROTOCOL\)|%PATH%|%PATH\(WQ", json.dumps(form).upper().replace("%PROTOCOL%", ""))
        assert not [logger for logger in manager["access_log"] if "json_format" not in str(logger)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_bootstrap_makes_labels_of_the_names(path: Path):
    tags = bootstrap.shipped(path)["stats_config"]["stats_tags"]
    assert tags == bootstrap.shipped()["stats_config"]["stats_tags"]
    name = "wasmcustom.dashgate_decisions_total.dashboard=training-2.verdict=refuse.reason=session_missing"
    labels = {tag["tag_name"]: found[2] for tag in tags if (found := re.search(tag["regex"], name))}
    assert labels == {"dashboard": "training-2", "verdict": "refuse", "reason": "session_missing"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_gate_is_named_as_the_rules_have_it(path: Path):
    tree = bootstrap.shipped(path)
    assert {manager["stat_prefix"] for manager in bootstrap.connection_managers(tree) if bootstrap.wasm_filters(manager)} == {"dashboards"}
    assert {gate["typed_config"]["config"]["name"] for gate in bootstrap.wasm_filters(tree)} == {"dashgate"}


def test_every_alert_is_on_the_page():
    listed = set(re.findall(r"`(Dashgate\w+)`", PAGE)) | {"DashgateCertificateExpiresNow"}
    assert listed == {rule["alert"] for rule in RULES} and "`…ExpiresNow`" in PAGE


@pytest.fixture(scope="module")
def stage():
    with Stage(only("portal", "training", "bounded")) as stage:
        yield stage


def test_open_websockets_are_counted_whichever_way_they_came(stage):
    opened = [stage.open(way, headers=cookie("training", session("training")), whole=False) for way in ("upgrade1", "upgrade2")]
    assert stage.edge.stat("http.dashboards.downstream_cx_upgrades_active") == 2
    assert stage.edge.stat("cluster.training.upstream_rq_active") == 2
    for live in opened:
        live.connection.close()
    stage.edge.wait(lambda: stage.edge.stat("http.dashboards.downstream_cx_upgrades_active") == 0, lambda: "", "end of both", 5)
    assert stage.edge.stat("cluster.training.upstream_rq_active") == 0


def test_streams_that_end_with_their_session_are_counted(stage):
    before = stage.edge.stat("http.dashboards.downstream_rq_max_duration_reached")
    for way in ("upgrade1", "upgrade2"):
        with stage.open(way, "bounded", headers=cookie("bounded", session("bounded")), whole=False) as live:
            assert live.seconds_until_closed(6) is not None
    assert stage.edge.stat("http.dashboards.downstream_rq_max_duration_reached") == before + 2


def test_every_request_is_one_decision(stage):
    def decisions() -> int:
        return sum(int(line.rsplit(": ", 1)[1]) for line in stage.edge.admin("/stats?filter=dashgate_decisions_total").splitlines())

    before, asked = decisions(), stage.edge.stat("http.dashboards.downstream_rq_total")
    for way in WAYS:
        stage.permits(way, headers=cookie("training", session("training")))
        stage.refuses(way, "session_missing", 401)
        stage.answers(way, {403, 404}, host="unknown.example.org")
    assert decisions() - before == stage.edge.stat("http.dashboards.downstream_rq_total") - asked == 3 * len(WAYS)
    assert stage.edge.stat("http.dashboards.no_route") == 0


def test_prometheus_is_told_where_the_shipped_listeners_are():
    for targets, bootstraps in (("targets.yml", "edge.yaml"), ("targets.compose.yml", "compose.yaml")):
        path = ROOT / "envoy" / bootstraps
        tree = bootstrap.shipped(path)
        [address] = [listener["address"]["socket_address"] for listener in tree["static_resources"]["listeners"] if listener["name"] == "metrics"]
        [group] = yaml.safe_load((ROOT / "envoy/observability" / targets).read_text())
        assert group["targets"] == [f"{address['address']}:{address['port_value']}"]
        hosts = [host for node in bootstrap.walk(tree) for host in node.get("domains", [])]
        assert address["address"] in hosts
