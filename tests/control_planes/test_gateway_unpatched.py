"""Envoy Gateway without EnvoyPatchPolicy, as its default is: what of the gate holds, and what docs/control-planes.md says is missing."""

import time

import pytest

import gateway
from gateway import Gateway, without
from policy import POLICY, only
from sessions import session
from stage import cookie, plain_ways, upgrade_ways
from test_connect import CONNECT, form, post, refused
from upstream import Script


def good(dashboard="training"):
    return cookie(dashboard, session(dashboard))


@pytest.fixture(scope="module")
def unpatched(private_network, gateway_program):
    policy = only("portal", "training", "brief", connect={**POLICY["connect"], "form": False}, reason_header=True)
    with Gateway(policy, without("EnvoyPatchPolicy"), {**gateway.APIS, "enableEnvoyPatchPolicy": False}) as stage:
        yield stage


@plain_ways
def test_without_patches_a_form_gets_501_and_never_hangs(unpatched, way):
    unpatched.upstream.forget()
    refused(unpatched, post(unpatched, way, form(session("training"))), "connect_body_unsupported", 501)


@plain_ways
def test_without_patches_connect_by_fragment_is_the_way(unpatched, way):
    unpatched.upstream.forget()
    page = unpatched.ask(way, path=CONNECT)
    assert (page.status, page.value("content-type")) == (200, "text/html; charset=utf-8")
    assert "script-src 'sha256-" in page.value("content-security-policy")
    token = session("training")
    answer = unpatched.ask(way, "training", f"{CONNECT}?next=%2Fruns", method="POST", origin="https://training.example.org",
                           headers=[("authorization", f"Bearer {token}"), ("content-length", "0")])
    assert (answer.status, answer.value("location")) == (303, "/runs"), answer.text
    assert answer.value("set-cookie").startswith(f"__Host-dashgate-training={token}; ")
    unpatched.permits(way, headers=cookie("training", token))


@pytest.mark.parametrize("way", ["http1", "http2", "upgrade1"])
def test_without_patches_the_gate_is_there_all_the_same(unpatched, way):
    unpatched.refuses(way, "session_missing", 401)
    unpatched.refuses(way, "origin_not_allowed", 403, origin="https://evil.example", headers=good())
    unpatched.permits(way, headers=good())


@upgrade_ways
def test_without_patches_http2_carries_no_websockets(unpatched, way):
    answer = unpatched.ask(way, headers=good())
    assert answer.status == 101 if way == "upgrade1" else answer.status != 200


def test_without_patches_a_websocket_outlives_its_session(unpatched):
    """Rule 45 needs a route's max_stream_duration to heed grpc-timeout, which no resource of Envoy Gateway says."""
    unpatched.upstream.script("/silent", Script(upgraded="silent"))
    end = int(time.time()) + 2
    with unpatched.open("upgrade1", "brief", "/silent", headers=cookie("brief", session("brief", exp=end)), whole=False) as live:
        assert live.answer.status == 101
        assert live.seconds_until_closed(5) is None
