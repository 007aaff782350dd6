"""JupyterHub and its proxy as an operator would serve them behind the gate, and their entry in the policy."""

import contextlib
import os
import secrets
import shutil
import sys
import urllib.request
from pathlib import Path

from dashboards import Dashboard
from jupyterlab_server import copy_notebooks, directories
from processes import free_port
from stack import ROOT, Stack
from stand import until

HERE = Path(__file__).resolve().parent
PASSWORD = secrets.token_hex(12)
READY_SECONDS = 60
# Where xtask puts it, for whoever runs pytest alone.
NPM = ROOT / "target/npm/node_modules/.bin"
PROXY = shutil.which("configurable-http-proxy", path=os.pathsep.join([os.environ["PATH"], str(NPM)]))


def run(stack: Stack) -> None:
    """Starts the proxy, then the Hub, and returns when the one leads to the other."""
    public, api, hub = stack.ports[JUPYTERHUB.name], free_port(), free_port()
    home = stack.directory / "jupyterhub-home"
    for user in ("ana", "bob"):
        copy_notebooks(home / user)
    shared = {"CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(32)}
    proxy = [
        PROXY, "--ip", "127.0.0.1", "--port", str(public), "--api-ip", "127.0.0.1", "--api-port", str(api),
        "--error-target", f"http://127.0.0.1:{hub}/hub/error",
        "--no-x-forward",                                 # what Envoy says of the browser's protocol stands
    ]
    stack.run("jupyterhub-proxy", proxy, shared, home)
    stack.processes.wait_for_port("jupyterhub-proxy", api)
    command = [sys.executable, "-m", "jupyterhub", "--config", str(HERE / "jupyterhub_config.py")]
    own = {"PUBLIC_PORT": public, "PROXY_PORT": api, "PORT": hub, "HOMES": home, "PASSWORD": PASSWORD}
    settings = {f"HUB_{name}": str(value) for name, value in own.items()}
    stack.run("jupyterhub", command, directories(home) | shared | settings, home)
    until(lambda: _answers(stack, public), "the Hub behind its proxy", READY_SECONDS)


def _answers(stack: Stack, port: int) -> bool:
    stack.processes.check()
    url = f"http://127.0.0.1:{port}/hub/health"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
        return answer.status == 200
    return False


JUPYTERHUB = Dashboard(
    "jupyterhub", "JupyterHub", "A JupyterLab for each person.", run, "/hub/", policy={"sessions": ["portal"]},
)
