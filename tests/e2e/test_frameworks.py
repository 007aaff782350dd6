"""Sessions that web frameworks sign: the golden vectors test the formats; this, that real ones open a dashboard at the edge."""

import time

import pytest

from sessions import framework_session
from stage import ways

FRAMEWORKS = ["flask", "tornado"]


def named(framework, value):
    return [("cookie", f"theme=dark; {framework}_session={value}; lang=en")]


@ways
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_frameworks_own_session_opens_its_dashboard(gate, way, framework):
    arrived = gate.permits(way, framework, headers=named(framework, framework_session(framework)))
    assert arrived.values("x-dashgate-subject") == ["ana"]
    # The framework's own backend is the one that may need its cookie: tornado's dashboard keeps it, flask's does not.
    kept = arrived.values("cookie")
    assert any("tornado_session=" in line for line in kept) == (framework == "tornado"), kept
    assert not any("flask_session=" in line for line in kept), kept
    assert all("theme=dark" in line and "lang=en" in line for line in kept)


@ways
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_opens_no_other_dashboard_and_goes_up_nowhere_else(gate, way, framework):
    value = framework_session(framework)
    gate.refuses(way, "session_missing", 401, "training", headers=named(framework, value))
    arrived = gate.permits(way, "portal", headers=named(framework, value))
    assert not any(value in line for line in arrived.values("cookie"))


@ways
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("change", "reason"), [
    (lambda value: value[:-1], {"token_malformed", "signature_invalid"}),
    (lambda value: value[:-6] + ("AAAAAA" if not value.endswith("AAAAAA") else "BBBBBB"), {"token_malformed", "signature_invalid"}),
    (lambda value: "x" + value, {"token_malformed", "signature_invalid"}),
    (lambda value: value.swapcase(), {"token_malformed", "signature_invalid"}),
])  # fmt: skip
def test_a_changed_one_is_refused(gate, way, framework, change, reason):
    answered = gate.answers(way, 401, framework, headers=named(framework, change(framework_session(framework))))
    assert answered.values("x-dashgate-reason")[0] in reason


@ways
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_old_one_and_one_of_another_secret_are_refused(gate, way, framework):
    day = 86_400
    old = framework_session(framework, signed_at=time.time() - 31 * day - 5)
    gate.refuses(way, "session_expired", 401, framework, headers=named(framework, old))
    early = framework_session(framework, signed_at=time.time() + 300)
    gate.refuses(way, "session_not_yet_valid", 401, framework, headers=named(framework, early))
    foreign = framework_session(framework, secret="another secret of more than 32 bytes")
    gate.refuses(way, "signature_invalid", 401, framework, headers=named(framework, foreign))
    twice = named(framework, framework_session(framework)) + named(framework, framework_session(framework))
    gate.refuses(way, "credential_repeated", 403, framework, headers=twice)


@ways
@pytest.mark.parametrize(("subject", "reason"), [("", "subject_missing"), ("a" * 257, "claims_malformed")],
                         ids=["none", "too_long"])
def test_a_visitor_who_never_logged_in_and_an_endless_name_are_refused(gate, way, subject, reason):
    gate.refuses(way, reason, 401, "flask", headers=named("flask", framework_session("flask", subject=subject)))
    longest = framework_session("flask", subject="a" * 256)
    assert gate.permits(way, "flask", headers=named("flask", longest)).values("x-dashgate-subject") == ["a" * 256]
