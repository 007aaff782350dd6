"""Compares a page in docs/dashboards with what is tested: the same tables, the same policy."""

import re

import probes
import yaml
from dashboards import Dashboard
from stack import ROOT


def expect_page(name: str, dashboards: list[Dashboard], tables: list[probes.Table]) -> None:
    """Sees that the page has each table and each dashboard's entry in the policy."""
    page = (ROOT / f"docs/dashboards/{name}.md").read_text()
    for table in map(probes.markdown, tables):
        assert table in page, f"the page should have this table:\n{table}"
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    told = {entry["name"]: entry for block in blocks for entry in block.get("dashboards", [])}
    for dashboard in dashboards:
        url = f"https://{dashboard.name}.example.org{dashboard.path}"
        assert told[dashboard.name] == {"name": dashboard.name, "url": url, **(dashboard.policy or {})}
