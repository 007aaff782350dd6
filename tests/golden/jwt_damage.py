"""JWT cases of good tokens that something happened to: characters around and inside, flipped bits, missing ends."""

import random

from cases import Case, base64url, base64url_bytes, next_character
from jwt_tokens import HEADER_TEXT, claims, encoded, refused

MALFORMED = "token_malformed"


def cases() -> list[Case]:
    return [*surroundings(), *flips(), *truncations()]


def surroundings() -> list[Case]:
    token = encoded(claims())
    header, payload, signature = token.split(b".")
    outside = [
        ("space", b" "), ("tab", b"\t"), ("newline", b"\n"), ("carriage_return", b"\r"), ("nul", b"\0"),
        ("quote", b'"'), ("comma", b","), ("semicolon", b";"), ("percent", b"%20"), ("no_break_space", b"\xc2\xa0"),
        ("latin1_no_break_space", b"\xa0"), ("zero_width_space", b"\xe2\x80\x8b"), ("byte_ff", b"\xff"),
    ]  # fmt: skip
    found = []
    for name, extra in outside:
        found.append(refused(f"{name}_before", extra + token, MALFORMED, "nothing is trimmed"))
        found.append(refused(f"{name}_after", token + extra, MALFORMED, "nothing is trimmed"))
    inside = [
        ("newline_in_the_header", b".".join([header[:9] + b"\n" + header[9:], payload, signature])),
        ("space_in_the_payload", b".".join([header, payload[:9] + b" " + payload[9:], signature])),
        ("newline_in_the_signature", b".".join([header, payload, signature[:9] + b"\n" + signature[9:]])),
        ("letter_beyond_ascii", b".".join([header, payload, signature[:9] + "é".encode() + signature[10:]])),
        ("latin1_letter", b".".join([header, payload, signature[:9] + b"\xe9" + signature[10:]])),
        ("fullwidth_letter", b".".join([header, "ｅ".encode() + payload[1:], signature])),
        ("star", b".".join([header, b"*" + payload[1:], signature])),
        ("scheme_before", b"Bearer " + token),
        ("only_nul_bytes", b"\0" * 200),
    ]  # fmt: skip
    for name, text in inside:
        # The payload is not even decoded before its signature was checked.
        in_payload = name in ("space_in_the_payload", "fullwidth_letter", "star")
        reason = "signature_invalid" if in_payload else MALFORMED
        found.append(refused(name, text, reason, "outside the base64url alphabet"))
    return found


def flips() -> list[Case]:
    """One bit or one character changed; seeded, so that the places are the same on every run."""
    token = encoded(claims())
    header, payload, signature = token.decode().split(".")
    places = random.Random(14)
    found = []
    for bit in sorted(places.sample(range(256), 12)):
        data = bytearray(base64url_bytes(signature))
        data[bit // 8] ^= 0x80 >> bit % 8
        text = f"{header}.{payload}.{base64url(bytes(data))}"
        found.append(refused(f"signature_bit_{bit}_flipped", text.encode(), "signature_invalid", "one bit differs"))
    for bit in sorted(places.sample(range(8 * len(base64url_bytes(payload))), 12)):
        data = bytearray(base64url_bytes(payload))
        data[bit // 8] ^= 0x80 >> bit % 8
        text = f"{header}.{base64url(bytes(data))}.{signature}"
        why = "one bit differs, and whatever the claims are now, they are not read"
        found.append(refused(f"payload_bit_{bit}_flipped", text.encode(), "signature_invalid", why))
    for position in (0, 21, 42):
        text = f"{header}.{payload}.{next_character(signature, position)}"
        found.append(refused(f"signature_character_{position}", text.encode(), "signature_invalid", "one character differs"))
    for old, new, reason in (
        ('"JWT"', '"JWU"', "signature_invalid"),
        ('"typ"', '"typ" ', "signature_invalid"),
        ('"HS256"', '"HS257"', "algorithm_not_allowed"),
        ('"alg"', '"alf"', "algorithm_not_allowed"),
        ("2026-11", "2026-12", "key_unknown"),
        ("2026-11", "2026-05", "signature_invalid"),
        ('"kid"', '"kie"', "signature_invalid"),
        ("{", "[", MALFORMED),
    ):
        text = base64url(HEADER_TEXT.replace(old, new, 1).encode())
        name = f"header_{old}_became_{new.strip()}{'_spaced' if new.endswith(' ') else ''}".replace('"', "")
        found.append(refused(name, f"{text}.{payload}.{signature}".encode(), reason, "the header is covered by the signature"))
    return found


def truncations() -> list[Case]:
    token = encoded(claims())
    found = []
    for cut in (1, 2, 3, 4, 7, 19, 39, 41, 42, 43, 44, 60):
        text = token[:-cut]
        reason = MALFORMED if cut >= 43 or not canonical(text.split(b".")[2]) else "signature_invalid"
        found.append(refused(f"cut_by_{cut}", text, reason, "the end is missing"))
    for cut in (1, 2, 4, 20):
        found.append(refused(f"cut_in_front_by_{cut}", token[cut:], MALFORMED, "the rest of the header is no JSON object"))
    appended = {
        "A": ("signature_invalid", "33 bytes of signature"),
        "AA": (MALFORMED, "no base64 has this length"),
        "AAAA": ("signature_invalid", "35 bytes of signature"),
        "=A": (MALFORMED, "no padding"),
        ".A": (MALFORMED, "a fourth segment"),
    }
    for extra, (reason, why) in appended.items():
        found.append(refused(f"{extra}_appended", token + extra.encode(), reason, why))
    return found


def canonical(segment: bytes) -> bool:
    text = segment.decode()
    return len(text) % 4 != 1 and base64url(base64url_bytes(text)) == text
