"""envoy/gateway/dashgate.yaml itself, served: with its policy, its names and its ports. Only image and backends are the tests' own.

Envoy Gateway reads no Services from files: a Backend with an address stands for each.
"""

import pytest
import yaml

import gateway
from bootstrap import ROOT
from envoy_gateway import EnvoyGateway
from gateway import the
from registry import Registry, published
from rendered import documents
from sessions import SECRETS, base64url, bokeh_id, session, tampered
from stage import Stage, cookie, ways
from upstream import Upstream

SHIPPED = ROOT / "envoy" / "gateway" / "dashgate.yaml"
KEY, BOKEH = bytes(range(40, 72)), "the-bokeh-secret-of-the-shipped-file-here"
HOST = "{}.localhost:8443"


def backend(name: str, port: int) -> dict:
    return {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "Backend", "metadata": {"name": name, "namespace": gateway.NAMESPACE},
            "spec": {"endpoints": [{"ip": {"address": "127.0.0.1", "port": port}}]}}


class Shipped(Stage):
    def __init__(self, program):
        resources = documents(SHIPPED.read_text())
        policy = the(resources, "EnvoyExtensionPolicy")["spec"]["wasm"][0]
        names = [dashboard["name"] for dashboard in policy["config"]["dashboards"]]
        image, self.upstream = published(), Upstream(names)
        self.registry = Registry(image)
        policy["code"]["image"] |= {"url": f"127.0.0.1:{self.registry.port}/dashgate:test", "sha256": image.digest[7:]}
        for name in names:
            resources.append(backend(name, self.upstream.port(name)))
            for rule in the(resources, "HTTPRoute", name)["spec"]["rules"]:
                [reference] = rule["backendRefs"]
                assert set(reference) == {"name", "port"} and reference["name"] == name
                rule["backendRefs"] = [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": name}]
        port = the(resources, "Gateway")["spec"]["listeners"][0]["port"]
        keys = {"DASHGATE_KEY": base64url(KEY), "BOKEH_SECRET_KEY": BOKEH}
        SECRETS.update(keys.values())
        try:
            self.edge = EnvoyGateway(program / "envoy-gateway", resources, port, gateway.CERTIFICATE, gateway.NAMESPACE,
                                     gateway.APIS, keys)
        except BaseException:
            self.registry.stop()
            self.upstream.stop()
            raise

    def stop(self):
        self.edge.stop()
        self.registry.stop()
        self.upstream.stop()


@pytest.fixture(scope="module")
def shipped(private_network, gateway_program):
    with Shipped(gateway_program) as stage:
        yield stage


def at(dashboard: str, *headers: tuple[str, str], path: str = "/") -> dict:
    host = HOST.format(dashboard)
    return {"host": host, "origin": f"https://{host}", "path": path, "headers": list(headers)}


def token(dashboard: str) -> str:
    return session("training", key=KEY, key_id="portal-2026-11", iss="https://portal.localhost:8443",
                   aud=f"https://{HOST.format(dashboard)}/")


def good(dashboard: str) -> list[tuple[str, str]]:
    return cookie(dashboard, token(dashboard))


@ways
def test_the_shipped_file_permits_and_refuses(shipped, way):
    shipped.upstream.forget()
    assert "Failed to process JSON patches" not in shipped.edge.log()
    shipped.permits(way, "portal", **at("portal"))
    arrived = shipped.permits(way, "tensorboard", **at("tensorboard", *good("tensorboard")))
    assert (arrived.values("x-dashgate-subject"), arrived.values("cookie")) == (["ana"], [])
    shipped.answers(way, 401, "tensorboard", **at("tensorboard"))
    shipped.answers(way, 403, "tensorboard", **at("tensorboard", *cookie("tensorboard", token("bokeh"))))
    shipped.answers(way, 401, "tensorboard", **at("tensorboard", *cookie("tensorboard", tampered(token("tensorboard")))))
    shipped.answers(way, 403, "tensorboard", **(at("tensorboard", *good("tensorboard")) | {"origin": "https://evil.example"}))
    shipped.answers(way, 401, "bokeh", **at("bokeh", *good("bokeh")))


@pytest.mark.parametrize("way", ["http1", "http2"])
def test_bokeh_needs_both_and_sees_its_own(shipped, way):
    both = at("bokeh", *good("bokeh"), ("bokeh-session-id", bokeh_id(BOKEH)))
    arrived = shipped.permits(way, "bokeh", **both)
    assert arrived.values("bokeh-session-id") == [both["headers"][-1][1]] and arrived.values("cookie") == []
    shipped.answers(way, 401, "bokeh", **at("bokeh", ("bokeh-session-id", bokeh_id(BOKEH))))


def test_it_is_one_file_of_valid_yaml_without_aliases():
    """Kubernetes' tools take aliases, people who read a diff do not."""
    text = SHIPPED.read_text()
    assert [token for token in yaml.scan(text) if isinstance(token, (yaml.AliasToken, yaml.AnchorToken))] == []
