"""Envoy Gateway: what other people's policies beside the gate do to it, as docs/envoy-gateway.md says. The gate stays in front."""

import base64
import hashlib

import pytest

import gateway
from gateway import Gateway
from policy import only
from sessions import session
from stage import WAYS, cookie, plain_ways

EVIL = "https://evil.example"


def good(dashboard="training"):
    return cookie(dashboard, session(dashboard))


def policy():
    return only("portal", "training", "partners", reason_header=True)


def security_policy(name: str, route: str, **spec: object) -> dict:
    target = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": route}
    return {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "SecurityPolicy",
            "metadata": {"name": name, "namespace": gateway.NAMESPACE}, "spec": {"targetRefs": [target], **spec}}


def users(name: str, password: str) -> dict:
    line = f"{name}:{{SHA}}{base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()}\n"
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": gateway.NAMESPACE},
            "type": "Opaque", "data": {".htpasswd": base64.b64encode(line.encode()).decode()}}


def beside(documents):
    documents += [
        users("ben", "a word"),
        security_policy("training", "training", basicAuth={"users": {"name": "users"}}),
        security_policy("partners", "partners", cors={"allowOrigins": [EVIL], "allowMethods": ["GET"], "allowCredentials": True}),
        security_policy("portal", "portal", authorization={"defaultAction": "Deny", "rules": [
            {"action": "Allow", "principal": {"clientCIDRs": ["10.0.0.0/8"]}}]}),
    ]


@pytest.fixture(scope="module")
def crowded(private_network, gateway_program):
    with Gateway(policy(), beside) as stage:
        yield stage


def test_the_gate_comes_before_all_of_them(crowded):
    order = crowded.edge.http_filters()
    kinds = ["envoy.filters.http.header_mutation", "envoy.filters.http.wasm", "envoy.filters.http.cors", "envoy.filters.http.basic_auth",
             "envoy.filters.http.rbac", "dashgate.lock", "envoy.filters.http.router"]
    assert [next(kind for kind in kinds if name.startswith(kind)) for name in order] == kinds


@plain_ways
def test_a_cors_policy_answers_no_preflight(crowded, way):
    """It would let a page of its choice read with the visitor's cookies; the gate answers by its own list, and first."""
    asked = {"method": "OPTIONS", "headers": [("access-control-request-method", "GET")]}
    answer = crowded.answers(way, 403, "partners", origin=EVIL, **asked)
    assert answer.values("access-control-allow-origin") == []
    answer = crowded.answers(way, 204, "partners", origin="https://x.lab.example.org", **asked)
    assert answer.values("access-control-allow-origin") == ["https://x.lab.example.org"]


def test_an_authorization_by_network_is_asked_after_the_gate(crowded):
    """This peer is in no allowed network: the open dashboard is shut for it, by the network's policy and not by the lock."""
    for way in WAYS:
        crowded.refuses(way, "origin_not_allowed", 403, "portal", origin=EVIL)
        answer = crowded.answers(way, 403, "portal")
        assert answer.values("x-dashgate-reason") == []


@plain_ways
def test_a_password_is_asked_for_beside_the_session_and_not_instead(crowded, way):
    password = ("authorization", "Basic " + base64.b64encode(b"ben:a word").decode())
    crowded.refuses(way, "session_missing", 401, headers=[password])
    crowded.answers(way, 401, headers=good())
    crowded.permits(way, headers=[*good(), password])
