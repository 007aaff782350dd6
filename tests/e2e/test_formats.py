"""Each further format once more through Envoy: a cookie of the real library opens a dashboard, and nothing like it does."""

import base64
import json
import time

import django.conf
import itsdangerous
import pytest
import starlette.middleware.sessions
from django.core import signing
from django.http.response import HttpResponseBase

import bootstrap
import sessions
from policy import only
from sessions import APP_SECRET, quoted, remember
from stage import Stage, ways

django.conf.settings.configure(SECRET_KEY=APP_SECRET)
EXPRESS = json.loads((bootstrap.ROOT / "tests/golden/signed_express.json").read_text())
USER = {"user": {"name": "ana"}}


def express():
    """A value that the real cookie-signature made: it holds no time, so the golden vectors' are good here, too."""
    case = next(case for case in EXPRESS["cases"] if case["expect"] == "accepted" and len(case["keys"]) == 1 and not case["session"].get("cookie"))
    key = base64.urlsafe_b64decode(case["keys"][0]["secret_base64url"] + "==").decode()
    return key, base64.b64decode(case["token_base64"]).decode()


def by_itsdangerous():
    return itsdangerous.URLSafeTimedSerializer(APP_SECRET, salt="dash").dumps(USER)


def by_starlette():
    """As SessionMiddleware writes it at the end of an answer."""
    signer = starlette.middleware.sessions.SessionMiddleware(None, secret_key=APP_SECRET).signer
    return signer.sign(base64.b64encode(json.dumps(USER).encode())).decode()


def by_django():
    return signing.dumps(USER, key=APP_SECRET, salt="dash", compress=True)


def by_django_cookie():
    answer = HttpResponseBase()
    answer.set_signed_cookie("who", "ana")
    return answer.cookies["who"].value


MADE = {"its": by_itsdangerous, "starlette": by_starlette, "dumped": by_django, "who": by_django_cookie,
        "connect.sid": lambda: express()[1]}
KINDS = {
    "itsdangerous": {"format": "itsdangerous", "keys": ["app"], "cookie": "its", "salt": "dash", "subject_from": "user.name"},
    "starlette": {"format": "starlette", "keys": ["app"], "cookie": "starlette", "subject_from": "user.name"},
    "django": {"format": "django", "keys": ["app"], "cookie": "dumped", "salt": "dash", "subject_from": "user.name"},
    "django_cookie": {"format": "django_cookie", "keys": ["app"], "cookie": "who", "subject_from": "."},
    "express": {"format": "express", "keys": ["express"], "max_stream_seconds": 3600},
}


# What goes through Python's http.cookies, which quotes.
DJANGOS = ("dumped", "who")


@pytest.fixture(scope="module")
def formats():
    """A gate whose one dashboard takes all of them."""
    changed = only("training", sessions=KINDS)
    changed["keys"].append({"id": "express", "env": "DASHGATE_E2E_EXPRESS", "encoding": "utf8"})
    changed["dashboards"][0]["sessions"] = list(KINDS)
    environment = sessions.environment() | {"DASHGATE_E2E_EXPRESS": express()[0]}
    with Stage(changed, environment=environment) as stage:
        yield stage


def shown(cookie, value):
    return [("cookie", f"theme=dark; {cookie}={quoted(value) if cookie in DJANGOS else value}; lang=en")]


@ways
@pytest.mark.parametrize("cookie", MADE)
def test_a_real_librarys_session_opens_its_dashboard_and_does_not_go_up(formats, way, cookie):
    arrived = formats.permits(way, "training", headers=shown(cookie, remember(MADE[cookie]())))
    assert arrived.values("x-dashgate-subject") == ([] if cookie == "connect.sid" else ["ana"])
    assert arrived.values("cookie") == ["theme=dark; lang=en"]


@ways
@pytest.mark.parametrize("cookie", MADE)
def test_one_with_a_letter_changed_or_under_anothers_name_is_refused(formats, way, cookie):
    value = MADE[cookie]()
    changed = value[:-8] + ("A" if value[-8] != "A" else "B") + value[-7:]
    formats.refuses(way, "signature_invalid", 401, "training", headers=shown(cookie, changed))
    other = next(name for name in MADE if name not in (cookie, "connect.sid"))
    assert formats.answers(way, 401, "training", headers=shown(other, value)).value("x-dashgate-reason") in (
        "signature_invalid", "token_malformed")


@ways
def test_one_from_the_future_or_the_past_is_refused(formats, way, monkeypatch):
    real = time.time
    for ahead, reason in ((3600, "session_not_yet_valid"), (-40 * 86_400, "session_expired")):
        for cookie in ("its", "starlette", "dumped", "who"):
            monkeypatch.setattr(time, "time", lambda ahead=ahead: real() + ahead)
            value = MADE[cookie]()
            monkeypatch.undo()
            formats.refuses(way, reason, 401, "training", headers=shown(cookie, value))
