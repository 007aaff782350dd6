"""The filter as a module: what it asks of Envoy, what it offers, how large it is. A change here is one to look at."""

import os
import re
from pathlib import Path

import pytest
import yaml

from restricted import Restricted
from wasm import Module

ROOT = Path(__file__).resolve().parents[2]
WASM = Path(os.environ.get("DASHGATE_WASM", ROOT / "target/dashgate.wasm"))
GOLDEN = Path(__file__).with_name("abi.txt")
CAPABILITIES = ROOT / "docs/capabilities.md"
LARGEST_BYTES = 400 * 1024


@pytest.fixture(scope="session")
def module() -> Module:
    """The built filter."""
    if not WASM.is_file():
        pytest.fail(f"{WASM} is missing: cargo xtask build", pytrace=False)
    return Module.read(WASM)


def test_the_module_imports_and_exports_exactly_what_the_golden_list_says(module):
    lines = [f"import {space}.{name}" for _, space, name in module.imports]
    lines += [f"export {name}" for _, name in module.exports]
    assert sorted(lines) == GOLDEN.read_text().splitlines()


def test_the_golden_list_is_sorted_and_holds_no_line_twice():
    lines = GOLDEN.read_text().splitlines()
    assert lines == sorted(set(lines))


def test_everything_imported_is_a_function(module):
    assert {kind for kind, _, _ in module.imports} == {"func"}


def test_the_module_offers_version_0_2_1_of_the_abi_and_no_other(module):
    versions = [name for _, name in module.exports if name.startswith("proxy_abi_version")]
    assert versions == ["proxy_abi_version_0_2_1"]


def test_the_module_is_smaller_than_400_kib():
    size = WASM.stat().st_size
    assert size < LARGEST_BYTES, f"{size} bytes, {size - LARGEST_BYTES} too many"


def test_the_module_carries_no_debug_information(module):
    assert [name for name in module.sections if name.startswith("custom .debug")] == []


def test_the_documented_capabilities_are_exactly_what_the_module_needs(module):
    # Envoy restricts what it knows of the ABI and of WASI; memory and the ABI's version are not capabilities.
    imported = {name for _, _, name in module.imports}
    exported = {name for kind, name in module.exports if kind == "func" and name.startswith("proxy_on_")}
    exported.discard("proxy_on_memory_allocate")
    assert set(_documented()) == imported | exported


def test_envoy_with_the_documented_capabilities_refuses_connects_and_permits(tmp_path):
    with Restricted(tmp_path, WASM, set(_documented())) as envoy:
        answers = envoy.answers()
    assert answers == {
        "refused": (401, 'Bearer realm="dashgate"'),
        "connected": (303, "/data/runs"),
        # There is no backend: the permit shows in Envoy's having tried, and in the header that the gate sets on answers.
        "permitted": (503, "SAMEORIGIN"),
    }


@pytest.mark.parametrize("missing", ["proxy_on_configure", "proxy_on_context_create"])
def test_a_gate_that_never_got_its_configuration_refuses_everything(tmp_path, missing):
    with Restricted(tmp_path, WASM, set(_documented()) - {missing}) as envoy:
        statuses = {name: status for name, (status, _) in envoy.answers().items()}
    assert statuses == {"refused": 500, "connected": 500, "permitted": 500}


def test_the_shipped_configuration_restricts_nothing():
    assert "capability_restriction_config" not in (ROOT / "envoy/edge.yaml").read_text()


def _documented() -> dict:
    """The allow list in the page's YAML, as Envoy reads it."""
    block = re.search(r"```yaml\n(.*?)```", CAPABILITIES.read_text(), re.DOTALL)
    assert block, f"{CAPABILITIES.name} holds no YAML"
    return yaml.safe_load(block[1])["capability_restriction_config"]["allowed_capabilities"]
