"""How the Bokeh cases make their ids and tokens: with bokeh's own functions, clock stopped and dice loaded."""

import json

from bokeh.util import token as original

from cases import ACCEPTED, NOW, Case, Key, base64url, secret
from originals import clock, dice


def utf8_secret(name: str) -> bytes:
    """44 letters and digits, as `bokeh secret` prints them."""
    return (secret(name).hex())[:44].encode()


CURRENT = Key("bokeh", utf8_secret("bokeh"))
OLD = Key("bokeh-old", utf8_secret("bokeh old"), retire_at=NOW + 86400)
STRANGER = Key("bokeh", utf8_secret("bokeh stranger"))
RING = (CURRENT,)
TWO = (CURRENT, OLD)

EXPIRY = NOW + 300  # bokeh's default: tokens live five minutes


def session_id(seed: int | str = 1, key: Key = CURRENT) -> str:
    """bokeh's own id: its 44 characters come from a seed, or are the given text."""
    with dice(seed):
        return original.generate_session_id(key.secret, signed=True)


def unsigned_id(seed: int = 1) -> str:
    with dice(seed):
        return original.generate_session_id(None, signed=False)


def signed(base: str, key: Key = CURRENT) -> str:
    """Any base under bokeh's own signature, which does not ask what it signs."""
    return f"{base}.{original._signature(base, key.secret)}"


def token(inner: str | None = None, key: Key = CURRENT, now: int = NOW, expiration: int = 300, extra: dict | None = None) -> str:
    """bokeh's own token, made at `now`."""
    with clock(now):
        return original.generate_jwt_token(
            session_id(key=key) if inner is None else inner,
            key.secret,
            signed=True,
            extra_payload=extra,
            expiration=expiration,
        )


def payload_text(**changes: str | None) -> str:
    """A token's JSON as bokeh spaces it; the changes are raw JSON, None leaves a member out."""
    usual = {"session_id": json.dumps(session_id()), "session_expiry": str(EXPIRY)}
    members = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    return "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"


def signed_payload(payload: str | bytes, key: Key = CURRENT) -> str:
    """Any payload under bokeh's own signature."""
    return signed(base64url(payload.encode() if isinstance(payload, str) else payload), key)


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def accepted(kind: str, name: str, text: str | bytes, why: str, *, key=CURRENT.id, keys=RING, now=NOW, end=None) -> Case:
    """`end` is the key's retirement, if any: an id never expires, and a token's expiry does not bound the stream."""
    return Case(name, kind, as_bytes(text), keys, ACCEPTED, why, now, key=key, end=end)


def refused(kind: str, name: str, text: str | bytes, reason: str, why: str, *, keys=RING, now=NOW) -> Case:
    return Case(name, kind, as_bytes(text), keys, reason, why, now)


def ring_cases(kind: str, make) -> list[Case]:
    """Which key, and until when: the same for ids and tokens, which `make(key)` signs."""
    invalid, retired = "signature_invalid", "key_retired"
    newline = Key("bokeh", CURRENT.secret + b"\n")
    accented = Key("bokeh", "Schlüssel-für-die-Anzeigetafel-№1-und-№2".encode())
    long = Key("bokeh", CURRENT.secret * 3)
    retiring = {second: (CURRENT, Key(OLD.id, OLD.secret, second)) for second in (NOW - 1, NOW, NOW + 1)}
    ends = OLD.retire_at

    def name(text: str) -> str:
        return f"{kind}_{text}"

    return [
        accepted(kind, name("first_of_two_keys"), make(CURRENT), "every key is tried", keys=TWO),
        accepted(kind, name("second_of_two_keys"), make(OLD), "every key is tried", keys=TWO, key=OLD.id, end=ends),
        accepted(kind, name("ring_in_other_order"), make(CURRENT), "the order means nothing", keys=TWO[::-1]),
        refused(kind, name("removed_key"), make(OLD), invalid, "no longer in the ring"),
        refused(kind, name("stranger"), make(STRANGER), invalid, "another secret"),
        refused(kind, name("stranger_and_two_keys"), make(STRANGER), invalid, "another secret", keys=TWO),
        refused(kind, name("newline_in_the_signing_key"), make(newline), invalid, "a newline is part of the secret"),
        refused(kind, name("newline_in_the_ring"), make(CURRENT), invalid, "a newline is part of the secret", keys=(newline,)),
        accepted(kind, name("newline_in_both"), make(newline), "a newline is part of the secret", keys=(newline,)),
        accepted(kind, name("secret_beyond_ascii"), make(accented), "the secret's UTF-8 bytes", keys=(accented,)),
        accepted(kind, name("secret_of_132_bytes"), make(long), "HMAC hashes keys over 64 bytes", keys=(long,)),
        accepted(kind, name("secret_with_trailing_nul"), make(Key("bokeh", CURRENT.secret + b"\0")), "HMAC fills with zeros"),
        refused(kind, name("secret_in_upper_case"), make(Key("bokeh", CURRENT.secret.upper())), invalid, "other letters"),
        refused(kind, name("secret_cut"), make(Key("bokeh", CURRENT.secret[:-1])), invalid, "a prefix of the secret"),
        refused(kind, name("key_retired_a_second_ago"), make(OLD), retired, "no skew for keys", keys=retiring[NOW - 1]),
        refused(kind, name("key_retires_now"), make(OLD), retired, "from this second on", keys=retiring[NOW]),
        accepted(kind, name("key_retires_next"), make(OLD), "its last second", keys=retiring[NOW + 1], key=OLD.id, end=NOW + 1),
        accepted(kind, name("key_retires_in_half_a_second"), make(OLD), "now may be fractional", keys=retiring[NOW],
                 key=OLD.id, now=NOW - 0.5, end=NOW),
        refused(kind, name("key_retired_half_a_second_ago"), make(OLD), retired, "now may be fractional",
                keys=retiring[NOW], now=NOW + 0.5),
        accepted(kind, name("retired_key_beside"), make(CURRENT), "another key's retirement means nothing", keys=retiring[NOW]),
        refused(kind, name("retired_and_wrong"), make(STRANGER), invalid, "the signature first", keys=retiring[NOW]),
    ]  # fmt: skip
