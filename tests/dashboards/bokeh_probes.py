"""Probes at Bokeh's server, which Panel's is too: what its own ids and tokens open."""

from dataclasses import replace
from urllib.parse import urlencode

import probes
from bokeh.util.token import generate_jwt_token
from probes import Door, Probe, Request, spoilt
from stand import Stand

# Bokeh's server and Panel's let in the same.
EXPECTED: probes.Table = {
    "everything in order": ("200", "200", "101", "101"),
    "no credential at all": ("403", "401 session_missing", "101, closed", "401 session_missing"),
    "credentials in the query only": ("200", "401 session_missing", "101, closed", "401 session_missing"),
    "no Origin": ("200", "200", "101", "403 origin_missing"),
    "a foreign Origin": ("200", "403 origin_not_allowed", "403", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": (
        "200", "403 origin_not_allowed", "101", "403 origin_not_allowed"
    ),
    "a foreign Host with the Origin to match (DNS rebinding)": (
        "200", "404 dashboard_not_found", "101", "403 dashboard_not_found"
    ),
    "each cookie twice: good, then bad": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated", "101", "403 credential_repeated"),
    "an id or token with a bad signature": ("403", "401 signature_invalid", "101, closed", "401 signature_invalid"),
    "an expired Bokeh token": ("200", "401 session_expired", "101, closed", "401 session_expired"),
    "an expired Bokeh token in the place of an id": ("200", "401 token_malformed", "-", "-"),
    "the id twice: bad, then good": ("200", "403 credential_repeated", "-", "-"),
    "a bad id in the query, the good one in the body": ("200", "403 body_not_allowed", "-", "-"),
}


def measure(stand: Stand, name: str, page: str) -> probes.Table:
    """The table of a page and its WebSocket."""
    signed = stand.bokeh_id()
    query = _id(signed)
    doors = [
        Door(page, query),
        Door(f"{page}/ws", query, subprotocol=f"bokeh, {_token(stand, signed, 300)}", websocket=True),
    ]
    return probes.measure(stand, name, doors, _more(signed, _token(stand, signed, -60)))


def _more(signed: str, expired: str) -> dict[str, Probe]:
    """What Bokeh's server takes for an id besides a good one."""

    def expired_token(good: Request) -> Request:
        if good.door.websocket:
            return replace(good, subprotocol=f"bokeh, {expired}")
        return replace(good, query=(urlencode({"bokeh-token": expired}),))

    def page_only(**changed) -> Probe:
        return lambda good: None if good.door.websocket else replace(good, **changed)

    form = ("Content-Type: application/x-www-form-urlencoded",)
    return {
        "an id or token with a bad signature": lambda good: replace(
            good, query=(_id(spoilt(signed)),), subprotocol=spoilt(good.subprotocol)
        ),
        "an expired Bokeh token": expired_token,
        "an expired Bokeh token in the place of an id": page_only(query=(_id(expired),)),
        "the id twice: bad, then good": page_only(query=(_id(spoilt(signed)), _id(signed))),
        "a bad id in the query, the good one in the body": page_only(
            query=(_id(spoilt(signed)),), lines=form, body=_id(signed)
        ),
    }


def _id(value: str) -> str:
    return urlencode({"bokeh-session-id": value})


def _token(stand: Stand, signed: str, seconds: int) -> str:
    """A token as Bokeh's page holds it, made by Bokeh's own function, that ends in so many seconds."""
    return generate_jwt_token(
        signed, secret_key=stand.stack.secrets.bokeh.encode(), signed=True, expiration=seconds
    )
