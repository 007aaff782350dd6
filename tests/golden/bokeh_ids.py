"""Bokeh session ids: 44 letters and digits, a dot, 43 characters of signature, and nothing that only looks like it."""

import hashlib
import hmac
import random

from bokeh_sessions import CURRENT, accepted, refused, ring_cases, session_id, signed, token, unsigned_id
from cases import NOW, Case, base64url, base64url_bytes, loose_endings, next_character
from jwt_tokens import claims, encoded

KIND = "bokeh_id"
MALFORMED, INVALID = "token_malformed", "signature_invalid"

BASE = session_id()[:44]


def cases() -> list[Case]:
    return [*real(), *ring_cases(KIND, lambda key: session_id(key=key)), *bases(), *signatures(), *confusions(), *surroundings()]


def real() -> list[Case]:
    found = [accepted(KIND, f"id_of_seed_{seed}", session_id(seed), "an id as bokeh makes it") for seed in range(1, 11)]
    spelled = {
        "digits": "0123456789" * 4 + "0123", "capitals": "QWERTYUIOPASDFGHJKLZXCVBNM" + "QWERTYUIOPASDFGHJK",
        "small_letters": "z" * 44, "one_letter": "A" * 44, "like_a_json_object": "eyJ" + BASE[3:],
    }  # fmt: skip
    for name, base in spelled.items():
        found.append(accepted(KIND, f"id_of_{name}", session_id(base), "bokeh's dice can spell this"))
    return [
        *found,
        accepted(KIND, "id_long_after", session_id(), "an id has no time in it", now=NOW + 10**9),
        accepted(KIND, "id_long_before", session_id(), "an id has no time in it", now=0),
    ]


def bases() -> list[Case]:
    """A good signature over a base that bokeh never makes; bokeh itself takes all but the dotted ones."""
    rows = {
        "empty": "", "of_one": "A", "of_22": BASE[:22], "of_43": BASE[:43], "of_45": BASE + "A", "of_88": BASE * 2,
        "of_1000": "A" * 1000, "with_dash": BASE[:20] + "-" + BASE[21:], "with_underscore": BASE[:20] + "_" + BASE[21:],
        "with_dot": BASE[:20] + "." + BASE[21:], "with_space": BASE[:20] + " " + BASE[21:], "with_plus": "+" + BASE[1:],
        "with_slash": BASE[:43] + "/", "with_padding": BASE[:43] + "=", "with_percent": BASE[:41] + "%41",
        "with_newline": BASE[:43] + "\n", "with_nul": BASE[:43] + "\0", "with_at_sign": BASE[:43] + "@",
        "with_bracket": BASE[:43] + "[", "with_backquote": BASE[:43] + "`", "with_brace": BASE[:43] + "{",
        "with_colon": BASE[:43] + ":", "with_letter_beyond_ascii": BASE[:42] + "é",
        "with_44_characters_beyond_ascii": BASE[:43] + "é", "with_fullwidth_digit": BASE[:43] + "１",
    }  # fmt: skip
    found = [
        refused(KIND, f"base_{name}", signed(base), MALFORMED, "signed, but bokeh makes 44 letters and digits")
        for name, base in rows.items()
    ]
    latin1 = BASE[:43].encode() + b"\xe9"
    signature = hmac.digest(CURRENT.secret, latin1, "sha256")
    return [
        *found,
        refused(KIND, "base_with_latin1_letter", latin1 + b"." + base64url(signature).encode(), MALFORMED, "no ASCII"),
        refused(KIND, "base_changed", next_character(BASE, 7) + session_id()[44:], INVALID, "one character differs"),
        refused(KIND, "base_of_another_id", session_id(2)[:44] + session_id()[44:], INVALID, "another id's base"),
        refused(KIND, "base_in_other_case", session_id()[:44].swapcase() + session_id()[44:], INVALID, "case counts"),
    ]


def signatures() -> list[Case]:
    whole = session_id()
    signature = whole[45:]
    raw = base64url_bytes(signature)
    slashed = next(text for text in map(session_id, range(1, 1000)) if "-" in text and "_" in text)
    malformed = {
        "absent": BASE, "absent_with_dot": f"{BASE}.", "cut_by_one": whole[:-1], "cut_by_two": whole[:-2],
        "cut_by_three": whole[:-3], "one_longer": whole + "A", "four_longer": whole + "AAAA", "padded": whole + "=",
        "padded_twice": whole + "==", "of_hex": f"{BASE}.{raw.hex()}",
        "standard_alphabet": slashed.translate({45: 43, 95: 47}),
        "of_31_bytes": f"{BASE}.{base64url(raw[:31])}", "of_33_bytes": f"{BASE}.{base64url(raw + b'x')}",
        "of_sha1": f"{BASE}.{base64url(hmac.digest(CURRENT.secret, BASE.encode(), 'sha1'))}",
        "of_sha512": f"{BASE}.{base64url(hmac.digest(CURRENT.secret, BASE.encode(), 'sha512'))}",
        "beyond_ascii": f"{BASE}.{signature[:41]}é", "first": f"{signature}.{BASE}",
        "second_dot": f"{BASE}..{signature}",
        "third_part": f"{whole}.{signature}", "dot_escaped": f"{BASE}%2E{signature}",
        "colon_for_dot": f"{BASE}:{signature}",
        "dot_inside": f"{BASE}.{signature[:20]}.{signature[21:]}",
        "dot_a_place_late": f"{whole[:45].replace('.', 'A')}.{signature[1:]}",
    }  # fmt: skip
    invalid = {
        "of_zeros": bytes(32), "of_sha512_cut": hmac.digest(CURRENT.secret, BASE.encode(), "sha512")[:32],
        "of_plain_hash": hashlib.sha256(CURRENT.secret + BASE.encode()).digest(),
        "of_nothing": hmac.digest(CURRENT.secret, b"", "sha256"),
        "with_key_and_text_swapped": hmac.digest(BASE.encode(), CURRENT.secret, "sha256"), "reversed": raw[::-1],
        "over_the_dot_too": hmac.digest(CURRENT.secret, f"{BASE}.".encode(), "sha256"),
        "of_another_id": base64url_bytes(session_id(2)[45:]),
    }  # fmt: skip
    found = [refused(KIND, f"signature_{name}", text, MALFORMED, "not of an id's shape") for name, text in malformed.items()]
    found += [
        refused(KIND, f"signature_{name}", f"{BASE}.{base64url(value)}", INVALID, "not the signature of this base")
        for name, value in invalid.items()
    ]
    for number, loose in enumerate(loose_endings(signature), 1):
        why = "the same 32 bytes, but the unused trailing bits are not zero"
        found.append(refused(KIND, f"signature_loose_ending_{number}", f"{BASE}.{loose}", MALFORMED, why))
    places = random.Random(17)
    for position in sorted(places.sample(range(43), 8)):
        text = f"{BASE}.{next_character(signature, position)}"
        found.append(refused(KIND, f"signature_character_{position}", text, INVALID, "one character differs"))
    for bit in sorted(places.sample(range(256), 8)):
        data = bytearray(raw)
        data[bit // 8] ^= 0x80 >> bit % 8
        found.append(refused(KIND, f"signature_bit_{bit}", f"{BASE}.{base64url(bytes(data))}", INVALID, "one bit differs"))
    return found


def confusions() -> list[Case]:
    """Ids and tokens are signed alike, with the same key: only the shape keeps them apart."""
    rows = {
        "token_as_id": (token(), "bokeh takes its own token for an id that never expires"),
        "expired_token_as_id": (token(now=NOW - 10**6), "a token that expired long ago, for bokeh an id for ever"),
        "token_with_payload_as_id": (token(extra={"headers": {}, "cookies": {}, "arguments": {}}), "the same, longer"),
        "token_text_without_signature": (token().split(".")[0], "no signature"),
        "jwt_as_id": (encoded(claims()).decode(), "another format"),
        "unsigned_id": (unsigned_id(), "what bokeh makes with signing switched off"),
        "id_of_an_id": (signed(session_id()), "an id signed again"),
        "two_ids": (f"{session_id()},{session_id()}", "one id only"),
        "empty_text": ("", "nothing"),
        "only_a_dot": (".", "nothing twice"),
        "88_dots": ("." * 88, "the right length"),
        "text_of_the_right_length": ("A" * 88, "no dot"),
    }
    found = [refused(KIND, name, text, MALFORMED, why) for name, (text, why) in rows.items()]
    return [
        *found,
        refused(KIND, "token_as_id_of_a_stranger", token(key=CURRENT)[:-43] + "A" * 43, MALFORMED, "the shape comes first"),
        accepted(
            KIND,
            "token_text_cut_to_44_characters",
            signed(token().split(".")[0][:44]),
            "has an id's shape, and only a key holder can sign it",
        ),
    ]


def surroundings() -> list[Case]:
    outside = {
        "space": b" ", "tab": b"\t", "newline": b"\n", "carriage_return": b"\r", "nul": b"\0", "quote": b'"',
        "no_break_space": b"\xc2\xa0", "latin1_no_break_space": b"\xa0", "byte_ff": b"\xff", "plus": b"+",
        "ampersand": b"&",
    }  # fmt: skip
    whole = session_id().encode()
    found = []
    for name, extra in outside.items():
        found.append(refused(KIND, f"{name}_before", extra + whole, MALFORMED, "nothing is trimmed"))
        found.append(refused(KIND, f"{name}_after", whole + extra, MALFORMED, "nothing is trimmed"))
    return [
        *found,
        refused(KIND, "character_replaced_by_space", b" " + whole[1:], MALFORMED, "the right length, another alphabet"),
        refused(KIND, "character_replaced_by_newline", whole[:-1] + b"\n", MALFORMED, "the right length, another alphabet"),
        refused(KIND, "percent_encoded", whole.replace(b".", b"%2e"), MALFORMED, "nothing is decoded here"),
    ]
