"""The gate in a sidecar's inbound side: the same verdicts, in plain HTTP because no authority signs certificates here."""

import pytest

import verdicts
from istio import Mesh
from locks import extension, is_filter_lock, is_route_lock, placed, without
from policy import only
from sessions import session
from stage import WAYS, cookie, upgrade_ways, ways
from upstream import Script

SECTION = "istio-sidecar"
FORMS = ["istio-trafficextension", "istio-envoyfilter", "istio-wasmplugin"]


@pytest.fixture(scope="module", params=FORMS)
def started(request, mesh, private_network):
    with Mesh(request.param, SECTION, only("training")) as stage:
        yield stage


@ways
def test_a_good_request_reaches_the_dashboard_and_no_credential_does(gate, way):
    verdicts.permits_and_tells_the_upstream(gate, way)


@verdicts.asked(["training"])
def test_every_verdict_is_the_edges(gate, way, case):
    verdicts.judged(gate, way, case)


@upgrade_ways
def test_an_upgrade_opens_a_tunnel(gate, way):
    verdicts.opens_a_tunnel(gate, way)


@ways
def test_rule_9_headers_with_power_over_the_whole_host_are_removed(gate, way):
    gate.upstream.script("/answer", Script(headers=[("Service-Worker-Allowed", "/"), ("x-kept", "yes")]))
    answer = gate.ask(way, path="/answer", headers=cookie("training", session("training")))
    assert (answer.value("x-kept"), answer.values("service-worker-allowed")) == ("yes", [])


def removed(documents):
    documents.remove(extension(documents))


def for_a_clients_side(documents):
    extension(documents)["spec"]["match"] = [{"mode": "CLIENT"}]


def for_the_services_port(documents):
    extension(documents)["spec"]["match"] = [{"mode": "SERVER", "ports": [{"number": 80}]}]


def for_another_label(documents):
    extension(documents)["spec"]["selector"]["matchLabels"] = {"app": "trainning"}


def patched_for_a_gateway(documents):
    placed(documents)["match"]["context"] = "GATEWAY"


def patched_for_a_clients_side(documents):
    placed(documents)["match"]["context"] = "SIDECAR_OUTBOUND"


traps = pytest.mark.parametrize("trap,form", [
    (removed, "istio-trafficextension"),
    (for_a_clients_side, "istio-trafficextension"),
    (for_the_services_port, "istio-trafficextension"),
    (for_another_label, "istio-trafficextension"),
    (patched_for_a_gateway, "istio-envoyfilter"),
    (patched_for_a_clients_side, "istio-envoyfilter"),
], ids=lambda value: getattr(value, "__name__", value))


@traps
def test_rule_40_the_locks_shut_the_door(trap, form, mesh, private_network):
    with Mesh(form, SECTION, only("training"), trap) as stage:
        for way in WAYS:
            stage.answers(way, 403)
            stage.answers(way, 403, headers=cookie("training", session("training")))


@traps
def test_rule_40_without_them_it_stands_open(trap, form, mesh, private_network):
    def edit(documents):
        trap(documents)
        without(documents, is_route_lock, is_filter_lock)

    with Mesh(form, SECTION, only("training"), edit) as stage:
        for way in WAYS:
            assert stage.ask(way, origin="https://evil.example").status == (101 if way == "upgrade1" else 200)
        assert len(stage.upstream.received()) == len(WAYS)
