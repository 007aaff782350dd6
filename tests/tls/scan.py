"""What sslyze finds at the edge: one run, from its own environment, read back from its JSON. Says nothing of what is right."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import absence

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "target" / "scanners" / "bin" / "python"
NAME = "training.example.org"
SECONDS = 300
VERSIONS = {"SSL 2.0": "ssl_2_0", "SSL 3.0": "ssl_3_0", "TLS 1.0": "tls_1_0", "TLS 1.1": "tls_1_1", "TLS 1.2": "tls_1_2",
            "TLS 1.3": "tls_1_3"}


@dataclass
class Scan:
    """The findings, and what sslyze itself says about Mozilla's profile."""

    found: dict
    compliant: bool
    said: str

    def result(self, command: str) -> dict:
        """What one of its probes found; it must have run to its end."""
        probe = self.found[command]
        assert probe["status"] == "COMPLETED", probe
        return probe["result"]

    def suites(self, version: str) -> list[dict]:
        """The suites that the edge took with a version."""
        return self.result(f"{VERSIONS[version]}_cipher_suites")["accepted_cipher_suites"]

    def deployments(self) -> list[dict]:
        """The certificates with their chains, one of each kind."""
        return self.result("certificate_info")["certificate_deployments"]


def sslyze(port: int, authority: str, folder: Path) -> Scan:
    """Scans once, for Mozilla's profile "intermediate", which asks for all that is read here."""
    if not PYTHON.is_file():
        absence.leave_out("sslyze is not installed; `cargo xtask test` does that")
    written = folder / "sslyze.json"
    command = [str(PYTHON), "-m", "sslyze", f"--json_out={written}", f"--certinfo_ca_file={authority}", "--early_data",
               "--mozilla_config=intermediate", f"{NAME}:{port}{{127.0.0.1}}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    assert written.is_file(), done.stdout + done.stderr
    (result,) = json.loads(written.read_text())["server_scan_results"]
    assert result["scan_status"] == "COMPLETED", result
    return Scan(result["scan_result"], done.returncode == 0, done.stdout)
