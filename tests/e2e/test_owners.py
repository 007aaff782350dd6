"""Who may open what: hosts and paths that name their owner, and listed subjects and groups."""

import pytest

from sessions import session
from stage import bearer, ways

ANA, BEN = "ana.hub.example.org", "ben.hub.example.org"


def hub(subject, **changes):
    return bearer(session("hub", sub=subject, **changes))


@ways
def test_a_host_is_open_to_its_owner_only(gate, way):
    arrived = gate.permits(way, "hub", host=ANA, origin=f"https://{ANA}", headers=hub("ana"))
    assert arrived.values("x-dashgate-subject") == ["ana"]
    assert arrived.values("host") == [ANA]
    gate.refuses(way, "subject_not_owner", 403, "hub", host=BEN, origin=f"https://{BEN}", headers=hub("ana"))
    gate.refuses(way, "session_missing", 401, "hub", host=ANA, origin=f"https://{ANA}")


@ways
def test_an_owners_page_is_no_origin_for_anothers_host(gate, way):
    gate.refuses(way, "origin_not_allowed", 403, "hub", host=ANA, origin=f"https://{BEN}", headers=hub("ana"))
    gate.refuses(way, "origin_not_allowed", 403, "hub", host=ANA, origin="https://hub.example.org", headers=hub("ana"))


@ways
def test_a_subject_that_is_no_label_has_an_encoded_one(gate, way):
    host = "x-ana-40example-2eorg.hub.example.org"
    arrived = gate.permits(way, "hub", host=host, origin=f"https://{host}", headers=hub("ana@example.org"))
    assert arrived.values("x-dashgate-subject") == ["ana@example.org"]
    label = "x-ana-40example-2eorg"
    gate.refuses(way, "subject_not_owner", 403, "hub", host=host, origin=f"https://{host}", headers=hub(label))


@ways
def test_the_audience_is_the_url_as_it_is_configured(gate, way):
    for host in (ANA, BEN):
        filled = hub("ana", aud=f"https://{host}/")
        gate.refuses(way, "audience_not_allowed", 403, "hub", host=ANA, origin=f"https://{ANA}", headers=filled)


@ways
@pytest.mark.parametrize(("path", "subject", "reason"), [
    ("/user/ana/lab", "ana", None),
    ("/user/ana", "ana", None),
    ("/user/ana@example.org/", "ana@example.org", None),
    ("/user/ana%40example.org/", "ana@example.org", None),
    ("/user/ana%2540example.org/", "ana@example.org", "subject_not_owner"),
    ("/user/ana%2540example.org/", "ana%40example.org", "subject_not_owner"),
    ("/user/ben/", "ana", "subject_not_owner"),
    ("/user/anab/", "ana", "subject_not_owner"),
])  # fmt: skip
def test_a_path_is_open_to_its_owner_only(gate, way, path, subject, reason):
    headers = bearer(session("users", sub=subject))
    if reason is None:
        assert gate.permits(way, "users", path, headers=headers).target == path
    else:
        gate.refuses(way, reason, 403, "users", path, headers=headers)


@ways
def test_a_path_cannot_walk_to_another_owner(gate, way):
    headers = bearer(session("users", sub="ana"))
    for path in ("/user/ana/../ben/", "/user/ana/%2e%2e/ben/", "/user//ben/"):
        gate.refuses(way, "subject_not_owner", 403, "users", path, headers=headers)
    for path in ("/user/ana%2f..%2fben/", "/user/ana/..%2fben/"):
        answer = gate.ask(way, "users", path, headers=headers)
        assert answer.status in (307, 403), answer.status    # Envoy redirects to the unescaped path, or the gate refuses it
        assert answer.values("x-upstream") == []


@ways
def test_listed_subjects_and_groups_open_a_dashboard(gate, way):
    gate.permits(way, "team", headers=bearer(session("team", sub="eve")))
    gate.permits(way, "team", headers=bearer(session("team", sub="ana", groups=["students", "staff"])))
    gate.refuses(way, "subject_not_allowed", 403, "team", headers=bearer(session("team", sub="ana", groups=["students"])))
    gate.refuses(way, "subject_not_allowed", 403, "team", headers=bearer(session("team", sub="staff")))
    gate.refuses(way, "claims_malformed", 401, "team", headers=bearer(session("team", sub="eve", groups={"staff": 1})))
