"""What a dashboard is to the stack, and the demo's own two: a real Bokeh app and a real TensorBoard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import events

if TYPE_CHECKING:
    from stack import Stack

HERE = Path(__file__).resolve().parent
# Bokeh signs its session ids with the key that the portal and the gate know.
SIGNED = {"BOKEH_SIGN_SESSIONS": "yes"}


@dataclass(frozen=True)
class Dashboard:
    """One dashboard on a host of its own: https://NAME.DOMAIN:PORT."""

    name: str
    title: str
    about: str
    # Starts its program or programs, which listen on `stack.ports[name]`, or on `socket_in(stack.directory)`.
    run: Callable[[Stack], None]
    # The path that the portal leads to, and whether a signed Bokeh session id goes with it.
    start: str = "/"
    bokeh: bool = False
    # Its entry in the policy but for name and url. None where envoy/edge.yaml has it with cluster and routes.
    policy: dict | None = None
    # The path where its URL begins, and what the routes put in that path's place.
    path: str = "/"
    rewrite: str | None = None
    # Whether it listens on a unix socket, which other users of the machine cannot open, and not on a port, which they can.
    socket: bool = False
    domain: str = "localhost"
    # Session kinds that the policy has for it besides those of the file.
    kinds: dict = field(default_factory=dict)
    # Ports that its program has besides the one of its name, and changes its three routes and the list of clusters for
    # them, or for whatever else it needs that the file's dashboards do not.
    ports: tuple[str, ...] = ()
    arrange: Callable[[list[dict], list[dict]], None] | None = None

    @property
    def host(self) -> str:
        """Its host name."""
        return f"{self.name}.{self.domain}"

    def socket_in(self, directory: Path) -> Path:
        """Its unix socket, where it has one."""
        return directory / f"{self.name}.sock"


def run_bokeh(stack: Stack) -> None:
    """Starts the Bokeh app."""
    command = [
        sys.executable, "-m", "bokeh", "serve", str(HERE / "bokeh_app"),
        "--address", "127.0.0.1", "--port", str(stack.ports["bokeh"]),
        "--session-ids", "external-signed",               # an id must come from the portal; the server hands out none
        "--allow-websocket-origin", stack.origin("bokeh").removeprefix("https://"),
        "--use-xheaders",
        "--disable-index",
        # Bokeh copies these into the page, where any script can read them. dashgate removes its own already.
        "--exclude-headers", "Authorization", "Cookie",
        "--exclude-cookies", "__Host-dashgate-bokeh",
    ]
    stack.run("bokeh", command, SIGNED | {"BOKEH_SECRET_KEY": stack.secrets.bokeh})


def run_tensorboard(stack: Stack) -> None:
    """Starts TensorBoard on an event log made for it."""
    events.write(stack.directory / "events")
    command = [
        sys.executable, "-m", "tensorboard.main", "--logdir", str(stack.directory / "events"),
        "--host", "127.0.0.1", "--port", str(stack.ports["tensorboard"]), "--load_fast", "false",
    ]
    stack.run("tensorboard", command)


BOKEH = Dashboard(
    "bokeh", "Bokeh", "A slider that bends a curve, and a plot that streams.", run_bokeh, "/bokeh_app", bokeh=True
)
TENSORBOARD = Dashboard("tensorboard", "TensorBoard", "Two small training runs.", run_tensorboard)
