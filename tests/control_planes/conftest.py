"""Real control planes in front of a real Envoy, in namespaces of the tests' own. What cannot run here says why, and fails in CI."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS), str(TESTS / "e2e")]       # the same client, sessions and upstream as everywhere

pytest.register_assert_rewrite("verdicts")     # so that it says what differs

import bootstrap  # noqa: E402
import build  # noqa: E402
import ending  # noqa: E402
import namespaces  # noqa: E402
import rendered  # noqa: E402
from absence import leave_out  # noqa: E402


def pytest_sessionstart(session: pytest.Session) -> None:
    for needed, command in ((bootstrap.module(), "cargo xtask build"), (rendered.DASHGATE, "cargo build -p dashgate")):
        if not needed.is_file():
            pytest.exit(f"{needed} is missing: {command}", returncode=3)
    ending.stop_when_terminated()


def program(name: str) -> Path:
    """The folder of a control plane's programs."""
    try:
        return build.built(name)
    except build.Missing as problem:
        leave_out(str(problem))


@pytest.fixture(scope="session")
def private_network() -> None:
    """Listeners here are on every address: so the tests have a network, and mounts, of their own."""
    try:
        namespaces.enter()
    except PermissionError as problem:
        leave_out(f"namespaces of the tests' own need root: {problem}")


@pytest.fixture
def gate(started):
    """What the module has started, with an upstream that has forgotten the tests before."""
    started.upstream.forget()
    return started


@pytest.fixture(scope="session")
def mesh() -> Path:
    """Istio's configuration generator, and what a Kubernetes API server says of its resources."""
    return program("mesh")


@pytest.fixture(scope="session")
def agent_program() -> Path:
    """istio-agent, which runs Envoy in a pod."""
    return program("agent")


@pytest.fixture(scope="session")
def gateway_program() -> Path:
    """Envoy Gateway."""
    return program("gateway")
