"""The alert rules over real Envoys: silent about a healthy one, true of each one that something is wrong with."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import yaml

import bootstrap
import loopback
import trap
from policy import only
from server import Prometheus
from sessions import session
from stage import Stage, cookie
from test_alerts import RULES
from traffic import ordinary, redirected_by_envoy, refused_often

POLICY = only("portal", "training", "bounded")


def without_gate(tree):
    manager = bootstrap.dashboards_manager(tree)
    gates = bootstrap.wasm_filters(manager)
    manager["http_filters"] = [one for one in manager["http_filters"] if one not in gates]


def without_labels(tree):
    tree["stats_config"]["stats_tags"] = []


class Updated:
    """The gate by file ECDS, so that a configuration can be refused while Envoy runs."""

    def __init__(self, folder):
        self.path = folder / "gate.yaml"

    def __call__(self, tree):
        gate = bootstrap.wasm_filters(tree)[0]
        self.resource = {"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": gate["name"],
                         "typed_config": gate.pop("typed_config")}
        self.write()
        gate["config_discovery"] = {"config_source": {"path_config_source": {"path": str(self.path)}, "resource_api_version": "V3"},
                                    "type_urls": [self.resource["typed_config"]["@type"]]}

    def write(self):
        draft = self.path.with_suffix(".new")
        draft.write_text(yaml.safe_dump({"resources": [self.resource]}))
        draft.rename(self.path)

    def refuse(self):
        self.resource["typed_config"]["config"]["configuration"]["value"]["dashboards"] = []
        self.write()


@pytest.fixture(scope="module")
def updated(tmp_path_factory) -> Updated:
    return Updated(tmp_path_factory.mktemp("ecds"))


@pytest.fixture(scope="module")
def stages(updated) -> Iterator[dict[str, Stage]]:
    """Eight Envoys: one in order, and one for each way in which things go wrong."""
    wrong = {
        "healthy": {}, "open to nobody": {"edit": without_gate}, "unlabelled": {"edit": without_labels}, "besieged": {}, "unnormalised": {},
        "backend gone": {"backends": {"training": loopback.free_port()}}, "updated": {"edit": updated},
        "trapping": {"edit": trap.instead(updated.path.parent, "FAIL_RELOAD")},
    }
    with ExitStack() as stack:
        yield {name: stack.enter_context(Stage(POLICY, **options)) for name, options in wrong.items()}


# The tests' certificate is good for a day.
ALWAYS = {"DashgateCertificateExpires", "DashgateCertificateExpiresNow"}
WRONG = {
    "healthy": set(),
    "open to nobody": {"DashgateNotInPath", "DashgateRouteMissing"},
    "unlabelled": set(),            # Prometheus makes labels of the names
    "besieged": {"DashgatePermitsNobody", "DashgateRefusalsSurge", "DashgateForgedSessions", "DashgatePortalMisconfigured", "DashgateClocksDiffer",
                 "DashgateKeyRetired"},
    "unnormalised": {"DashgateUndecidedRequests"},
    "backend gone": {"DashgateBackendDown"},
    "updated": {"DashgateUpdateRejected"},
    "trapping": {"DashgateVmReloads"},
}
RETIRES = {"groups": [{"name": "keys", "rules": [
    {"record": "dashgate_key_retires_at_seconds", "expr": f"vector({int(time.time()) + 86400})", "labels": {"key": "current"}}]}]}
BESIEGED = {"session_not_yet_valid": 8, "key_retired": 8, "connect_origin_null": 8, "signature_invalid": 30, "origin_not_allowed": 400}


def act(stages: dict[str, Stage], updated: Updated, prometheus: Prometheus) -> None:
    """What happens on each, twice: a counter begins with its first event, and only what comes after that is an increase."""
    for reason in BESIEGED:
        refused_often(stages["besieged"], reason, 1)
    ordinary(stages["healthy"])
    for name in ("updated", "unnormalised", "unlabelled"):
        stages[name].permits("http1", headers=cookie("training", session("training")))
    prometheus.wait_for_scrapes()
    ordinary(stages["healthy"])
    for reason, count in BESIEGED.items():
        refused_often(stages["besieged"], reason, count)
    for name in ("open to nobody", "unlabelled"):
        for _ in range(200):
            status = stages[name].ask("http1", headers=cookie("training", session("training"))).status
            assert status == (404 if name == "open to nobody" else 200)
    redirected_by_envoy(stages["unnormalised"], 400)
    stages["unnormalised"].permits("http1", headers=cookie("training", session("training")))
    trapping = stages["trapping"]
    trapping.edge.wait(lambda: trapping.ask("http1").status == 503 and trapping.edge.stat("wasm.dashgate.vm_reload_success") > 0,
                       trapping.edge.log, "reload", 10)
    for _ in range(8):
        assert stages["backend gone"].ask("http1", headers=cookie("training", session("training"))).status == 503
    updated.refuse()
    stages["updated"].edge.wait(lambda: stages["updated"].edge.stat("extension_config_discovery.http_filter.dashgate.update_rejected") == 1,
                                lambda: stages["updated"].edge.log(), "refused update", 10)
    stages["updated"].permits("http1", headers=cookie("training", session("training")))     # the last good one is in force


def test_the_right_alarms_come_and_no_others(stages, updated):
    wanted = {(name, role) for role, names in WRONG.items() for name in names | ALWAYS} | {("DashgateKeyRetiresInUse", "none")}
    with Prometheus({role: stage.edge.ports["metrics"] for role, stage in stages.items()}, RETIRES) as prometheus:
        prometheus.wait_for_scrapes()
        act(stages, updated, prometheus)
        prometheus.wait("these alarms", prometheus.alarms, lambda found: wanted <= found)
        prometheus.wait_for_scrapes(3)
        assert prometheus.alarms() == wanted
        assert [(rule["name"], rule["lastError"]) for rule in prometheus.rules() if rule["health"] != "ok"] == []


def test_envoys_end_is_noticed():
    with Stage(POLICY) as stage, Prometheus({"gone": stage.edge.ports["metrics"]}) as prometheus:
        assert ("DashgateEnvoyDown", "gone") not in prometheus.alarms()
        os.killpg(stage.edge.process.pid, signal.SIGKILL)
        stage.edge.process.wait(5)
        prometheus.wait("Envoy's end noticed", prometheus.alarms, lambda found: ("DashgateEnvoyDown", "gone") in found)


def test_an_envoy_without_tags_has_the_same_series(stages):
    stage = stages["unlabelled"]
    stage.permits("http1", headers=cookie("training", session("training")))
    stage.refuses("http1", "session_missing", 401)
    with Prometheus({"unlabelled": stage.edge.ports["metrics"]}) as prometheus:
        found = prometheus.samples('{__name__=~"dashgate_.+"}')
    series = {tuple(sorted((name, value) for name, value in sample["labels"].items() if name not in ("instance", "job"))) for sample in found}
    assert {(("__name__", "dashgate_decisions_total"), ("dashboard", "training"), ("reason", reason), ("verdict", verdict))
            for verdict, reason in (("permit", "session"), ("refuse", "session_missing"))} <= series
    assert (("__name__", "dashgate_sessions_verified_total"), ("key", "current")) in series
    assert {dict(labels)["__name__"] for labels in series} == {"dashgate_decisions_total", "dashgate_sessions_verified_total"}


def test_every_series_that_a_rule_names_is_one_of_envoys(stages):
    """promtool cannot see a misspelt name: such a rule would be silent for ever."""
    stage = stages["updated"]
    stage.refuses("http1", "session_missing", 401)
    shown = stage.edge.admin("/stats/prometheus")
    exported = set(re.findall(r"^(\w+)(?:\{| )", shown, re.MULTILINE)) | {"up", "dashgate_key_retires_at_seconds"}
    for rule in RULES:
        without_labels = re.sub(r"\{[^}]*\}", "", rule["expr"])
        named = set(re.findall(r"\b(?:envoy|dashgate)_\w+|\bup\b", without_labels)) - {"envoy_cluster_name"}
        for name in named:
            assert name in exported, (rule["alert"], name)
        for pattern in re.findall(r'__name__=~"([^"]+)"', rule["expr"]):
            known = exported if "update_rejected" in pattern else {"dashgate_decisions_total_dashboard_training_verdict_permit_reason_session"}
            assert any(re.fullmatch(pattern, name) for name in known), (rule["alert"], pattern)
