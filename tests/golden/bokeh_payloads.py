"""Bokeh tokens by what the signed JSON says: its members, the expiry, the id inside, the extra part that is never inflated."""

import base64
import json
import zlib

import strict_json
from bokeh_sessions import (
    CURRENT,
    EXPIRY,
    OLD,
    STRANGER,
    TWO,
    accepted,
    payload_text,
    refused,
    session_id,
    signed,
    signed_payload,
    token,
    unsigned_id,
)
from cases import NOW, Case, Key, base64url, loose_endings, next_character

KIND = "bokeh_token"
CLAIMS, EXPIRED = "claims_malformed", "session_expired"


def cases() -> list[Case]:
    return [*json_text(), *expiries(), *inner_ids(), *extras()]


def json_text() -> list[Case]:
    usual = payload_text()
    broken = strict_json.broken(usual)
    spaced = strict_json.spaced(usual)
    compact = usual.replace(" ", "")
    turned = f'{{"session_expiry": {EXPIRY}, "session_id": {json.dumps(session_id())}}}'
    repeated = {
        "id_twice": f'"session_id": {json.dumps(session_id())}', "expiry_twice": f'"session_expiry": {EXPIRY}',
        "expiry_twice_later_last": f'"session_expiry": {NOW + 9000}',
        "expiry_twice_by_escape": f'"session_e\\u0078piry": {EXPIRY}',
    }  # fmt: skip
    other = {
        "number": '"x": 1', "null": '"x": null', "near_miss": '"session_Expiry": 1',
        "near_miss_of_extra": '"__bk__zlib": "eJw"',
        "empty_name": '"": 1', "jwt_expiry": f'"exp": {EXPIRY}', "with_depth": f'"x": {strict_json.nested_arrays(20)}',
    }  # fmt: skip
    return [
        *(refused(KIND, f"token_json_{name}", signed_payload(text), CLAIMS, why) for name, text, why in broken if text),
        *(accepted(KIND, f"token_json_{name}", signed_payload(text), why) for name, text, why in spaced),
        accepted(KIND, "token_json_compact", signed_payload(compact), "spacing means nothing"),
        accepted(KIND, "token_json_in_other_order", signed_payload(turned), "order means nothing"),
        *(
            refused(KIND, f"token_json_{name}", signed_payload(strict_json.with_member(usual, member)), CLAIMS, "one name twice")
            for name, member in repeated.items()
        ),
        *(
            refused(KIND, f"token_other_member_{name}", signed_payload(strict_json.with_member(usual, member)), CLAIMS,
                    "bokeh writes no such member")
            for name, member in other.items()
        ),
    ]  # fmt: skip


def expiries() -> list[Case]:
    malformed = {
        "absent": None, "null": "null", "true": "true", "false": "false", "text": f'"{EXPIRY}"', "float": f"{EXPIRY}.0",
        "fraction": f"{EXPIRY}.5", "exponent": "1.8000003e9", "exponent_without_point": "18e8", "not_a_number": "NaN",
        "infinity": "Infinity", "negative_infinity": "-Infinity", "beyond_double": "1e400", "1e30": "1e30",
        "negative": "-1",
        "leading_zero": f"0{EXPIRY}", "plus": f"+{EXPIRY}", "array": f"[{EXPIRY}]", "object": "{}",
        "30_digits": "9" * 30,
    }  # fmt: skip
    found = [
        refused(KIND, f"token_expiry_{name}", signed_payload(payload_text(session_expiry=value)), CLAIMS,
                "bokeh writes an integer; anything else may mean never")
        for name, value in malformed.items()
    ]  # fmt: skip
    return [
        *found,
        refused(KIND, "token_expiry_zero", signed_payload(payload_text(session_expiry="0")), EXPIRED, "over since 1970"),
        accepted(KIND, "token_expiry_in_9999", signed_payload(payload_text(session_expiry="253402300799")), "far, but a time"),
        accepted(KIND, "token_expires_next", token(now=NOW - 299), "the last second"),
        refused(KIND, "token_expires_now", token(now=NOW - 300), EXPIRED, "at its expiry a token is over, without skew"),
        refused(KIND, "token_expired_a_second_ago", token(now=NOW - 301), EXPIRED, "no skew"),
        refused(KIND, "token_expired_long_ago", token(now=NOW - 10**8), EXPIRED, "years ago"),
        accepted(KIND, "token_expires_in_half_a_second", token(now=NOW - 300), "now may be fractional", now=NOW - 0.5),
        refused(KIND, "token_expired_half_a_second_ago", token(now=NOW - 300), EXPIRED, "now may be fractional", now=NOW + 0.5),
        accepted(KIND, "token_of_one_second", token(expiration=1), "the shortest useful life"),
        refused(KIND, "token_of_no_second", token(expiration=0), EXPIRED, "over when it is made"),
        accepted(KIND, "token_of_a_day", token(expiration=86400), "the life is the server's choice"),
        accepted(KIND, "token_from_the_future", token(now=NOW + 3600), "a token does not say when it was made"),
        accepted(KIND, "token_in_2106", token(now=2**32), "a late clock", now=2**32),
    ]


def inner_ids() -> list[Case]:
    base = session_id()[:44]
    texts = {
        "foreign_signature": session_id(key=STRANGER), "without_signature": unsigned_id(),
        "empty_signature": base + ".",
        "empty": "", "empty_base": signed(""), "base_of_43": signed(base[:43]), "base_of_45": signed(base + "A"),
        "base_with_dash": signed(base[:43] + "-"), "padded": session_id() + "=", "newline": session_id() + "\n",
        "space": " " + session_id(), "loose_ending": base + "." + loose_endings(session_id()[45:])[0],
        "a_token": token(),
        "another_base": session_id(2)[:44] + session_id()[44:], "twice": session_id() + session_id(),
        "nul": session_id() + "\0",
        "signature_changed": base + "." + next_character(session_id()[45:], 20),
        "beyond_ascii": session_id()[:-1] + "é",
    }  # fmt: skip
    raw = {
        "absent": None, "null": "null", "number": "1", "array": json.dumps([session_id()]), "object": "{}",
        "true": "true",
        "lone_surrogate": f'"{session_id()}\\ud800"',
    }  # fmt: skip
    crossed = signed_payload(payload_text(session_id=json.dumps(session_id(key=OLD))))
    crossed_back = signed_payload(payload_text(), OLD)
    retired = (CURRENT, Key(OLD.id, OLD.secret, NOW))
    why = "the id inside must be one bokeh makes, under the token's own key"
    return [
        *(refused(KIND, f"inner_id_{name}", token(text), CLAIMS, why) for name, text in texts.items()),
        *(
            refused(KIND, f"inner_id_{name}", signed_payload(payload_text(session_id=value)), CLAIMS, why)
            for name, value in raw.items()
        ),
        refused(KIND, "inner_id_under_the_other_key", crossed, CLAIMS, why, keys=TWO),
        refused(KIND, "inner_id_under_the_first_key", crossed_back, CLAIMS, why, keys=TWO),
        refused(KIND, "inner_id_under_a_retired_key", crossed, CLAIMS, why, keys=retired),
        accepted(KIND, "inner_id_escaped", signed_payload(payload_text(session_id=f'"\\u{ord(base[0]):04x}{session_id()[1:]}"')),
                 "the text after unescaping"),
    ]  # fmt: skip


def extras() -> list[Case]:
    def inflating_to(members: dict) -> str:
        return json.dumps(base64url(zlib.compress(json.dumps(members).encode(), level=9)))

    def holding(value: str, **changes: str) -> str:
        return signed_payload(strict_json.with_member(payload_text(**changes), f' "__bk__zlib_": {value}'))

    past = str(NOW - 1)
    twice = signed_payload(strict_json.with_member(payload_text(), '"__bk__zlib_": "", "__bk__zlib_": ""'))
    inner_expiry = inflating_to({"session_expiry": EXPIRY})
    only_inside = signed_payload(f'{{"session_id": {json.dumps(session_id())}, "__bk__zlib_": {inner_expiry}}}')
    wrong = {"null": "null", "number": "1", "object": "{}", "array": "[]", "true": "true"}
    standard = json.dumps(base64.b64encode(zlib.compress(b'{"a": 1}', level=9)).decode())
    return [
        *(refused(KIND, f"extra_is_{name}", holding(value), CLAIMS, "bokeh writes a text") for name, value in wrong.items()),
        refused(KIND, "extra_twice", twice, CLAIMS, "one name twice"),
        accepted(KIND, "extra_real", holding(inflating_to({"a": 1})), "any text, not looked into"),
        accepted(KIND, "extra_standard_base64", holding(standard), "any text, not looked into"),
        accepted(KIND, "extra_empty", holding('""'), "not looked into; bokeh fails on it"),
        accepted(KIND, "extra_garbage", holding('"not zlib"'), "not looked into; bokeh fails on it"),
        accepted(KIND, "extra_with_past_expiry", holding(inflating_to({"session_expiry": NOW - 1})),
                 "only the outer expiry counts; bokeh lets the inner one win"),
        refused(KIND, "extra_with_later_expiry", holding(inflating_to({"session_expiry": NOW + 9000}), session_expiry=past),
                EXPIRED, "only the outer expiry counts; bokeh lets the inner one win"),
        refused(KIND, "extra_with_the_only_expiry", only_inside, CLAIMS, "only the outer expiry counts"),
    ]  # fmt: skip
