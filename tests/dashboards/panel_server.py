"""Panel as an operator would serve it behind the gate, and its entry in the policy."""

import sys

from dashboards import HERE, SIGNED, Dashboard
from stack import Stack


def run(stack: Stack) -> None:
    """Starts `panel serve`."""
    command = [
        sys.executable, "-m", "panel", "serve", str(HERE / "panel_app.py"),
        "--address", "127.0.0.1", "--port", str(stack.ports["panel"]),
        "--session-ids", "external-signed",
        "--allow-websocket-origin", stack.origin("panel").removeprefix("https://"),
        "--use-xheaders",
        "--disable-index",
        "--exclude-headers", "Authorization", "Cookie",
        # Another service's, as an example. Not the gate's own: a test sees that those never come this far.
        "--exclude-cookies", "sso",
    ]
    stack.run("panel", command, SIGNED | {"BOKEH_SECRET_KEY": stack.secrets.bokeh})


PANEL = Dashboard(
    "panel", "Panel", "A slider that changes a text and a plot.", run, "/panel_app", bokeh=True,
    policy={
        "sessions": ["portal", "bokeh"], "require": "all", "keep": ["bokeh"],
        "public": ["/static/", "/favicon.ico"],
    },
)
