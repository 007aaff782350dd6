"""The documentation's ways to make a pass, each laid out in a folder and run there: what it hands to the person."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from documents import ROOT, block, changed, with_lines_of
from programs import Program, python

PAGE = "docs/portal.md"
PACKAGES = ROOT / "target/npm/node_modules"
SECONDS = 20
Changes = tuple[tuple[str, str], ...]
USER = "zoë"

# The pieces of each maker, its surroundings, and what starts it. Shell scripts are run anew for each pass.
PIECES = {
    "flask": (["python/passes.py", "flask/connect.py", "connect.html"], "flask", python("main.py")),
    "django": (["python/passes.py", "django/connect.py", "connect.html"], "django", python("main.py")),
    "node": (["node/passes.mjs", "node/connect.mjs", "connect.html"], "node", ["node", "main.mjs"]),
    "jose": (["jose/passes.mjs", "node/connect.mjs", "connect.html"], "node", ["node", "main.mjs"]),
    "mint": (["shell/mint.sh", "policy.yaml"], None, ["sh", "mint.sh", USER]),
    "openssl": (["shell/openssl.sh"], None, ["sh", "openssl.sh", USER]),
}
ONLY = {"mint": "HS256", "openssl": "EdDSA"}
WITHOUT = os.environ.get("DASHGATE_PORTAL_WITHOUT", "").split()
MAKERS = [(name, algorithm) for name in PIECES for algorithm in ("HS256", "EdDSA")
          if ONLY.get(name, algorithm) == algorithm]


@dataclass
class Handed:
    """What a person gets: a form or a link, where it leads, and what is in it."""

    kind: str
    url: str
    fields: dict[str, str]
    tags: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        return self.fields["token"]


class Form(HTMLParser):
    """The one form of a page, as a browser reads it."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[str] = []
        self.action, self.fields = "", {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        named = dict(attributes)
        self.tags.append(tag)
        if tag == "form":
            assert named["method"] == "post"
            self.action = named["action"]
        elif tag == "input":
            self.fields[named["name"]] = named["value"]


class Maker:
    """One way to make a pass. `changes` are made to the pieces, each of which must be there once."""

    def __init__(self, name: str, algorithm: str, folder: Path, keys: Path, environment: dict[str, str],
                 changes: Changes = ()):
        self.name, self.algorithm, self.folder = name, algorithm, folder
        pieces, surroundings, self.command = PIECES[name]
        shutil.copy(keys / "portal.pem", folder)
        if surroundings:
            shutil.copytree(Path(__file__).parent / "surroundings" / surroundings, folder, dirs_exist_ok=True)
        texts = {piece: for_algorithm(piece, algorithm) for piece in pieces}
        assert not changes or any(old in text for old, _ in changes for text in texts.values()), "nothing to change"
        for piece, text in texts.items():
            (folder / Path(piece).name).write_text(with_changes(text, changes))
        if name == "jose":
            (folder / "node_modules").symlink_to(PACKAGES)
        self.environment = {**environment, "PATH": path(), "PORTAL_SECRET": "the portal's own", "PORTAL_USER": USER}
        self.program = Program(self.command, folder, self.environment) if surroundings else None

    def stop(self) -> None:
        if self.program:
            self.program.stop()

    def __enter__(self) -> Maker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def hand(self, following: str = "/runs") -> Handed:
        """What the signed-in person gets for the dashboard `training`. Shell scripts know one path to go on to."""
        if self.program is None:
            return link(self.printed())
        answer, page = self.page(urlencode({"dashboard": "training", "next": following}), self.sign_in())
        assert answer.status == 200, page
        assert answer.getheader("cache-control") == "no-store"
        assert answer.getheader("content-type") == "text/html; charset=utf-8"
        form = Form(page)
        return Handed("form", form.action, form.fields, form.tags)

    def printed(self) -> str:
        done = subprocess.run(self.command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sign_in(self) -> str:
        """Signs in and returns the portal's cookies."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer, _ = self.ask("POST", "/login", form, urlencode({"user": USER}))
        assert answer.status == 204
        return "; ".join(line.split(";")[0] for line in answer.headers.get_all("set-cookie"))

    def page(self, query: str, cookie: str | None) -> tuple[http.client.HTTPResponse, str]:
        return self.ask("GET", f"/connect?{query}", {"Cookie": cookie} if cookie else {})

    def ask(self, method: str, target: str, headers: dict,
            body: str | None = None) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=SECONDS)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()


def need(maker: str) -> None:
    """Leaves out what the suite was told is not here."""
    if maker == "jose":
        if "jose" in WITHOUT:
            pytest.skip("jose is not here: npm is missing, or reaches no registry")
        assert (PACKAGES / "jose").is_dir(), f"{PACKAGES} lacks jose: npm install --prefix target/npm jose@6.2.17"


def for_algorithm(piece: str, algorithm: str) -> str:
    """A piece's text, with the lines that the algorithm has of its own."""
    text = block(PAGE, piece)
    if algorithm == "EdDSA" and "/passes." in piece:
        return with_lines_of(text, block(PAGE, f"{piece}, EdDSA"))
    return text


def with_changes(text: str, changes: Changes) -> str:
    """The text with those of the changes that apply to it."""
    for change in changes:
        text = changed(text, change) if change[0] in text else text
    return text


def link(text: str) -> Handed:
    """A printed link."""
    url, _, fragment = text.removesuffix("\n").partition("#")
    assert "\n" not in fragment and "?" not in url
    return Handed("link", url, dict(parse_qsl(fragment, strict_parsing=True)))


def path() -> str:
    """PATH with the built `dashgate` on it."""
    return f"{ROOT / 'target/debug'}:{os.environ['PATH']}"
