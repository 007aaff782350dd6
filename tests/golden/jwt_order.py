"""JWT cases with two faults at once: the check that comes first in the list names the refusal."""

import json
from itertools import combinations

from cases import JWT_CAP, NOW, Case, Key, base64url
from jwt_tokens import CURRENT, HEADER, LONGEST, STRANGER, claims, mac, refused

FAULTS = [
    "credential_too_long",
    "token_malformed",
    "algorithm_not_allowed",
    "header_parameter_not_allowed",
    "key_unknown",
    "signature_invalid",
    "key_retired",
    "claims_malformed",
    "issuer_not_allowed",
    "audience_not_allowed",
    "session_not_yet_valid",
    "session_expired",
    "session_lifetime_too_long",
]


def cases() -> list[Case]:
    several = [
        refused(f"every_fault_from_{first}_on", faulty(faults), first, "the first check speaks", keys=ring(faults))
        for first, faults in ((first, set(FAULTS[place:])) for place, first in enumerate(FAULTS[:-2]))
    ]
    pairs = [
        refused(
            f"{first}_before_{second}", faulty({first, second}), first, "the earlier check speaks", keys=ring({first, second})
        )
        for first, second in combinations(FAULTS, 2)
    ]
    return several + pairs


def ring(faults: set[str]) -> tuple[Key, ...]:
    return (Key(CURRENT.id, CURRENT.secret, NOW),) if "key_retired" in faults else (CURRENT,)


def faulty(faults: set[str]) -> bytes:
    """A token with exactly these faults (a retired key is the ring's fault, not the token's)."""
    header, payload, secret = dict(HEADER), claims(), CURRENT.secret
    if "algorithm_not_allowed" in faults:
        header["alg"] = "HS384"
    if "header_parameter_not_allowed" in faults:
        header["crit"] = ["exp"]
    if "key_unknown" in faults:
        header["kid"] = "nobody"
    if "signature_invalid" in faults:
        secret = STRANGER.secret
    if "claims_malformed" in faults:
        payload["sub"] = "ada\0"
    if "issuer_not_allowed" in faults:
        payload["iss"] = "https://attacker.example"
    if "audience_not_allowed" in faults:
        payload["aud"] = "https://training.example.org/"
    if "session_not_yet_valid" in faults:
        payload["nbf"] = NOW + 600
    if "session_expired" in faults:
        payload |= {"iat": NOW - 600, "exp": NOW - 300}
    if "session_lifetime_too_long" in faults:
        payload["iat" if "session_expired" in faults else "exp"] += -LONGEST if "session_expired" in faults else LONGEST
    if "credential_too_long" in faults:
        payload["padding"] = "x" * JWT_CAP
    segments = [json.dumps(part, separators=(",", ":")).encode() for part in (header, payload)]
    message = ".".join(map(base64url, segments))
    ending = "." if "token_malformed" in faults else ""
    return f"{message}.{base64url(mac(message, secret))}{ending}".encode()
