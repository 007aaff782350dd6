"""The pages in docs/dashboards say what the tests see: the same table, the same policy, and an index of all."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

import edge
import probes
from dashboards import Dashboard
from stack import ROOT

PAGES = ROOT / "docs/dashboards"
SHIPPED = ROOT / "envoy/edge.yaml"
# The domains of the tests' hosts, and what the pages say in their place.
DOMAINS = {"localhost": "example.org", "dash.test": "example.org", "press.test": "example.net"}
MODULES = sorted({path.stem for path in Path(__file__).parent.glob("test_*.py")} - {Path(__file__).stem})


@pytest.mark.parametrize("module", MODULES)
def test_the_page_has_the_table_and_the_policy_that_are_tested(module):
    tested = importlib.import_module(module)
    page = (PAGES / f"{module.removeprefix('test_').replace('_', '-')}.md").read_text()
    for table in [probes.markdown(table) for name, table in vars(tested).items() if name.startswith("EXPECTED")]:
        assert table in page, f"the page should have this table:\n{table}"
    told = {entry.pop("name"): entry for entry in _documented(page)}
    for dashboard in tested.DASHBOARDS:
        url = told[dashboard.name].pop("url")
        assert re.fullmatch(rf"https://[a-z]+\.{re.escape(DOMAINS[dashboard.domain])}{dashboard.path}", url), url
        assert told[dashboard.name] == _policy(dashboard)


def test_the_index_names_every_page():
    index = (PAGES / "README.md").read_text()
    missing = [page.name for page in PAGES.glob("*.md") if page.name != "README.md" and f"]({page.name})" not in index]
    assert missing == []
    assert "](docs/dashboards/README.md)" in (ROOT / "README.md").read_text()


def _documented(page: str) -> list[dict]:
    """The policy's dashboards in the page's YAML."""
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    return [entry for block in blocks for entry in block.get("dashboards", [])]


def _policy(dashboard: Dashboard) -> dict:
    """The dashboard's entry as it is tested, but for name, url and what says nothing."""
    entry = dashboard.policy
    if entry is None:
        shipped = edge.policy(yaml.safe_load(SHIPPED.read_text()))["dashboards"]
        entry = next(entry for entry in shipped if entry["name"] == dashboard.name)
    entry = {key: value for key, value in entry.items() if key not in ("name", "url") and value != []}
    if "origins" in entry:
        entry["origins"] = [_published(origin) for origin in entry["origins"]]
    return entry


def _published(origin: str) -> str:
    """An origin of the tests as the pages have it."""
    name, domain = re.fullmatch(r"https://([a-z]+)\.([a-z.]+):8443", origin).groups()
    return f"https://{name}.{DOMAINS[domain]}"
