"""Finds a Chromium and says how the tests start it. Installs one where it may; decides nothing about dashgate."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 300


class Missing(Exception):
    """There is no browser; the text is one line that says what would help."""


def find() -> Path:
    """A browser of this machine, else Debian's, else Playwright's own."""
    tried = []
    for search in (_named, _on_this_machine, _from_debian, _from_playwright):
        try:
            if found := search():
                return found
        except (OSError, subprocess.SubprocessError) as error:
            tried.append(f"{search.__name__.strip('_').replace('_', ' ')}: {type(error).__name__}")
    raise Missing(
        "no browser: set CHROMIUM to one, or install the package chromium, or run `python -m playwright install chromium`"
        + (f" ({'; '.join(tried)})" if tried else "")
    )


def arguments(certificates: Iterable[Path]) -> list[str]:
    """Start it without a window and without a network, every name being this machine; trust these certificates alone."""
    chosen = [
        "--headless=new",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        # Like the demo, but for whoever has no resolver that knows *.localhost; *.test are the foreign sites.
        "--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        # Not --ignore-certificate-errors: any other certificate is still refused, and pages count as secure contexts.
        "--ignore-certificate-errors-spki-list=" + ",".join(_key_hash(certificate) for certificate in certificates),
    ]
    if os.geteuid() == 0:
        chosen.append("--no-sandbox")  # Chromium refuses to run as root with it
    return chosen


def _named() -> Path | None:
    """The one that CHROMIUM names. A wrong name is an error: another browser would not be what was asked for."""
    named = os.environ.get("CHROMIUM")
    if not named:
        return None
    found = shutil.which(named)
    if found is None:
        raise Missing(f"CHROMIUM names {named}, which is no program")
    return Path(found)


def _on_this_machine() -> Path | None:
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def _from_debian() -> Path | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", *command], env=environment, timeout=INSTALL_SECONDS, check=True, capture_output=True)
    return _on_this_machine()


def _from_playwright() -> Path | None:
    from playwright.sync_api import sync_playwright

    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], timeout=INSTALL_SECONDS, check=True, capture_output=True
    )
    with sync_playwright() as playwright:
        found = Path(playwright.chromium.executable_path)
    return found if found.is_file() else None


def _key_hash(certificate: Path) -> str:
    """The leaf's public key as Chromium names it: base64 of the SHA-256 of its SubjectPublicKeyInfo."""
    public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    written = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(written).digest()).decode()
