"""The edge of `dashgate render` with `http3: true`, and requests to it over HTTP/3."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import bootstrap
import certificates
import client3
import pytest
import sessions
import yaml
from client import Answer, Lines
from client3 import Outcome
from edge import Envoy
from policy import host_of, only, origin_of, path_of
from stage import OWN, Stage, described
from upstream import Recorded, Upstream

PROGRAM = bootstrap.ROOT / "target" / "debug" / "dashgate"
DASHBOARDS = ("portal", "training", "other", "bokeh", "lenient", "brief")


def rendered() -> dict:
    """The shipped edge with HTTP/3 switched on, as the command prints it."""
    if not PROGRAM.is_file():
        pytest.exit(f"{PROGRAM} is missing: cargo build --package dashgate", returncode=3)
    source = (bootstrap.ROOT / "envoy/policy.yaml").read_text()
    switched = source.replace("    redirect: 127.0.0.1:8080\n", "    redirect: 127.0.0.1:8080\n    http3: true\n")
    assert switched != source
    done = subprocess.run([str(PROGRAM), "render", "--for", "edge", "-"], input=switched, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


class Http3Stage(Stage):
    """An edge with an upstream that records; `over3` and its friends ask over HTTP/3, all else of `Stage` over TCP."""

    def __init__(self, edit: Callable[[dict], None] | None = None):
        policy = only(*DASHBOARDS)
        self.upstream = Upstream(list(DASHBOARDS))
        folder = Path(tempfile.mkdtemp(prefix="dashgate-"))
        try:
            certificates.make(folder)
            ports = {name: self.upstream.port(name) for name in DASHBOARDS}
            tree, ports = bootstrap.build(folder, policy, ports, edit, rendered())
            (folder / "bootstrap.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
            self.edge = Envoy(folder, ports, sessions.environment())
        except BaseException:
            self.upstream.stop()
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def over3(self, dashboard: str = "training", path: str | None = None, headers: Lines = (), method: str = "GET",
              body: bytes | None = None, origin: str | None = OWN, host: str | None = None, pseudo: Lines | None = None,
              **options: object) -> Outcome:
        lines: Lines = [] if origin is None else [("origin", origin_of(dashboard) if origin == OWN else origin)]
        lines += headers
        if body is not None:
            lines.append(("content-length", str(len(body))))
        pseudo = pseudo or [(":method", method), (":scheme", "https"), (":authority", host or host_of(dashboard)),
                            (":path", path or path_of(dashboard))]
        return client3.ask(self.edge.ports["http3"], self.edge.authority, pseudo, lines, body, **options)

    def permits3(self, dashboard: str = "training", *arguments: object, **options: object) -> Recorded:
        """The request must reach this dashboard's backend, once, and be answered by it."""
        before = len(self.upstream.received())
        answer = self.over3(dashboard, *arguments, **options).answer
        assert answer.status == 200, described(answer)
        assert answer.value("x-upstream") == dashboard
        arrived = self.upstream.received()[before:]
        assert [recorded.dashboard for recorded in arrived] == [dashboard]
        return arrived[0]

    def refuses3(self, reason: str, status: int, *arguments: object, **options: object) -> Answer:
        """The gate must refuse for exactly this reason, and nothing may reach any backend."""
        before = len(self.upstream.received())
        answer = self.over3(*arguments, **options).answer
        assert (answer.status, answer.value("x-dashgate-reason")) == (status, reason), described(answer)
        assert answer.value("cache-control") == "no-store"
        assert self.upstream.received()[before:] == []
        return answer
