"""Sessions as a portal and a real Bokeh make them, and the malformed ones that nobody should accept.

Every token made here is remembered in `SECRETS`: the last test looks for each of them in all that Envoy printed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from http.cookies import SimpleCookie
from unittest import mock

import flask
import jwt
import tornado.web
from bokeh.util.token import generate_jwt_token, generate_session_id

PORTAL = "https://portal.example.org"
KEY_CURRENT = bytes(range(7, 7 + 40))
KEY_OLDER = bytes(range(90, 90 + 32))
KEY_RETIRED = bytes(range(130, 130 + 48))
KEY_UNKNOWN = bytes(range(11, 11 + 40))
APP_SECRET = "the-secret-of-the-apps-that-sign-by-themselves"
BOKEH_SECRET = "bokeh-end-to-end-secret-of-44-characters-xyz"

SECRETS: set[str] = {BOKEH_SECRET, APP_SECRET}


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
    remember(value)
    cookie: SimpleCookie = SimpleCookie()
    cookie["name"] = value
    return cookie["name"].coded_value
