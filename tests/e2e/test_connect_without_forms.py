"""Rule 33: where Envoy cannot hold a body for the gate, forms are answered at once, and connect by fragment works."""

import pytest

import bootstrap
from policy import POLICY, only
from sessions import session
from stage import Stage, cookie, plain_ways
from test_connect import CONNECT, form, post, refused


def without_holding(tree):
    for gate in bootstrap.wasm_filters(bootstrap.dashboards_manager(tree)):
        del gate["typed_config"]["config"]["allow_on_headers_stop_iteration"]


@pytest.fixture(scope="module")
def formless():
    policy = only("training", connect={**POLICY["connect"], "form": False}, reason_header=True)
    with Stage(policy, without_holding) as stage:
        yield stage


@plain_ways
def test_rule_33_a_form_gets_501_and_never_hangs(formless, way):
    formless.upstream.forget()
    refused(formless, post(formless, way, form(session("training"))), "connect_body_unsupported", 501)


@plain_ways
def test_rule_33_the_pages_bearer_connects(formless, way):
    formless.upstream.forget()
    token = session("training")
    answer = formless.ask(way, "training", f"{CONNECT}?next=%2Fruns", method="POST", origin="https://training.example.org",
                          headers=[("authorization", f"Bearer {token}"), ("content-length", "0")])
    assert (answer.status, answer.value("location")) == (303, "/runs"), answer.text
    assert answer.value("set-cookie").startswith(f"__Host-dashgate-training={token}; ")
    assert formless.upstream.received() == []
    formless.permits(way, headers=cookie("training", token))


@plain_ways
def test_rule_33_the_page_is_served(formless, way):
    answer = formless.ask(way, "training", CONNECT)
    assert (answer.status, answer.value("content-type")) == (200, "text/html; charset=utf-8")
    assert "script-src 'sha256-" in answer.value("content-security-policy")
