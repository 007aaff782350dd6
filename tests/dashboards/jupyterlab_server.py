"""JupyterLab as an operator would serve it behind the gate, in two forms, and their entries in the policy."""

import secrets
import shutil
import sys
from pathlib import Path

from dashboards import HERE, Dashboard
from stack import Stack

# What the notebook's one cell prints: 1234 * 5678. Known only when it has run, nothing that is sent holds it before.
RESULT = "7006652"
NOTEBOOK, TEXT = "cell.ipynb", "text.txt"
TOKEN = secrets.token_hex(24)


def run(stack: Stack) -> None:
    """Starts JupyterLab without a login of its own, on a unix socket: nobody but Envoy's user reaches it."""
    door = ["--ServerApp.sock", JUPYTERLAB.socket_in(stack.directory).name, "--IdentityProvider.token="]
    _run(stack, JUPYTERLAB, door)


def run_with_token(stack: Stack) -> None:
    """Starts JupyterLab with a token of its own, on a port: every user of the machine reaches its login page."""
    port = str(stack.ports[JUPYTERTOKEN.name])
    door = ["--ServerApp.ip", "127.0.0.1", "--ServerApp.port", port, "--ServerApp.port_retries=0"]
    _run(stack, JUPYTERTOKEN, door, {"JUPYTER_TOKEN": TOKEN})


def _run(stack: Stack, dashboard: Dashboard, door: list[str], own: dict[str, str] | None = None) -> None:
    home = stack.directory / f"{dashboard.name}-home"
    work = home / "work"
    copy_notebooks(work)
    command = [
        sys.executable, "-m", "jupyterlab", *door,
        "--ServerApp.root_dir", str(work),
        "--ServerApp.local_hostnames", dashboard.host,    # its own check of Host stays on
        "--ServerApp.trust_xheaders=True",                # cookies are Secure
        "--ServerApp.open_browser=False",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--allow-root",
    ]
    stack.run(dashboard.name, command, directories(home) | (own or {}))


def directories(home: Path) -> dict[str, str]:
    """Keeps what Jupyter writes out of the home of whoever runs the tests."""
    places = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
    return {"HOME": str(home)} | {f"JUPYTER_{name}_DIR": str(home / place) for name, place in places.items()}


def copy_notebooks(directory: Path) -> None:
    """Makes the directory: a notebook with one cell that has not run, and a text, a page that is no API and draws at once."""
    shutil.copytree(HERE / "notebooks", directory)


JUPYTERLAB = Dashboard(
    "jupyterlab", "JupyterLab", "A notebook.", run, "/lab", socket=True, policy={"sessions": ["portal"]},
)
JUPYTERTOKEN = Dashboard(
    "jupytertoken", "JupyterLab with its token", "A notebook behind a second login.", run_with_token, "/lab",
    policy={"sessions": ["portal"]},
)
