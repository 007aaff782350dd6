"""`envoy --mode validate` takes every bootstrap there is: shipped, printed, or written by the demo. No file under envoy/ is overlooked."""

from __future__ import annotations

import re
from pathlib import Path

import bootstrap
import found
import pytest
import yaml
from found import ROOT
from place import Place

# What lies under envoy/ and is no bootstrap, and what it is instead. A new file is in here, or Envoy must take it.
OTHERS = {
    "policy.yaml": "a policy for `dashgate render`; what it prints is validated below",
    "compose.policy.yaml": "a policy, too",
    "istio-sidecar.policy.yaml": "a policy, too: for Istio, which prints no bootstrap",
    "per-session.policy.yaml": "a policy, too",
    "edge-tls.yaml": "names a certificate: validated with the bootstrap that names the file",
    "edge-tls-rsa.yaml": "the same",
    "compose-tls.yaml": "the same",
    "sidecar-tls.yaml": "the same",
    "sidecar-edge.yaml": "names an authority: the same",
    "gateway/dashgate.yaml": "Kubernetes' resources: Envoy Gateway makes the bootstrap (tests/control_planes)",
    "istio/envoyfilter.yaml": "Kubernetes' resources: Istio makes the bootstrap (tests/control_planes)",
    "istio/gateway-api-envoyfilter.yaml": "the same",
    "istio/gateway-api-trafficextension.yaml": "the same",
    "istio/gateway-api-wasmplugin.yaml": "the same",
    "istio/sidecar-envoyfilter.yaml": "the same",
    "istio/sidecar-trafficextension.yaml": "the same",
    "istio/sidecar-wasmplugin.yaml": "the same",
    "istio/trafficextension.yaml": "the same",
    "istio/wasmplugin.yaml": "the same",
    "observability/alerts.test.yml": "promtool's (tests/observability)",
    "observability/alerts.yml": "Prometheus's (tests/observability)",
    "observability/dashboard.json": "Grafana's (tests/observability)",
    "observability/keys.yml": "Prometheus's (tests/observability)",
    "observability/prometheus.yml": "Prometheus's (tests/observability)",
    "observability/targets.compose.yml": "Prometheus's (tests/observability)",
    "observability/targets.yml": "Prometheus's (tests/observability)",
}
NAMED = {str(path.relative_to(ROOT / "envoy")): path for path in found.files()}
SHIPPED = [path for name, path in NAMED.items() if name not in OTHERS]


@pytest.fixture
def place(tmp_path) -> Place:
    if not bootstrap.module().is_file():
        pytest.fail(f"{bootstrap.module()} is missing: cargo xtask build", pytrace=False)
    return Place(tmp_path)


def taken(place: Place, tree: dict) -> None:
    assert found.is_bootstrap_of(tree)
    written = place.lay(tree)
    code, said = place.validate(written)
    assert code == 0 and f"configuration '{written}' OK" in said, said[-3000:]
    assert not re.search(r"\]\[(warning|error|critical)\]|deprecated", said), said[-3000:]


def test_every_file_is_a_bootstrap_or_is_said_to_be_something_else():
    bootstraps = {name for name, path in NAMED.items() if found.is_bootstrap(path)}
    assert bootstraps == NAMED.keys() - OTHERS.keys()
    assert OTHERS.keys() <= NAMED.keys(), "a file that is gone"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_envoy_takes_what_is_shipped(place, path: Path):
    taken(place, bootstrap.shipped(path))


@pytest.mark.parametrize("path,target,variant", found.printed(), ids=lambda value: getattr(value, "name", value))
def test_envoy_takes_what_render_prints(place, path, target, variant):
    if not found.PROGRAM.is_file():
        pytest.fail(f"{found.PROGRAM} is missing: cargo build --package dashgate", pytrace=False)
    taken(place, found.render(path, target, variant))


def test_the_shipped_bootstraps_are_what_the_policies_have_a_section_for():
    """That they are what is printed of these, cli/tests/render.rs says. So nothing is printed that is not in one of the lists."""
    assert len({(path, target) for path, target, _ in found.printed()}) == len(SHIPPED)


def test_envoy_takes_what_the_demo_writes(place, tmp_path):
    taken(place, found.demonstrated(tmp_path))


def test_compose_starts_envoy_with_a_shipped_file_and_holds_none_of_its_own():
    started = [path for path in found.mounted().values() if path.is_file() and found.is_bootstrap(path)]
    assert [str(path.relative_to(ROOT)) for path in started] == ["envoy/compose.yaml"]
    stack = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert not [text for text in found.texts(stack) for sign in ("static_resources", "dynamic_resources") if sign in text]


# ---- and what it does not take, so that "OK" says something

def spoilt(old: str, new: str):
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)
    return edit


@pytest.mark.parametrize("edit,said", [
    (spoilt("normalize_path:", "normalise_path:"), "normalise_path"),
    (spoilt("wasm.v3.Wasm", "wasm.v3.Wsam"), "Wsam"),
    (spoilt("    keys:\n", "    keyes:\n"), "keyes"),
], ids=["an unknown field", "an unknown type", "a policy that the gate refuses"])
def test_envoy_refuses_a_misspelt_word(place, edit, said):
    text = edit(bootstrap.SHIPPED.read_text())
    code, told = place.validate(place.lay(yaml.safe_load(text)))
    assert code == 1 and said in told, told[-3000:]


def test_envoy_refuses_a_misspelt_word_in_a_file_of_secrets(place, monkeypatch):
    shipped = (ROOT / "envoy/edge-tls.yaml").read_text()
    spoilt_file = place.folder / "spoilt.yaml"
    spoilt_file.write_text(spoilt("watched_directory:", "watched_folder:")(shipped))
    place.mounted["envoy/edge-tls.yaml"] = spoilt_file
    code, told = place.validate(place.lay(bootstrap.shipped()))
    assert code == 1 and "watched_folder" in told, told[-3000:]
