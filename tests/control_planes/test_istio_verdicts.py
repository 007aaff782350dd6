"""Istio's own generator serves each rendered form to a real Envoy: the verdicts are those of `envoy/edge.yaml`."""

import json
import ssl

import pytest

import istio
import verdicts
from bootstrap import walk
from client import SERVER_NAME, Http1, open_tls
from istio import Mesh
from policy import only
from rendered import the
from sessions import SECRETS, session
from stage import Stage, cookie, plain_ways, upgrade_ways, ways
from test_connect import CONNECT, form, post
from upstream import Script

NAMES = (*verdicts.DASHBOARDS, "inner")
FORMS = {
    "trafficextension": ("istio-trafficextension", "istio"),
    "envoyfilter": ("istio-envoyfilter", "istio"),
    "wasmplugin": ("istio-wasmplugin", "istio"),
    "trafficextension on Gateway API": ("istio-trafficextension", "istio-gateway-api"),
    "envoyfilter on Gateway API": ("istio-envoyfilter", "istio-gateway-api"),
    "wasmplugin on Gateway API": ("istio-wasmplugin", "istio-gateway-api"),
}
REMOVED = ["Service-Worker-Allowed", "Clear-Site-Data", "NEL", "Report-To", "Reporting-Endpoints", "X-Dashgate-Subject"]


@pytest.fixture(scope="module", params=["edge", *FORMS])
def started(request, mesh, private_network):
    """The shipped edge first: what is asked of each control plane is what it answers."""
    if request.param == "edge":
        with Stage(only(*NAMES)) as stage:
            yield stage
    else:
        with Mesh(*FORMS[request.param], only(*NAMES)) as stage:
            yield stage


@ways
def test_a_good_request_reaches_its_dashboard_and_no_credential_does(gate, way):
    verdicts.permits_and_tells_the_upstream(gate, way)


@verdicts.asked(NAMES)
def test_every_verdict_is_the_edges(gate, way, case):
    verdicts.judged(gate, way, case)


@ways
def test_each_carrier_and_both_sessions_where_both_are_asked(gate, way):
    verdicts.carries_each_credential(gate, way)


@upgrade_ways
def test_an_upgrade_opens_a_tunnel(gate, way):
    verdicts.opens_a_tunnel(gate, way)


@upgrade_ways
def test_rule_45_the_tunnel_ends_with_the_session(gate, way):
    gate.upstream.script("/ws", Script(upgraded="silent"))
    verdicts.ends_with_the_session(gate, way)


@plain_ways
def test_rule_3_dashboards_of_one_host_are_told_apart_by_the_longest_path(gate, way):
    for name, path in (("first", "/first/x"), ("inner", "/first/inner/x"), ("second", "/second/x")):
        gate.permits(way, name, path, headers=cookie(name, session(name)))
    gate.refuses(way, "audience_not_allowed", 403, "first", "/first/inner/x", headers=cookie("inner", session("first")))


@ways
def test_rule_9_headers_with_power_over_the_whole_host_are_removed(gate, way):
    gate.upstream.script("/answer", Script(headers=[(name, "/") for name in REMOVED] + [("x-kept", "yes")]))
    answer = gate.ask(way, path="/answer", headers=cookie("training", session("training")))
    assert answer.status == (101 if way == "upgrade1" else 200) and answer.value("x-kept") == "yes"
    assert [name for name in REMOVED if answer.values(name)] == []
    verdicts.covered(answer)


@plain_ways
def test_rule_44_the_path_decided_on_is_the_path_routed(gate, way):
    good = {"headers": cookie("training", session("training"))}
    assert gate.permits(way, path="/a/../b//c", **good).target == "/b/c"
    answer = gate.answers(way, 307, path="/a%2Fb", **good)
    assert answer.value("location").endswith("/a/b")
    verdicts.covered(answer)
    gate.refuses(way, "path_invalid", 400, path="/a;b", **good)


@plain_ways
def test_rule_47_only_a_grpc_backend_sees_the_deadline(gate, way):
    headers = [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "5S"), *cookie("training", session("training"))]
    arrived = gate.permits(way, path="/package.Service/Method", method="POST", body=b"\0\0\0\0\0", headers=headers)
    [value] = arrived.values("grpc-timeout")
    assert value.endswith("m") and int(value[:-1]) <= 5000


def test_rule_33_connect_by_fragment_signs_in_everywhere(gate):
    token = session("training")
    page = gate.ask("http1", "training", CONNECT)
    assert page.status == 200 and "script-src 'sha256-" in page.value("content-security-policy")
    answer = gate.ask("http2", "training", f"{CONNECT}?next=%2Fruns", method="POST",
                      headers=[("authorization", f"Bearer {token}"), ("content-length", "0")])
    assert (answer.status, answer.value("location")) == (303, "/runs"), answer.text
    assert answer.value("set-cookie").startswith(f"__Host-dashgate-training={token}; ")
    assert gate.upstream.received() == []


@plain_ways
def test_rule_33_a_form_is_answered_at_once_taken_or_not(gate, way, request):
    """Only an EnvoyFilter, and the edge itself, can let the gate read a body."""
    answer = post(gate, way, form(session("training")))
    holds = any(name in request.node.name for name in ("edge", "envoyfilter"))
    assert answer.status == (303 if holds else 501), answer.text
    assert gate.upstream.received() == []


def test_rule_41_no_log_holds_a_credential_or_a_query(gate):
    """The mesh's own access log is on here, as in Istio's demo profile: the rendered Telemetry switches it off."""
    token, referer = session("training"), "https://training.example.org/?token=in-the-referer"
    gate.permits("http1", path="/logged?key=in-the-query", headers=[*cookie("training", token), ("referer", referer)])
    gate.refuses("http1", "session_missing", 401, path="/logged?key=in-the-query", headers=[("referer", referer)])
    gate.edge.wait(lambda: len([entry for entry in gate.edge.access_log() if entry["path"] == "/logged"]) == 2, gate.edge.access_log,
                   "two entries", 5)
    permitted, refused = [entry for entry in gate.edge.access_log() if entry["path"] == "/logged"]
    assert (permitted["dashgate_dashboard"], permitted["dashgate_subject"], permitted["response_code"]) == ("training", "ana", 200)
    assert (refused["dashgate_refused"], refused["dashgate_reason"], refused["response_code"]) == ("training", "session_missing", 401)
    printed = gate.edge.everything_printed()
    for text in ("in-the-query", "in-the-referer", token, *SECRETS):
        assert text not in printed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_both_versions_of_tls_are_spoken(gate, version):
    for protocol in ("h2", "http/1.1"):
        name = getattr(gate, "server_name", SERVER_NAME)
        with open_tls(gate.edge.port, gate.edge.authority, [protocol], version, name) as spoken:
            assert spoken.selected_alpn_protocol() == protocol


def test_plain_http_leads_to_https_and_to_nothing_else(mesh, private_network):
    """The gate stands in front of the redirect, so who has no session is sent to the portal at once."""
    with Mesh("istio-trafficextension", "istio", only(*NAMES), redirect="80") as stage:
        def ask(name, headers=()):
            with Http1(80, None) as connection:
                connection.send("GET", "/page", [("host", f"{name}.example.org"), *headers])
                return connection.answer()

        for name, headers in (("portal", []), ("training", cookie("training", session("training")))):
            answer = ask(name, headers)
            assert (answer.status, answer.value("location")) == (301, f"https://{name}.example.org/page")
            verdicts.covered(answer)    # HSTS too, which browsers ignore over plain HTTP
        answer = ask("training", [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")])
        assert answer.status == 302 and answer.value("location").startswith("https://portal.example.org/login?")
        assert ask("training").status == 401
        assert stage.upstream.received() == []


def managers(stage):
    dump = json.loads(stage.edge.admin("/config_dump"))
    return [node for node in walk(dump) if str(node.get("@type", "")).endswith("HttpConnectionManager")]


@pytest.mark.parametrize("form", ["istio", "istio-gateway-api"])
def test_rule_41_no_span_is_reported_whatever_the_mesh_says(form, mesh, private_network, monkeypatch):
    """Istio's spans hold the whole URL. Where the rendered Telemetry is taken out, they are there: so it is what keeps them away."""
    spans = {"name": "spans", "zipkin": {"service": "training.dashboards.svc.cluster.local", "port": 80}}
    for name, value in (("enableTracing", True), ("extensionProviders", [spans]), ("defaultProviders", {"tracing": ["spans"]})):
        monkeypatch.setitem(istio.MESH, name, value)
    with Mesh("istio-trafficextension", form, only("other", "training")) as stage:
        assert ["tracing" in manager for manager in managers(stage)] == [False]
        assert [len(manager["access_log"]) for manager in managers(stage)] == [1]      # ours, not the mesh's

    def edit(documents):
        documents.remove(the(documents, "Telemetry"))

    with Mesh("istio-trafficextension", form, only("other", "training"), edit) as stage:
        assert ["tracing" in manager for manager in managers(stage)] == [True]
        assert [len(manager["access_log"]) for manager in managers(stage)] == [2]


def logged_elsewhere(documents):
    """What the mesh's own operators may have written for all of it."""
    documents.append({"apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry", "metadata": {"name": "all", "namespace": "istio-system"},
                      "spec": {"accessLogging": [{"providers": [{"name": "other"}]}]}})


@pytest.mark.parametrize("edit", [None, logged_elsewhere], ids=["by default", "by a Telemetry"])
def test_rule_41_another_access_log_of_the_mesh_is_off_too(edit, mesh, private_network, monkeypatch):
    """The rendered Telemetry names Istio's own provider: whatever else the mesh logs by is out of force for these pods."""
    other = {"name": "other", "envoyFileAccessLog": {"path": "/dev/stdout", "logFormat": {"text": "%REQ(:PATH)%\n"}}}
    monkeypatch.setitem(istio.MESH, "extensionProviders", [other])
    monkeypatch.setitem(istio.MESH, "defaultProviders", {"accessLogging": ["other"]} if edit is None else {})

    def without_ours(documents):
        if edit is not None:
            edit(documents)
        documents.remove(the(documents, "Telemetry", "dashgate"))

    with Mesh("istio-trafficextension", "istio", only("other", "training"), edit) as stage:
        assert [len(manager["access_log"]) for manager in managers(stage)] == [1]      # ours
    with Mesh("istio-trafficextension", "istio", only("other", "training"), without_ours) as stage:
        assert [len(manager["access_log"]) for manager in managers(stage)] == [2]      # and the mesh's
