"""The shipped Istio resources before anything runs: Kubernetes' own schema, unknown fields and CEL rules, and Envoy's word on what is
inside an EnvoyFilter, which Istio would only drop."""

import copy
import os
import subprocess

import pytest
import yaml

import bootstrap
import sessions
from bootstrap import ROOT, walk
from edge import binary
from rendered import documents, the

SHIPPED = sorted((ROOT / "envoy" / "istio").glob("*.yaml"))
files = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
MANAGER = "envoy.filters.network.http_connection_manager"


def judged(mesh, path):
    """What an API server that has these definitions says of a file."""
    crds = ",".join(str(one) for one in sorted(mesh.glob("*.yaml")))
    done = subprocess.run([str(mesh / "mesh"), "validate", "-crds", crds, str(path)], capture_output=True, text=True,
                          env={**os.environ, "TARGET_OUT": "/", "LOCAL_OUT": "/"})
    return done.returncode, done.stdout + done.stderr


def defined(path):
    """The documents of kinds that have a definition; a ConfigMap is the API server's own."""
    return [one for one in documents(path.read_text()) if one["apiVersion"] != "v1"]


def changed(tmp_path, path, change):
    tree = documents(path.read_text())
    change(tree)
    (tmp_path / "changed.yaml").write_text(yaml.safe_dump_all(tree))
    return tmp_path / "changed.yaml"


def test_all_nine_are_there():
    assert len(SHIPPED) == 9


@files
def test_an_api_server_takes_every_resource(mesh, path):
    code, said = judged(mesh, path)
    assert code == 0, said
    assert said.count(": ok\n") == len(defined(path)), said


@files
def test_and_refuses_every_one_with_a_field_that_it_does_not_know(mesh, tmp_path, path):
    """Nothing is taken only because nobody looked at it."""
    def change(documents):
        for one in documents:
            one.setdefault("spec", {})["dashgait"] = True

    code, said = judged(mesh, changed(tmp_path, path, change))
    assert code == 1 and said.count("unknown fields [spec.dashgait]") == len(defined(path)), said


def misspelt(documents):
    the(documents, "TrafficExtension")["spec"]["wasm"]["pluginNam"] = "dashgate"


def two_ways_to_attach(documents):
    the(documents, "TrafficExtension")["spec"]["targetRefs"] = [{"kind": "Service", "name": "x"}]


def lua_beside(documents):
    the(documents, "TrafficExtension")["spec"]["lua"] = {"inlineCode": "function envoy_on_request(handle) end"}


def no_such_policy(documents):
    the(documents, "TrafficExtension")["spec"]["wasm"]["failStrategy"] = "FAIL_CLOSED"


def a_key_in_the_open(documents):
    the(documents, "TrafficExtension")["spec"]["wasm"]["vmConfig"]["env"][0]["value"] = "secret"


@pytest.mark.parametrize("change", [misspelt, two_ways_to_attach, lua_beside, no_such_policy, a_key_in_the_open],
                         ids=lambda change: change.__name__)
def test_an_api_server_refuses_what_is_written_wrong(mesh, tmp_path, change):
    code, said = judged(mesh, changed(tmp_path, ROOT / "envoy" / "istio" / "trafficextension.yaml", change))
    assert code == 1 and "TrafficExtension dashgate: " in said and "TrafficExtension dashgate: ok" not in said


def merged(old, new):
    """As Istio merges a patch: maps member by member, lists one after the other."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old[key], value) if key in old else value for key, value in new.items()}}
    return [*old, *new] if isinstance(old, list) and isinstance(new, list) else copy.deepcopy(new)


def as_bootstrap(path, folder):
    """Every patch of a file's EnvoyFilters in one configuration, for Envoy to judge: it refuses what it does not know."""
    filters, manager, extensions, listener, route = [], {}, {}, {}, {"match": {"prefix": "/"}, "route": {"cluster": "none"}}
    router = {"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}
    for one in documents(path.read_text()):
        if one["kind"] != "EnvoyFilter":
            continue
        for patch in one["spec"]["configPatches"]:
            value, kind = patch["patch"]["value"], patch["applyTo"]
            if kind == "EXTENSION_CONFIG":
                extensions[value["name"]] = value["typed_config"]
            elif kind == "HTTP_ROUTE":
                route = merged(route, value)
            elif kind == "NETWORK_FILTER":
                manager = merged(manager, value["typed_config"])
            elif kind == "LISTENER":
                listener = merged(listener, value)
            elif patch["patch"]["operation"] == "MERGE":
                router = merged(router, value)
            elif "config_discovery" in value:
                assert value["config_discovery"]["type_urls"] == [extensions[value["name"]]["@type"]]
                filters.insert(0, {"name": value["name"], "typed_config": extensions[value["name"]]})
            else:
                filters.insert(0 if patch["patch"]["operation"] == "INSERT_FIRST" else len(filters), value)
    for node in walk({"filters": filters}):
        if "remote" in node:        # istio-agent's to fetch
            node["local"] = {"filename": str(bootstrap.module())}
            del node["remote"]
    manager = merged({"stat_prefix": "x", "http_filters": [*filters, router], "upgrade_configs": [{"upgrade_type": "websocket"}],
                      "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]}}, manager)
    tree = {"static_resources": {
        "listeners": [merged({"name": "x", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                              "filter_chains": [{"filters": [{"name": MANAGER, "typed_config": manager}]}]}, listener)],
        "clusters": [{"name": "none", "type": "STATIC"}]}}
    place = folder / "bootstrap.yaml"
    place.write_text(yaml.safe_dump(tree))
    return place


def envoy_says(place):
    keys = {"DASHGATE_KEY": sessions.base64url(sessions.KEY_CURRENT), "BOKEH_SECRET_KEY": sessions.BOKEH_SECRET}
    done = subprocess.run([binary(), "--mode", "validate", "-c", str(place)], capture_output=True, text=True, env=keys)
    return done.returncode, done.stdout + done.stderr


@files
def test_envoy_takes_all_that_the_envoyfilters_say(tmp_path, path):
    code, said = envoy_says(as_bootstrap(path, tmp_path))
    assert code == 0, said[-2000:]


@pytest.mark.parametrize("old,new", [("failure_policy:", "failure_polic:"), ("normalize_path:", "normalise_path:"),
                                     ("grpc_timeout_header_max:", "grpc_timeout_max:"), ("principals:", "principal:"),
                                     ("portal-2026-11]", "portal-2026]")])
def test_and_refuses_a_word_that_istio_would_drop(tmp_path, old, new):
    """The last is a policy that the gate itself refuses: validating runs it."""
    text = (ROOT / "envoy" / "istio" / "envoyfilter.yaml").read_text()
    assert old in text
    (tmp_path / "misspelt.yaml").write_text(text.replace(old, new, 1))
    code, _ = envoy_says(as_bootstrap(tmp_path / "misspelt.yaml", tmp_path))
    assert code == 1
