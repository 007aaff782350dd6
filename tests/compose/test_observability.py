"""What an operator sees of the stack: Prometheus behind the gate, its alerts, and the queries of the Grafana dashboard."""

import json
import math
from urllib.parse import urlencode

import pytest
from client import Client
from stack import ROOT
from stand import photograph, until

SHIPPED = ROOT / "envoy/observability"
# What Grafana puts in for its variables: everything, and a window that holds some of the scrapes, which come every 15 s.
VARIABLES = {"$__rate_interval": "1m", "$__range": "15m", "$instance": ".*", "$dashboard": ".*"}
SECONDS = 120


@pytest.fixture(scope="module")
def prometheus(stand):
    """Asks it, as somebody with a session."""
    origin, ana = stand.stack.origin("prometheus"), Client(stand.stack.authority)
    ana.cookies["prometheus.localhost"] = {"__Host-dashgate-prometheus": stand.token("prometheus")}

    def ask(path: str, **parameters: str) -> dict:
        answer = ana.request("GET", f"{origin}/api/v1/{path}?{urlencode(parameters)}")
        assert answer.status == 200, answer.text()
        return json.loads(answer.body)["data"]

    return ask


def test_prometheus_itself_is_a_dashboard_behind_the_gate(stand):
    visitor = Client(stand.stack.authority)
    assert visitor.request("GET", stand.stack.origin("prometheus") + "/api/v1/query?query=up").status == 401


def test_the_gate_s_decisions_are_there_with_their_labels(stand, prometheus):
    wanted = {"dashboard": "prometheus", "verdict": "refuse", "reason": "session_missing"}
    Client(stand.stack.authority).request("GET", stand.stack.origin("prometheus") + "/")
    found: list[dict] = []

    def look() -> bool:
        found[:] = [series["metric"] for series in prometheus("query", query="dashgate_decisions_total > 0")["result"]]
        return any(wanted.items() <= labels.items() for labels in found)

    until(look, "the refusal in Prometheus", SECONDS)
    assert any((labels["dashboard"], labels["verdict"]) == ("prometheus", "permit") for labels in found)


def test_somebody_reads_them_in_the_browser(person):
    person.connect_by_form("prometheus")
    until(lambda: "dashgate_decisions_total{" in person.page.inner_text("body"), "the table of decisions")
    photograph(person.page, "prometheus")


def test_the_alerts_are_watched_and_none_is_about_this(prometheus):
    rules = [rule for group in prometheus("rules")["groups"] for rule in group["rules"]]
    shipped = {line.split(": ")[1] for line in (SHIPPED / "alerts.yml").read_text().splitlines() if "- alert: " in line}
    assert {rule["name"] for rule in rules if rule["type"] == "alerting"} == shipped
    assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}


def test_every_query_of_the_grafana_dashboard_returns_data(stand, prometheus):
    queries = sorted(set(_queries(json.loads((SHIPPED / "dashboard.json").read_text())["panels"])))
    assert len(queries) > 20
    visitor, ana = Client(stand.stack.authority), Client(stand.stack.authority)
    ana.cookies["tensorboard.localhost"] = {"__Host-dashgate-tensorboard": stand.token("tensorboard")}
    lacking: list[str] = []

    def look() -> bool:
        for person in (visitor, ana):                     # something to count
            person.request("GET", stand.stack.origin("tensorboard") + "/data/runs")
        lacking[:] = [query for query in queries if not _has_data(prometheus("query", query=_filled_in(query))["result"])]
        return not lacking

    try:
        until(look, "data for each query", SECONDS)
    except AssertionError as late:
        raise AssertionError(f"{late}: {lacking}") from late


def _queries(panels: list[dict]):
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", []))
        yield from _queries(panel.get("panels", []))


def _filled_in(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def _has_data(result: list[dict]) -> bool:
    """Whether there is a number in it."""
    return any(not math.isnan(float(series["value"][1])) for series in result)
