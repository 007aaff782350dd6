"""A policy that changes while people work: what is applied to Istio, and what it does to verdicts and to live WebSockets."""

import hashlib

import pytest

from agent import AgentMesh
from bootstrap import module, walk
from istio import Mesh
from policy import only
from registry import Registry, published
from sessions import session
from stage import WAYS, cookie

NAMES = ("other", "training")
FORMS = ["istio-trafficextension", "istio-envoyfilter"]
ECDS = "extension_config_discovery\\.http_filter\\..*\\.{}"


def policy_of(documents):
    """The policy within whatever holds the gate."""
    return next(node for one in documents for node in walk(one) if "dashboards" in node and "sessions" in node)


def only_for_eve(documents):
    next(one for one in policy_of(documents)["dashboards"] if one["name"] == "training")["subjects"] = ["eve"]


def with_a_word_too_many(documents):
    policy_of(documents)["dashboard"] = []


def good():
    return {"headers": cookie("training", session("training"))}


@pytest.mark.parametrize("form", FORMS)
def test_a_new_policy_judges_at_once_and_ends_no_stream(form, mesh, private_network):
    with Mesh(form, "istio", only(*NAMES)) as stage:
        live = [stage.open(way, path="/ws", **good()) for way in ("upgrade1", "upgrade2")]
        stage.apply(only_for_eve)
        stage.edge.wait(lambda: stage.ask("http1", **good()).status == 403, lambda: stage.said()[-500:], "new verdict", 10)
        for way in WAYS:
            stage.refuses(way, "subject_not_allowed", 403, **good())
        for one in live:
            with one:
                assert one.exchange(b"still here") == b"still here"


@pytest.mark.parametrize("form", FORMS)
def test_rule_49_a_policy_that_the_gate_refuses_leaves_the_old_one(form, mesh, private_network):
    with Mesh(form, "istio", only(*NAMES)) as stage:
        stage.apply(with_a_word_too_many)
        stage.edge.wait(lambda: stage.edge.stat(ECDS.format("config_fail")) + stage.edge.stat(ECDS.format("update_rejected")) > 0,
                        lambda: stage.edge.admin("/stats?filter=extension_config")[-900:], "refused update", 10)
        for way in WAYS:
            stage.permits(way, **good())
            stage.refuses(way, "session_missing", 401)


@pytest.mark.parametrize("form,stays", [("istio-trafficextension", False), ("istio-envoyfilter", True)])
def test_an_image_that_cannot_be_pulled(form, stays, mesh, agent_program, private_network):
    """By TrafficExtension everybody is refused until it can; by the rendered EnvoyFilter the gate that is there stays."""
    made = published()
    registry = Registry(made)
    digest = hashlib.sha256(module().read_bytes()).hexdigest()

    def to_another_digest(documents):
        for node in (node for one in documents for node in walk(one)):
            if "@sha256:" in str(node.get("url", "")):
                node["url"] = f"{node['url'].split('@')[0]}@sha256:{digest}"
            if "sha256" in node:
                node["sha256"] = digest

    try:
        image = f"oci://127.0.0.1:{registry.port}/dashgate@{made.digest}"
        with AgentMesh(registry.port, form, "istio", only(*NAMES), module=image) as stage:
            stage.permits("http1", **good())
            stage.apply(to_another_digest)
            if stays:
                stage.edge.wait(lambda: "ACK ERROR" in stage.said(),
                                lambda: stage.said()[-600:] + stage.edge.log()[-900:], "refused update", 20)
                for way in WAYS:
                    stage.permits(way, **good())
                    stage.refuses(way, "session_missing", 401)
            else:
                stage.edge.wait(lambda: stage.ask("http1", **good()).status == 403, lambda: stage.said()[-500:], "a closed door", 20)
                for way in WAYS:
                    stage.answers(way, 403, **good())
    finally:
        registry.stop()
