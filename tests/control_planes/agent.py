"""The real istio-agent between Istio's generator and Envoy: it writes the bootstrap, starts Envoy, and pulls the module's image."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from pathlib import Path

import build
import namespaces
import rendered
from edge import Envoy, binary
from istio import VERSION, Mesh
from loopback import free_port

DATA = Path("/var/lib/istio/data")      # where an agent keeps modules, whatever one tells it


class Agent(Envoy):
    """An Envoy that istio-agent started: its admin interface is a port, and both print into one log."""

    def __init__(self, folder: Path, ports: dict[str, int], command: list[str], environment: dict[str, str]):
        self.folder, self.ports = folder, ports
        self.access_file = self.log_file = folder / "agent.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, env=environment)
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def admin(self, path: str, method: str = "GET") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["admin"], timeout=10)
        try:
            connection.request(method, path)
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()


class AgentMesh(Mesh):
    """A gateway as it runs in a pod. `registry` is where images may be pulled from in plain HTTP."""

    def __init__(self, registry: int, *arguments: object, **options: object):
        self.registry = registry
        if not os.path.ismount("/var/lib"):
            namespaces.mount("-t", "tmpfs", "none", "/var/lib")     # the tests' own, not the machine's
        DATA.mkdir(parents=True, exist_ok=True)
        super().__init__(*arguments, **options)

    def _override(self) -> Path:
        """The rendered ConfigMap as the file that the pod would have."""
        found = rendered.the(rendered.documents((self.folder / "resources.yaml").read_text()), "ConfigMap", "dashgate-bootstrap")
        place = self.folder / "custom_bootstrap.json"
        place.write_text(found["data"]["custom_bootstrap.json"])
        return place

    def _proxy(self, where: str, account: str, labels: dict, xds: int, listen: int) -> Envoy:
        ports = {"dashboards": listen, "admin": free_port()}
        proxy = {"discoveryAddress": f"127.0.0.1:{xds}", "controlPlaneAuthPolicy": "NONE", "configPath": str(self.folder / "proxy"),
                 "binaryPath": binary(), "proxyAdminPort": ports["admin"], "concurrency": 1, "terminationDrainDuration": "1s"}
        kind = "sidecar" if self.is_sidecar else "router"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "POD_NAME": "gateway", "POD_NAMESPACE": where,
            "SERVICE_ACCOUNT": account, "INSTANCE_IP": "127.0.0.1", "CLOUD_PLATFORM": "none", "ISTIO_META_CLUSTER_ID": "Kubernetes",
            "ISTIO_META_ISTIO_VERSION": VERSION, **({"ISTIO_META_INTERCEPTION_MODE": "NONE"} if self.is_sidecar else {}), "ISTIO_METAJSON_LABELS": json.dumps(labels), "JWT_POLICY": "first-party-jwt",
            "CREDENTIAL_FETCHER_TYPE": "", "PILOT_CERT_PROVIDER": "none",
            "FILE_MOUNTED_CERTS": "true",       # do not ask a certificate authority: there is none
            "ISTIO_BOOTSTRAP_OVERRIDE": str(self._override()),      # what the annotation sidecar.istio.io/bootstrapOverride leads to
            "PROXY_CONFIG": json.dumps(proxy), "WASM_INSECURE_REGISTRIES": f"127.0.0.1:{self.registry}", **self.environment}
        program = build.built("agent")
        command = [str(program / "pilot-agent"), "proxy", kind, "--domain", f"{where}.svc.cluster.local", "--templateFile",
                   str(program / "envoy_bootstrap.json"), "--proxyLogLevel=warning,wasm:info"]
        return Agent(self.folder, ports, command, environment)
