"""JupyterLab as an operator would serve it behind the gate, in two forms, and their entries in the policy."""

import secrets
import sys
from pathlib import Path

import nbformat
import nbformat.v4
from dashboards import Dashboard
from stack import Stack

# Known only when the cell has run: nothing that is sent holds it before.
SOURCE, RESULT = "print(1234 * 5678)", "7006652"
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
    work.mkdir(parents=True)
    write_files(work)
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


def write_files(directory: Path) -> None:
    """Writes a notebook with one cell that has not run, and a text: a page that is no API and draws at once."""
    (directory / TEXT).write_text("a text of hers\n")
    cell = nbformat.v4.new_code_cell(SOURCE)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), directory / NOTEBOOK)


JUPYTERLAB = Dashboard(
    "jupyterlab", "JupyterLab", "A notebook.", run, "/lab", socket=True, policy={"sessions": ["portal"]},
)
JUPYTERTOKEN = Dashboard(
    "jupytertoken", "JupyterLab with its token", "A notebook behind a second login.", run_with_token, "/lab",
    policy={"sessions": ["portal"]},
)
