"""Sessions as a portal and a real Bokeh make them, and the malformed ones that nobody should accept.

Every token made here is remembered in `SECRETS`: the last test looks for each of them in all that Envoy printed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import uuid
from http.cookies import SimpleCookie
from pathlib import Path
from unittest import mock

import flask
import jwt
import tornado.web
from absence import leave_out
from bokeh.util.token import generate_jwt_token, generate_session_id

sys.path.append(str(Path(__file__).parent.parent / "golden"))    # for elsewhere alone, which asks libraries that are not here

PORTAL = "https://portal.example.org"
KEY_CURRENT = bytes(range(7, 7 + 40))
KEY_OLDER = bytes(range(90, 90 + 32))
KEY_RETIRED = bytes(range(130, 130 + 48))
KEY_UNKNOWN = bytes(range(11, 11 + 40))
APP_SECRET = "the-secret-of-the-apps-that-sign-by-themselves"
BOKEH_SECRET = "bokeh-end-to-end-secret-of-44-characters-xyz"

JUPYTER_FILE = base64.encodebytes(bytes(range(60, 60 + 32)))    # as it is written: the end of the line is part of it
PASSWORD_HASH = "argon2:$argon2id$v=19$m=10240,t=10,p=8$fD0ws0mmsjG04FuhAAUzfA$5fjKqGOJBLTTWdZBvW8iXzXSKcRuTZtIXHyBmOCoTRM"

SECRETS: set[str] = {BOKEH_SECRET, APP_SECRET, PASSWORD_HASH}


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def environment() -> dict[str, str]:
    """The variables that the policy's keys name, as Envoy gets them."""
    values = {
        "DASHGATE_E2E_CURRENT": base64url(KEY_CURRENT),
        "DASHGATE_E2E_OLDER": KEY_OLDER.hex(),
        "DASHGATE_E2E_RETIRED": base64.b64encode(KEY_RETIRED).decode(),
        "DASHGATE_E2E_BOKEH": BOKEH_SECRET,
        "DASHGATE_E2E_APP": APP_SECRET,
        "DASHGATE_E2E_JUPYTER": base64.b64encode(JUPYTER_FILE).decode(),
        "DASHGATE_E2E_PASSWORD": PASSWORD_HASH,
    }
    SECRETS.update(values.values())
    return values


def remember(credential: str) -> str:
    """Keeps a credential for the last test: the whole, and the part that makes it one."""
    SECRETS.add(credential)
    signature = credential.rsplit(".", 1)[-1]
    if len(signature) >= 20:
        SECRETS.add(signature)
    return credential


def url_of(dashboard: str) -> str:
    from policy import dashboard_url
    return dashboard_url(dashboard)


def claims(dashboard: str, **changes: object) -> dict[str, object]:
    """The usual claims; a change to None takes a claim out."""
    now = int(time.time())
    usual: dict[str, object] = {
        "iss": PORTAL, "aud": url_of(dashboard), "sub": "ana", "iat": now, "exp": now + 600, "jti": uuid.uuid4().hex,
    }
    usual.update(changes)
    return {name: value for name, value in usual.items() if value is not None}


def session(dashboard: str, key: bytes = KEY_CURRENT, key_id: str | None = "current", algorithm: str = "HS256",
            header: dict[str, object] | None = None, **changes: object) -> str:
    headers = dict(header or {})
    if key_id is not None:
        headers["kid"] = key_id
    return remember(jwt.encode(claims(dashboard, **changes), key, algorithm=algorithm, headers=headers))


def handmade(header: str | bytes, payload: str | bytes, key: bytes = KEY_CURRENT) -> str:
    """A token around texts that no library would write, signed well."""
    parts = [part.encode() if isinstance(part, str) else part for part in (header, payload)]
    signed = ".".join(base64url(part) for part in parts)
    return remember(signed + "." + base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest()))


def handmade_for(dashboard: str, header: str = '{"alg":"HS256","typ":"JWT","kid":"current"}', **changes: object) -> str:
    return handmade(header, json.dumps(claims(dashboard, **changes)))


def unsigned(dashboard: str, algorithm: str = "none") -> str:
    header = base64url(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    return remember(f"{header}.{base64url(json.dumps(claims(dashboard)).encode())}.")


def tampered(token: str) -> str:
    """The same token with its subject changed and the signature kept."""
    header, payload, signature = token.split(".")
    inside = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    inside["sub"] = "mallory"
    return remember(".".join([header, base64url(json.dumps(inside).encode()), signature]))


def bokeh_id(secret: str = BOKEH_SECRET) -> str:
    return remember(generate_session_id(secret_key=secret.encode(), signed=True))


def bokeh_token(session_id: str | None = None, secret: str = BOKEH_SECRET, expiration: int = 300,
                extra: dict[str, object] | None = None) -> str:
    return remember(generate_jwt_token(session_id or bokeh_id(secret), secret_key=secret.encode(), signed=True,
                                       extra_payload=extra, expiration=expiration))


def elsewhere(requirement: str, script: str, whole: bool = False):
    """A library that the golden vectors are made with, in a process of its own; the test is left out where it cannot be had."""
    from elsewhere import Library, Unreachable
    library = Library(requirement, script, whole)
    try:
        assert library.place
    except Unreachable as problem:
        leave_out(str(problem))
    return library


def streamlit_cookies(host: str, letters: int = 0, version: str = "1.67.0", **changes: object) -> list[str]:
    """The cookies of a real Streamlit's login; with many letters, the several that it cuts a long one into."""
    login = {"email": "ana@example.org", "picture": base64url(os.urandom(letters * 3 // 4)), "origin": f"https://{host}",
             "is_logged_in": True, "provider": "default", **changes}
    library = elsewhere(f"streamlit=={version}", "signed_streamlit_asked.py")
    cookies = library.ask("make", payload=login, secret=APP_SECRET, at=time.time())
    return [f"{name}={quoted(remember(value))}" for name, value in cookies]


def jupyter_cookie(host: str, user: str = "ana") -> str:
    """The cookie of a real Jupyter Server's login, where it has a password."""
    library = elsewhere("jupyter_server==2.21.1", "signed_jupyter_asked.py", whole=True)
    password = {"PasswordIdentityProvider": {"hashed_password": PASSWORD_HASH}}
    key = library.ask("secret", file=JUPYTER_FILE.decode(), config=password)
    name, value = library.ask("login", key=key, host=host, user={"username": user}, at=time.time())
    SECRETS.update(value.strip('"').split("|")[-2:])    # its name, which is in there too, is no secret
    return f"{name}={value}"


def old_django_cookie(name: str, text: str, salt: str = "") -> str:
    """What a real Django of before 5.2.15 signs for a cookie."""
    library = elsewhere("Django==5.2.8", "signed_django_asked.py")
    return f"{name}={remember(library.ask('make', text=text, cookie=name, salt=salt, secret=APP_SECRET, at=time.time()))}"


def quoted(value: str) -> str:
    """As Python's frameworks write it behind the cookie's name."""
    cookie: SimpleCookie = SimpleCookie()
    cookie["name"] = value
    return cookie["name"].coded_value


def framework_session(framework: str, secret: str = APP_SECRET, signed_at: float | None = None, subject: str = "ana") -> str:
    """The cookie's value as the framework itself writes it, quotes included; with no subject, a visitor's who never logged in."""
    signed_at = time.time() if signed_at is None else signed_at
    if framework == "flask":
        app = flask.Flask("e2e")
        app.secret_key = secret
        serializer = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(app)
        with mock.patch("time.time", return_value=signed_at):
            value = serializer.dumps({**({"user_id": subject} if subject else {}), "seen": uuid.uuid4().hex})
    else:
        value = tornado.web.create_signed_value(secret, "tornado_session", subject, clock=lambda: signed_at).decode()
    return quoted(remember(value))
