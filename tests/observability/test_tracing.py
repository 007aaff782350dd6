"""Spans as `dashgate render` sets them up, sent by a real Envoy to a collector: the decision is in them, no credential is."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest
import yaml

import bootstrap
import loopback
from collector import Collector, attributes
from policy import only
from programs import ROOT
from sessions import bokeh_id, bokeh_token, session
from stage import WAYS, Stage, bearer, cookie, ways
from test_secrets import leaked

POLICY = only("portal", "training", "bokeh", "report")
DASHGATE = ROOT / "target/debug/dashgate"
GRPC = [("content-type", "application/grpc"), ("te", "trailers")]


def rendered(collector: str, percent: int = 100) -> dict:
    """The edge's file as it is rendered with a collector."""
    if not DASHGATE.is_file():
        pytest.fail(f"{DASHGATE} is missing: needs cargo build -p dashgate")
    document = yaml.safe_load((ROOT / "envoy/policy.yaml").read_text())
    document["deployment"]["edge"] |= {"collector": collector, "traced_percent": percent}
    text = yaml.safe_dump(document, sort_keys=False)
    run = subprocess.run([DASHGATE, "render", "--for", "edge", "-"], input=text, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr
    return yaml.safe_load(run.stdout)


def traced(port: int, percent: int = 100) -> Callable[[dict], None]:
    """Puts what was rendered for the collector into a test's bootstrap."""
    source = rendered(f"127.0.0.1:{port}", percent)

    def edit(tree: dict) -> None:
        manager, shown = bootstrap.dashboards_manager(tree), bootstrap.dashboards_manager(source)
        for name in ("tracing", "early_header_mutation_extensions"):
            manager[name] = shown[name]
        tree["static_resources"]["clusters"] += [one for one in source["static_resources"]["clusters"] if one["name"] == "collector"]
        # Each span by itself and at once, so that no test waits for the five seconds that Envoy collects them.
        tree["layered_runtime"]["layers"][0]["static_layer"]["tracing.opentelemetry.min_flush_spans"] = 1
    return edit


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def stage(collector) -> Iterator[Stage]:
    with Stage(POLICY, traced(collector.port)) as stage:
        yield stage


@ways
def test_a_permits_span_names_the_dashboard_and_the_session_and_nobody(stage, collector, way):
    path = f"/permitted-{uuid.uuid4().hex}"
    stage.permits(way, path=path, headers=cookie("training", session("training", sub="somebody-by-name")))
    entry = stage.edge.wait_for_access(lambda entry: entry["path"] == path)
    [span] = collector.wait_for("url.path", path)
    tags = attributes(span)
    assert tags["dashgate.dashboard"] == tags["upstream_cluster"] == "training"
    assert tags["dashgate.session"] == entry["dashgate_session"] and re.fullmatch("[0-9a-f]{16}", tags["dashgate.session"])
    assert tags["guid:x-request-id"] == entry["request_id"]
    assert tags["http.status_code"] == ("101" if way.startswith("upgrade") else "200")
    assert "dashgate.refused" not in tags
    assert not any(b"somebody-by-name" in body for body in collector.bodies)


@ways
def test_a_refusals_span_names_the_reason(stage, collector, way):
    path = f"/refused-{uuid.uuid4().hex}"
    stage.refuses(way, "session_missing", 401, path=path)
    [span] = collector.wait_for("url.path", path)
    tags = attributes(span)
    assert (tags["dashgate.refused"], tags["dashgate.reason"], tags["http.status_code"]) == ("training", "session_missing", "401")
    assert "dashgate.dashboard" not in tags and "dashgate.session" not in tags and "upstream_cluster" not in tags


def everything_that_holds_a_credential(stage: Stage) -> int:
    """Requests with one in each place where a client can put it. Returns how many spans they make."""
    token, identity, inner = session("training"), bokeh_id(), bokeh_token()
    query = f"token={token}&bokeh-session-id={identity}&bokeh-token={inner}"
    referer = [("referer", f"https://training.example.org/?{query}")]
    spans = 0
    for way in WAYS:
        for host in ("training.example.org", "bokeh.example.org", "unknown.example.org"):
            for lines in (cookie("training", token), bearer(token), [("bokeh-session-id", identity)], [("sec-websocket-protocol", f"dashgate, {token}")]):
                stage.ask(way, path=f"/?{query}", host=host, headers=[*lines, *referer])
                spans += 1
    for path in (f"/package.Service/Method?{query}", f"/.dashgate/connect?{query}"):
        stage.ask("http2", path=path, method="POST", body=b"\0\0\0\0\0", headers=[*GRPC, *cookie("training", token), *referer])
        spans += 1
    return spans


def secrets_in_spans(collector: Collector, spans: int) -> list[str]:
    collector.wait_for("component", "proxy", spans)
    return leaked("\n".join(body.decode("latin-1") for body in collector.bodies))


def test_rule_41_no_span_holds_a_credential():
    with Collector() as collector, Stage(POLICY, traced(collector.port)) as stage:
        spans = everything_that_holds_a_credential(stage)
        assert secrets_in_spans(collector, spans) == []
        grpc = [attributes(span) for span in collector.spans() if attributes(span).get("grpc.content_type")]
        assert [tags["grpc.path"] for tags in grpc] == ["/package.Service/Method", "/.dashgate/connect"]
        assert {attributes(span)["http.url"].count("/") for span in collector.spans()} == {2}      # https://host and no more


@pytest.mark.parametrize("left_out", ["max_path_tag_length", "grpc.path"])
def test_without_either_setting_envoys_own_tags_hold_the_query(left_out):
    """Both are needed, and the search does find what is there."""
    with Collector() as collector:
        add = traced(collector.port)

        def edit(tree: dict) -> None:
            add(tree)
            tracing = bootstrap.dashboards_manager(tree)["tracing"]
            tracing.pop(left_out, None)
            tracing["custom_tags"] = [tag for tag in tracing["custom_tags"] if tag["tag"] != left_out]

        with Stage(POLICY, edit) as stage:
            assert secrets_in_spans(collector, everything_that_holds_a_credential(stage)) != []


def test_no_client_chooses_the_traces_id_or_name(stage, collector):
    path = f"/steered-{uuid.uuid4().hex}"
    told = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=b", "baggage": "c=d",
            "x-client-trace-id": "of-the-client", "x-envoy-decorator-operation": "of-the-client"}
    arrived = stage.permits("http1", path=path, headers=[*cookie("training", session("training")), *told.items()])
    [span] = collector.wait_for("url.path", path)
    assert span.trace_id.hex() != "0af7651916cd43dd8448eb211c80319c" and span.parent_span_id == b""
    assert span.name == "ingress" and "guid:x-client-trace-id" not in attributes(span)
    assert [value.split("-")[1] for value in arrived.values("traceparent")] == [span.trace_id.hex()]
    assert arrived.values("tracestate") in ([], [""]) and arrived.values("baggage") == []
    assert "of-the-client" not in str(arrived.headers)


def test_no_client_chooses_what_is_sampled():
    with Collector() as collector:
        add = traced(collector.port, 1)

        def edit(tree: dict) -> None:
            add(tree)
            sampling = bootstrap.dashboards_manager(tree)["tracing"]["random_sampling"]
            assert sampling == {"value": 1}
            sampling["value"] = 0

        with Stage(POLICY, edit) as stage:
            forced = [("x-envoy-force-trace", "1"), ("x-client-trace-id", "1"), ("x-b3-sampled", "1"),
                      ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
            for way in WAYS:
                arrived = stage.permits(way, headers=[*cookie("training", session("training")), *forced])
                assert all(value.endswith("-00") for value in arrived.values("traceparent"))     # not sampled
            assert stage.edge.stat("http.dashboards.tracing.random_sampling") == 0
            assert stage.edge.stat("http.dashboards.tracing.client_enabled") == stage.edge.stat("http.dashboards.tracing.service_forced") == 0
        assert collector.spans() == []


def test_nothing_waits_for_a_collector_that_is_gone():
    with Stage(POLICY, traced(loopback.free_port())) as stage:
        for way in WAYS:
            stage.permits(way, headers=cookie("training", session("training")))
        stage.edge.wait(lambda: stage.edge.stat("cluster.collector.upstream_cx_connect_fail") > 0, lambda: "", "attempt to reach the collector", 20)
        stage.permits("http1", headers=cookie("training", session("training")))
