"""How the JWT cases make their tokens: with PyJWT's own encoder, or its own HMAC over bytes no encoder would write."""

import json

import jwt
from jwt.algorithms import HMACAlgorithm

from cases import ACCEPTED, NOW, Case, Key, base64url, secret

ISSUER = "https://portal.example.org"
AUDIENCE = "https://report.example.org/"
SKEW = 30
LONGEST = 43200  # max_lifetime_seconds

CURRENT = Key("portal-2026-11", secret("current"))
OLD = Key("portal-2026-05", secret("old"), retire_at=NOW + 86400)
STRANGER = Key("portal-2026-11", secret("stranger"))  # the current key's id, another secret
RING = (CURRENT, OLD)

EXPIRY = NOW + 3600
END = EXPIRY + SKEW  # where the session of the usual claims ends

ABSENT = object()


def claims(**changes) -> dict:
    """The usual claims with some changed, added or (ABSENT) left out."""
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": NOW - 60, "exp": EXPIRY}
    return {name: value for name, value in {**usual, **changes}.items() if value is not ABSENT}


def claims_text(**changes: str | object) -> str:
    """The same as JSON text, for values that no encoder writes: the changes are raw JSON."""
    usual = {name: json.dumps(value) for name, value in claims().items()}
    members = {name: value for name, value in {**usual, **changes}.items() if value is not ABSENT}
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


def encoded(payload: dict, key: Key = CURRENT, **headers) -> bytes:
    """PyJWT's encoder; the header names the key unless `kid=ABSENT`."""
    headers = {"kid": key.id, **headers}
    headers = {name: value for name, value in headers.items() if value is not ABSENT}
    return jwt.encode(payload, key.secret, algorithm="HS256", headers=headers).encode()


def encoded_bytes(payload: bytes | str, key: Key = CURRENT) -> bytes:
    """PyJWT's encoder around any payload."""
    payload = payload.encode() if isinstance(payload, str) else payload
    return jwt.api_jws.encode(payload, key.secret, algorithm="HS256", headers={"kid": key.id}).encode()


HEADER = {"alg": "HS256", "kid": CURRENT.id, "typ": "JWT"}
HEADER_TEXT = json.dumps(HEADER, separators=(",", ":"))


def header_text(**changes: str | object) -> str:
    """The usual header as JSON text; the changes are raw JSON."""
    usual = {name: json.dumps(value) for name, value in HEADER.items()}
    members = {name: value for name, value in {**usual, **changes}.items() if value is not ABSENT}
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


def signed(header: bytes | str, payload: bytes | str | None = None, key: Key = CURRENT) -> bytes:
    """Any header and payload bytes under PyJWT's HMAC-SHA256."""
    header = header.encode() if isinstance(header, str) else header
    payload = claims_text() if payload is None else payload
    payload = payload.encode() if isinstance(payload, str) else payload
    return signed_text(f"{base64url(header)}.{base64url(payload)}", key.secret)


def mac(message: str, key: bytes, algorithm=HMACAlgorithm.SHA256) -> bytes:
    return HMACAlgorithm(algorithm).sign(message.encode(), key)


def signed_text(message: str, key: bytes = CURRENT.secret) -> bytes:
    """Any first two segments with the signature over exactly that text."""
    return f"{message}.{base64url(mac(message, key))}".encode()


def settings(issuer=ISSUER, audience=AUDIENCE, skew=SKEW, longest=LONGEST) -> dict:
    return {
        "issuer": issuer,
        "audience": audience,
        "clock_skew_seconds": skew,
        "max_lifetime_seconds": longest,
    }


def accepted(name, token, why, *, key=CURRENT.id, subject="ada", end=END, keys=RING, now=NOW, **changes) -> Case:
    return Case(name, "jwt", token, keys, ACCEPTED, why, now, settings(**changes), key=key, subject=subject, end=end)


def refused(name, token, reason, why, *, keys=RING, now=NOW, **changes) -> Case:
    return Case(name, "jwt", token, keys, reason, why, now, settings(**changes))
