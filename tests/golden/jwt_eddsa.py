"""JWTs signed with Ed25519 by PyJWT: every HS256 case that a key's holder signed, signed anew, and what can be done to such a signature.

The keys are those of the HS256 cases, each secret taken for a private key's seed; the gate is given the public halves.
"""

import hmac
import json
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

import jwt_claims
import jwt_header
import jwt_keys
import jwt_shape
import jwt_times
from cases import ACCEPTED, Case, Key, base64url, base64url_bytes, next_character
from jwt_tokens import CURRENT, END, HEADER, OLD, STRANGER, claims, refused

MALFORMED, INVALID, UNKNOWN = "token_malformed", "signature_invalid", "key_unknown"
# The order of Ed25519's group: added to S it makes another text of the same signature (RFC 8032 section 8.4).
ORDER = 2**252 + 27742317777372353535851937790883648493


class EdCase(Case):
    """A case whose keys are told by their public halves."""

    def record(self, original: str) -> dict:
        keys = []
        for key in self.keys:
            record = {"id": key.id, "public_base64url": base64url(public(key))}
            keys.append(record if key.retire_at is None else {**record, "retire_at": key.retire_at})
        return {**super().record(original), "keys": keys}


def cases() -> list[Case]:
    again = [resigned(case) for module in (jwt_shape, jwt_header, jwt_keys, jwt_claims, jwt_times) for case in module.cases()]
    return [case for case in [*again, *damaged(), *confused()] if case is not None]


@cache
def private(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret[:32])


def public(key: Key) -> bytes:
    return private(key.secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(signed: bytes, key: Key = CURRENT) -> bytes:
    """PyJWT's own signature of any text."""
    return OKPAlgorithm().sign(signed, private(key.secret))


def resigned(case: Case) -> EdCase | None:
    """The same token by the same key's holder with the other algorithm; None where nobody who holds a key made it."""
    signed, _, signature = case.token.rpartition(b".")
    try:
        header, payload = signed.split(b".")
        given = base64url_bytes(signature.decode())
        text = base64url_bytes(header.decode())
    except ValueError:
        return None
    if base64url(given).encode() != signature or base64url(text).encode() != header:
        return None  # its spelling is the case, and would be lost
    key = next((key for key in (*case.keys, STRANGER) if len(key.secret) == 32
                and hmac.compare_digest(hmac.digest(key.secret, signed, "sha256"), given)), None)  # fmt: skip
    # With several keys a token must name its own: those cases are about HS256.
    named = b'"kid":"' in text or len(case.keys) == 1
    if key is None or b'"alg":"HS256"' not in text or not named or any(len(each.secret) != 32 for each in case.keys):
        return None
    signed = base64url(text.replace(b'"alg":"HS256"', b'"alg":"EdDSA"')).encode() + b"." + payload
    token = signed + b"." + base64url(sign(signed, key)).encode()
    return EdCase(**{**vars(case), "kind": "jwt_eddsa", "token": token}) if len(token) < 8192 else None


def encoded(payload: dict | None = None, key: Key = CURRENT, **headers) -> bytes:
    return jwt.encode(claims() if payload is None else payload, private(key.secret), algorithm="EdDSA", headers={"kid": key.id, **headers}).encode()


def case(name: str, token: bytes, reason: str, why: str, **changes) -> EdCase:
    return EdCase(**{**vars(refused(f"eddsa_{name}", token, reason, why, **changes)), "kind": "jwt_eddsa"})


def damaged() -> list[EdCase]:
    token = encoded()
    signed, _, text = token.rpartition(b".")
    signature = base64url_bytes(text.decode())
    found = []
    for place in range(0, 64, 3):
        other = bytearray(signature)
        other[place] ^= 1 << (place % 8)
        # The last byte's three highest bits must be zero: with one of them set it is no signature at all.
        found.append(case(f"byte_{place}_flipped", signed + b"." + base64url(bytes(other)).encode(), INVALID, "not what was signed"))
    for length in (0, 1, 32, 63, 65, 128):
        made = (signature * 2)[:length]
        reason = MALFORMED if length == 0 else INVALID
        found.append(case(f"signature_of_{length}_bytes", signed + b"." + base64url(made).encode(), reason, "64 bytes and no other number"))
    number = int.from_bytes(signature[32:], "little")
    for times in (1, 2, 7):
        malleable = signature[:32] + (number + times * ORDER).to_bytes(33, "little")[:32]
        found.append(case(f"order_added_{times}_times", signed + b"." + base64url(malleable).encode(), INVALID, "another text of one signature"))
    for name, ending in (("padded", b"=="), ("newline", b"\n"), ("a_dot", b"."), ("a_letter", b"A")):
        found.append(case(f"{name}_after", token + ending, INVALID if name == "a_letter" else MALFORMED, "one spelling"))
    found.append(case("loose_bits", token[:-1] + bytes([token[-1] + 1]), MALFORMED, "the unused bits are zero"))
    for name, zero in (("zero", bytes(64)), ("r_zero", bytes(32) + signature[32:]), ("s_zero", signature[:32] + bytes(32)),
                       ("identity", b"\x01" + bytes(63)), ("all_ones", b"\xff" * 64)):  # fmt: skip
        found.append(case(f"signature_{name}", signed + b"." + base64url(zero).encode(), INVALID, "nobody signed it"))
    changed = next_character(token.decode("ascii"), len(signed) - 9).encode()
    found.append(case("payload_changed", changed, INVALID, "not what was signed"))
    return found


def confused() -> list[EdCase]:
    """Other algorithms and other keys."""
    usual = claims()
    raw = public(CURRENT)

    def by_hmac(secret: bytes, algorithm: str) -> bytes:
        signed = ".".join(base64url(json.dumps(part).encode()) for part in ({**HEADER, "alg": algorithm}, usual)).encode()
        return signed + b"." + base64url(hmac.digest(secret, signed, "sha256")).encode()

    def by_ed25519(algorithm: str) -> bytes:
        signed = ".".join(base64url(json.dumps(part).encode()) for part in ({**HEADER, "alg": algorithm}, usual)).encode()
        return signed + b"." + base64url(sign(signed)).encode()

    alg = "algorithm_not_allowed"
    found = [
        case("public_key_as_hmac_secret", by_hmac(raw, "HS256"), alg, "the algorithm is the configuration's"),
        case("public_key_as_hmac_secret_named_eddsa", by_hmac(raw, "EdDSA"), INVALID, "32 bytes are no signature"),
        case("public_key_text_as_hmac_secret", by_hmac(base64url(raw).encode(), "HS256"), alg, "the algorithm is the configuration's"),
        case("seed_as_hmac_secret", by_hmac(CURRENT.secret, "HS256"), alg, "the algorithm is the configuration's"),
        *[case(f"named_{index}", by_ed25519(name), alg, "EdDSA, in this spelling")
          for index, name in enumerate(("none", "", "eddsa", "EDDSA", "Ed25519", "ES256", "RS256", "HS512", "EdDSA "))],
        case("by_a_stranger", encoded(key=STRANGER), INVALID, "another key of that name"),
        case("by_the_other_key", encoded(key=OLD, kid=CURRENT.id), INVALID, "the named key alone is tried"),
        case("unknown_key", encoded(kid="portal-2020"), UNKNOWN, "no key of that name"),
        case("no_kid_of_two_keys", jwt.encode(usual, private(CURRENT.secret), algorithm="EdDSA").encode(), UNKNOWN, "with several keys it must be named"),
    ]  # fmt: skip
    good = refused("eddsa_good", encoded(), ACCEPTED, "as PyJWT writes it")
    found.append(EdCase(**{**vars(good), "kind": "jwt_eddsa", "key": CURRENT.id, "subject": "ada", "end": END}))
    return found

