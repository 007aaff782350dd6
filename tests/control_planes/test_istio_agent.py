"""The module as an image, pulled by the real istio-agent: by the digest of its manifest, and by nothing else."""

import hashlib

import pytest

import verdicts
from agent import DATA, AgentMesh
from bootstrap import module
from policy import only
from registry import Registry, published
from sessions import session
from stage import WAYS, cookie

NAMES = ("portal", "training", "other", "report")
FORMS = ["istio-trafficextension", "istio-wasmplugin", "istio-envoyfilter"]


@pytest.fixture(scope="module")
def made(mesh, agent_program, private_network):
    return published()


@pytest.fixture(scope="module")
def registry(made):
    served = Registry(made)
    yield served
    served.stop()


def image(registry, digest):
    return {"module": f"oci://127.0.0.1:{registry.port}/dashgate@{digest}"}


@pytest.mark.parametrize("form", FORMS)
def test_the_agent_pulls_the_image_and_the_verdicts_are_the_same(form, made, registry):
    for left in DATA.rglob("*.wasm"):
        left.unlink()
    with AgentMesh(registry.port, form, "istio", only(*NAMES), **image(registry, made.digest)) as stage:
        for way in WAYS:
            verdicts.permits_and_tells_the_upstream(stage, way)
        for way, case in verdicts.cases(NAMES):
            verdicts.judged(stage, way, case)
        [pulled] = DATA.rglob("*.wasm")
        assert pulled.read_bytes() == module().read_bytes()


@pytest.mark.parametrize("form,status", [("istio-trafficextension", 403), ("istio-wasmplugin", 403), ("istio-envoyfilter", 500)])
def test_another_digest_is_a_closed_door_for_everybody(form, status, registry):
    """The hash of the .wasm is not the image's digest: with it nothing is pulled. The agent sends a filter that denies everything
    instead; the EnvoyFilter takes only a Wasm filter, so that an update that cannot be pulled leaves the gate that is there."""
    digest = "sha256:" + hashlib.sha256(module().read_bytes()).hexdigest()
    with AgentMesh(registry.port, form, "istio", only(*NAMES), **image(registry, digest)) as stage:
        for way in WAYS:
            stage.answers(way, status)
            stage.answers(way, status, headers=cookie("training", session("training")))


def test_rules_41_and_42_under_the_agents_own_bootstrap(made, registry):
    """The agent's bootstrap drops a fragment as the edge's does; metrics have their labels by the rendered override of it."""
    with AgentMesh(registry.port, "istio-trafficextension", "istio", only(*NAMES), **image(registry, made.digest)) as stage:
        stage.refuses("http1", "session_missing", 401, path="/page#token=in-the-fragment")
        stage.permits("http1", headers=cookie("training", session("training")))
        metrics = stage.edge.admin("/stats/prometheus").splitlines()
        for line in ('dashgate_decisions_total{dashboard="training",verdict="refuse",reason="session_missing"} 1',
                     'dashgate_decisions_total{dashboard="training",verdict="permit",reason="session"} 1',
                     'dashgate_sessions_verified_total{key="current"} 1'):
            assert line in metrics, [one for one in metrics if "dashgate" in one]
        assert "in-the-fragment" not in stage.edge.everything_printed()
