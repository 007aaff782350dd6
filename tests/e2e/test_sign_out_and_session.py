"""Rule 36: signing out, and what a page may learn of its session."""

import json

import pytest

from sessions import PORTAL, session, tampered
from stage import bearer, cookie, plain_ways

OWN = "https://training.example.org"


@plain_ways
@pytest.mark.parametrize("origin", [OWN, PORTAL])
def test_rule_36_signing_out_clears_the_cookie(gate, way, origin):
    answer = gate.answers(way, 303, path="/.dashgate/logout", method="POST", origin=origin, body=b"",
                          headers=cookie("training", session("training")))
    assert answer.value("location") == "/"
    assert [line.split("=")[0] for line in answer.values("set-cookie")] \
        == ["__Host-dashgate-training", "__Host-dashgate_pending", "__Host-dashgate_bounce"]
    for line in answer.values("set-cookie"):
        value, *attributes = [part.strip() for part in line.split("=", 1)[1].split(";")]
        assert value == ""
        # Browsers ignore a clearing line without the attributes a __Host- cookie must have (CVE-2025-55162's kin).
        assert {"Secure", "Path=/", "Max-Age=0"} <= set(attributes)
        assert not [part for part in attributes if part.lower().startswith("domain")]
    assert answer.value("cache-control") == "no-store"


@plain_ways
def test_rule_36_signing_out_clears_every_dashgate_cookie_of_the_host(gate, way):
    answer = gate.answers(way, 303, "first", "/.dashgate/logout", method="POST", body=b"")
    assert sorted(line.split("=")[0] for line in answer.values("set-cookie")) \
        == ["__Host-dashgate-first", "__Host-dashgate-inner", "__Host-dashgate-second", "__Host-dashgate_bounce", "__Host-dashgate_pending"]


@plain_ways
@pytest.mark.parametrize("origin,reason", [("https://evil.example", "origin_not_allowed"), (None, "origin_missing"), ("null", "origin_null"),
                                           ("https://other.example.org", "origin_not_allowed"), (f"{OWN},{OWN}", "origin_repeated")])
def test_rule_36_nobody_else_signs_a_person_out(gate, way, origin, reason):
    answer = gate.refuses(way, reason, 403, path="/.dashgate/logout", method="POST", origin=origin, body=b"",
                          headers=cookie("training", session("training")))
    assert answer.values("set-cookie") == []


@plain_ways
def test_rule_36_a_get_signs_nobody_out(gate, way):
    answer = gate.answers(way, 404, path="/.dashgate/logout", headers=cookie("training", session("training")))
    assert answer.values("set-cookie") == []


@plain_ways
@pytest.mark.parametrize("origin", [None, OWN])
def test_rule_36_the_own_page_learns_whose_session_it_has(gate, way, origin):
    answer = gate.answers(way, 200, path="/.dashgate/session", origin=origin,
                          headers=[("sec-fetch-site", "same-origin"), *cookie("training", session("training"))])
    described = json.loads(answer.body)
    assert (described["subject"], described["dashboard"]) == ("ana", "training")
    assert 620 <= described["expires_in_seconds"] <= 630
    assert set(described) == {"subject", "dashboard", "expires_in_seconds"}
    assert (answer.value("cache-control"), answer.value("content-type")) == ("no-store", "application/json")


@plain_ways
def test_rule_36_no_other_page_learns_it(gate, way):
    credential = cookie("training", session("training"))
    for site in ("cross-site", "same-site", "none"):
        gate.refuses(way, "site_not_allowed", 403, path="/.dashgate/session", origin=None,
                     headers=[("sec-fetch-site", site), *credential])
    gate.refuses(way, "origin_not_allowed", 403, path="/.dashgate/session", origin=PORTAL, headers=credential)
    gate.refuses(way, "origin_not_allowed", 403, "partners", "/.dashgate/session", origin=PORTAL,
                 headers=cookie("partners", session("partners")))


@plain_ways
def test_rule_36_without_a_session_there_is_nothing_to_tell(gate, way):
    gate.refuses(way, "session_missing", 401, path="/.dashgate/session")
    gate.refuses(way, "signature_invalid", 401, path="/.dashgate/session", headers=cookie("training", tampered(session("training"))))
    gate.refuses(way, "signature_invalid", 401, path="/.dashgate/session", headers=bearer(tampered(session("training"))))
