"""The shipped edge whose gate comes from a file that Envoy watches (file ECDS), and what is open while that file is replaced."""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bootstrap
import certificates
import yaml
from policy import host_of, only
from sessions import session
from stage import Live, Stage, cookie

NAME = "dashgate"
STAT = f"extension_config_discovery.http_filter.{NAME}"
COUNTERS = ("update_attempt", "update_success", "update_rejected", "config_reload")
DASHBOARDS = ("portal", "training", "other", "brief")


def resource_of(gate: dict) -> str:
    """The file's text."""
    resource = {"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": NAME, "typed_config": gate}
    return yaml.safe_dump({"resources": [resource]}, sort_keys=False)


class Discovered(Stage):
    """An edge that reads its gate from `file`."""

    def __init__(self, *dashboards: str):
        self.file = Path()
        super().__init__(only(*(dashboards or DASHBOARDS)), self.discover)

    def discover(self, tree: dict) -> None:
        """Moves the gate's configuration into the file. The filter's name and its place in the chain stay."""
        folder = Path(bootstrap.admin_socket(tree)).parent
        self.file = folder / "gate.yaml"
        (gate,) = bootstrap.wasm_filters(tree)
        self.gate = copy.deepcopy(gate["typed_config"])
        self.write(self.gate)
        del gate["typed_config"]
        gate["config_discovery"] = {
            "config_source": {"path_config_source": {"path": str(self.file)}, "resource_api_version": "V3"},
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
        }

    def write(self, gate: dict) -> None:
        """Replaces the file by rename, the one way that Envoy sees."""
        certificates.replace(self.file, resource_of(gate).encode())

    def changed(self, edit: Callable[[dict, dict], None]) -> dict:
        """The first gate after `edit` of the plugin's settings and the policy in there."""
        changed = copy.deepcopy(self.gate)
        edit(changed["config"], changed["config"]["configuration"]["value"])
        return changed

    def change(self, edit: Callable[[dict, dict], None]) -> None:
        self.write(self.changed(edit))

    def counters(self) -> dict[str, int]:
        """What the discovery has counted so far."""
        return {name: self.edge.stat(f"{STAT}.{name}") for name in COUNTERS}

    def until(self, stat: str, value: int) -> float:
        """Waits for a counter of the discovery; how long that took."""
        started = time.monotonic()
        self.edge.wait(lambda: self.edge.stat(f"{STAT}.{stat}") >= value, lambda: self.edge.admin(f"/stats?filter={STAT}"), stat, 10)
        return time.monotonic() - started

    @contextlib.contextmanager
    def sockets(self, dashboard: str = "training", **claims: object) -> Iterator[list[Live]]:
        """A WebSocket over HTTP/1.1 and one over HTTP/2, open and answering."""
        with contextlib.ExitStack() as stack:
            lines = cookie(dashboard, session(dashboard, **claims))
            live = [stack.enter_context(self.open(way, dashboard, headers=lines)) for way in ("upgrade1", "upgrade2")]
            alive(live)
            yield live


def alive(sockets: list[Live]) -> None:
    for live in sockets:
        assert live.exchange(b"still there") == b"still there"


class Load:
    """Requests one after the other, on a kept connection and on new ones, while something changes; `statuses` by kind."""

    def __init__(self, stage: Stage, dashboard: str = "other"):
        self.stage, self.dashboard = stage, dashboard
        self.statuses: list[tuple[str, int]] = []
        self.stopping = threading.Event()
        self.lines = [("host", host_of(dashboard)), *cookie(dashboard, session(dashboard))]
        self.threads = [threading.Thread(target=self.ask, args=(kind,)) for kind in ("kept", "new")]

    def ask(self, kind: str) -> None:
        connection = self.stage.http1()
        while not self.stopping.is_set():
            if kind == "new":
                connection.close()
                connection = self.stage.http1()
            connection.send("GET", "/", self.lines)
            self.statuses.append((kind, connection.answer().status))
        connection.close()

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def wait_for(self, count: int, seconds: float = 30) -> None:
        """Until so many more requests of each kind were answered."""
        before, deadline = list(self.statuses), time.monotonic() + seconds
        for kind in ("kept", "new"):
            had = sum(found == kind for found, _ in before)
            while sum(found == kind for found, _ in list(self.statuses)) < had + count:
                assert time.monotonic() < deadline, "the load has stopped"
                time.sleep(0.01)

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(10)

    def __exit__(self, *_: object) -> None:
        self.stop()

    def others_than(self, status: int) -> list[tuple[str, int]]:
        return [each for each in self.statuses if each[1] != status]
