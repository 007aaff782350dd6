"""JWT cases about the text itself: its length, its three segments, and canonical unpadded base64url."""

from cases import JWT_CAP, Case, base64url, base64url_bytes, loose_endings
from jwt_tokens import (
    HEADER_TEXT,
    accepted,
    claims,
    claims_text,
    encoded,
    refused,
    signed_text,
)

MALFORMED = "token_malformed"


def cases() -> list[Case]:
    return [*lengths(), *segments(), *encodings()]


def of_length(length: int) -> bytes:
    """A good token of exactly this many bytes, by padding a claim (and the type, for lengths base64 cannot make)."""
    for type_padding in range(3):
        short = len(encoded(claims(padding=""), typ="JWT" + "T" * type_padding))
        for padding in range(3 * (length - short) // 4 - 4, 3 * (length - short) // 4 + 5):
            token = encoded(claims(padding="x" * padding), typ="JWT" + "T" * type_padding)
            if len(token) == length:
                return token
    raise AssertionError(f"no token of {length} bytes")


def lengths() -> list[Case]:
    too_long = "credential_too_long"
    return [
        accepted("length_at_the_cap", of_length(JWT_CAP), "8192 bytes are the last accepted length"),
        accepted("length_below_the_cap", of_length(JWT_CAP - 1), "under the cap length means nothing"),
        refused("length_one_over_the_cap", of_length(JWT_CAP + 1), too_long, "one byte over the cap"),
        refused("length_far_over_the_cap", of_length(3 * JWT_CAP), too_long, "a good token that is far too long"),
        refused("length_over_the_cap_and_no_token", b"A" * (JWT_CAP + 1), too_long, "the length is checked first"),
        refused("length_at_the_cap_and_no_token", b"A" * JWT_CAP, MALFORMED, "at the cap the text is read"),
        refused("length_dots_at_the_cap", b"." * JWT_CAP, MALFORMED, "thousands of segments are not three"),
    ]


def segments() -> list[Case]:
    token = encoded(claims())
    header, payload, signature = token.decode().split(".")
    rows = [
        ("empty_token", "", "nothing has no segments"),
        ("one_segment", header, "one segment"),
        ("two_segments", f"{header}.{payload}", "the signature is missing"),
        ("four_segments", f"{header}.{payload}.{signature}.{signature}", "one segment too many"),
        ("four_segments_last_empty", f"{header}.{payload}.{signature}.", "a trailing dot makes a fourth segment"),
        ("four_segments_first_empty", f".{header}.{payload}.{signature}", "a leading dot makes a fourth segment"),
        ("five_segments_like_an_encrypted_token", f"{header}..{payload}.{payload}.{signature}", "JWE has five segments"),
        ("only_dots", "..", "no segment may be empty"),
        ("empty_header", f".{payload}.{signature}", "no segment may be empty"),
        ("empty_payload_unsigned", f"{header}..{signature}", "no segment may be empty"),
        ("empty_signature", f"{header}.{payload}.", "no segment may be empty"),
        ("signature_first", f"{signature}.{header}.{payload}", "the signature's bytes are no JSON header"),
        ("doubled_dot", f"{header}..{payload}.{signature}", "an empty segment in between makes four"),
        ("comma_for_dot", f"{header},{payload},{signature}", "segments are parted by dots"),
        ("two_tokens", f"{token.decode()},{token.decode()}", "five dots and a comma"),
    ]
    return [
        *(refused(name, text.encode(), MALFORMED, why) for name, text, why in rows),
        refused(
            "header_and_payload_swapped",
            f"{payload}.{header}.{signature}".encode(),
            "algorithm_not_allowed",
            "the claims read as a header have no alg",
        ),
        refused(
            "signed_four_segments",
            signed_text(f"{header}.{payload}.{payload}"),
            MALFORMED,
            "a good signature over three segments does not make a token of four",
        ),
        refused("empty_payload", signed_text(f"{header}."), MALFORMED, "no segment may be empty, signed or not"),
    ]


def encodings() -> list[Case]:
    token = encoded(claims())
    header, payload, signature = token.decode().split(".")
    found = [
        refused(
            f"signature_loose_ending_{number}",
            f"{header}.{payload}.{loose}".encode(),
            MALFORMED,
            "the same 32 bytes, but the unused trailing bits are not zero",
        )
        for number, loose in enumerate(loose_endings(signature), 1)
    ]
    for name, text in ragged_payloads():
        loose_payload = loose_endings(text)[0]
        found.append(
            refused(
                f"payload_loose_ending_{name}",
                signed_text(f"{header}.{loose_payload}"),
                "claims_malformed",
                "signed, but the payload's unused trailing bits are not zero",
            )
        )
    slashed = slashed_token()
    return [
        *found,
        refused(
            "header_loose_ending",
            signed_text(f"{loose_endings(padded(HEADER_TEXT).rstrip('='))[0]}.{payload}"),
            MALFORMED,
            "signed, but the header's unused trailing bits are not zero",
        ),
        refused("signature_padded", token + b"=", MALFORMED, "no padding; PyJWT takes it"),
        refused("signature_padded_twice", token + b"==", MALFORMED, "no padding, least of all too much"),
        refused(
            "payload_padded",
            signed_text(f"{header}.{padded(claims_text())}"),
            "claims_malformed",
            "signed with its padding; PyJWT takes it",
        ),
        refused(
            "header_padded", signed_text(f"{padded(HEADER_TEXT)}.{payload}"), MALFORMED, "signed with its padding; PyJWT takes it"
        ),
        refused("signature_one_padding_sign", f"{header}.{payload}.=".encode(), MALFORMED, "padding of nothing"),
        refused(
            "standard_alphabet_signature",
            slashed.replace(b"-", b"+").replace(b"_", b"/"),
            MALFORMED,
            "+ and / belong to the other alphabet",
        ),
        refused(
            "header_of_impossible_length",
            signed_text(f"{header[: len(header) // 4 * 4]}A.{payload}"),
            MALFORMED,
            "one character over a multiple of four is no base64",
        ),
        refused(
            "payload_of_impossible_length",
            signed_text(f"{header}.{payload[: len(payload) // 4 * 4]}A"),
            "claims_malformed",
            "one character over a multiple of four is no base64",
        ),
        refused(
            "signature_of_impossible_length",
            f"{header}.{payload}.{signature[:40]}A".encode(),
            MALFORMED,
            "one character over a multiple of four is no base64",
        ),
        refused(
            "signature_in_hex",
            f"{header}.{payload}.{base64url_bytes(signature).hex()}".encode(),
            "signature_invalid",
            "hex digits are canonical base64url of other bytes",
        ),
        refused(
            "signature_encoded_twice",
            f"{header}.{payload}.{base64url(signature.encode())}".encode(),
            "signature_invalid",
            "the signature's text is not the signature",
        ),
        refused("token_encoded_twice", base64url(token).encode(), MALFORMED, "base64url of a token has no dots"),
    ]


def ragged_payloads() -> list[tuple[str, str]]:
    """Payload texts that end in four and in two unused bits."""
    texts = [base64url(claims_text().encode() + b" " * spaces) for spaces in range(3)]
    return [(f"{bits}_bits", next(text for text in texts if len(text) % 4 == rest)) for bits, rest in ((4, 2), (2, 3))]


def padded(text: str) -> str:
    """Base64url with padding, of the JSON text made ragged by a space if it would need none."""
    data = text.encode() + (b" " if len(text) % 3 == 0 else b"")
    return base64url(data) + "=" * (-len(base64url(data)) % 4)


def slashed_token() -> bytes:
    """A good token whose signature holds both characters in which the two base64 alphabets differ."""
    tokens = (encoded(claims(jti=str(number))) for number in range(1000))
    return next(token for token in tokens if {b"-", b"_"} <= {bytes([byte]) for byte in token[-43:]})
