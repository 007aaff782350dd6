"""A private backend for each session, on the routes and the cluster of envoy/per-session.yaml."""

import contextlib

import pytest

import bootstrap
import loopback
from policy import policy
from sessions import session
from stage import Stage, bearer, cookie, is_upgrade, plain_ways, ways
from upstream import Upstream


@pytest.fixture(scope="module")
def nodes():
    """Two people's dashboards, each on a port of its own."""
    running = Upstream(["anas", "bens"])
    yield running
    running.stop()


def place(name):
    host = f"{name}.runs.example.org"
    return {"host": host, "origin": f"https://{host}"}


def leading_to(backend, name="one", **changes):
    return session("runs", sid=name, backend=backend, **changes)


def reached(gate, nodes, way, token, name="one", path="/", **options):
    """What arrived, and at which node, of a request that must be permitted."""
    before = len(nodes.received())
    answer = gate.ask(way, "runs", path, headers=[*bearer(token), *options.pop("headers", [])], **place(name), **options)
    assert answer.status == (101 if way == "upgrade1" else 200), (answer.status, answer.values("x-dashgate-reason"))
    arrived = nodes.received()[before:]
    assert [recorded.dashboard for recorded in arrived] == [answer.value("x-upstream")]
    return arrived[0]


@ways
def test_each_session_is_led_to_its_own_backend(gate, nodes, way):
    for name, node in (("one", "anas"), ("two", "bens"), ("one", "anas")):
        token = leading_to(f"127.0.0.1:{nodes.port(node)}", name)
        arrived = reached(gate, nodes, way, token, name, f"/lab?x={name}")
        assert (arrived.dashboard, arrived.target) == (node, f"/lab?x={name}")
        assert arrived.values("host") == [f"{name}.runs.example.org"]
        assert arrived.values("x-dashgate-backend") == []
        assert arrived.values("authorization") == []


@ways
def test_a_client_names_no_backend(gate, nodes, way):
    ana, ben = (f"127.0.0.1:{nodes.port(node)}" for node in ("anas", "bens"))
    for name in ("x-dashgate-backend", "X-Dashgate-Backend", "x-dashgate_backend"):
        arrived = reached(gate, nodes, way, leading_to(ana), headers=[(name.lower() if way.endswith("2") else name, ben)])
        assert arrived.dashboard == "anas"
        assert [line for line in arrived.names() if line.startswith("x-dashgate") and "backend" in line] == []
    gate.refuses(way, "session_missing", 401, "runs", headers=[("x-dashgate-backend", ben)], **place("one"))
    gate.refuses(way, "backend_missing", 403, "runs", headers=[*bearer(session("runs", sid="one")), ("x-dashgate-backend", ben)],
                 **place("one"))


@ways
@pytest.mark.parametrize(("backend", "reason", "status"), [
    ("127.0.0.1:80", "backend_not_allowed", 403),
    ("127.0.0.2:8888", "backend_not_allowed", 403),
    ("169.254.169.254:80", "backend_not_allowed", 403),
    ("10.1.2.3:81", "backend_not_allowed", 403),
    ("[::1]:8888", "backend_not_allowed", 403),
    ("localhost:8888", "backend_not_allowed", 403),
    ("127.0.0.1", "backend_malformed", 403),
    ("127.0.0.1:8888,127.0.0.1:8889", "backend_malformed", 403),
    ("0177.0.0.1:8888", "backend_malformed", 403),
    ("127.1:8888", "backend_malformed", 403),
    ("", "claims_malformed", 401),
])  # fmt: skip
def test_no_session_leads_outside_the_list(gate, way, backend, reason, status):
    gate.refuses(way, reason, status, "runs", headers=bearer(leading_to(backend)), **place("one"))


@ways
def test_nobody_reaches_anothers_place(gate, nodes, way):
    token = leading_to(f"127.0.0.1:{nodes.port('anas')}", "one")
    gate.refuses(way, "session_not_named", 403, "runs", headers=bearer(token), **place("two"))
    gate.refuses(way, "origin_not_allowed", 403, "runs", headers=bearer(token),
                 host="one.runs.example.org", origin="https://two.runs.example.org")


@ways
def test_what_is_not_running_is_an_error_of_envoys_and_nothing_else_answers(gate, way):
    port = loopback.free_port()
    answer = gate.ask(way, "runs", headers=bearer(leading_to(f"127.0.0.1:{port}")), **place("one"))
    assert answer.status == 503
    assert answer.values("x-upstream") == []


@plain_ways
def test_connect_opens_the_sessions_own_host(gate, nodes, way):
    token = leading_to(f"127.0.0.1:{nodes.port('anas')}")
    form = f"token={token}&next=/lab".encode()
    headers = [("content-type", "application/x-www-form-urlencoded")]
    asked = {"method": "POST", "body": form, "headers": headers, "origin": "https://portal.example.org"}
    answer = gate.ask(way, "runs", "/.dashgate/connect", host="one.runs.example.org", **asked)
    assert (answer.status, answer.values("location")) == (303, ["/lab"])
    assert answer.value("set-cookie").startswith(f"__Host-dashgate-runs={token}; ")
    refused = gate.ask(way, "runs", "/.dashgate/connect", host="two.runs.example.org", **asked)
    assert (refused.status, refused.values("x-dashgate-reason")) == (403, ["session_not_named"])
    opened = gate.ask(way, "runs", "/lab", headers=cookie("runs", token), **place("one"))
    assert (opened.status, opened.value("x-upstream")) == (200, "anas")


@pytest.fixture(scope="module")
def broken():
    """The same Envoy without the gate, and one whose gate was told of no backends."""
    def remove(tree):
        for manager in bootstrap.connection_managers(tree):
            manager["http_filters"] = [item for item in manager["http_filters"] if item["name"] != "dashgate"]

    def forget(tree):
        for gate in bootstrap.wasm_filters(tree):
            for dashboard in gate["typed_config"]["config"]["configuration"]["value"]["dashboards"]:
                dashboard.pop("backends", None)

    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Stage(policy(), edit)) for name, edit in (("removed", remove), ("forgotten", forget))}


@ways
@pytest.mark.parametrize("how", ["removed", "forgotten"])
def test_without_a_backend_from_the_gate_there_is_no_route(broken, nodes, way, how):
    ben = f"127.0.0.1:{nodes.port('bens')}"
    before = len(nodes.received())
    headers = bearer(leading_to(ben))
    for more in ([], [("x-dashgate-backend", ben)]):
        answer = broken[how].ask(way, "runs", headers=[*headers, *more], **place("one"))
        assert answer.status == 404, (answer.status, is_upgrade(way))
    assert nodes.received()[before:] == []
