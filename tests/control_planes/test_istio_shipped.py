"""The files under `envoy/istio` themselves, with only the image's place and the addresses around them taken: they open and they shut."""

import pytest
import yaml

import verdicts
from bootstrap import ROOT
from istio import Mesh
from sessions import BOKEH_SECRET, KEY_CURRENT, base64url, session
from stage import bearer, cookie, ways

SHIPPED = sorted((ROOT / "envoy" / "istio").glob("*.yaml"))
PORTAL, HOST = "https://portal.localhost:8443", "tensorboard.localhost:8443"
KEYS = {"DASHGATE_KEY": base64url(KEY_CURRENT), "BOKEH_SECRET_KEY": BOKEH_SECRET}


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda path: path.stem)
def gate(request, mesh, private_network):
    is_sidecar = request.param.stem.startswith("sidecar")
    source = ROOT / "envoy" / ("istio-sidecar.policy.yaml" if is_sidecar else "policy.yaml")
    policy = yaml.safe_load(source.read_text())["policy"]
    with Mesh("", "istio-sidecar" if is_sidecar else "istio", policy, shipped=request.param, environment=KEYS) as stage:
        yield stage


def pass_for(host):
    return session("training", key_id="portal-2026-11", iss=PORTAL, aud=f"https://{host}/")


@ways
def test_a_session_opens_its_dashboard(gate, way):
    gate.upstream.forget()
    for credential in (cookie("tensorboard", pass_for(HOST)), bearer(pass_for(HOST))):
        arrived = gate.permits(way, "tensorboard", "/runs", host=HOST, origin=f"https://{HOST}", headers=credential)
        assert arrived.values("x-dashgate-subject") == ["ana"] and arrived.values("cookie") + arrived.values("authorization") == []


@ways
def test_nothing_else_does(gate, way):
    gate.upstream.forget()
    good = {"host": HOST, "headers": cookie("tensorboard", pass_for(HOST))}
    for status, options in ((401, {"host": HOST, "origin": f"https://{HOST}"}),
                            (403, {**good, "origin": "https://evil.example"}),
                            (403, {**good, "origin": f"https://{HOST}", "headers": cookie("tensorboard", pass_for("bokeh.localhost:8443"))}),
                            (401, {**good, "origin": f"https://{HOST}", "headers": cookie("tensorboard", pass_for(HOST)[:-3] + "abc")})):
        verdicts.covered(gate.answers(way, status, "tensorboard", "/", **options))
