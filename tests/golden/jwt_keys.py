"""JWT cases about the signature and the keyring: which secret, which key, and until when."""

import hashlib

from cases import NOW, Case, Key, base64url, base64url_bytes, secret
from jwt_tokens import (
    ABSENT,
    CURRENT,
    END,
    OLD,
    STRANGER,
    accepted,
    claims,
    encoded,
    mac,
    refused,
    signed_text,
)

INVALID = "signature_invalid"


def cases() -> list[Case]:
    return [*secrets(), *block_sizes(), *rotation(), *retirement(), *borrowed_signatures()]


def signed_with(name_secret: bytes) -> bytes:
    return encoded(claims(), Key(CURRENT.id, name_secret))


def secrets() -> list[Case]:
    right = CURRENT.secret
    wrong = {
        "stranger": (STRANGER.secret, "another secret under the right id"),
        "trailing_newline": (right + b"\n", "a newline read from a file is part of the secret"),
        "leading_newline": (b"\n" + right, "nothing of the secret is trimmed"),
        "trailing_space": (right + b" ", "nothing of the secret is trimmed"),
        "base64url_text": (base64url(right).encode(), "the secret's text instead of its bytes"),
        "base64url_text_padded": (base64url(right).encode() + b"=", "the secret's text instead of its bytes"),
        "hex_text": (right.hex().encode(), "the secret's text instead of its bytes"),
        "hash": (hashlib.sha256(right).digest(), "no derivation"),
        "reversed": (right[::-1], "the bytes in the other order"),
        "first_31_bytes": (right[:31], "a prefix"),
        "one_bit_off": (right[:-1] + bytes([right[-1] ^ 1]), "one bit differs"),
        "nothing_of_it": (b"\0" * 32, "a secret of zeros"),
        "key_id": (CURRENT.id.encode(), "the key's public name"),
    }
    return [
        *(refused(f"secret_{name}", signed_with(bytes_), INVALID, why) for name, (bytes_, why) in wrong.items()),
        accepted("secret_right", signed_with(right), "the right secret"),
        accepted("secret_trailing_nul", signed_with(right + b"\0"), "HMAC fills short keys with zeros: the same key"),
    ]


def block_sizes() -> list[Case]:
    found = []
    for size in (32, 33, 48, 63, 64, 65, 100, 1000):
        key = Key("sized", (secret(f"sized {size}") * 32)[:size])
        why = "HMAC-SHA256 takes keys as they are up to 64 bytes and hashes longer ones"
        found.append(accepted(f"secret_of_{size}_bytes", encoded(claims(), key), why, key="sized", keys=(key,)))
    long = Key("long", secret("long") * 3)
    hashed = Key("long", hashlib.sha256(long.secret).digest())
    why = "a secret over 64 bytes equals its hash, by the definition of HMAC"
    return [*found, accepted("secret_of_96_bytes_hashed", encoded(claims(), hashed), why, key="long", keys=(long,))]


def rotation() -> list[Case]:
    third = Key("portal-2026-08", secret("third"))
    three = (CURRENT, OLD, third)
    by_old = {"key": OLD.id, "end": END}
    return [
        accepted("signed_with_the_current_key", encoded(claims()), "the first key of the ring"),
        accepted("signed_with_the_old_key", encoded(claims(), OLD), "the second key of the ring", **by_old),
        accepted("old_key_without_id", encoded(claims(), OLD, kid=ABSENT), "without an id every key is tried", **by_old),
        accepted("current_key_without_id", encoded(claims(), kid=ABSENT), "without an id every key is tried"),
        accepted("third_key_without_id", encoded(claims(), third, kid=ABSENT), "all of them", key=third.id, keys=three),
        accepted("third_key_by_id", encoded(claims(), third), "the id picks the key", key=third.id, keys=three),
        accepted("one_key_without_id", encoded(claims(), kid=ABSENT), "a ring of one", keys=(CURRENT,)),
        accepted("ring_in_other_order", encoded(claims(), kid=ABSENT), "the order means nothing", keys=(OLD, CURRENT)),
        refused("id_of_another_key", encoded(claims(), OLD, kid=CURRENT.id), INVALID, "an id binds: no other key is tried"),
        refused("id_of_another_key_reversed", encoded(claims(), kid=OLD.id), INVALID, "an id binds: no other key is tried"),
        refused("stranger_without_id", encoded(claims(), STRANGER, kid=ABSENT), INVALID, "no key of the ring signed it"),
        refused("removed_key_without_id", encoded(claims(), OLD, kid=ABSENT), INVALID, "no longer there", keys=(CURRENT,)),
    ]


def retirement() -> list[Case]:
    reason = "key_retired"

    def ring(retire_at: int) -> tuple[Key, ...]:
        return (CURRENT, Key(OLD.id, OLD.secret, retire_at))

    def old(name: str, retire_at: int, why: str, end: float, **changes) -> Case:
        return accepted(name, encoded(claims(), OLD), why, key=OLD.id, end=end, keys=ring(retire_at), **changes)

    token, unnamed = encoded(claims(), OLD), encoded(claims(), OLD, kid=ABSENT)
    retired_now = ring(NOW)
    return [
        old("retires_in_a_second", NOW + 1, "the last second of a key; the session ends with it", NOW + 1),
        old("retires_before_the_session_ends", END - 1, "the key's end is the earlier one", END - 1),
        old("retires_at_the_end", END, "both ends fall together", END),
        old("retires_after_the_end", END + 1, "the session's end is the earlier one", END),
        old("retires_in_half_a_second", NOW, "now may be fractional", NOW, now=NOW - 0.5),
        refused("retires_now", token, reason, "from this second on the key is retired", keys=retired_now),
        refused("retired_half_a_second_ago", token, reason, "now may be fractional", keys=retired_now, now=NOW + 0.5),
        refused("retired_a_second_ago", token, reason, "no skew for keys", keys=ring(NOW - 1)),
        refused("retired_within_the_skew", token, reason, "no skew for keys", keys=ring(NOW - 29)),
        refused("retired_long_ago", token, reason, "the beginning of time", keys=ring(0)),
        refused("retired_without_id", unnamed, reason, "the key that verifies is retired", keys=retired_now),
        refused("retired_and_wrong", encoded(claims(), STRANGER, kid=OLD.id), INVALID, "the signature first", keys=retired_now),
        accepted("retired_key_beside", encoded(claims()), "another key's retirement means nothing", keys=retired_now),
        accepted("retired_key_beside_without_id", encoded(claims(), kid=ABSENT), "nor without an id", keys=retired_now),
        refused(
            "current_key_retires",
            encoded(claims()),
            reason,
            "any key can retire",
            keys=(Key(CURRENT.id, CURRENT.secret, NOW), OLD),
        ),
    ]


def borrowed_signatures() -> list[Case]:
    header, payload, signature = encoded(claims()).decode().split(".")
    other = encoded(claims(sub="grace")).decode().split(".")
    right = CURRENT.secret

    def under(message: str) -> bytes:
        return f"{header}.{payload}.{base64url(mac(message, right))}".encode()

    rows = {
        "of_another_token": (f"{header}.{payload}.{other[2]}".encode(), "another token's signature"),
        "claims_of_another_token": (f"{header}.{other[1]}.{signature}".encode(), "another token's claims"),
        "of_the_payload_only": (under(payload), "the signature covers both segments and the dot"),
        "of_the_header_only": (under(header), "the signature covers both segments and the dot"),
        "without_the_dot": (under(header + payload), "the signature covers both segments and the dot"),
        "with_a_trailing_dot": (under(f"{header}.{payload}."), "nothing behind the second segment"),
        "of_the_padded_text": (under(f"{header}.{payload}="), "exactly the received bytes"),
        "of_the_decoded_text": (
            under(f"{base64url_bytes(header).decode()}.{base64url_bytes(payload).decode()}"),
            "the text, not what it stands for",
        ),
        "of_zeros": (f"{header}.{payload}.{base64url(bytes(32))}".encode(), "zeros are no signature"),
        "of_31_bytes": (f"{header}.{payload}.{base64url(base64url_bytes(signature)[:31])}".encode(), "a byte too few"),
        "of_33_bytes": (f"{header}.{payload}.{base64url(base64url_bytes(signature) + bytes(1))}".encode(), "a byte too many"),
        "of_one_byte": (f"{header}.{payload}.{base64url(base64url_bytes(signature)[:1])}".encode(), "31 bytes too few"),
        "twice": (f"{header}.{payload}.{base64url(base64url_bytes(signature) * 2)}".encode(), "32 bytes too many"),
    }
    resigned = signed_text(f"{header}.{other[1]}")
    return [
        *(refused(f"signature_{name}", token, INVALID, why) for name, (token, why) in rows.items()),
        accepted("parts_of_two_tokens_signed_anew", resigned, "a fresh signature makes any parts a token", subject="grace"),
    ]
