"""Keys made as the documentation says, an Envoy with its policy for each algorithm, a portal of each kind."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / path) for path in ("tests", "tests/e2e", "tests/browser")]

import bootstrap  # noqa: E402
import chromium  # noqa: E402
from absence import leave_out  # noqa: E402
from documents import block  # noqa: E402
from makers import MAKERS, PAGE, SECONDS, Maker, need, path  # noqa: E402
from stage import Stage  # noqa: E402

DASHGATE = ROOT / "target/debug/dashgate"


def pytest_sessionstart(session: pytest.Session) -> None:
    for needed, command in ((bootstrap.module(), "cargo xtask build"), (DASHGATE, "cargo build -p dashgate")):
        if not needed.is_file():
            pytest.exit(f"{needed} is missing: needs {command}", returncode=3)


class Keys:
    """The folder with portal.pem, the environment with the shared key, and the policies they go with."""

    def __init__(self, folder: Path):
        self.folder = folder
        made = subprocess.run([DASHGATE, "keygen"], capture_output=True, text=True, timeout=SECONDS, check=True)
        self.environment = {"DASHGATE_KEY": made.stdout.strip()}
        (folder / "key.sh").write_text(block(PAGE, "shell/key.sh"))
        made = subprocess.run(["sh", "-eu", "key.sh"], cwd=folder, capture_output=True, text=True, timeout=SECONDS,
                              check=True)
        self.public = made.stdout.strip()
        self.policies = {"HS256": yaml.safe_load(block(PAGE, "policy.yaml"))}
        variant = yaml.safe_load(block(PAGE, "policy.yaml, EdDSA"))
        variant["keys"][0]["public_key"] = self.public
        self.policies["EdDSA"] = {**copy.deepcopy(self.policies["HS256"]), **variant}
        for algorithm, policy in self.policies.items():
            (folder / f"{algorithm}.yaml").write_text(yaml.safe_dump(policy))

    def policy(self, algorithm: str) -> Path:
        return self.folder / f"{algorithm}.yaml"

    def environment_of(self, algorithm: str) -> dict[str, str]:
        """What the signer or the gate of that algorithm is given, and nothing of the other's."""
        return self.environment if algorithm == "HS256" else {}


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Keys:
    if shutil.which("openssl") is None:
        pytest.fail("openssl is missing: the keys of EdDSA are made with it", pytrace=False)
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def other_keys(tmp_path_factory) -> Keys:
    """Keys that no gate knows."""
    return Keys(tmp_path_factory.mktemp("other-keys"))


@pytest.fixture(scope="session")
def stages(keys):
    """The Envoy of each algorithm, with the documentation's policy and reasons told."""
    running: dict[str, Stage] = {}
    try:
        for algorithm, policy in keys.policies.items():
            running[algorithm] = Stage({**policy, "reason_header": True}, environment=keys.environment_of(algorithm))
        yield running
    finally:
        for stage in running.values():
            stage.stop()


@pytest.fixture(scope="session", params=MAKERS, ids="-".join)
def maker(request, keys, tmp_path_factory):
    """One of the documentation's ways to make a pass, running."""
    name, algorithm = request.param
    need(name)
    folder = tmp_path_factory.mktemp(f"{name}-{algorithm}")
    with Maker(name, algorithm, folder, keys.folder, keys.environment_of(algorithm)) as made:
        yield made


@pytest.fixture
def gate(maker, stages) -> Stage:
    """The Envoy that knows the maker's key."""
    stages[maker.algorithm].upstream.forget()
    return stages[maker.algorithm]


@pytest.fixture
def verify(keys):
    """What `dashgate verify` says of a pass, as an object."""

    def ask(token: str, algorithm: str) -> subprocess.CompletedProcess:
        policy = str(keys.policy(algorithm))
        command = ["dashgate", "verify", "--config", policy, "--dashboard", "training", "--connect", "--json"]
        return subprocess.run(command, input=token, capture_output=True, text=True, timeout=SECONDS, check=False,
                              env={**keys.environment_of(algorithm), "PATH": path()})

    return ask


@pytest.fixture(scope="session")
def browser_program() -> Path:
    """The browser. Without one there is nothing to show: CI fails then, other machines say so and go on."""
    try:
        return chromium.find()
    except chromium.Missing as missing:
        leave_out(str(missing))
