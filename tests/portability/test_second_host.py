"""The same module on a host that is not Envoy: permits and refusals with the reasons, headers and properties that they have in Envoy."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import bootstrap
import pytest
import sessions
from policy import host_of, only, origin_of
from sessions import session, tampered
from stage import HTTP1_UPGRADE, bearer, cookie, subprotocol

NAMED = os.environ.get("DASHGATE_SECOND_HOST")
PROGRAM = Path(NAMED or bootstrap.ROOT / "target/second-host/release/second-host")
SECONDS = 120

Lines = list[tuple[str, str]]


@dataclass
class Verdict:
    """`status` is None where the request goes on."""

    status: int | None = None
    headers: Lines = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]


def run(folder: Path, requests: list[Lines], *environment: str, policy: dict | None = None) -> tuple[str, list[Verdict], str]:
    """The first word of the host, a verdict for each request, and the log."""
    if not PROGRAM.is_file():
        if NAMED:
            pytest.fail(f"DASHGATE_SECOND_HOST names {NAMED}, which is not there", pytrace=False)
        pytest.skip("the second host is not built: cargo xtask second-host (some 7 minutes of CPU, once)")
    configuration = folder / "policy.json"
    configuration.write_text(json.dumps(policy or only("portal", "training", "other", "tools")))
    given = [f"{name}={value}" for name, value in sessions.environment().items()]
    asked = "".join("".join(f"{name}: {value}\n" for name, value in lines) + "\n" for lines in requests)
    done = subprocess.run([str(PROGRAM), str(bootstrap.module()), str(configuration), *given, *environment], input=asked,
                          capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    first, _, rest = done.stdout.partition("\n")
    return first, [read(block) for block in rest.split("\n\n") if block], done.stderr


def read(block: str) -> Verdict:
    verdict = Verdict()
    for line in block.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "answer":
            verdict.status = int(rest)
        elif kind == "header":
            name, _, value = rest.partition(": ")
            verdict.headers.append((name, value))
        elif kind == "state":
            name, _, value = rest.partition("=")
            verdict.state[name] = value
        elif kind == "body":
            verdict.body = rest
        else:
            assert kind == "continue", block
    return verdict


def request(*lines: tuple[str, str], dashboard: str = "training", method: str = "GET", path: str = "/runs?tag=loss") -> Lines:
    return [(":method", method), (":scheme", "https"), (":authority", host_of(dashboard)), (":path", path), *lines]


def one(folder: Path, lines: Lines, *environment: str) -> Verdict:
    first, verdicts, _ = run(folder, [lines], *environment)
    assert first == "started" and len(verdicts) == 1
    return verdicts[0]


@pytest.mark.parametrize("carrier", [cookie, bearer, subprotocol])
def test_a_session_is_permitted_and_its_credential_goes_no_further(tmp_path, carrier):
    token = session("training")
    credential = cookie("training", token) if carrier is cookie else carrier(token)
    upgrade = [*HTTP1_UPGRADE, ("origin", origin_of("training"))] if carrier is subprotocol else []
    verdict = one(tmp_path, request(*upgrade, *credential, ("x-dashgate-subject", "mallory"), ("x-kept", "yes")))
    assert verdict.status is None
    assert verdict.state["dashgate_dashboard"] == "training" and verdict.state["dashgate_subject"] == "ana"
    assert verdict.values("x-dashgate-subject") == ["ana"] and verdict.values("x-kept") == ["yes"]
    assert token not in str(verdict.headers) and len(verdict.values("grpc-timeout")) == 1


@pytest.mark.parametrize("reason,status,lines", [
    ("session_missing", 401, lambda: request()),
    ("signature_invalid", 401, lambda: request(*cookie("training", tampered(session("training"))))),
    ("session_expired", 401, lambda: request(*cookie("training", session("training", iat=int(time.time()) - 900, exp=int(time.time()) - 300)))),
    ("audience_not_allowed", 403, lambda: request(*cookie("training", session("other")))),
    ("origin_not_allowed", 403, lambda: request(("origin", "https://evil.example"), *cookie("training", session("training")))),
    ("origin_missing", 403, lambda: request(*cookie("training", session("training")), method="POST")),
    ("origin_missing", 403, lambda: request(*HTTP1_UPGRADE, *cookie("training", session("training")))),
    ("credential_repeated", 403, lambda: request(*cookie("training", session("training")), *cookie("training", session("training")))),
])
def test_a_refusal_has_the_reason_that_it_has_in_envoy(tmp_path, reason, status, lines):
    verdict = one(tmp_path, lines())
    assert "dashgate_dashboard" not in verdict.state
    assert (verdict.status, verdict.state["dashgate_reason"]) == (status, reason)
    assert verdict.values("x-dashgate-reason") == [reason]
    assert verdict.values("cache-control") == ["no-store"]


def test_an_open_dashboard_and_an_unknown_host_are_told_apart(tmp_path):
    first, (permit, refusal), _ = run(tmp_path, [request(dashboard="portal", path="/"), request(dashboard="bokeh")])
    assert first == "started"
    assert permit.status is None and permit.state["dashgate_dashboard"] == "portal"
    assert (refusal.status, refusal.state["dashgate_reason"]) == (404, "dashboard_not_found")


def test_a_host_that_takes_no_properties_permits_nothing(tmp_path):
    """As nginx: the permit could not be stated."""
    good = request(*cookie("training", session("training")))
    _, (permit, refusal), _ = run(tmp_path, [good, request()], "WITHOUT_PROPERTIES=1")
    assert permit.status == 500 and permit.state == {}
    assert refusal.status in (401, 500)


def test_a_policy_with_a_mistake_is_refused_here_too(tmp_path):
    broken = only("portal", "training")
    broken["dashbords"] = []
    first, verdicts, log = run(tmp_path, [], policy=broken)
    assert (first, verdicts) == ("refused", []) and "dashbords" in log


def test_no_secret_and_no_token_is_in_its_log(tmp_path):
    tokens = [session("training"), tampered(session("training"))]
    _, _, log = run(tmp_path, [request(*cookie("training", token)) for token in tokens])
    assert log and not any(secret in log for secret in sessions.SECRETS)
