"""The shipped Envoy with a capability list and no backends: a permitted request is one that ends at a closed port."""

import base64
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import jwt
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "demo"))

import certificates  # noqa: E402
import edge  # noqa: E402
from client import Client  # noqa: E402
from processes import Processes, free_port  # noqa: E402

KEY = bytes(range(32))
NAMES = ("dashboards", "redirect", "metrics", "portal", "bokeh", "tensorboard")


class Restricted:
    """An Envoy whose gate has these capabilities and no others."""

    def __init__(self, directory: Path, wasm: Path, capabilities: set[str]):
        self.ports = {name: free_port() for name in NAMES}
        self.processes = Processes(directory / "logs")
        self.authority = certificates.make(directory / "tls", ["portal.localhost", "tensorboard.localhost"])
        configuration = edge.write(ROOT / "envoy", directory, wasm, self.ports)
        tree = yaml.safe_load(configuration.read_text())
        gate = next(node["config"] for node in _mappings(tree) if node.get("@type") == edge.WASM)
        gate["capability_restriction_config"] = {"allowed_capabilities": {name: {} for name in sorted(capabilities)}}
        configuration.write_text(yaml.safe_dump(tree, sort_keys=False))
        self.command = [edge.envoy_binary(), "-c", str(configuration), "--use-dynamic-base-id", "--concurrency", "1"]

    def __enter__(self) -> "Restricted":
        keys = {"DASHGATE_KEY": base64.urlsafe_b64encode(KEY).rstrip(b"=").decode(), "BOKEH_SECRET_KEY": "b" * 44}
        self.processes.start("envoy", self.command, keys, ROOT)
        try:
            self.processes.wait_for_port("envoy", self.ports["dashboards"])
        except BaseException:
            self.processes.stop()
            raise
        return self

    def __exit__(self, *_error) -> None:
        self.processes.stop()

    def origin(self, name: str) -> str:
        """The origin of the portal or of a dashboard."""
        return f"https://{name}.localhost:{self.ports['dashboards']}"

    def token(self) -> str:
        """A session for the dashboard tensorboard."""
        now = int(time.time())
        claims = {"iss": self.origin("portal"), "aud": self.origin("tensorboard") + "/", "sub": "ana", "iat": now,
                  "exp": now + 600, "jti": str(uuid.uuid4())}
        return jwt.encode(claims, KEY, algorithm="HS256", headers={"kid": "portal-2026-11"})

    def answers(self) -> dict[str, tuple[int, str | None]]:
        """The status of each way through the gate, with the header that shows that the gate has done its work."""
        url, page = self.origin("tensorboard"), "/data/runs"
        stranger, connected = Client(self.authority), Client(self.authority)
        refused = stranger.request("GET", url + page)
        form = {"token": self.token(), "next": page}
        connect = connected.request("POST", url + "/.dashgate/connect", {"Origin": self.origin("portal")}, form)
        connected.cookies.setdefault("tensorboard.localhost", {})["__Host-dashgate-tensorboard"] = form["token"]
        permitted = connected.request("GET", url + page)
        return {
            "refused": (refused.status, refused.headers["WWW-Authenticate"]),
            "connected": (connect.status, connect.headers["Location"]),
            "permitted": (permitted.status, permitted.headers["X-Frame-Options"]),
        }



def _mappings(node) -> Iterator[dict]:
    """Every mapping in a tree."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict):
        yield node
    for child in children:
        yield from _mappings(child)
