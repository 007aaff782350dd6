"""The documentation's other commands, as they stand there. Last, since they stop and start what the other tests look at."""

import json
import re
import uuid
from pathlib import Path

import pytest
from client import Client
from documents import blocks
from engine import PAGE, VARIANT, until
from stack import ROOT

COMPOSE2 = pytest.mark.skipif(VARIANT != "docker compose", reason="the page says it for `docker compose`")


def test_the_page_names_who_may_sign_in(stand, engine):
    printed = engine.run_documented("people")
    assert dict(line.split() for line in printed.splitlines()) == stand.stack.secrets.passwords


@COMPOSE2
def test_the_page_hands_out_the_authority(stand, engine):
    engine.run_documented("authority")
    assert (ROOT / "target/compose-authority.pem").read_text() == stand.stack.authority.read_text()


@COMPOSE2
def test_the_page_shows_what_was_decided(stand, engine):
    marker = f"/marker-{uuid.uuid4()}"
    Client(stand.stack.authority).request("GET", stand.stack.origin("tensorboard") + marker)
    lines: list[dict] = []

    def look() -> bool:
        printed = engine.run_documented("logs").splitlines()
        lines[:] = [json.loads(line) for line in printed if f'"path":"{marker}"' in line]
        return bool(lines)

    until(look, "the request's line", 10)
    assert (lines[0]["response_code"], lines[0]["dashgate_reason"]) == (401, "session_missing")


@COMPOSE2
def test_a_changed_policy_needs_no_build_and_the_file_is_what_render_prints(stand, engine):
    file = ROOT / "envoy/compose.yaml"
    shipped, image = file.read_text(), engine.inspect("envoy")["Image"]
    started = engine.inspect("envoy")["State"]["StartedAt"]
    try:
        engine.run_documented("policy", 900)
        assert file.read_text() == shipped
    finally:
        file.write_text(shipped)
    assert (engine.inspect("envoy")["Image"], engine.is_healthy()) == (image, True)
    assert engine.inspect("envoy")["State"]["StartedAt"] != started
    assert Client(stand.stack.authority).request("GET", stand.stack.origin("portal") + "/login").status == 200


@COMPOSE2
def test_a_second_start_keeps_secrets_and_certificate(stand, engine):
    engine.run_documented("down")
    engine.run_documented("up")
    people = engine.run_documented("people")
    assert dict(line.split() for line in people.splitlines()) == stand.stack.secrets.passwords
    assert engine.read("envoy", "/run/dashgate/tls/authority.pem") == stand.stack.authority.read_text()
    assert engine.is_healthy()


def test_it_is_removed_to_the_last_volume(engine):
    engine.run_documented("remove")
    assert engine.left() == ""


def test_every_command_of_the_page_is_run_or_an_example():
    unnamed = [each.text for each in blocks(PAGE) if each.language == "sh" and each.name is None]
    assert [re.findall(r"^\w+_IMAGE=|^DASHGATE_PORT=", text, re.MULTILINE) for text in unnamed] == [["DASHGATE_PORT=", "PYTHON_IMAGE="]]


def test_the_readme_says_no_other_commands():
    page, readme = (Path(ROOT / name).read_text() for name in (PAGE, "README.md"))
    for command in re.findall(r"^docker[ -]compose .*$", readme, re.MULTILINE):
        assert f"\n{command}\n" in page
