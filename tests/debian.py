"""Programs of Debian's packages: the machine's own, or unpacked under target/tools/debian. Nothing is installed, no service started."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from absence import leave_out

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "target" / "tools" / "debian"
SECONDS = 300


@dataclass
class Program:
    """A command, and what its environment must hold beside the usual."""

    command: str
    own: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.own}


def program(package: str, path: str, *libraries: str) -> Program:
    """A program by its package and its place in there, with packages of libraries that the machine may lack.

    Where it cannot be had the test is left out, and fails where CI=true says that nothing may be.
    """
    installed = shutil.which(Path(path).name)
    if installed:
        return Program(installed)
    place = PLACE / package
    if not (place / ".whole").is_file():
        problem = unpack(place, [package, *libraries])
        if problem:
            leave_out(f"{package} of Debian cannot be had: {problem}")
    folders = [place / "usr/lib" / f"{os.uname().machine}-linux-gnu", place / "lib" / f"{os.uname().machine}-linux-gnu"]
    paths = [str(folder) for folder in folders] + [os.environ.get("LD_LIBRARY_PATH", "")]
    own = {"LD_LIBRARY_PATH": ":".join(filter(None, paths)), "PATH": f"{place}/usr/bin:{os.environ.get('PATH', '')}"}
    return Program(str(place / path), own)


def unpack(place: Path, packages: list[str], release: str | None = None) -> str | None:
    """Fetches packages and unpacks them, of another release of Debian if one is named; what went wrong, if anything did."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return "there is no apt-get here"
    shutil.rmtree(place, ignore_errors=True)
    draft = place.with_name(place.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    apt = ["apt-get", "-qq", *(beside(release, draft / "apt") if release else [])]
    fetch = [*apt, "download", *packages]
    fetched = quietly(fetch, draft)
    if fetched and (release or os.geteuid() == 0):       # the lists may be missing or old
        quietly([*apt, "update"], draft)
        fetched = quietly(fetch, draft)
    if fetched:
        return fetched
    shutil.rmtree(draft / "apt", ignore_errors=True)
    for archive in draft.glob("*.deb"):
        unpacked = quietly(["dpkg", "-x", str(archive), str(draft)], draft)
        if unpacked:
            return unpacked
        archive.unlink()
    (draft / ".whole").touch()
    draft.rename(place)
    return None


def beside(release: str, folder: Path) -> list[str]:
    """apt's options for another release in the archive that the machine uses. All that apt writes is in the folder; the
    machine's own lists stay as they are."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main", "Label: Debian"]
    archives = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS).stdout.split()
    for each in ("lists/partial", "cache/archives/partial"):
        (folder / each).mkdir(parents=True)
    keys = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
    (folder / "sources.list").write_text("".join(f"deb {keys}{archive} {release} main\n" for archive in archives[:1]))
    (folder / "status").touch()     # of that release nothing is installed
    settings = {"Dir::Etc::sourcelist": "sources.list", "Dir::State::lists": "lists", "Dir::State::status": "status", "Dir::Cache": "cache"}
    options = [f"{name}={folder / value}" for name, value in settings.items()] + ["Dir::Etc::sourceparts=-", "APT::Sandbox::User="]
    return [word for option in options for word in ("-o", option)]


def quietly(command: list[str], folder: Path) -> str | None:
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"{command[0]} took more than {SECONDS} s"
    return None if done.returncode == 0 else (done.stderr.strip() or f"{command[0]} ended with {done.returncode}")[-300:]
