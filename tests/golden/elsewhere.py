"""Libraries that target/venv has in another version or not at all: installed into target/golden, asked in a process of their own."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE.parent.parent / "target/golden"

# An index that is reached at all answers sooner, and a whole installation ends sooner.
ANSWER_SECONDS = 15
INSTALL_SECONDS = 300


class Unreachable(Exception):
    """The package is not here, and no index gives it."""


class Raised(Exception):
    """An exception in the library that was asked."""


class Library:
    """One package in one version. `script` answers questions about it: one JSON text a line in, one a line out."""

    def __init__(self, requirement: str, script: str, whole: bool = False):
        self.requirement = requirement  # NAME==VERSION
        self.script = script
        self.whole = whole  # with everything it needs; else target/venv has that

    @property
    def name(self) -> str:
        return self.requirement.partition("==")[0]

    def versions(self) -> dict:
        """What a file's made_by says."""
        assert self.place
        return {self.name: self.requirement.partition("==")[2]}

    @functools.cached_property
    def place(self) -> Path:
        """The directory that holds it, filled by pip if it is not there yet."""
        directory = PLACE / self.requirement.replace("==", "-")
        stamp = directory / ".installed"
        if not stamp.is_file():
            print(f"installing {self.requirement} into target/golden (once)", file=sys.stderr)
            command = [*pip(), "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", str(directory)]
            command += ["--retries", "1", "--timeout", str(ANSWER_SECONDS)]
            command += [self.requirement] if self.whole else ["--no-deps", self.requirement]
            try:
                subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALL_SECONDS)
            except subprocess.SubprocessError as problem:
                raise Unreachable(f"{self.requirement} is not here, and pip cannot install it") from problem
            stamp.touch()
        return directory

    @functools.cached_property
    def process(self) -> subprocess.Popen:
        place = self.place
        environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, str(HERE / self.script), str(place)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, **pipes, text=True, bufsize=1, env=environment)

    def ask(self, what: str, **question):
        process = self.process
        process.stdin.write(json.dumps({"ask": what, **question}) + "\n")
        line = process.stdout.readline()
        assert line, f"{self.script} ended while asked to {what}"
        answer = json.loads(line)
        if "raised" in answer:
            raise Raised(answer["raised"])
        return answer["answer"]


def pip() -> list[str]:
    """A pip that installs for this very Python: its own, or the machine's where it has none."""
    own = [sys.executable, "-m", "pip"]
    has_own = subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0
    return own if has_own else ["python3", "-m", "pip", "--python", sys.executable]


def serve(answers: dict) -> None:
    """Answers the questions on stdin, each by the function of its name; what the library prints goes to stderr."""
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"answer": answers[question.pop("ask")](**question)}
        except Exception as problem:  # an answer, too: what the library does with that text
            answer = {"raised": repr(problem)}
        print(json.dumps(answer), file=replies, flush=True)
