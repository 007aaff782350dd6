"""Sessions that web frameworks sign: the golden vectors test the formats; this, that real ones open a dashboard at the edge."""

import time

import pytest

from policy import only
from sessions import framework_session, jupyter_cookie, old_django_cookie, streamlit_cookies
from stage import Stage, ways

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


def beside(*cookies):
    return [("cookie", "; ".join(["theme=dark", *cookies, "lang=en"]))]


@ways
@pytest.mark.parametrize(("letters", "count"), [(0, 1), (7000, 3)], ids=["whole", "in_chunks"])
def test_streamlits_own_login_opens_its_dashboard(gate, way, letters, count):
    cookies = streamlit_cookies("streamlit.example.org", letters)
    assert len(cookies) in (count, count + 1), [cookie.partition("=")[0] for cookie in cookies]
    beyond = ["_streamlit_user_tokens=tokens-beside-it", "_streamlit_xsrf=2|mask"]
    arrived = gate.permits(way, "streamlit", headers=beside(*reversed(cookies), *beyond))
    assert arrived.values("x-dashgate-subject") == ["ana@example.org"]
    assert arrived.values("cookie") == ["theme=dark; _streamlit_xsrf=2|mask; lang=en"]
    # Nowhere else, and for no other origin.
    elsewhere = gate.permits(way, "portal", headers=beside(*cookies))
    assert elsewhere.values("cookie") == ["theme=dark; lang=en"]
    foreign = streamlit_cookies("training.example.org", letters)
    gate.refuses(way, "audience_not_allowed", 403, "streamlit", headers=beside(*foreign))
    nobody = streamlit_cookies("streamlit.example.org", letters, is_logged_in=False)
    gate.refuses(way, "subject_missing", 401, "streamlit", headers=beside(*nobody))


@ways
def test_a_streamlit_login_of_which_a_chunk_is_missing_repeated_or_anothers_is_refused(gate, way):
    first, one, two, *more = streamlit_cookies("streamlit.example.org", 7000)
    gate.refuses(way, "token_malformed", 401, "streamlit", headers=beside(first, two, *more))
    gate.refuses(way, "token_malformed", 401, "streamlit", headers=beside(first))
    gate.refuses(way, "credential_repeated", 403, "streamlit", headers=beside(first, one, two, *more, one))
    # What a longer login left behind is none of this one's, and does not go up.
    arrived = gate.permits(way, "streamlit", headers=beside(first, one, two, *more, "_streamlit_user_9=x"))
    assert arrived.values("cookie") == ["theme=dark; lang=en"]
    swapped = [one.replace("user_1=", "user_2="), two.replace("user_2=", "user_1=")]
    gate.refuses(way, "signature_invalid", 401, "streamlit", headers=beside(first, *swapped, *more))
    gate.refuses(way, "session_missing", 401, "streamlit", headers=beside(one, two, *more))


@pytest.fixture(scope="module")
def old_streamlit():
    """One cookie cannot be two kinds': the older Streamlit's logins have a gate of their own."""
    kinds = {"streamlit": {"format": "streamlit_tornado", "keys": ["app"], "subject_from": "email", "chunks": True}}
    with Stage(only("streamlit", sessions=kinds)) as stage:
        yield stage


@ways
@pytest.mark.parametrize(("letters", "several"), [(0, False), (7000, True)], ids=["whole", "in_chunks"])
def test_an_older_streamlits_login_opens_its_dashboard(old_streamlit, way, letters, several):
    cookies = streamlit_cookies("streamlit.example.org", letters, version="1.56.0")
    assert (len(cookies) > 2) == several
    arrived = old_streamlit.permits(way, "streamlit", headers=beside(*cookies))
    assert (arrived.values("x-dashgate-subject"), arrived.values("cookie")) == (["ana@example.org"], ["theme=dark; lang=en"])
    old_streamlit.refuses(way, "token_malformed", 401, "streamlit", headers=beside(*streamlit_cookies("streamlit.example.org", letters)))


@ways
def test_jupyters_own_login_opens_its_dashboard(gate, way):
    arrived = gate.permits(way, "jupyter", headers=beside(jupyter_cookie("jupyter.example.org")))
    assert (arrived.values("x-dashgate-subject"), arrived.values("cookie")) == (["ana"], ["theme=dark; lang=en"])
    elsewhere = jupyter_cookie("training.example.org").replace("username-training", "username-jupyter", 1)
    gate.refuses(way, "claims_malformed", 401, "jupyter", headers=beside(elsewhere))


@ways
def test_an_old_djangos_cookie_opens_its_dashboard(gate, way):
    arrived = gate.permits(way, "django", headers=beside(old_django_cookie("who", "ana")))
    assert (arrived.values("x-dashgate-subject"), arrived.values("cookie")) == (["ana"], ["theme=dark; lang=en"])
    salted = old_django_cookie("who", "ana", salt="reset")
    gate.refuses(way, "signature_invalid", 401, "django", headers=beside(salted))
