"""The shipped `envoy/sidecar.yaml` beside a dashboard on a unix socket: only paths, ports, certificates and the policy replaced."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import bootstrap
import certificates
import sessions
import yaml
from client import Http1, Http2
from edge import Envoy
from policy import only
from stage import Stage
from upstream import Upstream

SHIPPED = bootstrap.ROOT / "envoy" / "sidecar.yaml"
EDGE_NAME, OWN_NAME = "edge.dashgate.example.org", "bokeh.dashgate.example.org"
# As the shipped one: a portal's session and the dashboard's own id, which the dashboard reads.
DASHBOARD = "report"

Tree = dict


def replace_edge_certificates(tree: Tree, folder: Path) -> None:
    """Puts the tests' authority of the edge behind the shipped secret. It is not the one of the sidecar's own certificate."""
    for node in bootstrap.walk(tree):
        reference = node.get("validation_context_sds_secret_config")
        if reference is None:
            continue
        source = reference["sds_config"]["path_config_source"]
        secrets = bootstrap.shipped(bootstrap.ROOT / source["path"])
        for secret in secrets["resources"]:
            assert secret["name"] == reference["name"]
            secret["validation_context"]["trusted_ca"]["filename"] = str(folder / "edge-authority.pem")
            secret["validation_context"]["watched_directory"]["path"] = str(folder)
        source["path"] = str(folder / "secret-edge-certificates.yaml")
        Path(source["path"]).write_text(yaml.safe_dump(secrets))


def build(folder: Path, policy: Tree, dashboard_socket: str, edit: Callable[[Tree], None] | None = None) -> tuple[Tree, dict[str, int]]:
    """The bootstrap of one sidecar and its ports."""
    tree = bootstrap.shipped(SHIPPED)
    (old_dashboard,) = [node["pipe"]["path"] for cluster in tree["static_resources"]["clusters"] if cluster["name"] != "admin"
                        for node in bootstrap.walk(cluster) if "pipe" in node]
    replaced = {bootstrap.admin_socket(tree): str(folder / "admin.sock"), old_dashboard: dashboard_socket}
    ports = bootstrap.replace_ports(tree)
    bootstrap.replace_certificates(tree, folder)
    replace_edge_certificates(tree, folder)
    bootstrap.replace_policy(tree, policy)
    bootstrap.replace_backends(tree, policy, {dashboard["name"]: 0 for dashboard in policy["dashboards"]})
    tree = bootstrap.rewritten(tree, lambda text: replaced.get(text, text))
    if edit is not None:
        edit(tree)
    return tree, ports


class Beside(Stage):
    """A sidecar with a recording dashboard behind it, asked by an edge that shows its certificate.

    All of `Stage` works on it. `identity` is who asks; None shows no certificate.
    """

    def __init__(self, edit: Callable[[Tree], None] | None = None):
        self.folder = Path(tempfile.mkdtemp(prefix="dashgate-"))
        self.place = self.folder / "dashboard"
        self.place.mkdir(mode=0o700)
        self.socket = self.place / "dashboard.sock"
        policy = only(DASHBOARD)
        try:
            self.upstream = Upstream([DASHBOARD], self.listen)
            certificates.make(self.folder).issue(self.folder, "leaf", OWN_NAME, (OWN_NAME, "*.example.org"))
            self.authority_of_edges = certificates.Authority("authority of edges")
            (self.folder / "edge-authority.pem").write_bytes(certificates.pem(self.authority_of_edges.certificate))
            self.issue("edge", self.authority_of_edges, EDGE_NAME)
            self.identity: str | None = str(self.folder / "edge")
            tree, ports = build(self.folder, policy, str(self.socket), edit)
            (self.folder / "bootstrap.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
            self.edge = Envoy(self.folder, ports, sessions.environment())
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def listen(self, _dashboard: str) -> socket.socket:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.socket))
        listening.listen(64)
        return listening

    def issue(self, stem: str, authority: certificates.Authority, name: str) -> str:
        """A certificate of an edge, or of who would be one."""
        authority.issue(self.folder, stem, name, (name,), client=True)
        return str(self.folder / stem)

    @property
    def authority(self) -> str:
        """Of the sidecar's own certificate."""
        return str(self.folder / "authority.pem")

    def http1(self) -> Http1:
        return Http1(self.edge.port, self.authority, identity=self.identity)

    def http2(self) -> Http2:
        return Http2(self.edge.port, self.authority, identity=self.identity)
