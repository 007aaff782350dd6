"""The fenced blocks of a page of the documentation, by the name in the comment above each. Runs none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"(?:^<!-- runs: (?P<name>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"import |from \S+ import ")


@dataclass(frozen=True)
class Block:
    name: str | None
    language: str
    text: str

    def code_lines(self) -> list[str]:
        """The lines that say something: no blank ones, no lone brackets, no imports."""
        return [line for line in self.text.splitlines() if re.search(r"\w", line) and not IMPORT.match(line)]


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, in order."""
    text = (ROOT / page).read_text()
    return [Block(found["name"], found["language"], found["text"]) for found in FENCE.finditer(text)]


def block(page: str, name: str) -> str:
    """The text of the one block of that name."""
    found = [each.text for each in blocks(page) if each.name == name]
    assert len(found) == 1, f"{page} has {len(found)} blocks named {name}"
    return found[0]


def with_lines_of(text: str, variant: str) -> str:
    """The text with a variant's lines for those that assign to the same names; its imports come first."""
    imports = []
    for line in variant.splitlines():
        if IMPORT.match(line):
            imports.append(line)
            continue
        assigned = line.partition(" = ")[0]
        kept = text.splitlines()
        places = [number for number, old in enumerate(kept) if old.partition(" = ")[0] == assigned]
        assert len(places) == 1, f"{len(places)} lines assign to {assigned}"
        kept[places[0]] = line
        text = "\n".join(kept) + "\n"
    return "\n".join([*(line for line in imports if line not in text), text])


def changed(text: str, change: tuple[str, str]) -> str:
    """The text with one thing different, which must be there exactly once."""
    old, new = change
    assert text.count(old) == 1, f"{text.count(old)} times {old!r} in:\n{text}"
    return text.replace(old, new)
