"""The alert rules by promtool: they are well-formed, each fires and stays silent in a test, and they name what there is."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

import bootstrap
from programs import ROOT, program
from server import SHIPPED

RULES = [rule for group in yaml.safe_load((SHIPPED / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
TESTS = yaml.safe_load((SHIPPED / "alerts.test.yml").read_text())["tests"]


def promtool(*arguments: str) -> str:
    run = subprocess.run([program("promtool"), *arguments], cwd=SHIPPED, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_prometheus_takes_the_configuration():
    said = promtool("check", "config", "prometheus.yml")
    assert "is valid prometheus config file syntax" in said and f"{len(RULES)} rules found" in said


def test_each_alert_behaves_as_its_tests_say():
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")


def test_each_alert_has_a_test_that_fires_and_one_that_does_not():
    asked = [case for test in TESTS for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in asked if case["exp_alerts"]}
    silent = {case["alertname"] for case in asked if not case["exp_alerts"]}
    names = {rule["alert"] for rule in RULES}
    assert fires == silent == names


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_leads_to_a_page_that_is_there(rule):
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    path, _, anchor = rule["annotations"]["page"].partition("#")
    anchors = anchors_of((ROOT / path).read_text())
    if anchor == "{{ $labels.reason }}":
        assert set(re.findall(r'<a id="(\w+)">', (ROOT / "docs/reasons.md").read_text())) <= anchors
    else:
        assert anchor in anchors


def anchors_of(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_reasons_in_the_rules_exist():
    known = set(re.findall(r'<a id="(\w+)">', (ROOT / "docs/reasons.md").read_text()))
    named = {code for rule in RULES for codes in re.findall(r'reason=~?"([^"]+)"', rule["expr"]) for code in codes.split("|")}
    assert named and named <= known


def test_limits_are_those_of_the_shipped_edge():
    edge = bootstrap.shipped()
    [downstream] = [node["max_active_downstream_connections"] for node in bootstrap.walk(edge) if "max_active_downstream_connections" in node]
    upstream = {limit["max_connections"] for node in bootstrap.walk(edge) for limit in node.get("thresholds", [])}
    limits = {rule["alert"]: int(re.search(r"0\.8 \* (\d+)", rule["expr"])[1]) for rule in RULES if "0.8 * " in rule["expr"]}
    assert limits == {"DashgateConnectionsNearLimit": downstream, "DashgateWebSocketsNearLimit": upstream.pop()} and not upstream
