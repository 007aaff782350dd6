"""The shipped `envoy/edge.yaml`, with only what a test must replace replaced: ports, certificates, paths, the policy, backends.

The routes of each dashboard are copies of the shipped routes with the name changed: what is tested is the shipped form.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

import loopback

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "envoy" / "edge.yaml"
PER_SESSION = ROOT / "envoy" / "per-session.yaml"
LOCK = "wasm.dashgate_dashboard"

Tree = dict


def module() -> Path:
    return Path(os.environ.get("DASHGATE_WASM") or ROOT / "target" / "dashgate.wasm")


def shipped(path: Path = SHIPPED) -> Tree:
    return yaml.safe_load(path.read_text())


def walk(node: object) -> Iterator[dict]:
    """Every mapping in a tree, parents first."""
    if isinstance(node, dict):
        yield node
        for value in list(node.values()):
            yield from walk(value)
    elif isinstance(node, list):
        for value in list(node):
            yield from walk(value)


def rewritten(node: object, change: Callable[[str], str]) -> object:
    """A copy of a tree in which every text went through `change`."""
    if isinstance(node, dict):
        return {key: rewritten(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [rewritten(value, change) for value in node]
    return change(node) if isinstance(node, str) else copy.deepcopy(node)


def wasm_filters(tree: Tree) -> list[Tree]:
    """The HTTP filters that are the gate, by their type and never by their name."""
    return [node for node in walk(tree) if str(node.get("typed_config", {}).get("@type", "")
            if isinstance(node.get("typed_config"), dict) else "").endswith("filters.http.wasm.v3.Wasm")]


def connection_managers(tree: Tree) -> list[Tree]:
    return [node for node in walk(tree) if str(node.get("@type", "")).endswith("HttpConnectionManager")]


def dashboards_manager(tree: Tree) -> Tree:
    """The connection manager of the dashboards: the one that holds the gate."""
    return next(manager for manager in connection_managers(tree) if wasm_filters(manager))


def lock_of(route: Tree) -> str | None:
    """The dashboard whose permit a route asks for."""
    for node in walk(route.get("match", {})):
        if node.get("key") == LOCK:
            return node["string_match"]["exact"]
    return None


def cluster_of(route: Tree) -> str:
    return route["route"]["cluster"]


def dashboards_listener(tree: Tree) -> Tree:
    return next(listener for listener in tree["static_resources"]["listeners"] if wasm_filters(listener))


def admin_socket(tree: Tree) -> str:
    return tree["admin"]["address"]["pipe"]["path"]


def replace_ports(tree: Tree) -> dict[str, int]:
    """Gives every listener a free loopback port. Returns them by role: dashboards, metrics, redirect."""
    ports = {}
    for listener in tree["static_resources"]["listeners"]:
        address = listener["address"]["socket_address"]
        address["address"], address["port_value"] = "127.0.0.1", loopback.free_port()
        if "udp_listener_config" in listener:
            role, address["port_value"] = "http3", ports["dashboards"]      # the same number, which is free for UDP too
        elif wasm_filters(listener):
            role = "dashboards"
        elif any("/stats/prometheus" in str(value) for node in walk(listener) for value in node.values()):
            role = "metrics"
        else:
            role = "redirect"
        ports[role] = address["port_value"]
    for node in walk(tree):
        if "port_redirect" in node:
            node["port_redirect"] = ports["dashboards"]
    return ports


def replace_certificates(tree: Tree, folder: Path) -> None:
    """Puts the tests' certificates into copies of the shipped secrets; how they are watched stays as it is shipped."""
    for node in walk(tree):
        for reference in node.get("tls_certificate_sds_secret_configs", []):
            source = reference["sds_config"]["path_config_source"]
            secrets = shipped(ROOT / source["path"])
            for secret in secrets["resources"]:
                stem = "leaf-rsa" if secret["name"].endswith("-rsa") else "leaf"
                certificate = secret["tls_certificate"]
                certificate["certificate_chain"]["filename"] = str(folder / f"{stem}.pem")
                certificate["private_key"]["filename"] = str(folder / f"{stem}.key")
                certificate["watched_directory"]["path"] = str(folder)
            source["path"] = str(folder / f"secret-{reference['name']}.yaml")
            Path(source["path"]).write_text(yaml.safe_dump(secrets))


def replace_policy(tree: Tree, policy: Tree) -> None:
    """The policy as a native-YAML Struct, as the shipped file has it; the module; the names of the keys' variables."""
    for gate in wasm_filters(tree):
        plugin = gate["typed_config"]["config"]
        plugin["configuration"] = {"@type": "type.googleapis.com/google.protobuf.Struct", "value": copy.deepcopy(policy)}
        plugin["vm_config"]["code"]["local"]["filename"] = str(module())
        names = {key["env"] for key in policy.get("keys", []) if "env" in key}      # public keys have none
        names |= {kind["password_env"] for kind in policy.get("sessions", {}).values() if "password_env" in kind}
        plugin["vm_config"]["environment_variables"]["host_env_keys"] = sorted(names)


def locked_routes(tree: Tree) -> list[Tree]:
    """The routes that ask for a permit."""
    hosts = dashboards_manager(tree)["route_config"]["virtual_hosts"]
    return [route for host in hosts for route in host["routes"] if lock_of(route)]


def model_of(tree: Tree) -> tuple[str, list[Tree], Tree]:
    """The last dashboard of a shipped file: its name, its routes, its cluster."""
    locked = locked_routes(tree)
    model = lock_of(locked[-1])
    routes = [route for route in locked if lock_of(route) == model]
    clusters = tree["static_resources"]["clusters"]
    return model, routes, next(cluster for cluster in clusters if cluster["name"] == cluster_of(routes[0]))


def replace_backends(tree: Tree, policy: Tree, dashboards: dict[str, int]) -> None:
    """For every dashboard of the policy the shipped routes and cluster of one that asks for a session.

    Where its sessions name their backends, those of `envoy/per-session.yaml`.
    """
    table = dashboards_manager(tree)["route_config"]
    hosts = table["virtual_hosts"]
    common, per_session = model_of(tree), model_of(shipped(PER_SESSION))
    private = {dashboard["name"] for dashboard in policy["dashboards"] if dashboard.get("backends")}
    old_names = {cluster_of(route) for route in locked_routes(tree)}
    clusters = tree["static_resources"]["clusters"]
    tree["static_resources"]["clusters"] = [cluster for cluster in clusters if cluster["name"] not in old_names]

    routes = []
    for dashboard, port in dashboards.items():
        model, models, model_cluster = per_session if dashboard in private else common
        cluster = rewritten(model_cluster, lambda text: dashboard if text == model_cluster["name"] else text)
        for node in walk(cluster.get("load_assignment", {})):
            if "port_value" in node:
                node["address"], node["port_value"] = "127.0.0.1", port
        tree["static_resources"]["clusters"].append(cluster)
        for route in models:
            changed = rewritten(route, lambda text: dashboard if text == model else text)
            changed["route"]["cluster"] = dashboard
            if "name" in changed:
                changed["name"] = changed["name"].replace(model, dashboard)
            routes.append(changed)
    # The gate reads authority and path; the routes only its permit. So one virtual host serves every host of the tests.
    host = next(host for host in hosts if any(lock_of(route) for route in host["routes"]))
    others = [route for route in host["routes"] if not lock_of(route)]
    host["domains"], host["routes"] = ["*"], [*routes, *others]
    table["virtual_hosts"] = [host]


def build(folder: Path, policy: Tree, dashboards: dict[str, int], edit: Callable[[Tree], None] | None = None,
          tree: Tree | None = None) -> tuple[Tree, dict[str, int]]:
    """The bootstrap for one Envoy of the tests, and its ports. `edit` is the test's own change, made last.

    `tree` is an edge that was rendered with other settings than the shipped one.
    """
    tree = shipped() if tree is None else tree
    ports = replace_ports(tree)
    replace_certificates(tree, folder)
    replace_policy(tree, policy)
    replace_backends(tree, policy, dashboards)
    old_socket = admin_socket(tree)
    new_socket = str(folder / "admin.sock")
    tree = rewritten(tree, lambda text: new_socket if text == old_socket else text)
    if edit is not None:
        edit(tree)
    return tree, ports
