"""Streamlit as an operator would serve it behind the gate, and its entry in the policy."""

import json
import sys
from pathlib import Path

from dashboards import Dashboard
from stack import Stack

HERE = Path(__file__).resolve().parent


def run(stack: Stack) -> None:
    """Starts `streamlit run`."""
    command = [
        sys.executable, "-m", "streamlit", "run", str(HERE / "streamlit_app.py"),
        "--server.address", "127.0.0.1", "--server.port", str(stack.ports["streamlit"]),
        "--server.headless", "true",
        "--server.allowedHosts", STREAMLIT.host,
        "--server.trustedUserHeaders", json.dumps({"X-Dashgate-Subject": "name"}),
        "--server.fileWatcherType", "none",
        "--browser.gatherUsageStats", "false",
    ]
    stack.run("streamlit", command)


STREAMLIT = Dashboard(
    "streamlit", "Streamlit", "A slider, an upload and a download.", run, policy={"sessions": ["portal"]}
)
