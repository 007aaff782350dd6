"""docs/portability.md against the built module and what is known of each host."""

import bootstrap
import pytest
from hosts import HOSTS
from wasm import Module

PAGE = bootstrap.ROOT / "docs/portability.md"
# How the first table names hosts for short.
SHORT = {"ngx_wasm_module": "nginx with ngx_wasm_module", "APISIX": "APISIX (wasm-nginx-module)", "MOSN": "MOSN (proxy-wasm-go-host)",
         "Google Cloud": "Google Cloud Service Extensions", "the Go SDK's emulator": "proxy-wasm-go-sdk's emulator 0.24.0"}


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    below = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.fixture(scope="module")
def module() -> Module:
    if not bootstrap.module().is_file():
        pytest.fail(f"{bootstrap.module()} is missing: cargo xtask build", pytrace=False)
    return Module.read(bootstrap.module())


def test_the_page_lists_exactly_what_the_module_imports(module):
    listed = [row[0].strip("`") for row in table("What it calls")]
    assert sorted(listed) == sorted(name for _, _, name in module.imports)


def test_for_each_call_the_page_names_the_hosts_that_lack_it(module):
    for call, _, lacking, follows in table("What it calls"):
        name = call.strip("`")
        named = {SHORT[short] for short in lacking.split(", ") if short}
        assert named == {host.name for host in HOSTS if name in host.lacks}, name
        assert bool(named) == bool(follows), name


def test_what_a_host_lacks_is_something_that_the_module_asks_for(module):
    imported = {name for _, _, name in module.imports}
    for host in HOSTS:
        assert host.lacks <= imported, host.name


def test_the_page_lists_every_host_with_what_keeps_the_module_out(module):
    rows = [(name, known_from, obstacle or None) for name, known_from, obstacle in table("The hosts")]
    assert rows == [(host.name, host.known_from, host.obstacle) for host in HOSTS]


def test_the_module_offers_the_one_abi_version_that_hosts_pick_by_name(module):
    versions = [name for _, name in module.exports if name.startswith("proxy_abi_version")]
    assert versions == ["proxy_abi_version_0_2_1"]
    assert "malloc" not in {name for _, name in module.exports}


def test_the_module_uses_simd_as_the_page_says():
    """v128.load, of the prefix 0xFD; a host without SIMD refuses the module."""
    assert b"\xfd\x00" in bootstrap.module().read_bytes()
