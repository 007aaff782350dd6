"""Envoy Gateway: the rendered resources give every verdict that envoy/edge.yaml gives, on every way in, and the same answers."""

import pytest

import verdicts
from gateway import Gateway
from policy import only
from sessions import session
from stage import Stage, cookie
from upstream import Script


@pytest.fixture(scope="module")
def gateway(private_network, gateway_program):
    with Gateway(only(*verdicts.DASHBOARDS)) as stage:
        yield stage


@pytest.fixture(scope="module")
def edge(private_network):
    with Stage(only(*verdicts.DASHBOARDS)) as stage:
        yield stage


def test_the_gate_is_in_front_and_the_locks_behind(gateway):
    """Headers for every answer, the gate, the locks, and nothing between that could let a request out or change it."""
    assert gateway.edge.rejected() == []
    assert "Failed to process JSON patches" not in gateway.edge.log()
    assert gateway.edge.http_filters() == [
        "envoy.filters.http.header_mutation", "envoy.filters.http.wasm//dashboards/dashgate/wasm/0",
        "envoy.filters.http.rbac", "dashgate.lock", "envoy.filters.http.router"]


@verdicts.asked(verdicts.DASHBOARDS)
def test_answers_as_the_edge_does(gateway, edge, way, case):
    answer, reached = verdicts.judged(gateway, way, case)
    same, reached_there = verdicts.judged(edge, way, case)
    verdicts.same_for_clients(answer, same)
    verdicts.same_for_dashboards(reached, reached_there)


@pytest.mark.parametrize("way", ["upgrade1", "upgrade2"])
def test_a_websocket_carries_bytes_both_ways(gateway, way):
    gateway.upstream.script("/echo", Script(upgraded="echo"))
    with gateway.open(way, path="/echo", headers=cookie("training", session("training"))) as live:
        assert live.answer.status == (101 if way == "upgrade1" else 200)
        assert live.exchange(b"twelve bytes") == b"twelve bytes"
