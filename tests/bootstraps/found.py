"""Which configurations there are: the files under envoy/, what `dashgate render` prints, what the demo writes. Judges none of them."""

from __future__ import annotations

import collections
import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bootstrap
import dashboards
import loopback
import yaml

ROOT = bootstrap.ROOT
PROGRAM = ROOT / "target/debug/dashgate"
SECONDS = 60
# What makes a mapping a bootstrap, by envoy.config.bootstrap.v3.Bootstrap. `admin` alone would be one, too.
SIGNS = {"static_resources", "dynamic_resources", "admin", "node", "bootstrap_extensions"}
TARGETS = ("edge", "sidecar", "compose")
# Settings that a policy's file may have instead of its own; None takes one out.
VARIANTS = {
    "http3": {"http3": True},
    "traced": {"collector": "collector.example.org:4318", "traced_percent": 5},
    "bare": {"redirect": None, "tls_rsa": None, "remark": None},
}


def files() -> list[Path]:
    """Every file under envoy/, whatever its name."""
    return sorted(path for path in (ROOT / "envoy").rglob("*") if path.is_file())


def is_bootstrap(path: Path) -> bool:
    """Whether one of its documents is a bootstrap. Where it is neither YAML nor JSON, nobody says so."""
    if path.suffix not in (".yaml", ".yml", ".json"):
        return False
    documents = [document for document in yaml.safe_load_all(path.read_text()) if document is not None]
    return any(map(is_bootstrap_of, documents))


def is_bootstrap_of(document: object) -> bool:
    return isinstance(document, dict) and bool(SIGNS & document.keys())


def printed() -> list[tuple[Path, str, str]]:
    """Every bootstrap that `dashgate render` prints of a shipped policy with other settings: the policy, the target, the variant."""
    found = []
    for path in sorted((ROOT / "envoy").glob("*policy.yaml")):
        sections = yaml.safe_load(path.read_text())["deployment"]
        found += [(path, target, variant) for target in TARGETS if target in sections for variant in VARIANTS
                  if (target, variant) != ("sidecar", "http3")]     # an edge speaks to it
    return found


def render(path: Path, target: str, variant: str) -> dict:
    """What the command prints of it."""
    document = yaml.safe_load(path.read_text())
    section = document["deployment"][target] | VARIANTS[variant]
    document["deployment"][target] = {name: value for name, value in section.items() if value is not None}
    done = subprocess.run([PROGRAM, "render", "--for", target, "-"], input=yaml.safe_dump(document, sort_keys=False), capture_output=True,
                          text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def demonstrated(folder: Path) -> dict:
    """What the demo starts Envoy with, its certificates' files beside it."""
    about = importlib.util.spec_from_file_location("demo_edge", ROOT / "demo/edge.py")      # the tests have an `edge` of their own
    edge = importlib.util.module_from_spec(about)
    about.loader.exec_module(edge)
    ports = collections.defaultdict(loopback.free_port)
    return bootstrap.shipped(edge.write(ROOT / "envoy", folder, bootstrap.module(), ports, (dashboards.BOKEH, dashboards.TENSORBOARD)))


def mounted() -> dict[str, Path]:
    """What docker-compose.yml puts into Envoy's container: the repository's file by its path there."""
    volumes = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["envoy"]["volumes"]
    parts = [volume.split(":") for volume in volumes]
    return {inside: ROOT / outside for outside, inside, *_ in parts if outside.startswith("./")}


def texts(node: object) -> Iterator[str]:
    """Every text of a tree, keys too."""
    for each in bootstrap.walk(node):
        yield from (text for text in (*each.keys(), *each.values()) if isinstance(text, str))
