"""docs/portal.md: what its code makes opens the dashboard through a real Envoy, and with one claim wrong does not."""

import json
import time
from urllib.parse import quote, urlencode

import pytest

from documents import blocks
from makers import MAKERS, PAGE, PIECES, USER, Maker, need
from stage import cookie, plain_ways, ways

PORTAL = "https://portal.example.org"
TRAINING = "https://training.example.org"
FORM = ("content-type", "application/x-www-form-urlencoded")
LIFETIME, SKEW = 8 * 3600, 30

# One claim each, the same text in every piece; and what differs from one to the next.
WRONG = {
    "issuer_not_allowed": (("https://portal.example.org", "https://portal.example.net"),),
    "key_unknown": (("portal-2026-11", "portal-2026-12"),),
    "session_lifetime_too_long": (("8 * 3600", "80 * 3600"), ("28800", "288000"), ('"8h"', '"80h"')),
    "session_expired": (("8 * 3600", "-60"), ("28800", "-60"), ('"8h"', '"-60s"')),
    "connect_token_stale": (
        ("int(time.time())", "int(time.time()) - 200"), ("Date.now() / 1000", "Date.now() / 1000 - 200"),
        ("setIssuedAt()", 'setIssuedAt("-200s")'), ("$(date +%s)", "$(($(date +%s) - 200))"),
    ),
    "session_not_yet_valid": (
        ("int(time.time())", "int(time.time()) + 200"), ("Date.now() / 1000", "Date.now() / 1000 + 200"),
        ("setIssuedAt()", 'setIssuedAt("200s")'), ("$(date +%s)", "$(($(date +%s) + 200))"),
    ),
    "audience_not_allowed": (
        ('"aud": url', '"aud": url.rstrip("/")'), ("aud: url", "aud: url.slice(0, -1)"),
        ('"https://training.example.org/" "$1"', '"https://training.example.org" "$1"'),
    ),
}  # fmt: skip
STATUS = {"audience_not_allowed": 403, "connect_token_stale": 403}

# `dashgate mint` takes key and claims from the policy: here the policy or the command says something else.
WRONG_MINT = {
    "issuer_not_allowed": (('--subject', '--claim iss=https://portal.example.net --subject'),),
    "key_unknown": (("id: portal-2026-11", "id: portal-2026-12"), ("keys: [portal-2026-11]", "keys: [portal-2026-12]")),
    "session_lifetime_too_long": (("--ttl 28800", "--ttl 288000"),),
    "session_expired": (("--ttl 28800", "--ttl 28800 --claim exp=$(($(date +%s) - 60))"),),
    "connect_token_stale": (("--ttl", "--now $(($(date +%s) - 200)) --ttl"),),
    "session_not_yet_valid": (("--ttl", "--now $(($(date +%s) + 200)) --ttl"),),
    "audience_not_allowed": (("--subject", "--claim aud=training --subject"),),
}  # fmt: skip

# Flask and Django share one passes.py: what is wrong is tried with one of them.
SIGNERS = [each for each in MAKERS if each[0] != "django"]
SPOILT = [(name, algorithm, reason) for name, algorithm in SIGNERS for reason in WRONG]
signers = pytest.mark.parametrize(("name", "algorithm"), SIGNERS, ids=map("-".join, SIGNERS))

# The makers that are portals, with a page and people who sign in.
PORTALS = [each for each in MAKERS if PIECES[each[0]][1]]
portals = pytest.mark.parametrize("maker", PORTALS, ids="-".join, indirect=True, scope="session")


def connect(gate, way, handed):
    """Sends what a person's browser would: the form from the portal's page, or what the link's page asks for."""
    assert handed.url == f"{TRAINING}/.dashgate/connect"
    if handed.kind == "form":
        return gate.ask(way, "training", "/.dashgate/connect", method="POST", origin=PORTAL, headers=[FORM],
                        body=urlencode(handed.fields).encode())
    path = f"/.dashgate/connect?next={quote(handed.fields['next'], safe='')}"
    bearer = [("authorization", f"Bearer {handed.token}")]
    return gate.ask(way, "training", path, method="POST", body=b"", headers=bearer)


def refused(gate, answer, reason):
    assert (answer.status, answer.value("x-dashgate-reason")) == (STATUS.get(reason, 401), reason), answer.text
    assert answer.values("set-cookie") == [] and answer.values("location") == []
    assert gate.upstream.received() == []


def test_dashgate_verify_says_that_the_pass_is_good(maker, verify):
    before = int(time.time())
    done = verify(maker.hand().token, maker.algorithm)
    assert done.returncode == 0, done.stdout
    said = json.loads(done.stdout)
    assert (said["verdict"], said["subject"], said["key"]) == ("accepted", USER, "portal-2026-11")
    assert before + LIFETIME + SKEW <= said["end"] <= time.time() + LIFETIME + SKEW


@plain_ways
def test_the_pass_becomes_a_cookie_that_opens_the_dashboard(maker, gate, way):
    handed = maker.hand()
    answer = connect(gate, way, handed)
    assert (answer.status, answer.value("location")) == (303, "/runs"), answer.text
    value, *attributes, age = answer.value("set-cookie").split("; ")
    assert value == f"__Host-dashgate-training={handed.token}"
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
    assert age.startswith("Max-Age=") and LIFETIME + SKEW - 10 <= int(age[8:]) <= LIFETIME + SKEW
    assert gate.upstream.received() == []
    arrived = gate.permits(way, "training", "/runs", headers=[("cookie", value)])
    assert (arrived.target, arrived.values("x-dashgate-subject")) == ("/runs", ["zo%C3%AB"])
    assert arrived.values("cookie") == []


@ways
def test_the_pass_itself_is_the_session_in_all_ways(maker, gate, way):
    token = maker.hand().token
    assert gate.permits(way, headers=cookie("training", token)).values("x-dashgate-subject") == ["zo%C3%AB"]


@pytest.mark.parametrize(("name", "algorithm", "reason"), SPOILT, ids=map("-".join, SPOILT))
def test_a_pass_with_one_thing_wrong_is_refused_for_it(stages, keys, tmp_path, verify, name, algorithm, reason):
    need(name)
    changes = (WRONG_MINT if name == "mint" else WRONG)[reason]
    gate = stages[algorithm]
    gate.upstream.forget()
    with Maker(name, algorithm, tmp_path, keys.folder, keys.environment_of(algorithm), changes) as maker:
        handed = maker.hand()
    refused(gate, connect(gate, "http1", handed), reason)
    done = verify(handed.token, algorithm)
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (1, reason)


@signers
def test_a_pass_of_another_key_is_refused(stages, keys, other_keys, tmp_path, name, algorithm):
    need(name)
    gate = stages[algorithm]
    gate.upstream.forget()
    with Maker(name, algorithm, tmp_path, other_keys.folder, other_keys.environment_of(algorithm)) as maker:
        refused(gate, connect(gate, "http1", maker.hand()), "signature_invalid")


def test_a_pass_in_a_query_opens_nothing(maker, gate):
    token = maker.hand().token
    shown = gate.answers("http1", 200, "training", f"/.dashgate/connect?token={token}&next=%2Fruns", origin=None)
    assert shown.values("set-cookie") == [] and token not in shown.text
    gate.refuses("http1", "session_missing", 401, "training", f"/runs?token={token}", origin=None)


@portals
def test_the_page_shows_a_form_and_nothing_that_came_with_the_request(maker):
    hostile = "/runs?a=\"'><script>alert(1)</script>&b={{ token }}&amp;c=1"
    handed = maker.hand(hostile)
    assert handed.tags == ["meta", "form", "input", "input", "button"]
    assert handed.fields == {"token": handed.token, "next": hostile}


@portals
def test_nobody_and_no_unknown_dashboard_gets_a_pass(maker):
    anonymous, text = maker.page("dashboard=training&next=/runs", None)
    assert anonymous.status == {"flask": 401, "django": 302}.get(maker.name, 404)
    assert "token" not in text
    person = maker.sign_in()
    for query in ("dashboard=other", "dashboard=", "", "dashboard=__proto__", "dashboard=https://evil.example/"):
        answer, text = maker.page(query, person)
        assert (answer.status, "token" in text) == (404, False), query


def test_every_piece_of_code_on_the_page_is_run_and_has_fewer_than_ten_lines():
    found = blocks(PAGE)
    names = {each.name for each in found if each.language}
    run = {piece for pieces, *_ in PIECES.values() for piece in pieces}
    variants = {f"{piece}, EdDSA" for piece in run if "/passes." in piece}
    assert names == run | variants | {"shell/key.sh", "policy.yaml, EdDSA"}
    for each in found:
        assert len(each.code_lines()) < 10, each.name
