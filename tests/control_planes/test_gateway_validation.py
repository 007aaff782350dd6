"""The shipped resources for Envoy Gateway before anything runs: what an API server with its definitions says, strictly.

Inside the patches an API server does not look; Envoy Gateway does, and test_gateway_verdicts asks it.
"""

import copy
import os
import subprocess

import pytest
import yaml

from bootstrap import ROOT
from rendered import documents, the

SHIPPED = ROOT / "envoy" / "gateway" / "dashgate.yaml"
KINDS = ["GatewayClass", "EnvoyProxy", "Gateway", "HTTPRoute", "EnvoyExtensionPolicy", "SecurityPolicy", "ClientTrafficPolicy",
         "BackendTrafficPolicy", "EnvoyPatchPolicy"]


@pytest.fixture(scope="module")
def judged(mesh, gateway_program, tmp_path_factory):
    """Asks the program that judges as an API server does: Envoy Gateway's definitions, and the Gateway API's standard channel."""
    files = [*mesh.glob("gateway.networking.k8s.io_*.yaml"), *gateway_program.glob("gateway.envoyproxy.io_*.yaml")]
    definitions = ",".join(str(path) for path in sorted(files))
    place = tmp_path_factory.mktemp("judged") / "resources.yaml"

    def judge(resources):
        place.write_text(yaml.safe_dump_all(resources))
        done = subprocess.run([str(mesh / "mesh"), "validate", "-crds", definitions, str(place)], capture_output=True, text=True,
                              env={**os.environ, "TARGET_OUT": "/", "LOCAL_OUT": "/"})
        return done.returncode, done.stdout + done.stderr
    return judge


@pytest.fixture
def shipped():
    return documents(SHIPPED.read_text())


def test_an_api_server_takes_every_resource(judged, shipped):
    code, said = judged(shipped)
    assert code == 0, said
    assert said.count(": ok\n") == len(shipped), said
    assert sorted({one["kind"] for one in shipped}) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_and_refuses_one_with_a_field_that_it_does_not_know(judged, shipped, kind):
    one = copy.deepcopy(next(one for one in shipped if one["kind"] == kind))
    one["spec"]["dashgait"] = True
    code, said = judged([one])
    assert code == 1 and "spec.dashgait" in said, said


def merged_on_the_gateway(shipped):
    the(shipped, "EnvoyExtensionPolicy")["spec"]["mergeType"] = "StrategicMerge"


def a_buffer_beside_websockets(shipped):
    the(shipped, "BackendTrafficPolicy")["spec"]["requestBuffer"] = {"limit": "64Ki"}


def an_unknown_filter_in_the_order(shipped):
    the(shipped, "EnvoyProxy")["spec"]["filterOrder"][0]["name"] = "envoy.filters.http.wsam"


def a_filter_before_and_after(shipped):
    the(shipped, "EnvoyProxy")["spec"]["filterOrder"][0]["after"] = "envoy.filters.http.lua"


def an_image_without_its_name(shipped):
    del the(shipped, "EnvoyExtensionPolicy")["spec"]["wasm"][0]["code"]["image"]["url"]


def a_patch_of_another_type(shipped):
    the(shipped, "EnvoyPatchPolicy")["spec"]["type"] = "MergePatch"


@pytest.mark.parametrize(("change", "said_of"), [
    (merged_on_the_gateway, "mergeType can only be used with xRoute targets"),
    (a_buffer_beside_websockets, "requestBuffer cannot be used together with httpUpgrade"),
    (an_unknown_filter_in_the_order, "filterOrder[0].name"),
    (a_filter_before_and_after, "only one of before or after"),
    (an_image_without_its_name, "image.url"),
    (a_patch_of_another_type, "spec.type"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_it_finds_what_is_wrong(judged, shipped, change, said_of):
    change(shipped)
    code, said = judged(shipped)
    assert code == 1 and said_of in said, said
