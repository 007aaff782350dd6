"""docs/troubleshooting.md: a section for every reason and for nothing else, and each cause that it names is one."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
import yaml

from causes import CAUSES, ENVIRONMENT, Asked
from programs import ROOT

PAGE = (ROOT / "docs/troubleshooting.md").read_text()
DASHGATE = ROOT / "target/debug/dashgate"
BEFORE, BETWEEN = "Find the code", "Symptoms without a code"


def reasons() -> list[tuple[str, int, str]]:
    """Code, status and sentence of each reason, from the page that is made of the gate's own list."""
    rows = re.findall(r'^\| <a id="\w+"></a>`(\w+)` \| (\d+) \| .+ \| (.+) \|$', (ROOT / "docs/reasons.md").read_text(), re.MULTILINE)
    return [(code, int(status), sentence) for code, status, sentence in rows]


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


SECTIONS = sections()
TITLES = {"There is no valid session": "Sign in to open this dashboard", "There is no dashboard": "Nothing here", "This request is": "Not allowed",
          "Your session does not": "Not allowed", "The portal's page hides": "Could not connect", "This connection could": "Could not connect",
          "This gate cannot": "Could not connect"}


def causes_in(section: str) -> list[str]:
    return [cause.rstrip(".") for cause in re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)]


def test_every_reason_has_its_section_and_no_section_is_for_another():
    codes = [code for code, _, _ in reasons()]
    assert len(codes) == len(set(codes)) >= 48
    assert list(SECTIONS) == [BEFORE, *codes, BETWEEN]


@pytest.mark.parametrize("code, status, sentence", reasons(), ids=lambda value: value if re.fullmatch(r"\w+_\w+", str(value)) else "")
def test_a_section_says_what_is_seen(code, status, sentence):
    first = SECTIONS[code].strip().splitlines()[0]
    title = next(title for start, title in TITLES.items() if sentence.startswith(start))
    assert f"*{title}*, {status}" in first, first
    assert re.search(r"Log: `dashboard=\S+ subject=\S+ session=\S+`", SECTIONS[code]), code


def test_the_titles_are_those_of_the_pages():
    source = (ROOT / "gate/src/pages.rs").read_text()
    assert set(TITLES.values()) == set(re.findall(r'=> "([^"]+)",', source[source.index("let title = match advice"):]))


@pytest.fixture(scope="module")
def explain(tmp_path_factory):
    """Asks the command line, many requests of one policy at a time."""
    if not DASHGATE.is_file():
        pytest.fail(f"{DASHGATE} is missing: needs cargo build -p dashgate")
    file = tmp_path_factory.mktemp("explain") / "policy.yaml"

    def ask(asked: list[Asked]) -> list[dict]:
        found = []
        for one in asked:
            file.write_text(yaml.safe_dump(one.policy))
            run = subprocess.run([DASHGATE, "explain", "--config", file, "--jsonl"], input=json.dumps(one.described()) + "\n", text=True,
                                 capture_output=True, timeout=30, env={"PATH": os.environ["PATH"], **ENVIRONMENT})
            assert run.returncode == 0, run.stdout + run.stderr
            found.append(json.loads(run.stdout))
        return found
    return ask


@pytest.mark.parametrize("code", CAUSES)
def test_each_cause_is_one(code, explain):
    assert causes_in(SECTIONS[code]) == list(CAUSES[code])
    told = re.search(r"Log: `dashboard=(\S+) subject=(\S+) session=(\S+)`", SECTIONS[code])
    known = []
    for cause, asked in CAUSES[code].items():
        if isinstance(asked, str):
            assert code in (ROOT / asked).read_text(), cause
            continue
        answers = explain(asked)
        assert [(answer["verdict"], answer["reason"]) for answer in answers] == [("refuse", code)] * len(asked), cause
        known += answers
    # What the page says of the log line holds for the first of them: which fields are known, not the very names.
    if known:
        fields = [known[0][name] is not None for name in ("dashboard", "subject", "session")]
        assert fields == [field != "-" for field in told.groups()], (told[0], known[0])


def test_every_reason_has_causes():
    assert list(CAUSES) == [code for code, _, _ in reasons()]
    assert sum(map(len, CAUSES.values())) >= 90
