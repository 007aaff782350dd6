"""The gate in a sidecar's inbound side: the same verdicts, in plain HTTP because no authority signs certificates here."""

import pytest

import verdicts
from istio import Mesh
from policy import only
from rendered import the
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
    documents.remove(the(documents, "TrafficExtension"))


def for_a_clients_side(documents):
    the(documents, "TrafficExtension")["spec"]["match"] = [{"mode": "CLIENT"}]


def for_the_services_port(documents):
    the(documents, "TrafficExtension")["spec"]["match"] = [{"mode": "SERVER", "ports": [{"number": 80}]}]


@pytest.mark.parametrize("trap", [removed, for_a_clients_side, for_the_services_port], ids=lambda trap: trap.__name__)
def test_rule_40_the_locks_shut_the_door(trap, mesh, private_network):
    with Mesh("istio-trafficextension", SECTION, only("training"), trap) as stage:
        for way in WAYS:
            stage.answers(way, 403)
            stage.answers(way, 403, headers=cookie("training", session("training")))


def test_rule_40_without_them_it_stands_open(mesh, private_network):
    def edit(documents):
        removed(documents)
        documents.remove(the(documents, "EnvoyFilter", "dashgate-locks"))

    with Mesh("istio-trafficextension", SECTION, only("training"), edit) as stage:
        assert stage.ask("http1", origin="https://evil.example").status == 200
