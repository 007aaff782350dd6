"""Istio's configuration generator and an Envoy that takes everything from it, asked like any other edge of the tests.

The Envoy is the tests' own: the features that only istio-proxy's build has are switched off.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

import build
import certificates
import cluster
import rendered
import sessions
from bootstrap import module, walk
from client import SERVER_NAME, Http1, Http2
from edge import Envoy
from ending import end
from loopback import free_port
from stage import Stage
from upstream import Upstream

VERSION = "1.30.3"      # istiod chooses features by the version that a proxy claims
READY_SECONDS, LISTENER_SECONDS = 60, 20
GATEWAY_API_LABEL = {"gateway.networking.k8s.io/gateway-name": "dashboards"}
SECTIONS: dict[str, dict] = {
    "istio": {"namespace": cluster.GATEWAYS, "gateway": "dashboards", "workload": "=".join(cluster.WORKLOAD)},
    "istio-gateway-api": {"api": "gateway-api", "namespace": cluster.GATEWAYS, "gateway": "dashboards"},
    "istio-sidecar": {"api": "sidecar", "namespace": cluster.DASHBOARDS, "workload": "app=training",
                      "from": "cluster.local/ns/istio-ingress/sa/gateway"},
}
# A mesh that logs as Istio's own demo profile does, and speaks HTTP/2 to every backend that does not say no: what is rendered must
# hold in it.
MESH = {"rootNamespace": "istio-system", "trustDomain": "cluster.local", "enableAutoMtls": False, "ingressControllerMode": "OFF",
        "accessLogFile": "/dev/stdout", "h2UpgradePolicy": "UPGRADE"}

Documents = list[dict]


def fields(section: str, **more: object) -> dict:
    """A section as the tests fill it; the port is the one in the policy's URLs."""
    common = {"port": "443", "credential": "dashboards-tls", "services": cluster.DASHBOARDS, "service_port": "80",
              "module": f"file://{module()}"}
    return {**SECTIONS[section], **common, **more}


class Mesh(Stage):
    """One control plane, one Envoy, the upstream that records. `edit` is the test's own change to the rendered documents,
    `more` to the section they are rendered from; `shipped` is a file to take instead of rendering."""

    mutual = False      # certificates for mutual TLS come from an authority in the cluster, and there is none here

    def __init__(self, target: str, section: str, policy: dict, edit: Callable[[Documents], None] | None = None,
                 shipped: Path | None = None, environment: dict[str, str] | None = None, **more: str):
        # Forms are on unless a policy says otherwise; where nothing can hold them, render takes them out of one that says nothing.
        policy.get("connect", {}).pop("form", None)
        names = [dashboard["name"] for dashboard in policy["dashboards"]]
        self.upstream = Upstream(names)
        self.is_sidecar = section == "istio-sidecar"
        self.environment = sessions.environment() if environment is None else environment
        self.folder = Path(tempfile.mkdtemp(prefix="dashgate-"))
        self.generator: subprocess.Popen | None = None
        self.edge = None
        try:
            certificates.make(self.folder)
            if shipped is None:
                documents = rendered.documents(rendered.text_of(target, policy, section, **fields(section, **more)))
            else:
                documents = with_the_module(rendered.documents(shipped.read_text()))
            self.server_name = server_name(documents)
            if edit is not None:
                edit(documents)
            self._start(documents, {name: self.upstream.port(name) for name in names}, int(self._port_of(documents)))
        except BaseException:
            self.stop()
            raise

    def _port_of(self, documents: Documents) -> int:
        """The port browsers use, as the rendered Gateway says."""
        for one in documents:
            if one["kind"] == "Gateway":
                first = one["spec"].get("servers", [None])[0] or one["spec"]["listeners"][0]
                return first["port"]["number"] if isinstance(first["port"], dict) else first["port"]
        return 443

    def _start(self, documents: Documents, ports: dict[str, int], port: int) -> None:
        listen, xds = free_port(), free_port()
        if self.is_sidecar:
            [(name, backend)] = ports.items()
            labels = {"app": name}
            around = cluster.beside_a_sidecar(name, labels, listen, backend, self.mutual)
            if not self.mutual:
                documents = [one for one in documents if not one["apiVersion"].startswith("security.istio.io/")]
            where, account = cluster.DASHBOARDS, "default"
        else:
            labels = dict([cluster.WORKLOAD]) | GATEWAY_API_LABEL
            around = cluster.around_a_gateway(labels, port, listen, ports, self.folder)
            where, account = cluster.GATEWAYS, cluster.SERVICE
        self._write("resources.yaml", documents + around)
        (self.folder / "mesh.yaml").write_text(yaml.safe_dump(MESH))
        self._serve(xds, f"spiffe://cluster.local/ns/{where}/sa/{account}")
        self.edge = self._proxy(where, account, labels, xds, listen)
        self.edge.wait(lambda: accepts(listen), self._state, f"listener on {listen}", LISTENER_SECONDS)

    def _proxy(self, where: str, account: str, labels: dict, xds: int, listen: int) -> Envoy:
        tree = proxy_bootstrap("sidecar" if self.is_sidecar else "router", where, account, labels, xds, self.folder)
        (self.folder / "bootstrap.yaml").write_text(yaml.safe_dump(tree))
        return Envoy(self.folder, {"dashboards": listen}, self.environment)

    def _write(self, name: str, documents: Documents) -> None:
        (self.folder / name).write_text(yaml.safe_dump_all(documents, sort_keys=False))

    def _serve(self, xds: int, identity: str) -> None:
        command = [str(build.built("mesh") / "mesh"), "serve", "-listen", f"127.0.0.1:{xds}", "-identity", identity,
                   "-mesh", str(self.folder / "mesh.yaml"), str(self.folder / "resources.yaml")]
        # The last two: Istio's test framework looks for its own source tree.
        environment = {**os.environ, "PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false",
                       "XDS_AUTH_PLAINTEXT": "true", "TARGET_OUT": "/", "LOCAL_OUT": "/"}
        with open(self.folder / "mesh.log", "wb") as log:
            self.generator = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                              cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + READY_SECONDS
        while "READY" not in self.said():
            assert self.generator.poll() is None, f"mesh ended:\n{self.said()[-3000:]}"
            assert time.monotonic() < deadline, f"mesh was not ready in {READY_SECONDS} s:\n{self.said()[-3000:]}"
            time.sleep(0.05)

    def said(self) -> str:
        """What the control plane printed."""
        return (self.folder / "mesh.log").read_text("utf-8", "replace")

    def apply(self, edit: Callable[[Documents], None]) -> None:
        """Changes the rendered documents as an operator would, and applies them to the running control plane."""
        documents = rendered.documents((self.folder / "resources.yaml").read_text())
        edit(documents)
        self._write("resources.yaml", documents)
        before = self.said().count("UPDATED")
        os.kill(self.generator.pid, signal.SIGHUP)
        self.edge.wait(lambda: self.said().count("UPDATED") > before, self.said, "update", 10)

    def _state(self) -> str:
        """What is known when no listener came."""
        rejected = [line for line in self.edge.admin("/stats").splitlines()
                    if "rejected: " in line and not line.endswith(": 0")]
        warnings = [line for line in self.edge.log().splitlines() if "[warning]" in line or "[error]" in line]
        return "\n".join([*rejected, *warnings[-6:], self.said()[-800:]])

    def http1(self) -> Http1:
        return Http1(self.edge.port, self._authority(), self.server_name)

    def http2(self) -> Http2:
        return Http2(self.edge.port, self._authority(), self.server_name)

    def _authority(self) -> str | None:
        """A sidecar speaks plain HTTP here."""
        return None if self.is_sidecar else self.edge.authority

    def stop(self) -> None:
        if self.edge is not None:
            self.edge.stop()
        if self.generator is not None:
            end(self.generator)
        self.upstream.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def server_name(documents: Documents) -> str:
    """A name that the classic Gateway's listener knows; every other takes any."""
    for one in documents:
        if one["kind"] == "Gateway" and "servers" in one["spec"]:
            return one["spec"]["servers"][0]["hosts"][-1].removeprefix("./")
    return SERVER_NAME


def with_the_module(documents: Documents) -> Documents:
    """The shipped image's place taken by the module's file: nobody here pulls images for a plain Envoy."""
    for node in walk({"documents": documents}):
        if str(node.get("url", "")).startswith("oci://"):
            node["url"] = f"file://{module()}"
        if "remote" in node and "http_uri" in node["remote"]:
            del node["remote"]
            node["local"] = {"filename": str(module())}
    return documents


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
        return True
    except OSError:
        return False


def proxy_bootstrap(kind: str, where: str, account: str, labels: dict, xds: int, folder: Path) -> dict:
    """What istio-agent would write for this proxy, with the control plane in plain text on loopback."""
    metadata = {"NAMESPACE": where, "NAME": "gateway" if kind == "router" else "app", "LABELS": labels, "CLUSTER_ID": "Kubernetes",
                "MESH_ID": "cluster.local", "ISTIO_VERSION": VERSION, "SERVICE_ACCOUNT": account, "INSTANCE_IPS": "127.0.0.1",
                "PROXY_CONFIG": {}}
    if kind == "sidecar":
        metadata["INTERCEPTION_MODE"] = "NONE"      # nothing redirects traffic here: listeners bind their ports
    source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    http2 = {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
             "explicit_http_config": {"http2_protocol_options": {}}}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": xds}}
    return {
        "node": {"id": f"{kind}~127.0.0.1~{metadata['NAME']}.{where}~{where}.svc.cluster.local",
                 "cluster": f"{metadata['NAME']}.{where}", "metadata": metadata},
        "admin": {"address": {"pipe": {"path": str(folder / "admin.sock"), "mode": 0o600}}},
        "dynamic_resources": {
            "lds_config": source, "cds_config": source,
            "ads_config": {"api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": True,
                           "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}]}},
        "static_resources": {"clusters": [{
            "name": "xds-grpc", "type": "STATIC", "connect_timeout": "5s",
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
            "load_assignment": {"cluster_name": "xds-grpc",
                                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}}]},
    }
