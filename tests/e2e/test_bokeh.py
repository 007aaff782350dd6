"""Rules 17 and 19: Bokeh's ids and tokens, made by the real library, and the confusions between them."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from sessions import BOKEH_SECRET, base64url, bokeh_id, bokeh_token, remember
from stage import plain_ways, upgrade_ways, ways

OTHER_SECRET = "another-secret-of-forty-four-characters-1234"


def signed(text: str) -> str:
    """Any text with Bokeh's signature."""
    return remember(text + "." + base64url(hmac.new(BOKEH_SECRET.encode(), text.encode(), hashlib.sha256).digest()))


def token_of(content: dict | str) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return signed(base64url(text.encode()))


@ways
def test_rule_17_refuses_an_id_that_is_not_signed_with_the_key(gate, way):
    good = bokeh_id()
    base, signature = good.split(".")
    # The last character carries four bits of the signature, so another of the same group would decode alike.
    for odd in (bokeh_id(OTHER_SECRET), base, f"{base}.", f".{signature}", f"{base}x.{signature}", f"{base}.{signature[::-1]}",
                f"{good}.", f"{good}.x", f"{base}.{signature}=", f"x.{good}"):
        gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-session-id={odd}")
        gate.answers(way, {401, 403}, "bokeh", "/app", headers=[("bokeh-session-id", odd)])


@ways
def test_rule_17_refuses_an_empty_and_a_dotted_id_with_a_good_signature(gate, way):
    for text in ("", "a.b", "a b", "\u00e9"):
        gate.answers(way, {401, 403}, "bokeh", "/app", headers=[("bokeh-session-id", signed(text).encode())])


@ways
def test_rule_17_a_token_is_no_id(gate, way):
    """Both are `x.HMAC(x)` under one key: taken as an id, a token of five minutes would live for ever."""
    for token in (bokeh_token(), bokeh_token(expiration=-10)):
        gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-session-id={token}")
        gate.answers(way, {401, 403}, "bokeh", "/app", headers=[("bokeh-session-id", token)])


@upgrade_ways
def test_rule_17_an_id_is_no_token(gate, way):
    gate.answers(way, {401, 403}, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {bokeh_id()}")])


@plain_ways
def test_rule_17_a_tokens_expiry_holds_on_http_where_bokeh_ignores_it(gate, way):
    gate.permits(way, "bokeh", f"/app?bokeh-token={bokeh_token(expiration=30)}")
    gate.refuses(way, "session_expired", 401, "bokeh", f"/app?bokeh-token={bokeh_token(expiration=-1)}")


@upgrade_ways
def test_rule_17_a_tokens_expiry_holds_in_the_subprotocol(gate, way):
    gate.refuses(way, "session_expired", 401, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {bokeh_token(expiration=-1)}")])


@upgrade_ways
def test_rule_17_a_tokens_expiry_does_not_bound_the_stream(gate, way):
    with gate.open(way, "bokeh", "/app/ws", headers=[("sec-websocket-protocol", f"bokeh, {bokeh_token(expiration=2)}")]) as live:
        assert live.exchange(b"first") == b"first"
        assert live.seconds_until_closed(4) is None


@ways
@pytest.mark.parametrize("content", [
    {"session_id": "unsigned", "session_expiry": 4102444800}, {"session_id": "unsigned.sig", "session_expiry": 4102444800},
    {"session_expiry": 4102444800}, {"session_id": None, "session_expiry": 4102444800}, "[]", "null", "", "{",
])
def test_rule_17_the_id_inside_a_token_must_be_signed_too(gate, way, content):
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-token={token_of(content)}")


@ways
@pytest.mark.parametrize("end", ["NaN", "Infinity", "1e400", "null", '"4102444800"', "true", "[4102444800]", "", "-1"])
def test_rule_17_a_token_without_a_finite_expiry_is_refused(gate, way, end):
    text = f'{{"session_id": "{bokeh_id()}", "session_expiry": {end}}}'
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-token={token_of(text)}")
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-token={token_of({'session_id': bokeh_id()})}")


@ways
def test_rule_17_refuses_a_token_with_duplicate_members(gate, way):
    text = f'{{"session_id": "{bokeh_id()}", "session_expiry": {int(time.time()) + 60}, "session_expiry": 4102444800}}'
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-token={token_of(text)}")


@ways
def test_rule_17_id_and_token_must_be_signed_by_the_same_key(gate, way):
    mixed = token_of({"session_id": bokeh_id(OTHER_SECRET), "session_expiry": int(time.time()) + 60})
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-token={mixed}")
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-token={bokeh_token(secret=OTHER_SECRET)}")


@plain_ways
def test_rule_17_nothing_inside_a_compressed_part_is_believed(gate, way):
    """Bokeh merges inflated members over the outer ones; only the outer expiry counts here, and nothing is inflated."""
    expired = bokeh_token(expiration=-5, extra={"session_expiry": 4102444800})
    gate.refuses(way, "session_expired", 401, "bokeh", f"/app?bokeh-token={expired}")
    payload = json.loads(base64.urlsafe_b64decode(expired.split(".")[0] + "=="))
    assert "__bk__zlib_" in payload
