"""Every query of the Grafana dashboard, run by a real Prometheus over a real Envoy, returns data.

Grafana itself is in no package registry, so nothing here shows that it draws the panels. What can be held against it is:
that the file is what its own schema library reads and writes back, and that the panels do not lie over each other.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

import pytest

import loopback
from policy import only
from server import SHIPPED, Prometheus
from sessions import session
from stage import Stage, cookie
from traffic import live_websockets, ordinary

DASHBOARD = json.loads((SHIPPED / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = {f"{panel['title']}, {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]}
# These say by a zero that all is well; all others must show that something went on.
QUIET = {"Not decided, A", "Filter reloads, 1 h, A", "The filter's VM, A", "The filter's VM, B", "The filter's VM, C", "Configuration, A",
         "Configuration, B", "Failed connections, B"}
# What Grafana puts in for its variables, with all values chosen.
VARIABLES = {"$__rate_interval": "15s", "$__range": "5m", "$instance": ".*", "$dashboard": ".*"}


def filled_in(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    assert "$" not in query, query
    return query


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    """Over an Envoy that is asked for all kinds of things until the test is over; one dashboard's backend is not there."""
    with Stage(only("portal", "training", "report", "bounded", "other"), backends={"other": loopback.free_port()}) as stage:
        live = live_websockets(stage)
        with Prometheus({"edge": stage.edge.ports["metrics"]}) as prometheus:
            prometheus.traffic = lambda: (ordinary(stage), stage.ask("http1", "other", headers=cookie("other", session("other"))))
            yield prometheus
        for one in live:
            one.connection.close()


def test_every_query_returns_data(prometheus):
    def asked() -> dict[str, list[float]]:
        prometheus.traffic()
        return {name: [sample["value"] for sample in prometheus.samples(filled_in(query))] for name, query in QUERIES.items()}

    def lacking(found: dict[str, list[float]]) -> list[str]:
        return [name for name, values in found.items()
                if not any(map(math.isfinite, values)) or (name not in QUIET and not any(value > 0 for value in values if math.isfinite(value)))]

    found = prometheus.wait("data for every query", asked, lambda found: not lacking(found))
    assert len(found) == len(QUERIES) >= 24


def test_the_variables_find_their_values(prometheus):
    prometheus.traffic()
    for variable, wanted in (("instance", set(prometheus.instances)), ("dashboard", {"training", "bounded", "none"})):
        query = next(one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["name"] == variable)
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", query).groups()
        prometheus.wait(f"values for {variable}", lambda: {sample["labels"].get(label) for sample in prometheus.samples(metric)},
                        lambda found: wanted <= found)


def test_the_dashboard_is_what_grafanas_schema_library_reads_and_writes():
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard
    kept = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(DASHBOARD)))
    assert lost(DASHBOARD, kept) == []


def lost(given: object, kept: object, path: str = "") -> list[str]:
    """What is in one tree and not in the other, or otherwise there."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [found for name, value in given.items() for found in
                (lost(value, kept[name], f"{path}.{name}") if name in kept else [f"{path}.{name}"] if value not in (None, [], {}) else [])]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        return [found for place, value in enumerate(given) for found in lost(value, kept[place], f"{path}[{place}]")]
    return [] if given == kept else [path]


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert max(x for x, _ in cells) < 24 and not taken & cells, panel["title"]
        taken |= cells


def test_every_panel_asks_the_chosen_prometheus_and_says_what_it_shows():
    for panel in PANELS:
        assert panel["description"].endswith("."), panel["title"]
        for source in [panel["datasource"], *(target["datasource"] for target in panel["targets"])]:
            assert source == {"type": "prometheus", "uid": "${source}"}
        for target in panel["targets"]:
            assert "$instance" in target["expr"], panel["title"]
