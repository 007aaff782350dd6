"""The stack as `init` and the portal know it: its dashboards, their origins, and which secret lies where. Holds none."""

import os
from pathlib import Path

PORT = int(os.environ.get("DASHGATE_PORT", "8443"))
# Where each service finds the secrets that are for it.
SECRETS = Path("/run/dashgate")
# Which services' volumes each secret is put into.
READERS = {
    "key": ("edge", "portal"),                # signs sessions
    "bokeh": ("edge", "portal", "bokeh"),     # signs Bokeh's and Panel's session ids
    "flask": ("portal",),                     # signs the portal's own cookie
    "people": ("portal",),                    # who may sign in: a name and a password in each line
}

# What the portal's page says of each, the path that it leads to, and whether a signed Bokeh session id goes with it.
DASHBOARDS = {
    "bokeh": ("Bokeh", "A slider that bends a curve, and a plot that streams.", "/bokeh_app", True),
    "panel": ("Panel", "A slider that changes a text and a plot.", "/panel_app", True),
    "tensorboard": ("TensorBoard", "Two small training runs.", "/", False),
    "jupyterlab": ("JupyterLab", "A notebook with one cell.", "/lab/tree/cell.ipynb", False),
    "prometheus": ("Prometheus", "What Envoy and the gate count.", "/graph?g0.expr=dashgate_decisions_total&g0.tab=1", False),
}


def host(name: str) -> str:
    """The host of the portal or of a dashboard."""
    return f"{name}.localhost"


def origin(name: str) -> str:
    """Its origin, as the policy and browsers have it."""
    return f"https://{host(name)}" + ("" if PORT == 443 else f":{PORT}")
