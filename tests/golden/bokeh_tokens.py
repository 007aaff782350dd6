"""Bokeh tokens as texts: their length, their two parts, their signature, and which fault is named first."""

import random
import string
from itertools import combinations

import strict_json
from bokeh_sessions import (
    CURRENT,
    EXPIRY,
    STRANGER,
    Key,
    accepted,
    payload_text,
    refused,
    ring_cases,
    session_id,
    signed,
    signed_payload,
    token,
    unsigned_id,
)
from cases import BOKEH_TOKEN_CAP, NOW, Case, base64url, base64url_bytes, loose_endings, next_character
from jwt_tokens import claims, encoded

KIND = "bokeh_token"
LONG, MALFORMED, INVALID, CLAIMS, EXPIRED = (
    "credential_too_long",
    "token_malformed",
    "signature_invalid",
    "claims_malformed",
    "session_expired",
)


def cases() -> list[Case]:
    rings = ring_cases(KIND, lambda key: token(key=key))
    return [*real(), *rings, *lengths(), *shapes(), *order()]


def noise(length: int) -> str:
    """Text that does not compress below three quarters."""
    return "".join(random.Random(length).choices(string.ascii_letters + string.digits, k=length))


def page_load(cookies: dict[str, str]) -> dict:
    """What bokeh's SessionHandler puts into a token when a browser loads a page."""
    headers = {"Host": "report.example.org", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": "text/html,*/*;q=0.8"}
    return {"headers": headers, "cookies": cookies, "arguments": {"panel": [b"2"]}}


def real() -> list[Case]:
    found = [
        accepted(KIND, f"token_of_seed_{seed}", token(session_id(seed)), "a token as bokeh makes it") for seed in range(1, 9)
    ]
    extras_of = {
        "of_a_page_load": page_load({}), "with_a_cookie": page_load({"_xsrf": noise(80)}),
        "with_12_kb_of_cookies": page_load({"session": noise(12288)}),
        "with_text_beyond_ascii": {"name": "Ådå 😀"}, "with_bytes": {"raw": b"\0\xff"},
        "with_its_own_expiry_name": {"expiry": 1},
        "with_5_mb_of_zeros": {"zeros": "0" * 5_000_000},
    }  # fmt: skip
    for name, extra in extras_of.items():
        found.append(accepted(KIND, f"token_{name}", token(extra=extra), "bokeh's own extra part, not looked into"))
    return found


def lengths() -> list[Case]:
    fitting = of_length(BOKEH_TOKEN_CAP)
    over = of_length(BOKEH_TOKEN_CAP + 2)  # no base64 text makes a token of one byte over the cap
    return [
        accepted(KIND, "length_at_the_cap", fitting, "24576 bytes are the last accepted length"),
        accepted(KIND, "length_below_the_cap", of_length(BOKEH_TOKEN_CAP - 1), "under the cap length means nothing"),
        refused(KIND, "length_over_the_cap", over, LONG, "a good token, too long"),
        refused(KIND, "length_one_over_the_cap", fitting + "A", LONG, "the length is checked first"),
        refused(KIND, "length_far_over_the_cap", token(extra={"cookies": noise(40000)}), LONG, "a good token, too long"),
        refused(KIND, "length_over_the_cap_and_no_token", "A" * (BOKEH_TOKEN_CAP + 1), LONG, "the length is checked first"),
        refused(KIND, "length_at_the_cap_and_no_token", "A" * BOKEH_TOKEN_CAP, MALFORMED, "at the cap the text is read"),
    ]


def of_length(length: int) -> str:
    """A token of exactly this many bytes, made by bokeh with just enough noise.

    Base64 inside base64 leaves gaps between the lengths; an expiry with one digit more moves them.
    """
    text = noise(length)
    for expiration in (300, 10**10):
        amount, tried = length * 3 // 4, set()
        while amount not in tried:
            tried.add(amount)
            found = token(extra={"noise": text[:amount]}, expiration=expiration)
            missing = length - len(found)
            amount += missing // 2 or missing
            if not missing:
                return found
    raise AssertionError(f"no token of {length} bytes")


def shapes() -> list[Case]:
    whole = token()
    payload, signature = whole.split(".")
    raw = base64url_bytes(signature)
    ragged = next(text for text in (base64url(payload_text().encode() + b" " * spaces) for spaces in (0, 1)) if len(text) % 4)
    malformed = {
        "empty_token": ("", "nothing"), "only_a_dot": (".", "nothing twice"), "no_signature": (payload, "no dot"),
        "no_signature_but_a_dot": (f"{payload}.", "an empty signature"),
        "no_payload": (signed(""), "an empty payload is no token"),
        "three_parts": (f"{whole}.{signature}", "one dot only"),
        "two_dots": (f"{payload}..{signature}", "one dot only"),
        "padded_signature": (whole + "=", "no padding"),
        "padded_payload": (signed(ragged + "=" * (-len(ragged) % 4)), "bokeh takes its own padding"),
        "loose_payload": (signed(loose_endings(ragged)[0]), "the payload's unused trailing bits are not zero"),
        "payload_of_impossible_length": (signed(payload[: len(payload) // 4 * 4] + "A"), "no base64 has this length"),
        "payload_with_star": (signed("****" + payload), "bokeh's decoder skips what it does not know"),
        "payload_with_newline": (signed(payload[:8] + "\n" * 4 + payload[8:]), "bokeh's decoder skips what it does not know"),
        "payload_with_space": (signed(payload[:8] + " " * 4 + payload[8:]), "bokeh's decoder skips what it does not know"),
        "payload_with_plus": (signed("+" + payload[1:]), "the other alphabet"),
        "payload_beyond_ascii": (signed("é" + payload[1:]), "outside the alphabet"),
        "signature_beyond_ascii": (whole[:-1] + "é", "outside the alphabet"),
        "signature_cut_by_one": (whole[:-1], "42 characters"),
        "signature_cut_by_three": (whole[:-3], "40 characters are no signature"),
        "signature_four_longer": (whole + "AAAA", "47 characters"),
        "signature_first": (f"{signature}.{payload}", "the parts swapped"),
        "comma_for_dot": (f"{payload},{signature}", "a dot parts them"),
        "space_before": (" " + whole, "nothing is trimmed"), "space_after": (whole + " ", "nothing is trimmed"),
        "newline_after": (whole + "\n", "nothing is trimmed"), "nul_after": (whole + "\0", "nothing is trimmed"),
        "quoted": (f'"{whole}"', "nothing is trimmed"), "protocol_before": (f"bokeh, {whole}", "the carrier's part"),
        "id_as_token": (session_id(), "an id is signed alike, but is no token"),
        "unsigned_id_as_token": (unsigned_id(), "no signature"),
        "jwt_as_token": (encoded(claims()).decode(), "another format"),
        "two_tokens": (f"{whole},{whole}", "one token only"),
    }  # fmt: skip
    # The payload is not even decoded before its signature was checked.
    undecodable = {
        "padded_payload": "claims_malformed", "loose_payload": "claims_malformed", "payload_of_impossible_length": "claims_malformed",
        "payload_with_star": "claims_malformed", "payload_with_newline": "claims_malformed", "payload_with_space": "claims_malformed",
        "payload_with_plus": "claims_malformed", "payload_beyond_ascii": "claims_malformed", "id_as_token": "claims_malformed",
        "space_before": INVALID, "protocol_before": INVALID,
    }  # fmt: skip
    found = [
        refused(KIND, f"token_{name}", text, undecodable.get(name, MALFORMED), why) for name, (text, why) in malformed.items()
    ]
    for number, loose in enumerate(loose_endings(signature), 1):
        why = "the same 32 bytes, but the unused trailing bits are not zero"
        found.append(refused(KIND, f"token_signature_loose_ending_{number}", f"{payload}.{loose}", MALFORMED, why))
    places = random.Random(18)
    for position in sorted(places.sample(range(43), 6)):
        text = f"{payload}.{next_character(signature, position)}"
        found.append(refused(KIND, f"token_signature_character_{position}", text, INVALID, "one character differs"))
    for position in sorted(places.sample(range(len(payload) - 1), 6)):
        text = f"{next_character(payload, position)}.{signature}"
        found.append(refused(KIND, f"token_payload_character_{position}", text, INVALID, "one character differs"))
    for bit in sorted(places.sample(range(256), 6)):
        data = bytearray(raw)
        data[bit // 8] ^= 0x80 >> bit % 8
        text = f"{payload}.{base64url(bytes(data))}"
        found.append(refused(KIND, f"token_signature_bit_{bit}", text, INVALID, "one bit differs"))
    other = token(session_id(2))
    later = base64url(payload_text(session_expiry=str(NOW + 9000)).encode())
    return [
        *found,
        refused(KIND, "token_with_latin1_letter", b"\xe9" + whole[1:].encode(), INVALID, "outside the alphabet"),
        refused(KIND, "token_signature_of_another", f"{payload}.{other.split('.')[1]}", INVALID, "another token's signature"),
        refused(KIND, "token_signature_of_its_id", f"{payload}.{session_id()[45:]}", INVALID, "the inner id's signature"),
        refused(KIND, "token_signature_of_the_json", f"{payload}.{signed(payload_text())[-43:]}", INVALID,
                "the signature covers the base64 text, not what it stands for"),
        refused(KIND, "token_signature_of_zeros", f"{payload}.{base64url(bytes(32))}", INVALID, "zeros are no signature"),
        refused(KIND, "token_with_later_expiry", f"{later}.{signature}",
                INVALID, "the expiry is covered by the signature"),
    ]  # fmt: skip


def order() -> list[Case]:
    faults = [LONG, MALFORMED, INVALID, "key_retired", CLAIMS, EXPIRED]
    retired = (Key(CURRENT.id, CURRENT.secret, NOW),)

    def faulty(present: set[str]) -> str:
        expiry = str(NOW - 1 if EXPIRED in present else EXPIRY)
        text = payload_text(session_expiry=expiry)
        if CLAIMS in present:
            text = strict_json.with_member(text, '"x": 1')
        if LONG in present:
            text = strict_json.with_member(text, f'"__bk__zlib_": "{"x" * BOKEH_TOKEN_CAP}"')
        return signed_payload(text, STRANGER if INVALID in present else CURRENT) + ("=" if MALFORMED in present else "")

    return [
        refused(KIND, f"token_{first}_before_{second}", faulty({first, second}), first, "two faults: the earlier check speaks",
                keys=retired if "key_retired" in (first, second) else (CURRENT,))
        for first, second in combinations(faults, 2)
    ]  # fmt: skip
